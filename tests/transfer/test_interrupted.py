"""An import that was cut off goes on only as the same import, and passes over nothing that is gone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bmaddb.device.transfer import Progress, bringing
from bmaddb.modules.chat_journal import JournalEntry
from bmaddb.modules.tasks_productivity import Goal, Task
from bmaddb.service import Database
from tests.transfer.conftest import opened


class Cut(Exception):
    """The process ends here."""


@pytest.fixture
def begun(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table of twelve lines, of which an import into tasks took four."""
    monkeypatch.setattr(bringing, "CHUNK_LINES", 4)
    sheet = tmp_path / "x.csv"
    sheet.write_text("title\n" + "".join(f"t{number}\n" for number in range(12)))
    with pytest.raises(Cut):
        db.import_from(sheet, Task, progress=_cut)
    assert db.query(Task).count() == 4
    return sheet


def _cut(_: Progress) -> None:
    raise Cut


def test_into_another_table_it_begins(db: Database, begun: Path) -> None:
    report = db.import_from(begun, Goal)
    assert (report.added, report.resumed, db.query(Goal).count()) == (12, False, 12)
    report = db.import_from(begun, Task)
    assert (report.added, report.resumed, db.query(Task).count()) == (12, True, 12)


def test_under_another_key_it_begins(db: Database, begun: Path) -> None:
    report = db.import_from(begun, Task, key="title")
    assert (report.added, report.resumed) == (12, False)
    assert db.import_from(begun, Task, key="title").same == 12


@pytest.mark.parametrize("gone", ["t0", "t3", "t%"])
def test_what_is_gone_meanwhile_is_not_passed_over(db: Database, begun: Path, gone: str) -> None:
    with db.write() as tx:
        tx.execute("delete from tasks where title like ?", (gone,))
    here = db.query(Task).count()
    report = db.import_from(begun, Task)
    assert (report.added, report.same, report.resumed) == (12 - here, here, False)
    assert db.query(Task).count() == 12


def test_what_was_refused_or_waits_is_not_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bringing, "CHUNK_LINES", 4)
    lines = tmp_path / "x.jsonl"
    rows = [f'{{"title": "{number}"}}\n' for number in range(12)]
    rows[1], rows[2] = '{"title": "x", "priority": 99}\n', '{"title": "x", "parent_task_id": "nobody"}\n'
    lines.write_text("".join(rows))
    with opened(tmp_path / "other.db") as other:
        with pytest.raises(Cut):
            other.import_from(lines, Task, progress=_cut)
        report = other.import_from(lines, Task)
    assert (report.added, report.bad_lines, report.resumed) == (10, 2, True)


def test_a_folder_in_which_a_note_changed_meanwhile_begins_again(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bringing, "CHUNK_LINES", 2)
    notes = tmp_path / "Notes"
    notes.mkdir()
    for number in range(4):
        (notes / f"{number}.md").write_text("first")
    with pytest.raises(Cut):
        db.import_from(notes, progress=_cut)
    (notes / "0.md").write_text("second")
    os.utime(notes / "0.md", (4_000_000_000, 4_000_000_000))
    assert db.import_from(notes).resumed is False
    assert sorted(entry.body for entry in db.query(JournalEntry).all()) == ["first", "first", "first", "second"]
