"""`bmaddb restore BACKUP FILE`: a file to work with, made of a backup."""

from __future__ import annotations

import argparse
from pathlib import Path

from bmaddb.cli.unlocking import add_secret_options, chosen_secret
from bmaddb.service import restore
from bmaddb.settings import Settings

HELP = "make a file to work with of a backup; it is a device of its own, and the next sync brings what is missing"


def configure(parser: argparse.ArgumentParser) -> None:
    """From where to where."""
    parser.add_argument("backup", type=Path, metavar="BACKUP", help="what `bmaddb backup` wrote")
    parser.add_argument("file", type=Path, metavar="FILE", help="the new file; nothing may be there yet")
    add_secret_options(parser)


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Make it."""
    restore(options.backup, options.file, **chosen_secret(options, settings))
    print(f"{options.file}: restored; it opens with what the backup opens with")
    return 0
