"""Backups: a copy of a file while it is in use, and a file made of a copy, as a device of its own."""

from __future__ import annotations

import os

from bmaddb import errors as e
from bmaddb.device.store import Secret, Store, meta
from bmaddb.device.store.cipher import key_of_file, new_file_key, read_head
from bmaddb.device.store.connection import checked_path, open_reader
from bmaddb.device.store.copies import copy_to
from bmaddb.device.sync.identity import become_another_device
from bmaddb.entropy import Entropy, SystemEntropy
from bmaddb.service.keys import secret_of


def back_up(store: Store, path: str | os.PathLike[str], secret: Secret | None, *, plain: bool) -> None:
    """A copy of the open file at `path`: under `secret`, `plain`, or else just as the file is encrypted."""
    if secret is not None and plain:
        raise e.SettingsError("a backup is plain or has a key, not both")
    key = store.key if secret is None else new_file_key(secret, store.entropy)
    store.backup(path, None if plain else key)


def restore(
    backup: str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    key: bytes | None = None,
    passphrase: str | None = None,
    entropy: Entropy | None = None,
) -> None:
    """Make of `backup` a file at `path` to work with, encrypted as the backup is; nothing may be there yet.

    It is a device of its own: what waits in it is sent under new numbers, and what happened since the backup comes
    back from the server. The backup stays as it is. WrongKey, StoreCorrupt, StoreError; then there is no new file.
    """
    source, target = checked_path(backup), checked_path(path)
    if not os.path.isfile(source):
        raise e.StoreError(f"there is no file {source}")
    secret, chance = secret_of(key, passphrase), entropy or SystemEntropy()
    opened_with = key_of_file(read_head(source, None), secret)
    reader = open_reader(source, opened_with)
    try:
        if reader.pragma("application_id") not in (meta.BACKUP_ID, meta.APPLICATION_ID):
            raise e.StoreError(f"{source} is no backup of a bmaddb file", hint="check the path")
        copy_to(reader, target, opened_with, chance, lambda copy: become_another_device(copy, chance))
    finally:
        reader.close(True)
