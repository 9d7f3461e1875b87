"""Whatever is written, and however: after each commit a live query of every shape says what reading it anew says."""

# ruff: noqa: PT012 -- a write is a block

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bmaddb import errors as e
from bmaddb.device.observe import Subscription
from bmaddb.device.query import avg_of, count_of, max_of, min_of, sum_of
from bmaddb.schema.conditions import Raw
from bmaddb.service import Database
from tests.observe.conftest import WAIT_S_MAX, open_database
from tests.store.shelf import Author, Book, Draft

IDS = tuple(f"b{number:02}" for number in range(12))
AUTHORS = ("a0", "a1", "a2")


class Stop(Exception):
    """Undoes a savepoint."""


class Shape(NamedTuple):
    """How it is observed, and how it is read."""

    observe: Callable[[Database], Subscription[Any]]
    read: Callable[[Database], Any]


def shape_of(query: Callable[[Database], Any]) -> Shape:
    return Shape(lambda db: db.observe(query(db)), lambda db: query(db).all())


def number_of(query: Callable[[Database], Any], aggregate: Any) -> Shape:
    return Shape(lambda db: db.observe(query(db), aggregate), lambda db: query(db).rows(aggregate)[0][0])


def todo(db: Database) -> Any:
    return db.query(Book).where(Book.state == "todo")


SHAPES = {
    "record": Shape(lambda db: db.observe(Book, "b03"), lambda db: db.get(Book, "b03")),
    "all": Shape(lambda db: db.observe(db.query(Book)), lambda db: db.query(Book).order_by(Book.id).all()),
    "simple": Shape(lambda db: db.observe(todo(db)), lambda db: todo(db).order_by(Book.id).all()),
    "one of": shape_of(lambda db: db.query(Book).where(Book.id.in_(["b01", "b05", "none"])).order_by(Book.id)),
    "foreign key": shape_of(lambda db: todo(db).where(Book.author_id == "a1").order_by(Book.pages, Book.id)),
    "sorted": shape_of(lambda db: todo(db).order_by(Book.pages.desc(), Book.id)),
    "window": shape_of(lambda db: db.query(Book).order_by(Book.pages, Book.title.desc(), Book.id).limit(3)),
    "page": shape_of(lambda db: todo(db).order_by(Book.price.desc(), Book.id).limit(2).offset(2)),
    "none": shape_of(lambda db: db.query(Book).order_by(Book.id).limit(0)),
    "like": shape_of(
        lambda db: db.query(Book).where(Book.title.contains("b") | Book.price.is_(None)).order_by(Book.id)
    ),
    "columns": shape_of(lambda db: todo(db).order_by(Book.id).select(Book.title, Book.owned, Book.pages + 1)),
    "grouped": shape_of(
        lambda db: db.query(Book).group_by(Book.state).order_by(Book.state).select(Book.state, count_of())
    ),
    "joined": shape_of(
        lambda db: db.query(Book).join(Author, Book.author_id).where(Author.name != "x").order_by(Book.id)
    ),
    "beside": shape_of(
        lambda db: db.query(Author).order_by(Author.id).with_children(Book.author_id, todo(db).order_by(Book.id))
    ),
    "subquery": shape_of(
        lambda db: db.query(Author).where(Author.id.in_(todo(db).select(Book.author_id))).order_by(Author.id)
    ),
    "raw": shape_of(lambda db: db.query(Book).where(Raw("pages % 2 = 0")).order_by(Book.id)),
    "search": shape_of(lambda db: db.query(Author).search("x").order_by(Author.id)),
    "count": number_of(todo, count_of()),
    "count of": number_of(todo, count_of(Book.price)),
    "different": number_of(todo, count_of(Book.title, distinct=True)),
    "sum": number_of(todo, sum_of(Book.pages)),
    "sum of reals": number_of(todo, sum_of(Book.price)),
    "mean": number_of(todo, avg_of(Book.pages)),
    "mean beyond 64 bits": number_of(todo, avg_of(Book.pages * 2**60)),
    "smallest": number_of(todo, min_of(Book.pages)),
    "largest": number_of(todo, max_of(Book.title)),
    "largest real": number_of(todo, max_of(Book.price)),
}

values = st.fixed_dictionaries(
    {},
    optional={
        "title": st.sampled_from(["a", "b", "ab", "B", "é"]),
        "state": st.sampled_from(["todo", "reading", "done"]),
        "pages": st.integers(0, 6),
        "price": st.none() | st.sampled_from([0.5, 1.0, 1.5, -2.0]),
        "author_id": st.none() | st.sampled_from(AUTHORS),
        "owned": st.booleans(),
    },
)
ids = st.sampled_from(IDS)
Act = tuple[Any, ...]
small_act: st.SearchStrategy[Act] = st.one_of(
    st.tuples(st.just("put"), ids, values),
    st.tuples(st.just("put"), ids, values),
    st.tuples(st.just("delete"), ids),
    st.tuples(st.just("raw"), st.integers(0, 6)),
    st.tuples(st.just("raw_delete"), st.integers(0, 6)),
    st.tuples(st.just("rename"), st.sampled_from(AUTHORS), st.sampled_from(["x", "y"])),
    st.tuples(st.just("remove_author"), st.sampled_from(AUTHORS)),
    st.tuples(st.just("draft"), st.just(None)),
)
act: st.SearchStrategy[Act] = (
    small_act | st.tuples(st.just("undone"), st.lists(small_act, max_size=3)) | st.tuples(st.just("many"), ids)
)
commit = st.tuples(st.sampled_from(["write", "write", "apply", "bulk", "other"]), st.lists(act, min_size=1, max_size=4))


def do(tx: Any, db: Database, one: Act) -> None:
    match one:
        case ("put", row_id, given):
            if tx.get(Book, row_id) is None:
                tx.insert(Book, id=row_id, **{"title": "t", **given})
            else:
                tx.update(Book, row_id, **given)
        case ("delete", row_id):
            tx.delete(Book, row_id)
        case ("raw", pages):
            tx.execute("update books set pages = pages + 1, state = 'todo' where pages = ?", (pages,))
        case ("raw_delete", pages):
            tx.execute("delete from books where pages > ?", (pages,))
        case ("rename", author, name):
            tx.update(Author, author, name=name)
        case ("remove_author", author):
            tx.delete(Author, author)
            tx.insert(Author, id=author, name="x")
        case ("draft", _):
            tx.insert(Draft, body="d")
        case ("undone", acts):
            with pytest.raises(Stop), tx.savepoint():
                for inner in acts:
                    do(tx, db, inner)
                raise Stop
        case ("many", row_id):
            tx.insert_many(Book, [{"title": "m", "pages": number % 7} for number in range(60)])
            tx.execute("delete from books where title = 'm' and pages > 2")


def elsewhere(db: Database, acts: list[Act], *, bulk: bool) -> None:
    """The same kinds of rows as a page from the server brings them."""
    with db.store.apply() as connection:
        for one in acts:
            match one:
                case ("put", row_id, given):
                    connection.execute(
                        "update books set pages = ?, state = ? where id = ?",
                        (given.get("pages", 1), given.get("state", "done"), row_id),
                    )
                case ("delete", row_id):
                    connection.execute("delete from books where id = ?", (row_id,))
                case ("rename", author, name):
                    connection.execute("update authors set name = ? where id = ?", (name, author))
                case ("remove_author", author):
                    connection.execute("delete from authors where id = ?", (author,))
                    connection.execute(
                        "insert into authors (id, user_id, created_at, updated_at, name) values (?, 'u', 1, 1, 'x')",
                        (author,),
                    )
                case ("many", row_id) if bulk:
                    with db.store.bulk("books"):
                        connection.execute("update books set title = 'bulk'")
                case _:
                    pass


def run(db: Database, other: Database, how: str, acts: list[Act]) -> None:
    if how in ("apply", "bulk"):
        elsewhere(db, acts, bulk=how == "bulk")
        return
    with (other if how == "other" else db).write() as tx:
        for one in acts:
            do(tx, db, one)
    if how == "other":
        db.store.look_for_others()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(commits=st.lists(commit, min_size=1, max_size=6))
def test_after_each_commit_they_say_what_reading_says(commits: list[tuple[str, list[Act]]]) -> None:
    with tempfile.TemporaryDirectory() as folder, open_database(Path(folder) / "f.db") as db:
        with db.write() as tx:
            for author in AUTHORS:
                tx.insert(Author, id=author, name="x")
            for number, row_id in enumerate(IDS[:8]):
                tx.insert(Book, id=row_id, title="ab"[number % 2], pages=number % 4, author_id=AUTHORS[number % 3])
        with open_database(Path(folder) / "f.db", seed=2) as other:
            lives = {name: shape.observe(db) for name, shape in SHAPES.items()}
            said = {name: live.wait(WAIT_S_MAX) for name, live in lives.items()}
            assert said == {name: shape.read(db) for name, shape in SHAPES.items()}
            for how, acts in commits:
                run(db, other, how, acts)
                for name, shape in SHAPES.items():
                    said[name] = follow(name, lives[name], said[name], shape.read(db))


def follow(name: str, live: Subscription[Any], said: Any, now: Any) -> Any:
    """It delivers what is read now, when that is not what it said last; and nothing more."""
    told = said if now == said else live.wait(0)
    assert told == now, name
    with pytest.raises(e.Unchanged):
        live.wait(0)
    return told
