"""Whatever stands on the command line, a command ends with one line of words, never with a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import bmaddb
from bmaddb import errors as e
from bmaddb.cli.main import COMMANDS, main
from bmaddb.modules.tasks_productivity import Task
from tests.support.server import USER


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with bmaddb.open(tmp_path / "a.db", user=USER) as db, db.write() as tx:
        tx.insert(Task, title="one")
    (tmp_path / "broken.py").write_text("def (:\n")
    (tmp_path / "raising.py").write_text("raise RuntimeError('not today')\n")
    return tmp_path / "a.db"


def run(path: Path, *words: str, stdout: int | None = subprocess.DEVNULL, **variables: str) -> str:
    """What the command said to stderr; it must have ended with 1, and in one line."""
    done = subprocess.run(
        [sys.executable, "-m", "bmaddb.cli", *words],
        cwd=path.parent,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["status", "x" * 300], "cannot be looked at"),
        (["status", "a.db", "--passphrase-fd", "-1"], "nothing can be read from file descriptor -1"),
        (["status", "a.db", "--key-fd", "9" * 20], "nothing can be read from file descriptor"),
        (["status", "a.db", "--passphrase"], "no terminal to ask at"),
        (["status", "a.db", "--catalog", "broken:CATALOG"], "'broken' cannot be imported: SyntaxError"),
        (["status", "a.db", "--catalog", "raising:CATALOG"], "'raising' cannot be imported: RuntimeError: not today"),
        (["upkeep", "a.db", "--budget-mb", "nan"], "a budget is more than nothing"),
        (["upkeep", "a.db", "--budget-mb", "1e308"], "a budget is more than nothing"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else None,
)
def test_odd_options_end_with_words(path: Path, words: list[str], told: str) -> None:
    assert told in run(path, *words)


def test_so_does_an_odd_port(path: Path) -> None:
    assert "is not a port" in run(path, "status", "a.db", BMADDB_PORT="5" * 5_000)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
def test_so_does_a_full_disk_under_the_output(path: Path) -> None:
    with open("/dev/full", "wb") as full:
        assert "No space left" in run(path, "status", "a.db", stdout=full.fileno())


def test_without_a_command_there_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("usage: bmaddb")
    assert [name for name in COMMANDS if f"\n    {name}" not in told.err] == []


@pytest.mark.parametrize("said", ["caf\u00e9 \ud800", 404, ["a", "\udfff"], ValueError("half \ud800")])
def test_whatever_an_error_holds_can_be_printed(said: object) -> None:
    error = e.StoreError(said, hint="half \ud800")  # type: ignore[arg-type]
    assert str(error).encode().decode() == str(error)
    assert error.hint == "half \\ud800"
