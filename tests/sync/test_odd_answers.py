"""What a server may answer that makes no sense: the sync says so in its report, and the file is as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bmaddb.protocol.messages import PULL_FUNCTION, PUSH_FUNCTION
from bmaddb.protocol.session import Limits
from bmaddb.protocol.steps import Result
from bmaddb.schema.json_text import JSON_DEPTH_MAX
from tests.protocol.things import Note
from tests.sync.devices import Device, World

Odd = Callable[[dict[str, Any]], None]
ROW = "row"
DEPTH = 2 * JSON_DEPTH_MAX
DEEPER_THAN_PYTHON = 5_000


def answers(device: Device, asked: str, change: Callable[[bytes], bytes]) -> None:
    """From now on each answer to the function `asked` is changed on its way."""
    inner = device.transport.call

    async def changed(function: str, body: bytes) -> bytes:
        answer = await inner(function, body)
        return change(answer) if function == asked else answer

    device.transport.call = changed  # type: ignore[method-assign]


def told(odd: Odd) -> Callable[[bytes], bytes]:
    """The answer with what `odd` does to it."""

    def change(answer: bytes) -> bytes:
        message = json.loads(answer)
        odd(message)
        return json.dumps(message).encode()

    return change


def column(name: str, value: Any) -> Odd:
    """Another value in the column of every row of a page."""

    def odd(page: dict[str, Any]) -> None:
        for part in page["tables"]:
            for row in part["rows"]:
                row[part["columns"].index(name)] = value

    return odd


def columns(*names: str) -> Odd:
    def odd(page: dict[str, Any]) -> None:
        for part in page["tables"]:
            part["columns"] = list(names)

    return odd


def rows(rows: Any) -> Odd:
    def odd(page: dict[str, Any]) -> None:
        for part in page["tables"]:
            part["rows"] = rows

    return odd


PAGES = {
    "no names": columns(),
    "no id": columns("server_seq", "title"),
    "no version": columns("id", "title"),
    "short rows": rows([[ROW, 1]]),
    "rows that are objects": rows([{"a": 1}]),
    "rows that are numbers": rows([1, 2]),
    "an id that is nothing": column("id", None),
    "words for a number": column("likes", "many"),
    "a number of no 64 bits": column("likes", 1 << 70),
    "a version of no 64 bits": column("server_seq", 1 << 70),
    "a version of letters": column("server_seq", "new"),
    "a moment of letters": column("created_at", "yesterday"),
    "a negative schema": lambda page: page.update(schema_version=-1),
}
NEW = {
    "a required column that is nothing": column("title", None),
    "a fraction": column("likes", 1.5),
}
MET = {
    "a stamp that is a number": column("hlc", 5),
    "stamps that are a list": column("stamps", [1]),
    "stamps that are numbers": column("stamps", {"title": 5}),
    "a list for a number": column("likes", [1]),
}


@pytest.fixture
def met(things: World) -> Device:
    """A device on which an edit waits for a row that another one has edited since."""
    here, there = things.device(), things.device()
    with there.store.write() as tx:
        tx.insert(Note, id=ROW, title="theirs", likes=1)
    things.settle(there, here)
    with there.store.write() as tx:
        tx.update(Note, ROW, title="theirs again", likes=2)
    with here.store.write() as tx:
        tx.update(Note, ROW, title="mine", likes=3)
    assert there.sync().ok
    return here


@pytest.fixture
def fresh(things: World) -> Device:
    """A device that never synced, and made a row under the id of another one's."""
    here, there = things.device(), things.device()
    with there.store.write() as tx:
        tx.insert(Note, id=ROW, title="theirs", likes=2)
    with here.store.write() as tx:
        tx.insert(Note, id=ROW, title="mine", likes=3)
    assert there.sync().ok
    return here


def refused_and_unharmed(device: Device) -> None:
    """A report says that the server is to blame; once it makes sense again everything arrives."""
    before = device.rows(), device.outbox.counts().total
    report = device.sync()
    assert (report.result, report.failure and report.failure.code) == (Result.FAILED, "B-402")
    assert (device.rows(), device.outbox.counts().total) == before
    [(result, code)] = device.store.sql("select result, error_code from sync_runs order by rowid desc limit 1")
    assert (result, code) == ("failed", "B-402")
    device.reopen()
    assert device.sync().ok


@pytest.mark.parametrize("odd", [*PAGES.values(), *NEW.values()], ids=[*PAGES, *NEW])
def test_a_page_of_new_rows(things: World, odd: Odd) -> None:
    here, there = things.device(), things.device()
    with there.store.write() as tx:
        tx.insert(Note, id=ROW, title="theirs")
    assert there.sync().ok
    answers(here, PULL_FUNCTION, told(odd))
    refused_and_unharmed(here)
    things.assert_equal(here, there)


@pytest.mark.parametrize("odd", [*PAGES.values(), *MET.values()], ids=[*PAGES, *MET])
def test_a_page_that_meets_what_waits(things: World, fresh: Device, odd: Odd) -> None:
    answers(fresh, PULL_FUNCTION, told(odd))
    refused_and_unharmed(fresh)
    things.assert_equal(fresh)


def conflicting(**values: Any) -> Odd:
    """The rows of a conflict with these values."""

    def odd(answer: dict[str, Any]) -> None:
        for item in answer["answers"]:
            for row in item.get("rows", ()):
                row["row"] |= values

    return odd


VERDICTS = {
    "a version of no 64 bits": lambda answer: [item.update(version=1 << 63) for item in answer["answers"]],
    "a negative version": lambda answer: [item.update(version=-1) for item in answer["answers"]],
    "a last number of no 64 bits": lambda answer: answer.update(last_number=1 << 63),
}
CONFLICTS = {
    "words for a number": conflicting(likes="many"),
    "a number of no 64 bits": conflicting(likes=1 << 70),
    "a moment of letters": conflicting(updated_at="yesterday"),
}


@pytest.mark.parametrize("odd", VERDICTS.values(), ids=VERDICTS)
def test_the_answer_to_a_push(things: World, odd: Odd) -> None:
    here = things.device()
    assert here.sync().ok
    with here.store.write() as tx:
        tx.insert(Note, title="mine")
    answers(here, PUSH_FUNCTION, told(odd))
    refused_and_unharmed(here)
    things.assert_equal(here)


@pytest.mark.parametrize("odd", CONFLICTS.values(), ids=CONFLICTS)
def test_the_row_of_a_conflict(things: World, met: Device, odd: Odd) -> None:
    answers(met, PUSH_FUNCTION, told(odd))
    refused_and_unharmed(met)
    things.assert_equal(met)


@pytest.mark.parametrize(
    "body",
    [
        b'{"cursor": "c", "tables": [{"table": "notes", "columns": ["id", "server_seq"], "rows": [[%s]]}]}',
        b'{"cursor": "c", "nobody knows": %s}',
    ],
)
def test_json_deeper_than_anybody_reads(things: World, body: bytes) -> None:
    here = things.device()
    deep = b"[" * DEEPER_THAN_PYTHON + b"]" * DEEPER_THAN_PYTHON
    answers(here, PULL_FUNCTION, lambda _: body % deep)
    refused_and_unharmed(here)


def test_bytes_that_are_no_text(things: World) -> None:
    here = things.device()
    part = b'{"table": "notes", "columns": ["id", "server_seq", "title"], "rows": [["x", 1, "\xff"]]}'
    answers(here, PULL_FUNCTION, lambda _: b'{"cursor": "c", "tables": [%s]}' % part)
    refused_and_unharmed(here)


def test_a_server_that_never_comes_to_an_end(things: World) -> None:
    here = things.device(limits=Limits(pages=7))
    turns = iter(range(100))

    async def page(function: str, body: bytes) -> bytes:
        return json.dumps({"cursor": f"c{next(turns) % 2}", "more": True}).encode()

    here.transport.call = page  # type: ignore[method-assign]
    report = here.sync()
    assert (report.result, report.failure and report.failure.code) == (Result.FAILED, "B-402")
    assert report.requests == 8


def test_json_deeper_than_a_device_writes_is_taken_and_holds_nothing_up(things: World, met: Device) -> None:
    """Another client wrote it, to a server of before; what waits for another column of the row leaves all the same."""
    deep = "[" * DEPTH + "]" * DEPTH
    things.server.database.run(f"""
        alter table bmad.notes disable trigger nesting_changed;
        update bmad.notes set tags = '{deep}';
        alter table bmad.notes enable trigger nesting_changed;
    """)
    with met.store.write() as tx:
        tx.update(Note, ROW, body="also mine")
    assert met.sync().ok
    things.assert_equal(met)
    found = met.store.get(Note, ROW)
    assert found is not None
    assert (found.body, json.dumps(found.tags, separators=(",", ":"))) == ("also mine", deep)
