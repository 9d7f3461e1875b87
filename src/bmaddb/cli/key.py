"""`bmaddb key`: the keys the system's key store keeps, and a way to keep one on paper."""

from __future__ import annotations

import argparse

from bmaddb import errors as e
from bmaddb.cli.unlocking import add_secret_options, chosen_secret
from bmaddb.service import keys
from bmaddb.settings import Settings

HELP = "make a key in the system's key store, show it to be kept on paper, put one back, forget one"
_ACTIONS = ("create", "show", "put", "forget")


def configure(parser: argparse.ArgumentParser) -> None:
    """What to do with which key."""
    parser.add_argument("action", choices=_ACTIONS, help="put: the key comes from --key-fd or $BMADDB_KEY")
    parser.add_argument("name", metavar="NAME", help="under which name it is kept")
    add_secret_options(parser)


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Do it; only `show` prints a key."""
    name = options.name
    if options.action == "create":
        keys.put_in_keyring(name, keys.new_key())
        print(f"{name}: a new key; `bmaddb key show {name}` prints it, keep it where the file is not")
    elif options.action == "show":
        print(keys.key_as_text(keys.from_keyring(name, create=False)))
    elif options.action == "put":
        key = chosen_secret(options, settings).get("key")
        if key is None:
            raise e.SettingsError("there is no key to put", hint="--key-fd N, or $BMADDB_KEY")
        keys.put_in_keyring(name, key)
        print(f"{name}: kept")
    else:
        keys.forget_in_keyring(name)
        print(f"{name}: forgotten")
    return 0
