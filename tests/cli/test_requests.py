"""`bmaddb requests FILE`: list, retry, cancel, and clear words for what cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

import bmaddb
from bmaddb.cli.main import main

USER = "0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f60"


@pytest.fixture
def asked(tmp_path: Path) -> tuple[str, str, str]:
    """A file with a cancelled request and a dead one behind it: path and their ids."""
    path = tmp_path / "device.db"
    with bmaddb.open(path, user=USER) as db:
        first = db.request("mail.send", {"to": "anna"}, key="welcome")
        second = db.request("quota.reserve", {"days": 3}, after=[first.id])
        db.requests.cancel(first.id)
    return str(path), first.id, second.id


def test_the_list_says_what_failed_why_and_what_to_do(
    asked: tuple[str, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    path, first, second = asked
    assert main(["requests", path]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "0 waiting, 0 on their way, 1 dead, 0 done, 1 cancelled"
    assert lines[2].startswith(f"{second}  quota.reserve, dead, of ")
    assert lines[3:] == [
        "  why: it needs a request that is dead or was cancelled [depends_on_dead]",
        f"  of: {first}",
        "  what to do: it follows by itself when that one is sent again (`retry`)",
        '  payload: {"days": 3}',
    ]


def test_retry_and_cancel(asked: tuple[str, str, str], capsys: pytest.CaptureFixture[str]) -> None:
    path, first, second = asked
    assert main(["requests", path, "retry", first]) == 0
    assert "goes with the next sync" in capsys.readouterr().out
    assert main(["requests", path]) == 0
    assert f"after: {first}" in capsys.readouterr().out
    assert main(["requests", path, "cancel", second]) == 0
    assert "it had no effect" in capsys.readouterr().out


def test_what_cannot_be_is_said_in_one_line(
    asked: tuple[str, str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, _, _ = asked
    for words in (["requests", path, "retry"], ["requests", path, "cancel", "x"], ["requests", str(tmp_path / "no")]):
        assert main(words) == 1
        said = capsys.readouterr().err
        assert said.startswith("bmaddb: ")
        assert "hint:" in said
