"""An encrypted file: what opens it, what refuses, how a wrong key differs from a damaged file, other keys."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import apsw
import pytest

from bmaddb import errors as e
from bmaddb.device.store import Passphrase, Secret, Store
from bmaddb.device.store.cipher import HEAD_BYTES
from bmaddb.entropy import SeededEntropy
from bmaddb.testing import ManualClock
from tests.store.shelf import USER, Author, library

KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))
WORDS = Passphrase("a café at 7")
PAGE_BYTES = 4096


def opened(path: Path, secret: Secret | None = None, *, seed: int = 2) -> Store:
    return Store(path, library(), clock=ManualClock(), entropy=SeededEntropy(seed), user=USER, key=secret)


def filled(path: Path, secret: Secret | None, count: int = 1) -> None:
    with opened(path, secret) as store, store.write() as tx:
        tx.insert_many(Author, [{"name": f"a very secret name {number}"} for number in range(count)])


def names(store: Store) -> set[str]:
    return {author.name for author in store.query(Author).all()}


@pytest.mark.parametrize("secret", [KEY, WORDS], ids=["key", "passphrase"])
def test_a_file_opens_with_its_secret_only(path: Path, secret: Secret) -> None:
    filled(path, secret)
    assert b"secret" not in path.read_bytes()
    with pytest.raises(e.WrongKey, match="the file is encrypted"):
        opened(path)
    for wrong, said in ((OTHER_KEY, "the key is wrong"), (Passphrase("a cafe at 7"), "passphrase is wrong|not with a")):
        with pytest.raises(e.WrongKey, match=said):
            opened(path, wrong)
    with opened(path, secret) as store:
        assert names(store) == {"a very secret name 0"}


def test_words_are_the_same_however_they_were_typed(path: Path) -> None:
    composed, apart = (unicodedata.normalize(form, WORDS.text) for form in ("NFC", "NFD"))
    assert composed != apart
    filled(path, Passphrase(composed))
    opened(path, Passphrase(apart)).close()


@pytest.mark.parametrize("bad", [b"short", Passphrase(""), Passphrase("x" * 1025)], ids=["key", "none", "long"])
def test_what_is_no_secret_makes_no_file(path: Path, bad: Secret) -> None:
    with pytest.raises(e.StoreError, match=r"a key is 32 bytes|a passphrase has 1 to 1024 bytes"):
        opened(path, bad)
    assert not path.exists()


def test_a_secret_does_not_show_in_a_traceback() -> None:
    assert "café" not in repr(WORDS)


def test_a_plain_file_is_not_opened_with_a_key(path: Path) -> None:
    filled(path, None)
    for secret in (KEY, WORDS):
        with pytest.raises(e.WrongKey, match="the file is not encrypted"):
            opened(path, secret)


def test_a_damaged_page_is_not_taken_for_a_wrong_key(path: Path) -> None:
    filled(path, KEY)
    content = bytearray(path.read_bytes())
    content[HEAD_BYTES + 100] ^= 1
    path.write_bytes(content)
    with pytest.raises(e.StoreCorrupt, match="damaged"):
        opened(path, KEY)
    with pytest.raises(e.WrongKey):
        opened(path, OTHER_KEY)
    path.write_bytes(bytes(HEAD_BYTES) + content[HEAD_BYTES:])
    with pytest.raises(e.StoreCorrupt, match="does not begin as an encrypted one does"):
        opened(path, WORDS)


def test_a_head_of_a_later_kind_is_left_alone(path: Path) -> None:
    filled(path, KEY)
    content = bytearray(path.read_bytes())
    content[3] = 9
    path.write_bytes(content)
    with pytest.raises(e.StoreError, match="a newer program encrypted this file"):
        opened(path, KEY)


def test_a_file_whose_head_says_nothing_still_opens_with_its_key(path: Path) -> None:
    """As it was made before there was a head: its first bytes are chance."""
    filled(path, KEY)
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI)
    connection.pragma("cipher", "aegis")
    connection.pragma("key", f"raw:{KEY.hex()}")
    old = path.with_name("old.db")
    connection.execute("vacuum into ?", (f"file:{old}?cipher=aegis&key=raw:{KEY.hex()}{'07' * HEAD_BYTES}",))
    connection.close()
    assert old.read_bytes().startswith(b"\7" * HEAD_BYTES)
    with opened(old, KEY) as store:
        assert len(names(store)) == 1
    with pytest.raises(e.StoreCorrupt, match="or the key is wrong"):
        opened(old, OTHER_KEY)


def test_of_two_that_make_one_file_both_can_open_it(path: Path) -> None:
    """The second found no file either, and chose a salt of its own before the first had written its."""
    made: list[Store] = []

    class Slow(SeededEntropy):
        """While this one draws its salt, the other makes the file."""

        def random_bytes(self, count: int) -> bytes:
            if not made:
                made.append(opened(path, WORDS, seed=3))
            return super().random_bytes(count)

    with Store(path, library(), clock=ManualClock(), entropy=Slow(4), user=USER, key=WORDS) as second, made[0] as first:
        with first.write() as tx:
            tx.insert(Author, name="a")
        assert names(second) == {"a"}


@pytest.mark.parametrize(
    ("before", "after"),
    [(None, None), (None, KEY), (KEY, None), (KEY, OTHER_KEY), (KEY, WORDS)],
    ids=["plain", "encrypt", "decrypt", "rekey", "words"],
)
def test_rekey_leaves_everything_but_the_key(path: Path, before: Secret | None, after: Secret | None) -> None:
    filled(path, before, 200)
    path.chmod(0o640)
    with opened(path, before) as store:
        device, old_reader = store.device_id, store.query(Author)
        assert old_reader.count() == 200
        for _ in range(1 if after is WORDS else 2):
            store.rekey(after)
            with store.write() as tx:
                tx.insert(Author, name="later")
        assert old_reader.count() > 200
    assert {found.name for found in path.parent.iterdir()} == {path.name}
    assert (b"secret" in path.read_bytes()) is (after is None)
    assert path.stat().st_mode & 0o777 == 0o640
    with pytest.raises(e.WrongKey):
        opened(path, before if before is not after else KEY)
    with opened(path, after) as store:
        assert (store.device_id, len(names(store))) == (device, 201)
        with store.read() as connection:
            assert connection.pragma("integrity_check") == "ok"


def test_a_plain_file_larger_than_the_page_cache_gets_a_key(path: Path) -> None:
    filled(path, None, 20_000)
    with opened(path) as store:
        store.writing_connection.pragma("cache_size", 8)
        assert store.writing_connection.pragma("auto_vacuum") == 2
        store.rekey(KEY)
        assert len(names(store)) == 20_000


def test_rekey_through_a_link_rekeys_the_file_behind_it(path: Path, tmp_path: Path) -> None:
    filled(path, KEY)
    link = tmp_path / "link.db"
    link.symlink_to(path)
    with opened(link, KEY) as store:
        store.rekey(OTHER_KEY)
    assert link.is_symlink()
    with opened(path, OTHER_KEY) as store:
        assert len(names(store)) == 1


def test_rekey_beside_another_process_changes_nothing(path: Path) -> None:
    filled(path, KEY)
    with opened(path, KEY) as store:
        with opened(path, KEY):  # as another process has it
            with pytest.raises(e.StoreBusy, match="open elsewhere"):
                store.rekey(OTHER_KEY)
            assert len(names(store)) == 1
            with store.write() as tx:
                tx.insert(Author, name="goes on")
        store.rekey(OTHER_KEY)
        assert len(names(store)) == 2
    with opened(path, OTHER_KEY) as store:
        assert len(names(store)) == 2


def test_rekey_inside_a_write_is_refused(path: Path) -> None:
    with opened(path, KEY) as store, store.write(), pytest.raises(e.StoreError, match="inside a write"):
        store.rekey(OTHER_KEY)


def test_a_rekey_that_finds_damage_changes_nothing(path: Path) -> None:
    filled(path, KEY, 500)
    content = bytearray(path.read_bytes())
    content[-3 * PAGE_BYTES] ^= 1
    path.write_bytes(content)
    with opened(path, KEY) as store, pytest.raises(e.StoreCorrupt):
        store.rekey(None)
    assert path.read_bytes()[:HEAD_BYTES] == content[:HEAD_BYTES]
    assert not [found for found in path.parent.iterdir() if "rekeyed" in found.name]
