"""`bmaddb <command>`: finds the command's file, runs it, and turns errors into one clear line.

Rules of this room: a command is a module named after it, with `HELP`, `configure(parser)` and
`run(options, settings) -> exit code`; adding one is that file and its name in COMMANDS. Results go to stdout,
all else to stderr. What a user can cause ends as `bmaddb: what (hint: what to do)` and exit code 1 (2 for a
wrong option, and for no command at all), never a traceback.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Protocol, cast

from bmaddb import errors as e
from bmaddb.settings import Settings, read_settings

COMMANDS = (
    "serve",
    "token",
    "schema",
    "outbox",
    "requests",
    "conflicts",
    "sync",
    "verify",
    "upkeep",
    "integrity",
    "health",
    "status",
    "export",
    "import",
    "backup",
    "restore",
    "salvage",
    "rekey",
    "key",
    "demo",
)
_FILES = {"import": "import_file"}
"""Where the file cannot have the command's name, which Python keeps for itself."""

EXIT_ERROR = 1
EXIT_MISUSED = 2
EXIT_INTERRUPTED = 130


class Command(Protocol):
    """The shape of a command's module; it is imported only when asked for."""

    HELP: str

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        ...

    def run(self, options: argparse.Namespace, settings: Settings) -> int:
        """Do it; answers the exit code."""
        ...


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and answer its exit code."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="bmaddb: %(message)s")
    words = sys.argv[1:] if arguments is None else arguments
    if not words:
        _parser(words).print_help(sys.stderr)
        return EXIT_MISUSED
    try:
        options = _parser(words).parse_args(words)
        answer = _command(options.command).run(options, read_settings(os.environ))
        if sys.stdout is not None:
            sys.stdout.flush()  # here a full disk can still be told
        return answer
    except e.BmadError as error:
        hint = f" (hint: {error.hint})" if error.hint else ""
        print(f"bmaddb: {error.message}{hint}", file=sys.stderr)
        return EXIT_ERROR
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has had enough
        return EXIT_ERROR
    except OSError as error:
        print(f"bmaddb: {error.strerror or error}", file=sys.stderr)
        return EXIT_ERROR


def _command(name: str) -> Command:
    return cast(Command, importlib.import_module(f"bmaddb.cli.{_FILES.get(name, name)}"))


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Knows only the command that is asked for (the others are not even imported), or all when none is."""
    asked = words[0] if words and words[0] in COMMANDS else None
    parser = argparse.ArgumentParser(
        prog="bmaddb", description="An offline-first database: SQLite on every device, Postgres between them."
    )
    parser.add_argument("--version", action="version", version=f"bmaddb {metadata.version('bmaddb')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name in [asked] if asked else COMMANDS:
        command = _command(name)
        command.configure(commands.add_parser(name, help=command.HELP, description=command.HELP))
    return parser
