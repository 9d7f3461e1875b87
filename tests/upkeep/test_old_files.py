"""A file made before free pages could be given back, and before there was an archive."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from bmaddb.cli.main import main
from bmaddb.device.upkeep import CleanUp, UpkeepPolicy, measure, rebuild
from tests.upkeep.files import fill, held, look, opened
from tests.upkeep.shelf import NOTHING_LEFT


def age(path: Path) -> None:
    """What such a file looks like."""
    connection = apsw.Connection(str(path))
    for name in ("_bmad_archived", "_bmad_packed", "_bmad_dictionaries"):
        connection.execute(f"drop table {name}")
    connection.execute("pragma journal_mode = delete")
    connection.execute("pragma auto_vacuum = none")
    connection.execute("vacuum")
    connection.close()


def test_it_is_cleaned_and_shrinks_once_it_was_rebuilt(tmp_path: Path) -> None:
    path = tmp_path / "f.db"
    fill(path, 300)
    age(path)
    before = look(path)
    with opened(path) as (store, outbox):
        report = CleanUp(store, outbox, NOTHING_LEFT).run()
        assert report.rows > 600
        assert not report.after.vacuums
        assert report.after.free_bytes
        size = path.stat().st_size
        rebuild(store)
        usage = measure(store, UpkeepPolicy())
        assert usage.vacuums
        assert not usage.free_bytes
        assert path.stat().st_size < size * 0.7
    held(path, before)


def test_the_commands_say_what_they_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "f.db"
    fill(path, 60)
    catalog = ["--catalog", "tests.upkeep.files:CATALOG"]
    assert main(["upkeep", str(path), "--look", *catalog]) == 0
    assert "% of the budget" in capsys.readouterr().out
    assert main(["upkeep", str(path), *catalog]) == 0
    assert capsys.readouterr().out.endswith("not needed\n")
    assert main(["upkeep", str(path), "--budget-mb", "0.0001", *catalog]) == 1
    assert "pack" in capsys.readouterr().out
    assert main(["upkeep", str(path), "--budget-mb", "0", *catalog]) == 1
    assert main(["upkeep", str(tmp_path / "none.db"), *catalog]) == 1
    assert main(["upkeep", str(path), "--json", *catalog]) == 0
    capsys.readouterr()
    assert main(["integrity", str(path), "--full", *catalog]) == 0
    assert "ok       archive" in capsys.readouterr().out
    connection = apsw.Connection(str(path))
    connection.execute("update notes set letter_id = 'nobody'")
    connection.close()
    assert main(["integrity", str(path), "--json", *catalog]) == 1
