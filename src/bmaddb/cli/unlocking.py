"""The options that say what opens an encrypted file; a secret itself never stands on the command line.

What stands there is in the history of the shell and in the list of processes. So a secret is typed at a terminal, read
from a file descriptor, taken from the environment or from the system's key store.
"""

from __future__ import annotations

import argparse
import os
import sys
from getpass import getpass
from typing import Final, TypedDict

from bmaddb import errors as e
from bmaddb.service import keys
from bmaddb.settings import Settings

SECRET_BYTES_MAX: Final = 4096


class Secrets(TypedDict, total=False):
    """What `bmaddb.open` takes: at most one of the two."""

    key: bytes
    passphrase: str


def add_secret_options(parser: argparse.ArgumentParser) -> None:
    """Let the user say what opens the file."""
    _add(parser, "", "the file's", "BMADDB_KEY or BMADDB_PASSPHRASE")


def add_new_secret_options(parser: argparse.ArgumentParser) -> None:
    """Let the user say what the file that is written is encrypted with, or that it is plain."""
    way = _add(parser, "new-", "the new", "BMADDB_NEW_KEY or BMADDB_NEW_PASSPHRASE")
    way.add_argument("--plain", action="store_true", help="do not encrypt it")


def chosen_secret(options: argparse.Namespace, settings: Settings, *, new: bool = False) -> Secrets:
    """What opens the file; nothing for a plain one. `new`: the file is made with it, so it is asked for twice."""
    return _read(options, "", settings.key, settings.passphrase, again=new)


def chosen_new_secret(options: argparse.Namespace, settings: Settings) -> Secrets:
    """What the file that is written is encrypted with, if anything was said."""
    if options.plain:
        return {}
    return _read(options, "new_", settings.new_key, settings.new_passphrase, again=True)


def _add(parser: argparse.ArgumentParser, prefix: str, whose: str, variables: str) -> argparse._MutuallyExclusiveGroup:
    way = parser.add_mutually_exclusive_group()
    way.add_argument(f"--{prefix}passphrase", action="store_true", help=f"ask for {whose} passphrase")
    way.add_argument(
        f"--{prefix}passphrase-fd", type=int, metavar="N", help=f"read {whose} passphrase from this file descriptor"
    )
    way.add_argument(
        f"--{prefix}key-fd", type=int, metavar="N", help=f"read {whose} key, 64 hexadecimal digits, from there"
    )
    way.add_argument(
        f"--{prefix}keyring",
        metavar="NAME",
        help=f"take {whose} key from the system's key store (else from ${variables.replace(' or ', ' or $')})",
    )
    return way


def _read(
    options: argparse.Namespace, prefix: str, key_text: str | None, passphrase: str | None, *, again: bool
) -> Secrets:
    said = {name: getattr(options, prefix + name) for name in ("passphrase", "passphrase_fd", "key_fd", "keyring")}
    if said["passphrase"]:
        return {"passphrase": _typed(again=again)}
    if said["passphrase_fd"] is not None:
        return {"passphrase": _line_of(said["passphrase_fd"])}
    if said["key_fd"] is not None:
        return {"key": keys.key_from_text(_line_of(said["key_fd"]))}
    if said["keyring"] is not None:
        return {"key": keys.from_keyring(said["keyring"], create=False)}
    if key_text is not None and passphrase is not None:
        raise e.SettingsError("the environment has a key and a passphrase", hint="leave one of them unset")
    if key_text is not None:
        return {"key": keys.key_from_text(key_text)}
    return {} if passphrase is None else {"passphrase": passphrase}


def _typed(*, again: bool) -> str:
    if sys.stdin is None or not sys.stdin.isatty():
        raise e.SettingsError("there is no terminal to ask at", hint="use --passphrase-fd or the environment")
    try:
        words = getpass("Passphrase: ")
        repeated = getpass("Once more: ") if again else words
    except (EOFError, UnicodeDecodeError):
        raise e.SettingsError("no passphrase was typed", hint="nothing was changed") from None
    if repeated != words:
        raise e.SettingsError("the two are not the same", hint="nothing was changed")
    return words


def _line_of(descriptor: int) -> str:
    """The first line of what can be read there."""
    try:
        with os.fdopen(descriptor, "rb", buffering=0, closefd=False) as file:
            return file.readline(SECRET_BYTES_MAX).rstrip(b"\r\n").decode()
    except (OSError, ValueError, TypeError, OverflowError) as error:
        raise e.SettingsError(f"nothing can be read from file descriptor {descriptor}: {error}") from None
