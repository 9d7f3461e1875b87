"""kill -9 before, within and after every step of a saga, and of its compensations, on real files."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

import bmaddb
from bmaddb.device.atomic import ResumeReport
from bmaddb.modules.sync_status import OperationJournal
from tests.atomic.acts import names
from tests.atomic.world import OPERATION, TYPE, Apart, World, opened, resume_apart, run_apart, saga, session

STEPS = (
    "opened",
    "before reserve",
    "within reserve",
    "before rows",
    "after rows",
    "before remind",
    "within remind",
    "ended",
)
UNDOES = ("before undo remind", "within undo remind", "before undo reserve", "within undo reserve")
DONE = (["Hella"], ["remind", "reserve"], "committed")
UNDONE: tuple[list[str], list[str], str | None] = ([], [], "compensated")
NEVER: tuple[list[str], list[str], str | None] = ([], [], None)


def standing(db: bmaddb.Database, world: World) -> tuple[list[str], list[str], str | None]:
    line = db.get(OperationJournal, OPERATION)
    return names(db), world.held(), None if line is None else line.status


def restarted(folder: Path) -> tuple[tuple[list[str], list[str], str | None], ResumeReport]:
    """How it stands after a restart; a second resume finds nothing to do."""
    world = World(folder / "world")
    with opened(folder) as db:
        report = db.resume({TYPE: session(world)})
        told = world.told()
        assert db.resume({TYPE: session(world)}) == ResumeReport()
        assert world.told() == told
        return standing(db, world), report


@pytest.mark.parametrize("kill_at", STEPS)
def test_killed_at_any_step_it_is_done_or_undone(tmp_path: Path, kill_at: str) -> None:
    assert run_apart(tmp_path, kill_at) == -signal.SIGKILL
    state, report = restarted(tmp_path)
    assert state == {"opened": NEVER, "ended": DONE}.get(kill_at, UNDONE)
    assert report.compensated == ((OPERATION,) if state == UNDONE else ())
    gone = [word for word in World(tmp_path / "world").told() if word.startswith("gone")]
    assert len(gone) == len(set(gone)), "what was reserved is given back once"


@pytest.mark.parametrize("kill_at", UNDOES)
def test_killed_while_it_is_undone_it_is_undone_once(tmp_path: Path, kill_at: str) -> None:
    assert run_apart(tmp_path, kill_at, fails=True) == -signal.SIGKILL
    assert restarted(tmp_path)[0] == UNDONE
    told = World(tmp_path / "world").told()
    assert [word for word in told if word.startswith("gone")] == ["gone remind", "gone reserve"]


@pytest.mark.parametrize("kill_at", UNDOES)
def test_killed_again_while_it_resumes(tmp_path: Path, kill_at: str) -> None:
    assert run_apart(tmp_path, "within remind") == -signal.SIGKILL
    for _ in range(2):
        assert resume_apart(tmp_path, kill_at) == -signal.SIGKILL
    assert restarted(tmp_path)[0] == UNDONE
    told = World(tmp_path / "world").told()
    assert [word for word in told if word.startswith("gone")] == ["gone remind", "gone reserve"]


def test_without_a_kill_it_ends_by_itself(tmp_path: Path) -> None:
    assert run_apart(tmp_path, "never") == 0
    assert restarted(tmp_path) == (DONE, ResumeReport())
    other = tmp_path / "other"
    other.mkdir()
    assert run_apart(other, "never", fails=True) == 0
    assert restarted(other) == (UNDONE, ResumeReport())


def test_what_runs_in_another_process_is_left_alone_until_that_dies(tmp_path: Path) -> None:
    world = World(tmp_path / "world")
    other = Apart(tmp_path)
    with opened(tmp_path) as db:
        assert db.resume({TYPE: session(world)}).busy
        twin = db.execute(saga(session(world)))
        assert twin.failure is not None
        assert twin.failure.code == "B-808"
        other.kill()
        assert db.resume({TYPE: session(world)}).compensated == (OPERATION,)
        assert world.told() == ["do reserve", "undo reserve", "gone reserve"]
