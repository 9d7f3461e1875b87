"""What the tests of operations share: how a file is opened, rules and checks, a look at all that a file holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import bmaddb
from bmaddb.device.atomic import (
    Action,
    CheckOutcome,
    Operation,
    OuterContext,
    OuterStep,
    Rollback,
    RuleContext,
    Severity,
    Step,
    Violation,
)
from bmaddb.modules.sync_status import OperationJournal
from bmaddb.schema import Record
from tests.store.shelf import LIBRARY, USER, Author, Book

Undo = Callable[[OuterContext], None]
State = dict[str, list[tuple[Any, ...]]]


def open_db(path: Path, **options: Any) -> bmaddb.Database:
    return bmaddb.open(path, user=USER, modules=[LIBRARY], durability="normal", **options)


def contents(db: bmaddb.Database) -> State:
    """Every row of the tables that operations write here, in order."""
    names = ("authors", "books", "loans", "shelves", "drafts")
    return {name: db.sql(f"select * from {name} order by id") for name in names}


def line(db: bmaddb.Database, operation_id: str) -> OperationJournal:
    found = db.get(OperationJournal, operation_id)
    assert found is not None
    return found


def author(name: str = "Hella", row_id: str = "a1") -> Step:
    return Step("author", "authors", Action.INSERT, {"id": row_id, "name": name})


def book(title: str = "Een boek", *, author_id: str | None = "a1", pages: int = 10, **columns: Any) -> Step:
    row = {"title": title, "author_id": author_id, "pages": pages, **columns}
    return Step("book", "books", Action.INSERT, row)


def titles_are_long(row: Mapping[str, Any], before: Record | None, context: RuleContext) -> list[Violation]:
    found = []
    if len(row.get("title", "long enough")) < 3:
        found.append(Violation("T1", "title", Severity.ERROR, "a title has three letters", allowed=3))
    if row.get("pages", 1) == 0:
        found.append(Violation("T2", "pages", Severity.WARN, "an empty book"))
    return found


def every_book_has_an_author(context: RuleContext) -> CheckOutcome:
    alone = context.reader.query(Book).where(Book.author_id.is_null()).ids()
    return CheckOutcome("authors", not alone, tuple(f"books/{row_id}" for row_id in alone), "books without an author")


def raising(error: Exception) -> Callable[[RuleContext], Any]:
    def give(_: RuleContext) -> Any:
        raise error

    return give


def names(db: bmaddb.Database) -> list[str]:
    return sorted(found.name for found in db.query(Author).all())


def outer(name: str, undo: Undo = lambda _: None, do: Callable[[OuterContext], object] = lambda _: None) -> OuterStep:
    return OuterStep(name, do, undo)


def breaking(_: OuterContext) -> None:
    raise ConnectionError("no answer")


def cut(_: OuterContext) -> None:
    raise KeyboardInterrupt


def operation(*steps: Step | OuterStep) -> Operation:
    return Operation("saga", steps, strategy=Rollback.COMPENSATE)
