"""Keys: made by chance, kept by the system's key store, never by one that keeps them readable."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keyring
import keyring.backends.fail
import pytest
from keyring.backend import KeyringBackend

import bmaddb
from bmaddb import errors as e
from bmaddb import keys
from bmaddb.service import keys as keys_room
from tests.support.key_store import MemoryKeyStore, ReadableKeyStore


def use(store: KeyringBackend) -> None:
    keyring.set_keyring(store)


@pytest.fixture
def key_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryKeyStore]:
    monkeypatch.setenv("HOME", str(tmp_path))
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


@pytest.mark.parametrize("wrong", [b"bytes", 12, "half a letter \ud800"], ids=["bytes", "int", "surrogate"])
def test_a_passphrase_that_is_no_text_is_refused_in_words(tmp_path: Path, wrong: Any) -> None:
    with pytest.raises(e.StoreError, match="a passphrase") as caught:
        bmaddb.open(tmp_path / "a.db", passphrase=wrong)
    assert caught.value.hint
    assert "half a letter" not in "".join(traceback.format_exception(caught.value)).replace(repr(wrong), "")
    assert not (tmp_path / "a.db").exists()
    with bmaddb.open(tmp_path / "b.db") as db, pytest.raises(e.StoreError, match="a passphrase"):
        db.rekey(passphrase=wrong)


class SlowKeyStore(MemoryKeyStore):
    """Another program comes while the first one is about to set its key."""

    def __init__(self, comes: Callable[[], object]) -> None:
        super().__init__()
        self.comes: list[Callable[[], object]] = [comes]

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.comes:
            thread = threading.Thread(target=self.comes.pop())
            thread.start()
            thread.join()
        super().set_password(service, username, password)


@pytest.mark.usefixtures("key_store")
@pytest.mark.parametrize("way", ["make", "put"])
def test_two_that_make_the_first_key_at_once_have_one(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    monkeypatch.setattr(keys_room, "WAIT_MS_MAX", 0)
    refused: list[e.SettingsError] = []
    made: list[bytes] = []

    def other() -> None:
        try:
            made.append(keys.from_keyring("anna"))
        except e.SettingsError as error:
            refused.append(error)

    use(SlowKeyStore(other))
    if way == "make":
        made.append(keys.from_keyring("anna"))
    else:
        made.append(keys.new_key())
        keys.put_in_keyring("anna", made[0])
    assert [error.message for error in refused] == ["another program puts a key into the key store"]
    assert made == [keys.from_keyring("anna")], "what the first one encrypted with is what is kept"


@pytest.mark.usefixtures("key_store")
def test_no_key_is_made_where_nothing_can_be_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    with pytest.raises(e.SettingsError, match="cannot be written"):
        keys.from_keyring("anna")
