"""Every page is of one moment, over all tables, and holds whole transactions (S2), with writers at work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.postgres.caller import ALICE, Caller, insert, rows_of, update
from tests.support.postgres import Database

COMMITS = 120
PAIRS = 4
PLAIN = (
    "update bmad.boxes set title = %(n)s where user_id = %(user)s and id = %(id)s",
    "update bmad.things set name = %(n)s where user_id = %(user)s and id = %(id)s",
)


def write_pairs(one: Caller, plain: psycopg.Connection[Any], bases: dict[str, int]) -> None:
    """Give a box and its thing the same new words in one transaction, by the door and in plain SQL in turn."""
    for number in range(COMMITS):
        key = f"p{number % PAIRS}"
        if number % 2:
            answer = one.write(
                update("boxes", key, bases[key], title=f"{number}"), update("things", key, bases[key], name=f"{number}")
            )
            assert answer["status"] == "applied", answer
            bases[key] = answer["version"]
        else:
            with plain.transaction():
                for statement in PLAIN:
                    plain.execute(statement.encode(), {"n": f"{number}", "user": ALICE, "id": key})
                found = plain.execute(b"select server_seq from bmad.things where id = %s", (key,)).fetchone()
            assert found is not None
            bases[key] = found[0]


@pytest.mark.parametrize("limit_rows", [1, 3, 5_000])
def test_no_page_shows_half_a_transaction(small: Database, device: Callable[..., Caller], limit_rows: int) -> None:
    writer, reader = device(), device(device="device-2")
    version = writer.write(
        insert("boxes", *({"id": f"p{n}", "title": "start"} for n in range(PAIRS))),
        insert("things", *({"id": f"p{n}", "box_id": f"p{n}", "name": "start"} for n in range(PAIRS))),
    )["version"]
    cursor = reader.pull(tables=["boxes", "things"], limit_rows=limit_rows)["cursor"]
    held: dict[str, dict[str, str]] = {"boxes": {}, "things": {}}
    errors: list[BaseException] = []
    with small.connect() as plain:

        def run() -> None:
            try:
                write_pairs(writer, plain, {f"p{n}": version for n in range(PAIRS)})
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        pages, more = 0, True
        while thread.is_alive() or more:
            page = reader.pull(cursor, tables=["boxes", "things"], limit_rows=limit_rows)
            cursor, more = page["cursor"], page["more"]
            pages += bool(page["tables"])
            for table, column in (("boxes", "title"), ("things", "name")):
                held[table].update({key: row[column] for key, row in rows_of(page, table).items()})
            assert held["boxes"] == held["things"], f"page {pages} holds half of a transaction"
        thread.join()
    assert errors == []
    last = reader.pull(cursor, tables=["boxes", "things"])
    for table, column in (("boxes", "title"), ("things", "name")):
        held[table].update({key: row[column] for key, row in rows_of(last, table).items()})
    assert held["boxes"] == held["things"] == {f"p{n}": f"{COMMITS - PAIRS + n}" for n in range(PAIRS)}
    assert pages > 3, "the reader saw what happened between"


def test_what_commits_while_a_page_is_read_is_in_the_next_one(small: Database, device: Callable[..., Caller]) -> None:
    """The reader is held in the first of two tables, by a lock on it."""
    writer, reader = device(), device(device="device-2")
    version = writer.write(
        insert("boxes", {"id": "p0", "title": "start"}), insert("things", {"id": "p0", "box_id": "p0", "name": "start"})
    )["version"]
    cursor = reader.pull(limit_rows=20_000)["cursor"]
    writer.write(update("boxes", "p0", version, title="one"), update("things", "p0", version, name="one"))
    pages: list[Any] = []
    thread = threading.Thread(target=lambda: pages.append(reader.pull(cursor, limit_rows=20_000)))
    with small.connect(autocommit=False) as other, small.connect() as watch:
        other.execute(b"lock table bmad.boxes in access exclusive mode")
        thread.start()
        waits, pid = b"select cardinality(pg_blocking_pids(%s))", reader.connection.info.backend_pid
        while watch.execute(waits, (pid,)).fetchone() == (0,):
            assert thread.is_alive(), "it was never held"
        for statement in PLAIN:
            other.execute(statement.encode(), {"n": "two", "user": ALICE, "id": "p0"})
        other.commit()
        thread.join()
    assert pair(pages[0]) == ("one", "one")
    assert pair(reader.pull(pages[0]["cursor"])) == ("two", "two")


def pair(page: Any) -> tuple[Any, Any]:
    return rows_of(page, "boxes").get("p0", {}).get("title"), rows_of(page, "things").get("p0", {}).get("name")
