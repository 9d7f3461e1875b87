"""`bmaddb salvage FILE`: the damaged file aside, a new one in its place, and words for what was found."""

from __future__ import annotations

from pathlib import Path

import pytest

import bmaddb
from bmaddb.cli.main import main
from bmaddb.modules.tasks_productivity import Task
from tests.support.server import USER

PAGE_BYTES = 4096


def test_a_damaged_file_is_set_aside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "anna.db"
    with bmaddb.open(path, user=USER) as db:
        for number in range(40):
            with db.write() as tx:
                tx.insert(Task, title=f"task {number}")
    content = bytearray(path.read_bytes())
    content[-3 * PAGE_BYTES :] = bytes(3 * PAGE_BYTES)
    path.write_bytes(content)
    assert main(["salvage", str(path), "--user", USER]) == 0
    said = capsys.readouterr().out
    assert f"the damaged file is {path}.damaged-1" in said
    assert Path(f"{path}.damaged-1").read_bytes() == content
    with bmaddb.open(path, user=USER) as db:
        assert db.health().file_faults == ()
        assert f"{path}: " in said
        db.query(Task).all()


def test_a_file_that_is_not_there_is_not_salvaged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["salvage", str(tmp_path / "none.db")]) == 1
    assert "there is no file" in capsys.readouterr().err


def test_a_file_that_is_no_database_stays_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    assert main(["salvage", str(path)]) == 1
    assert "is no database" in capsys.readouterr().err
    assert path.read_text() == "hello"
