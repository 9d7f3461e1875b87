"""Keys: made by chance, kept by the system's key store, never by one that keeps them readable."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backends.fail
import pytest
from keyring.backend import KeyringBackend

import bmaddb
from bmaddb import errors as e
from bmaddb import keys
from tests.support.key_store import MemoryKeyStore, ReadableKeyStore


def use(store: KeyringBackend) -> None:
    keyring.set_keyring(store)


@pytest.fixture
def key_store() -> Iterator[MemoryKeyStore]:
    before = keyring.get_keyring()
    store = MemoryKeyStore()
    use(store)
    yield store
    use(before)


def test_a_key_is_made_once_and_opens_the_file_ever_after(key_store: MemoryKeyStore, tmp_path: Path) -> None:
    with bmaddb.open(tmp_path / "a.db", key=keys.from_keyring("anna")) as db:
        device = db.device_id
    assert len(key_store.kept) == 1
    with bmaddb.open(tmp_path / "a.db", key=keys.from_keyring("anna", create=False)) as db:
        assert db.device_id == device
    assert keys.from_keyring("bram") != keys.from_keyring("anna")
    keys.forget_in_keyring("anna")
    keys.forget_in_keyring("anna")
    with pytest.raises(e.SettingsError, match="has no key 'anna'"):
        keys.from_keyring("anna", create=False)


def test_a_key_in_the_store_is_never_overwritten(key_store: MemoryKeyStore) -> None:
    first = keys.from_keyring("anna")
    keys.put_in_keyring("anna", first)
    with pytest.raises(e.SettingsError, match="keeps another key"):
        keys.put_in_keyring("anna", keys.new_key())
    assert keys.from_keyring("anna") == first


def test_a_store_that_does_not_keep_is_noticed_before_anything_is_encrypted(key_store: MemoryKeyStore) -> None:
    key_store.forgetful = True
    with pytest.raises(e.SettingsError, match="did not keep the key"):
        keys.from_keyring("anna")


def test_a_locked_store_says_so(key_store: MemoryKeyStore) -> None:
    key_store.locked = True
    with pytest.raises(e.SettingsError, match="the key store refuses: the collection is locked"):
        keys.from_keyring("anna")


@pytest.mark.usefixtures("key_store")
@pytest.mark.parametrize("store", [keyring.backends.fail.Keyring, ReadableKeyStore], ids=["none", "readable"])
def test_without_a_store_to_trust_there_is_no_key(store: type[KeyringBackend]) -> None:
    use(store())
    with pytest.raises(e.SettingsError, match="no key store here can be trusted") as caught:
        keys.from_keyring("anna")
    assert "passphrase" in str(caught.value.hint)


def test_a_key_on_paper_is_the_key() -> None:
    key = keys.new_key()
    assert keys.key_from_text(f" {keys.key_as_text(key).upper()}\n") == key
    for text in ("", "00", "zz" * 32, "0" * 66):
        with pytest.raises(e.SettingsError, match="64 hexadecimal digits"):
            keys.key_from_text(text)


def test_a_key_and_a_passphrase_are_too_much(tmp_path: Path) -> None:
    with pytest.raises(e.SettingsError, match="a key or a passphrase"):
        bmaddb.open(tmp_path / "a.db", key=keys.new_key(), passphrase="a")
    assert not (tmp_path / "a.db").exists()
