"""What is outside of the file: things that are reserved and given back, each a file; and processes that are killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import bmaddb
from bmaddb.clock import SystemClock
from bmaddb.device.atomic import Action, Operation, OuterContext, OuterStep, Rollback, RuleContext, Step
from tests.atomic.acts import open_db

TYPE: Final = "begin session"
OPERATION: Final = "01900000-0000-7000-8000-00000000000a"
START_S_MAX: Final = 60
_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.atomic.world"])
Mark = Callable[[str], None]


class World:
    """A place that keeps what is reserved there, and notes what is done to it. Both ways go by the key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def reserve(self, key: str) -> str:
        self._note(f"do {key}")
        self._of(key).write_text(key, encoding="utf-8")
        return key

    def give_back(self, key: str) -> None:
        self._note(f"undo {key}")
        if self._of(key).exists():
            self._of(key).unlink()
            self._note(f"gone {key}")

    def held(self) -> list[str]:
        return sorted(path.name.split("~")[1] for path in self._folder.glob("*~*"))

    def told(self) -> list[str]:
        """What was done to it, in order: the word and the step."""
        path = self._folder / "log"
        lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
        return [f"{line.split(' ')[0]} {line.rsplit('/', 1)[1]}" for line in lines]

    def _of(self, key: str) -> Path:
        return self._folder / key.replace("/", "~")

    def _note(self, text: str) -> None:
        with (self._folder / "log").open("a", encoding="utf-8") as log:
            log.write(f"{text}\n")


def nothing(_: str) -> None:
    """No mark is of interest."""


def session(world: World, mark: Mark = nothing, *, fails: bool = False) -> tuple[Step | OuterStep, ...]:
    """Three steps: reserve outside, write the rows here, remind outside; the last may fail when it is nearly done."""

    def outer(name: str, *, broken: bool = False) -> OuterStep:
        def do(context: OuterContext) -> dict[str, Any]:
            mark(f"before {name}")
            token = world.reserve(context.key)
            mark(f"within {name}")
            if broken:
                raise ConnectionError("no answer")
            return {"token": token}

        def undo(context: OuterContext) -> None:
            mark(f"before undo {name}")
            world.give_back(context.key)
            mark(f"within undo {name}")

        return OuterStep(name, do, undo)

    def rows(context: RuleContext) -> dict[str, Any]:
        mark("before rows")
        return {"id": "a1", "name": context.facts["name"], "motto": context.facts["results"]["reserve"]["token"]}

    return (
        outer("reserve"),
        Step("rows", "authors", Action.INSERT, rows),
        outer("remind", broken=fails),
    )


def saga(steps: Sequence[Step | OuterStep]) -> Operation:
    return Operation(TYPE, tuple(steps), strategy=Rollback.COMPENSATE, id=OPERATION, facts={"name": "Hella"})


def run(folder: Path, kill_at: str, *, fails: bool) -> None:
    """A process's life: undo what another left, then the saga; it ends itself, as kill -9 does, at one mark."""

    def mark(name: str) -> None:
        if name == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    with opened(folder) as db:
        mark("opened")
        db.store.after_commit.append(lambda fact: mark("after rows") if "authors" in fact.tables else None)
        db.execute(saga(session(World(folder / "world"), mark, fails=fails)))
        mark("ended")


def run_apart(folder: Path, kill_at: str, *, fails: bool = False) -> int:
    """The exit code of a process that does so; -9 when it was killed."""
    return _apart(_run_target, str(folder), kill_at, fails)


def resume_apart(folder: Path, kill_at: str) -> int:
    """The same for a process that undoes what was cut off, and is killed meanwhile."""
    return _apart(_resume_target, str(folder), kill_at)


class Apart:
    """A process that runs the saga and stands still within its first step, until it is killed."""

    def __init__(self, folder: Path) -> None:
        hears, says = _FORKS.Pipe(duplex=False)
        self._process: Any = _FORKS.Process(target=_stand_still, args=(str(folder), says), daemon=True)
        self._process.start()
        says.close()
        assert hears.poll(START_S_MAX), "it does not begin"
        assert hears.recv() == "within reserve"
        hears.close()

    def kill(self) -> None:
        self._process.kill()
        self._process.join()


def _stand_still(folder: str, says: Connection) -> None:
    def mark(name: str) -> None:
        if name == "within reserve":
            says.send(name)
            threading.Event().wait()

    with opened(Path(folder)) as db:
        db.execute(saga(session(World(Path(folder) / "world"), mark)))


def opened(folder: Path) -> bmaddb.Database:
    return open_db(folder / "device.db", clock=SystemClock())


def _apart(target: Callable[..., None], *arguments: object) -> int:
    process: Any = _FORKS.Process(target=target, args=arguments)
    process.start()
    process.join()
    code = int(process.exitcode)
    process.close()
    return code


def _run_target(folder: str, kill_at: str, fails: bool) -> None:
    run(Path(folder), kill_at, fails=fails)


def _resume_target(folder: str, kill_at: str) -> None:
    def mark(name: str) -> None:
        if name == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    with opened(Path(folder)) as db:
        db.resume({TYPE: session(World(Path(folder) / "world"), mark)})
