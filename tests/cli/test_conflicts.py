"""`bmaddb conflicts`: shows what is open, shows all, overturns, and says what it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import bmaddb
from bmaddb.cli.main import main
from bmaddb.clock import SystemClock
from bmaddb.modules.tasks_productivity import Task

USER = "0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f60"
DISPUTED = """insert into sync_conflicts (id, table_name, row_id, column_name, local_value, remote_value,
resolved_value, policy, resolved_by, needs_attention, detected_at)
values (?, 'tasks', ?, ?, ?, ?, ?, 'LWW', 'rule', ?, ?)"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A device whose task was disputed twice: a text for a person to look at, and a title the rule settled."""
    path = tmp_path / "anna.db"
    with bmaddb.open(path, user=USER) as db:
        with db.write() as tx:
            task = tx.insert(Task, title="theirs", notes="blue")
        with db.store.apply("local") as connection:
            for column, mine, theirs, look in (("title", "mine", "theirs", False), ("notes", "ré\nd", "blue", True)):
                sides = [json.dumps(side) for side in (mine, theirs, theirs)]
                connection.execute(DISPUTED, (f"c-{column}", task.id, column, *sides, look, SystemClock().now_ms()))
    return path


def test_it_shows_what_a_person_should_look_at(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conflicts", str(file)]) == 0
    said = capsys.readouterr().out
    assert "c-notes" in said
    assert '"ré\\nd"' in said
    assert "c-title" not in said
    assert main(["conflicts", str(file), "--all"]) == 0
    assert "c-title" in capsys.readouterr().out


def test_it_overturns(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conflicts", str(file), "--overturn", "c-notes", "--choose", "mine"]) == 0
    assert "by user" in capsys.readouterr().out
    with bmaddb.open(file) as db:
        assert [task.notes for task in db.query(Task).all()] == ["ré\nd"]
        assert db.outbox.counts().queued == 2
        assert db.conflicts(open_only=True) == []
        assert {found.resolved_by for found in db.conflicts()} == {"rule", "user"}
    assert main(["conflicts", str(file)]) == 0
    assert "nothing to look at" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--overturn", "c-notes"], "go together"),
        (["--overturn", "nobody", "--choose", "mine"], "no conflict has the id"),
    ],
)
def test_it_says_what_it_cannot(
    file: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["conflicts", str(file), *arguments]) == 1
    assert said in capsys.readouterr().err


def test_it_makes_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conflicts", str(tmp_path / "none.db")]) == 1
    assert "there is no file" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
