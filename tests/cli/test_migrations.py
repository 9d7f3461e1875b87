"""`--migrations`: each command that opens a file brings an older one up, and reads what waits in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import bmaddb
from bmaddb.cli.main import main
from bmaddb.modules.registry import catalog_with
from bmaddb.schema import Catalog, Module, Record, UserRecord, text
from bmaddb.schema.evolution import Migration, RenameColumn

USER = "0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f60"
URL = "http://127.0.0.1:1"


def catalog_of(version: int, record: type[Record]) -> Catalog:
    return catalog_with(Module(name="library", purpose="Books.", records=(record,)), version=version)


class Old(UserRecord, table="books"):
    """A book of version 14."""

    shelf = text()


class Book(UserRecord, table="books"):
    """A book of version 15."""

    place = text()


FIRST = catalog_of(14, Old)
CATALOG = catalog_of(15, Book)
ROAD = (Migration(15, (RenameColumn("books", "shelf", "place"),)),)
HERE = ["--catalog", f"{__name__}:CATALOG", "--migrations", f"{__name__}:ROAD"]
COMMANDS: dict[str, Callable[[Path], list[str]]] = {
    "conflicts": lambda _: [],
    "export": lambda folder: [str(folder / "all.zip")],
    "health": lambda _: [],
    "integrity": lambda _: [],
    "outbox": lambda _: [],
    "requests": lambda _: [],
    "status": lambda _: [],
    "upkeep": lambda _: ["--look"],
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of version 14, with a row and the entry of it."""
    path = tmp_path / "library.db"
    with bmaddb.open(path, user=USER, catalog=FIRST) as db, db.write() as tx:
        tx.insert(Old, shelf="top")
    return path


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_an_older_file_is_brought_up(path: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = [command, str(path), *COMMANDS[command](path.parent)]
    assert main([*words, *HERE[:2]]) != 0
    told = capsys.readouterr()
    assert "migrations are missing" in told.err + told.out
    assert main([*words, *HERE]) == 0, capsys.readouterr().err


def test_salvage_reads_what_waited_from_before_the_upgrade(path: Path) -> None:
    with bmaddb.open(path, catalog=CATALOG, migrations=ROAD) as db:
        assert db.outbox.counts().queued == 1
    assert main(["salvage", str(path), *HERE]) == 0
    with bmaddb.open(path, catalog=CATALOG, migrations=ROAD) as db:
        [entry] = db.outbox.entries()
        assert [dict(change.new)["place"] for change in entry.changes.values()] == ["top"]
        assert [book.place for book in db.query(Book).all()] == ["top"]
