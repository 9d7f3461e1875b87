"""Lines that come before what they refer to, large ones, and circles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmaddb import errors as e
from bmaddb.device.transfer import archive, bringing, chunks, waiting
from bmaddb.device.transfer.circles import NOBODY, circles
from bmaddb.device.transfer.lines import LINE_BYTES_MAX, Line, Row
from bmaddb.device.transfer.writing import Writing
from bmaddb.device.upkeep import stubs
from bmaddb.modules.tasks_productivity import Goal, Task
from bmaddb.service import Database
from tests.transfer.conftest import opened, rows

LARGE = 200_000
"""Ninety of them are more than a server takes at once."""


def written(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def chain(count: int) -> list[dict[str, Any]]:
    """Each line before the one it refers to."""
    ids = [f"t-{number:04}" for number in range(count)]
    return [{"id": one, "title": one, "parent_task_id": up} for one, up in zip(ids, [*ids[1:], None], strict=True)]


@pytest.mark.parametrize("held_bytes", [0, waiting.HELD_BYTES_MAX])
def test_each_line_is_tried_twice_however_deep_it_stands(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held_bytes: int
) -> None:
    monkeypatch.setattr(waiting, "HELD_BYTES_MAX", held_bytes)
    monkeypatch.setattr(bringing, "CHUNK_LINES", 50)
    put, tries = Writing.put, []

    def counting(self: Writing, row: Any) -> Any:
        tries.append(row)
        return put(self, row)

    monkeypatch.setattr(Writing, "put", counting)
    report = db.import_from(written(tmp_path / "x.jsonl", chain(300)), Task)
    assert (report.added, report.bad, db.query(Task).count()) == (300, (), 300)
    assert len(tries) <= 3 * 300


def test_a_table_of_an_archive_is_not_read_from_its_beginning_for_every_line(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.write() as tx:
        for line in reversed(chain(200)):
            tx.insert(Task, **line)
    db.export(tmp_path / "all.zip")
    member, openings = archive._member, []

    def counting(path: Path, name: str) -> IO[bytes]:
        openings.append(name)
        return member(path, name)

    monkeypatch.setattr(archive, "_member", counting)
    with opened(tmp_path / "other.db") as other:
        assert other.import_from(tmp_path / "all.zip").added == 200
        assert rows(other) == rows(db)
    assert openings.count("tables/tasks.jsonl") <= 3


def test_a_transaction_is_bounded_by_what_a_json_column_holds(db: Database, tmp_path: Path) -> None:
    lines = [{"title": "t", "metric": {"a": [str(number), "x" * LARGE]}} for number in range(90)]
    assert db.import_from(written(tmp_path / "x.jsonl", lines), Goal).added == 90
    assert db.outbox.counts().total >= 18


def test_large_lines_that_were_put_off_are_not_taken_all_at_once(db: Database, tmp_path: Path) -> None:
    lines = [{"id": f"c{number}", "title": "x" * LARGE, "parent_task_id": "p"} for number in range(90)]
    path = written(tmp_path / "x.jsonl", [*lines, {"id": "p", "title": "parent"}])
    assert db.import_from(path, Task).added == 91


def test_a_line_no_push_could_carry_is_a_bad_line(db: Database, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text('title,notes\na,1\nb,"' + "\n" * (LINE_BYTES_MAX // 2 + 1) + '"\nc,3\n')
    report = db.import_from(tmp_path / "x.csv", Task)
    assert [(bad.line, bad.reason.split(" bytes")[1]) for bad in report.bad] == [(3, " as it would be sent")]
    assert report.added == 2


def test_a_whole_row_is_as_long_as_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "LINE_BYTES_MAX", 40)
    quotes = Line(1, 0, 40, (Row(Goal, {"metric": json.dumps({"a": '"' * 12})}, whole=True),))
    assert chunks.weighed(quotes)[0] == quotes
    typed = Line(1, 0, 40, (Row(Goal, {"title": '"' * 20}),))
    assert chunks.weighed(typed)[0].problem == "longer than 40 bytes as it would be sent"


def test_more_than_may_wait_are_named_with_what_to_do(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bringing, "PUT_OFF_MAX", 3)
    path = written(
        tmp_path / "x.jsonl", [*({"title": f"{n}", "parent_task_id": "p"} for n in range(5)), {"id": "p", "title": "p"}]
    )
    report = db.import_from(path, Task)
    assert (report.added, [bad.line for bad in report.bad]) == (4, [4, 5])
    assert "import again" in report.bad[0].reason
    report = db.import_from(path, Task)
    assert (report.added, report.same, report.bad) == (2, 4, ())


def test_a_circle_of_our_export_comes_back(db: Database, tmp_path: Path) -> None:
    with db.write() as tx:
        for name in "abc":
            tx.insert(Goal, id=name, title=name)
        for name, parent in ("ab", "bc", "ca"):
            tx.update(Goal, name, parent_goal_id=parent)
        tx.insert(Goal, id="0-below", title="below", parent_goal_id="a")
        for name, parent in (("d", "e"), ("e", "d")):
            tx.insert(Goal, id=name, title=name, parent_goal_id=parent)
    db.export(tmp_path / "all.zip")
    with opened(tmp_path / "other.db") as other:
        report = other.import_from(tmp_path / "all.zip")
        assert (report.added, report.bad) == (6, ())
        assert rows(other) == rows(db)


def test_a_circle_that_cannot_be_taken_is_reported_with_why(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [
        {"id": "a", "title": "a", "parent_task_id": "b"},
        {"id": "b", "title": "b", "parent_task_id": "a", "goal_id": "nobody"},
        {"id": "c", "title": "c", "parent_task_id": "d"},
        {"id": "d", "title": "d", "parent_task_id": "c", "priority": "high"},
        {"id": "e", "title": "e", "parent_task_id": "f"},
        {"id": "f", "title": "f", "parent_task_id": "e"},
    ]
    report = db.import_from(written(tmp_path / "x.jsonl", lines), Task)
    assert (report.added, [bad.line for bad in report.bad]) == (2, [1, 2, 3, 4])
    assert "in a circle of 2 lines: " in report.bad[3].reason
    monkeypatch.setattr(bringing, "CIRCLE_BYTES_MAX", 5)
    with opened(tmp_path / "other.db") as other:
        report = other.import_from(tmp_path / "x.jsonl", Task)
        assert (report.added, report.bad_lines) == (0, 6)
        assert report.bad[5].reason == "a circle of 2 lines is more than 5 bytes"


@given(st.dictionaries(st.integers(0, 7), st.sets(st.integers(-1, 7), max_size=3), max_size=8))
def test_circles_are_closed_and_hold_every_line_that_reaches_itself(drawn: dict[int, set[int]]) -> None:
    names = {number: (0, number) if number in drawn else NOBODY for number in range(-1, 8)}
    needs = {names[one]: {names[other] for other in others} - {names[one]} for one, others in drawn.items()}
    found = circles(needs)
    inside = {spot for circle in found for spot in circle}
    assert sum(map(len, found)) == len(inside)
    for circle in found:
        for spot in circle:
            assert needs[spot] <= set(circle)
    for spot in needs:
        reached, doing = set(), list(needs[spot])
        while doing:
            if (one := doing.pop()) not in reached:
                reached.add(one)
                doing += needs.get(one, ())
        if spot in reached and NOBODY not in reached:
            assert spot in inside


@pytest.mark.parametrize("ending", [".zip", ".jsonl"])
def test_an_archived_row_is_there(db: Database, tmp_path: Path, ending: str) -> None:
    with db.write() as tx:
        tx.insert(Task, id="cold", title="old words")
        tx.insert(Task, id="warm", title="warm")
    record = None if ending == ".zip" else Task
    db.export(tmp_path / f"then{ending}", record)
    _archive(db, "cold")
    waiting_before = db.outbox.counts()
    report = db.import_from(tmp_path / f"then{ending}", record)
    assert (report.added, report.kept, report.same, report.bad) == (0, 1, 1, ())
    assert [task.id for task in db.query(Task).all()] == ["warm"]
    assert db.outbox.counts() == waiting_before
    below = written(tmp_path / "below.jsonl", [{"id": "n", "title": "n", "parent_task_id": "cold"}])
    assert "is archived: fetch it first" in db.import_from(below, Task).bad[0].reason


def _archive(db: Database, row_id: str) -> None:
    with db.store.apply("remote") as connection:
        connection.execute("delete from tasks where id = ?", (row_id,))
        stubs.put(connection, "tasks", [stubs.Stub(row_id, 7, 1)], db.catalog.version)


def test_a_reference_that_is_no_text_is_a_bad_line(db: Database, tmp_path: Path) -> None:
    path = written(tmp_path / "x.jsonl", [{"id": "a", "title": "t", "parent_task_id": 5}])
    assert "expected text" in db.import_from(path, Task).bad[0].reason
    with pytest.raises(e.RecordInvalid):
        db.import_from(path, Task, strict=True)
