"""Where the key of an encrypted file comes from: the system's key store, a passphrase, or the application itself.

Rules of this room: a key is made by chance and never falls back to a place that keeps it readable. What holds a
key in memory can be read there by whoever can read the memory of the process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import apsw

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.device.store import Passphrase, Secret
from bmaddb.device.store.cipher import KEY_BYTES
from bmaddb.entropy import Entropy, SystemEntropy

KEYRING_SERVICE: Final = "bmaddb"
WAIT_MS_MAX: Final = 60_000
"""So long another program may take to put a key there: it may have to ask its user."""
_LOCK_FOLDER: Final = ".local/share/bmaddb"
_LOCK_NAME: Final = "keys.lock"
"""Below the home of the user, whatever the environment says: the key store is the user's too."""
_SQL: Final = statements.load("bmaddb.service", "keys.sql")
_SAFE_PRIORITY_MIN: Final = 1
"""Below it `keyring` itself does not recommend a key store: those that keep files readable, among others."""


def new_key(entropy: Entropy | None = None) -> bytes:
    """32 bytes by chance."""
    return (entropy or SystemEntropy()).random_bytes(KEY_BYTES)


def key_from_text(text: str) -> bytes:
    """The key that `key_as_text` wrote; SettingsError for anything else."""
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise e.SettingsError(f"a key is written as {2 * KEY_BYTES} hexadecimal digits")
    return key


def key_as_text(key: bytes) -> str:
    """A key on paper, for the day the key store is gone: hexadecimal digits."""
    return key.hex()


def from_keyring(name: str, *, service: str = KEYRING_SERVICE, create: bool = True) -> bytes:
    """The key the system's key store keeps under `name`; made and put there when there is none.

    `create=False` makes none and raises SettingsError instead: for a file that must be there already. Needs the
    extra `encryption`. SettingsError when there is no key store one can trust (a server without a desktop, say).
    """
    store = _key_store()
    kept = _asked(lambda: store.get_password(service, name))
    if kept is not None:
        return key_from_text(kept)
    if not create:
        raise e.SettingsError(
            f"the key store has no key '{name}'", hint="was the file made by another user or machine?"
        )
    with _alone():
        kept = _asked(lambda: store.get_password(service, name))  # again: another program may just have made one
        if kept is not None:
            return key_from_text(kept)
        key = new_key()
        _put(store, name, key, service)
    return key


def put_in_keyring(name: str, key: bytes, *, service: str = KEYRING_SERVICE) -> None:
    """Keep this key under `name`; SettingsError when another one is kept there, for it may be the only copy."""
    store = _key_store()
    with _alone():
        _put(store, name, key, service)


def _put(store: Any, name: str, key: bytes, service: str) -> None:
    text = key_as_text(key)
    kept = _asked(lambda: store.get_password(service, name))
    if kept not in (None, text):
        raise e.SettingsError(f"the key store keeps another key as '{name}'", hint="choose another name")
    _asked(lambda: store.set_password(service, name, text))
    if _asked(lambda: store.get_password(service, name)) != text:
        raise e.SettingsError("the key store did not keep the key", hint="nothing was encrypted with it yet")


def forget_in_keyring(name: str, *, service: str = KEYRING_SERVICE) -> None:
    """Remove the key: without another copy of it the file can never be read again. Again is fine."""
    store = _key_store()
    if _asked(lambda: store.get_password(service, name)) is not None:
        _asked(lambda: store.delete_password(service, name))


def secret_of(key: bytes | None, passphrase: str | None) -> Secret | None:
    """What opens a file, of the two ways to say it; SettingsError for both at once, StoreError for no text."""
    if key is not None and passphrase is not None:
        raise e.SettingsError("give a key or a passphrase, not both")
    return key if passphrase is None else Passphrase(passphrase)


@contextmanager
def _alone() -> Iterator[None]:
    """Nobody else of this user puts a key into the key store meanwhile; it goes when the process does.

    A key store cannot look and set at once. The lock is SQLite's own, on an empty file: the same on every system.
    """
    try:
        folder = os.path.join(os.path.expanduser("~"), _LOCK_FOLDER)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        lock = apsw.Connection(os.path.join(folder, _LOCK_NAME))
    except (OSError, apsw.Error):
        raise e.SettingsError(
            f"no key can be put into the key store: ~/{_LOCK_FOLDER} cannot be written",
            hint="make it writable, or bring the key yourself",
        ) from None
    try:
        lock.set_busy_timeout(WAIT_MS_MAX)
        try:
            lock.execute(_SQL["alone"])
        except apsw.Error:
            raise e.SettingsError("another program puts a key into the key store", hint="try again") from None
        yield
    finally:
        lock.close(True)


def _key_store() -> Any:
    try:
        import keyring
    except ModuleNotFoundError as missing:
        raise e.SettingsError("there is no way to the key store", hint="pip install 'bmaddb[encryption]'") from missing
    store = keyring.get_keyring()
    for backend in getattr(store, "backends", [store]):
        if backend.priority < _SAFE_PRIORITY_MIN or type(backend).__module__.startswith(
            ("keyrings.alt", "keyring.backends.null")
        ):
            raise e.SettingsError(
                f"no key store here can be trusted with a key ({type(backend).__module__})",
                hint="open the file with a passphrase, or bring the key yourself",
            )
    return store


def _asked(call: Any) -> Any:
    from keyring.errors import KeyringError

    try:
        return call()
    except KeyringError as error:
        raise e.SettingsError(f"the key store refuses: {error}", hint="unlock it, or use a passphrase") from error
