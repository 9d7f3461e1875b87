"""Opening: a new file, an old one, somebody else's, a damaged one."""

from __future__ import annotations

import os
import stat
import uuid
from pathlib import Path

import apsw
import pytest

from bmaddb import errors as e
from bmaddb.device.store import Store
from bmaddb.entropy import SeededEntropy
from bmaddb.modules.registry import catalog_with, default_catalog
from bmaddb.schema import Catalog, Module, UserRecord, integer, text
from bmaddb.schema.evolution import AddColumn, CreateTable, Migration
from bmaddb.testing import ManualClock, PowerDisk, Trouble
from tests.store.shelf import LIBRARY, OTHER_USER, USER, Book, Genre, library


def opened(path: Path, catalog: Catalog | None = None, **options: object) -> Store:
    given = {"clock": ManualClock(), "entropy": SeededEntropy(2), "durability": "normal", **options}
    return Store(path, catalog or library(), **given)  # type: ignore[arg-type]


def test_a_new_file_is_set_up_as_promised(path: Path) -> None:
    with opened(path, user=USER, durability="full") as store:
        assert store.fresh
        with store.write(), store.read() as connection:
            asked = ("journal_mode", "synchronous", "foreign_keys", "cell_size_check")
            assert [connection.pragma(name) for name in asked] == ["wal", 2, 1, 1]
            assert connection.cache_stats()["size"] == 512
        device_id = store.device_id
    with opened(path) as store:
        assert not store.fresh
        assert (store.user, store.device_id) == (USER, device_id)
        with store.write(), store.read() as connection:
            assert connection.pragma("synchronous") == 1


def test_a_new_file_is_its_owners_alone_and_one_that_is_there_stays_as_open_as_it_is(path: Path) -> None:
    for mode in (0o600, 0o640):
        with opened(path, user=USER) as store:
            with store.write() as tx:
                tx.insert(Book, title="A")
            found = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.glob(f"{path.name}*")}
            assert found == dict.fromkeys([path.name, f"{path.name}-wal", f"{path.name}-shm"], mode)
        path.chmod(0o640)


def test_the_default_catalog_opens(path: Path) -> None:
    with opened(path, default_catalog(), user=USER, seed=True) as store:
        assert store.sql("select count(*) from sqlite_schema where type = 'table'")[0][0] >= 50
        seeds = store.catalog.seeds()
        assert {name: store.sql(f'select count(*) from "{name}"')[0][0] for name in seeds} == {
            name: len(rows) for name, rows in seeds.items()
        }


def test_seeds_are_planted_only_when_asked_and_only_once(tmp_path: Path) -> None:
    with opened(tmp_path / "bare.db") as store:
        assert store.query(Genre).count() == 0
    for _ in range(2):
        with opened(tmp_path / "seeded.db", seed=True) as store:
            assert [genre.label for genre in store.query(Genre).order_by(Genre.id).all()] == [
                "Roman",
                "Gedicht",
            ]


def test_a_file_belongs_to_the_first_user_it_meets(path: Path) -> None:
    with opened(path) as store:
        assert store.user is None
        with (
            store.write() as tx,
            pytest.raises(e.StoreError, match="belong to a user, and the file has none"),
        ):
            tx.insert(Book, title="a")
    with opened(path, user=USER.upper()) as store, store.write() as tx:
        assert tx.insert(Book, title="a").user_id == USER
    with opened(path, user=uuid.UUID(USER)) as store:
        assert store.user == USER
    with pytest.raises(e.StoreError, match="the file belongs to another user"):
        opened(path, user=OTHER_USER)
    with pytest.raises(e.StoreError, match="a user is named by a UUID"):
        opened(path, user="me")
    with opened(path) as store:
        assert store.query(Book).count() == 1


def test_a_file_newer_than_the_program_is_left_alone(path: Path) -> None:
    with opened(path, library(15), user=USER) as store, store.write() as tx:
        tx.insert(Book, title="a")
    before = path.read_bytes()
    with pytest.raises(e.MigrationError, match="the file has schema version 15, this program knows 14") as refused:
        opened(path)
    assert "the catalog it was made with (--catalog)" in str(refused.value.hint)
    assert path.read_bytes() == before


@pytest.mark.parametrize("check", ["length(name", "name <> other", "known(name)"])
def test_a_check_that_sqlite_cannot_read_is_named(path: Path, check: str) -> None:
    class Broken(UserRecord, table="broken_things"):
        pages = integer(default=0, check="pages >= 0")
        name = text(check=check)

    module = Module(name="broken", purpose="For a test.", records=(Broken,))
    with pytest.raises(e.MigrationError, match=r"the check of broken_things\.name cannot be read: ") as refused:
        opened(path, catalog_with(module, include_defaults=False), user=USER)
    assert "SQLite and Postgres both read" in str(refused.value.hint)
    with opened(path, user=USER) as store:
        assert store.fresh, "nothing was made"


class Wing(UserRecord, table="wings"):
    """What version 15 adds."""

    name = text()


class OldLoan(UserRecord, table="loans"):
    """Before."""

    note = text(default="")


class NewLoan(UserRecord, table="loans"):
    """After."""

    note = text(default="")
    days = integer(default=14)


OLD = Catalog([Module(name="m", purpose="", records=(OldLoan,))])
NEW = Catalog([Module(name="m", purpose="", records=(NewLoan, Wing))], version=15)
STEPS = (Migration(15, (AddColumn("loans", "days", integer(default=14)), CreateTable(Wing))),)


def test_an_older_file_is_brought_up_with_its_rows(path: Path) -> None:
    with opened(path, OLD, user=USER) as store, store.write() as tx:
        tx.insert(OldLoan, id="l", note="n")
    with opened(path, NEW, migrations=STEPS) as store, store.write() as tx:
        loan = tx.get(NewLoan, "l")
        assert loan is not None
        assert (loan.note, loan.days, tx.insert(Wing, name="w").name) == ("n", 14, "w")
        assert store.meta_get("schema_version") == "15"
        with store.read() as connection:
            assert connection.pragma("foreign_keys") == 1
    with opened(path, NEW) as store:
        assert store.query(Wing).count() == 1


@pytest.mark.parametrize(
    "steps",
    [
        (),
        (Migration(15, (CreateTable(Wing),)),),
        (
            Migration(
                15,
                (AddColumn("loans", "days", integer(default=14)), AddColumn("shelf", "x", text(null=True))),
            ),
        ),
    ],
    ids=["none", "incomplete", "nonsense"],
)
def test_a_file_that_cannot_be_brought_up_stays_as_it_is(path: Path, steps: tuple[Migration, ...]) -> None:
    with opened(path, OLD, user=USER) as store, store.write() as tx:
        tx.insert(OldLoan, id="l", note="n")
    with pytest.raises(e.MigrationError):
        opened(path, NEW, migrations=steps)
    with opened(path, OLD) as store:
        assert store.meta_get("schema_version") == "14"
        assert [loan.note for loan in store.query(OldLoan).all()] == ["n"]
        assert store.sql("select count(*) from sqlite_schema where name = 'wings'") == [(0,)]


def test_a_module_may_come_along_without_a_new_version(path: Path) -> None:
    with opened(path, user=USER) as store, store.write() as tx:
        tx.insert(Book, title="a")
    more = Catalog([LIBRARY, Module(name="more", purpose="", records=(Wing,))])
    with opened(path, more) as store, store.write() as tx:
        tx.insert(Wing, name="w")
        assert tx.query(Book).count() == 1
    with opened(path) as store:
        assert store.query(Book).count() == 1


def test_other_columns_under_the_same_version_are_refused(path: Path) -> None:
    opened(path, OLD).close()
    same_version = Catalog([Module(name="m", purpose="", records=(NewLoan,))])
    with pytest.raises(e.MigrationError, match="loans has other columns in the file: days"):
        opened(path, same_version)


@pytest.mark.parametrize("mode", ["delete", "wal", "left wal"])
def test_a_database_of_another_program_is_left_alone(path: Path, mode: str) -> None:
    other = apsw.Connection(str(path))
    other.pragma("journal_mode", mode.removeprefix("left "))
    other.execute("create table theirs (x); insert into theirs values (1)")
    if mode == "left wal":  # as a program leaves it that was killed
        other.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    other.close()
    before = {file.name: file.read_bytes() for file in path.parent.iterdir() if not file.name.endswith("-shm")}
    assert (f"{path.name}-wal" in before) is (mode == "left wal")
    with pytest.raises(e.StoreError, match="the file is a database of another program"):
        opened(path)
    after = {file.name: file.read_bytes() for file in path.parent.iterdir() if not file.name.endswith("-shm")}
    assert {name: text for name, text in after.items() if text} == before


def test_a_file_that_is_no_database_is_left_alone(path: Path) -> None:
    path.write_bytes(b"Dear diary, " * 500)
    with pytest.raises(e.StoreCorrupt, match="not a database"):
        opened(path)
    assert path.read_bytes() == b"Dear diary, " * 500


def test_damage_is_noticed_and_named(path: Path) -> None:
    with opened(path, user=USER) as store, store.write() as tx:
        tx.insert_many(Book, [{"title": "x" * 300, "pages": index} for index in range(500)])
    data = bytearray(path.read_bytes())
    for page in range(8, len(data) // 4096):
        data[page * 4096 : page * 4096 + 200] = os.urandom(200)
    path.write_bytes(data)
    with pytest.raises(e.StoreCorrupt), opened(path) as store:
        store.query(Book).order_by(Book.title).all()


@pytest.mark.parametrize("path_text", ["", ":memory:", "file:x?mode=memory", "a\0b"])
def test_a_store_is_a_file(path_text: str) -> None:
    with pytest.raises(e.StoreError, match="is not a path of a file"):
        opened(Path(path_text) if path_text and "\0" not in path_text else path_text)  # type: ignore[arg-type]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    for place in (tmp_path / "missing" / "device.db", tmp_path):
        with pytest.raises(e.StoreError, match="cannot be opened"):
            opened(place)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(e.StoreError, match="cannot be opened"):
        opened(tmp_path / "device.db")


def test_a_file_that_cannot_be_written_is_named(path: Path) -> None:
    opened(path).close()
    with PowerDisk(SeededEntropy(1)) as disk:
        disk.fail(Trouble.READ_ONLY)
        with pytest.raises(e.StoreError, match="is read-only"):
            opened(path, vfs=disk.name)


def test_an_unknown_durability_is_refused(path: Path) -> None:
    with pytest.raises(e.StoreError, match="no durability 'off'"):
        opened(path, durability="off")
    assert not path.exists()
