"""Commands about a device's file make no database of what is none, and leave another program's as it is."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from bmaddb.cli.main import main

COMMANDS = [
    ["status"],
    ["health"],
    ["outbox"],
    ["conflicts"],
    ["requests"],
    ["integrity"],
    ["upkeep", "--look"],
    ["sync", "--url", "http://127.0.0.1:1", "--token", "x"],
    ["verify", "--url", "http://127.0.0.1:1", "--token", "x"],
]


def said(command: list[str], path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    name, *options = command
    assert main([name, str(path), *options]) != 0
    told = capsys.readouterr()
    return told.err + told.out


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_an_empty_file_stays_empty(tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    path = tmp_path / "empty.db"
    path.touch()
    assert "is empty: no database" in said(command, path, capsys)
    assert [(file.name, file.stat().st_size) for file in tmp_path.iterdir()] == [("empty.db", 0)]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_no_file_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    assert "there is no file" in said(command, tmp_path / "none.db", capsys)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_another_programs_file_is_the_same_to_the_byte(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    path = tmp_path / "theirs.db"
    other = sqlite3.connect(path)
    other.execute("create table theirs (x)")
    other.commit()
    other.close()
    before = path.read_bytes()
    assert "a database of another program" in said(command, path, capsys)
    assert path.read_bytes() == before
