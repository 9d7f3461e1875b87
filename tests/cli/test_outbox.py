"""`bmaddb outbox FILE`: list, retry, discard, edit, and clear words for what cannot be."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

import bmaddb
from bmaddb.cli.main import main
from bmaddb.cli.outbox import LINES_MAX
from bmaddb.device.outbox import ParkReason
from bmaddb.modules.tasks_productivity import Goal, Task

USER = "0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f60"


def parked_file(folder: Path) -> tuple[Path, str, str]:
    """A file with a parked goal and a task behind it: path, entry and row."""
    path = folder / "device.db"
    with bmaddb.open(path, user=USER) as db:
        with db.write() as tx:
            goal = tx.insert(Goal, title="bad")
        with db.write() as tx:
            tx.insert(Task, title="behind it", goal_id=goal.id)
        reason = ParkReason(
            code="23514", message="goals.title breaks a rule", hint="say less", table="goals", id=goal.id
        )
        with db.outbox.edit() as (connection, waiting):
            entry = next(iter(waiting))
            db.outbox.park(connection, waiting, entry, reason)
        db.outbox.lease(10, 1_000_000)
    return path, entry.id, goal.id


def test_the_list_says_why_where_and_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, entry_id, goal_id = parked_file(tmp_path)
    assert main(["outbox", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "0 queued, 0 on their way, 2 parked"
    assert lines[2].startswith(entry_id)
    assert lines[2].endswith("1 rows, 1 entries wait behind it")
    assert lines[3:] == [
        "  why: goals.title breaks a rule [23514]",
        f"  where: goals {goal_id}",
        "  what to do: say less",
    ]


def test_the_list_shows_what_only_waits_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "device.db"
    with bmaddb.open(path, user=USER) as db:
        with db.write() as tx:
            goal = tx.insert(Goal, title="run")
            tasks = [tx.insert(Task, title=f"{number}", goal_id=goal.id) for number in range(4)]
        for _ in range(LINES_MAX):
            with db.write() as tx:
                tx.update(Goal, goal.id, title=tx.insert(Task, title="x").id)
        db.outbox.lease(1, 1_000_000)
        first, second = db.outbox.first_to_go(2)
    assert main(["outbox", str(path), "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["20 queued, 1 on their way, 0 parked", ""]
    assert lines[2].startswith(f"{first.id}  of 20")
    assert lines[2].endswith(
        f", on its way: insert goals {goal.id}, insert tasks {tasks[0].id}, insert tasks {tasks[1].id} and 2 more"
    )
    assert lines[3].startswith(f"{second.id}  of 20")
    assert f"update goals {goal.id}" in lines[3]
    assert lines[2 + LINES_MAX :] == ["and 1 more"]


@pytest.mark.parametrize("action", ["retry", "discard", "edit"])
def test_each_action_ends_the_waiting(tmp_path: Path, capsys: pytest.CaptureFixture[str], action: str) -> None:
    path, entry_id, goal_id = parked_file(tmp_path)
    options = ["--set", f'goals.{goal_id}.title="good"', "--set", f"goals.{goal_id}.achieved_at=1700000000000"]
    known = "achieved_at" in Goal.__table__.by_name
    extra = (options if known else options[:2]) if action == "edit" else []
    extra += ["--yes"] if action == "discard" else []
    assert main(["outbox", str(path), action, entry_id, *extra]) == 0
    assert entry_id in capsys.readouterr().out
    with bmaddb.open(path, user=USER) as db:
        counts = db.outbox.counts()
        assert counts.parked == 0
        assert counts.queued == (1 if action == "discard" else 2), "the task goes on without the goal"
        assert [task.goal_id for task in db.query(Task).all()] == [None if action == "discard" else goal_id]
        goal = db.get(Goal, goal_id)
        titles = {"retry": "bad", "edit": "good"}
        assert (goal.title if goal else None) == titles.get(action)


@pytest.mark.parametrize(("said", "status"), [(None, 1), ("n", 1), ("y", 0)])
def test_a_discard_says_before_what_else_goes(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    said: str | None,
    status: int,
) -> None:
    path, entry_id, goal_id = parked_file(tmp_path)
    monkeypatch.setattr("sys.stdin", Terminal(said))
    assert main(["outbox", str(path), "discard", entry_id]) == status
    told = capsys.readouterr()
    assert "loses its goal_id: tasks " in told.out
    assert ("--yes" in told.err) is (said is None)
    with bmaddb.open(path, user=USER) as db:
        assert (db.get(Goal, goal_id) is None) is (status == 0)
        assert len(db.conflicts()) == (2 if status == 0 else 0)


class Terminal(io.StringIO):
    """What a person types; None when nobody is there."""

    def __init__(self, typed: str | None) -> None:
        super().__init__(f"{typed}\n")
        self._somebody = typed is not None

    def isatty(self) -> bool:
        return self._somebody


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["retry"], "retry needs the id of an entry"),
        (["retry", "nobody"], "no parked entry has the id 'nobody'"),
        (["edit", "ENTRY"], "edit needs a value"),
        (["edit", "ENTRY", "--set", "nonsense"], "does not name a value"),
        (["edit", "ENTRY", "--set", "goals.ROW.title=unquoted"], "is not JSON"),
        (["edit", "ENTRY", "--set", "goals.ROW.title=null"], "goals.title may not be null"),
        (["edit", "ENTRY", "--set", 'goals.ROW.titel="x"'], "has no column 'titel'"),
        (["edit", "ENTRY", "--set", 'goals.elsewhere.title="x"'], "the entry does not write"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    path, entry_id, goal_id = parked_file(tmp_path)
    given = [word.replace("ENTRY", entry_id).replace("ROW", goal_id) for word in words]
    assert main(["outbox", str(path), *given]) == 1
    told = capsys.readouterr()
    assert said in told.err
    assert told.err.count("\n") == 1
    assert told.out == ""


def test_no_file_is_made_by_looking(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["outbox", str(tmp_path / "nothing.db")]) == 1
    assert "there is no file" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
