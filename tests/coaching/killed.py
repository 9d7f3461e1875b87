"""Processes that run one operation and end themselves, as kill -9 does, before or after one of its steps."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import bmaddb
from bmaddb.coaching import operations as ops
from bmaddb.device.atomic import CheckOutcome, Operation, OuterContext, OuterStep, RuleContext, Step
from tests.coaching.acts import onboarding, plan
from tests.support.server import USER

ONBOARDING: Final = "01900000-0000-7000-8000-00000000000a"
SESSION: Final = "01900000-0000-7000-8000-00000000000b"
_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.coaching.killed"])
Mark = Callable[[str], None]


def opened(folder: Path) -> bmaddb.Database:
    return bmaddb.open(folder / "user.db", user=USER)


def reservation(folder: Path, name: str) -> OuterStep:
    """A step that makes a file, and whose undo removes it."""
    path = folder / f"{name}.held"

    def do(context: OuterContext) -> None:
        path.write_text(context.key, encoding="utf-8")

    return OuterStep(name, do, lambda context: path.unlink(missing_ok=True))


def outers(folder: Path) -> dict[str, tuple[OuterStep, ...]]:
    return {"before": (reservation(folder, "reserve"),), "after": (reservation(folder, "remind"),)}


def operation_of(which: str, folder: Path) -> Operation:
    if which == "onboarding":
        return replace(ops.user_onboarding(onboarding()), id=ONBOARDING)
    return replace(ops.coaching_session(plan(**outers(folder))), id=SESSION)


def marked(operation: Operation, mark: Mark) -> Operation:
    """The same, with a mark before every step, and one when all are done and the checks have looked."""

    def local(step: Step) -> Step:
        def data(context: RuleContext) -> Any:
            mark(f"before {step.name}")
            return step.data(context) if callable(step.data) else step.data

        return replace(step, data=data)

    def outer(step: OuterStep) -> OuterStep:
        def do(context: OuterContext) -> Any:
            mark(f"before {step.name}")
            done = step.do(context)
            mark(f"after {step.name}")
            return done

        return replace(step, do=do)

    def last(context: RuleContext) -> CheckOutcome:
        mark("before the commit")
        return CheckOutcome(name="mark", ok=True)

    steps = tuple(local(step) if isinstance(step, Step) else outer(step) for step in operation.steps)
    return replace(operation, steps=steps, checks=(*operation.checks, last))


def run_apart(folder: Path, which: str, kill_at: str) -> int:
    """The exit code of a process that runs the operation; -9 when it was killed."""
    process: Any = _FORKS.Process(target=_run, args=(str(folder), which, kill_at))
    process.start()
    process.join()
    code = int(process.exitcode)
    process.close()
    return code


def _run(folder: str, which: str, kill_at: str) -> None:
    def mark(name: str) -> None:
        if name == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    with opened(Path(folder)) as db:
        result = db.execute(marked(operation_of(which, Path(folder)), mark))
        assert result.ok, result.failure
        mark("after the commit")
