"""The parts of a database are made once, whoever asks first; what was never asked for is never made."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import bmaddb
from bmaddb.service.parts import Once

USER = "0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f60"
THREADS = 6
WAIT_S_MAX = 30
ASKED: dict[str, Callable[[bmaddb.Database], object]] = {
    "outbox": lambda db: db.outbox,
    "requests": lambda db: db.requests,
    "upkeep": lambda db: db.upkeep,
    "personality": lambda db: db.personality,
    "operations": lambda db: db.operations,
    "monitor": lambda db: db.monitor,
    "health": lambda db: db.health_checks,
}


@pytest.fixture
def impatient() -> Iterator[None]:
    """Threads take turns as often as they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def test_a_part_is_made_once_however_many_ask() -> None:
    begun, go = threading.Semaphore(0), threading.Event()
    made: list[int] = []

    def make() -> object:
        made.append(threading.get_ident())
        begun.release()
        assert go.wait(WAIT_S_MAX)
        return object()

    once = Once(make)
    assert once.made is None
    with ThreadPoolExecutor(THREADS) as threads:
        asked = [threads.submit(once) for _ in range(THREADS)]
        assert begun.acquire(timeout=WAIT_S_MAX)
        go.set()
        assert {id(one.result()) for one in asked} == {id(once.made)}
    assert len(made) == 1


def test_one_that_could_not_be_made_is_tried_again() -> None:
    tries = iter((ValueError("not yet"),))

    def make() -> str:
        error = next(tries, None)
        if error is not None:
            raise error
        return "made"

    once = Once(make)
    with pytest.raises(ValueError, match="not yet"):
        once()
    assert once() == once.made == "made"


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("name", ASKED)
def test_threads_that_ask_first_together_get_the_same(tmp_path: Path, name: str) -> None:
    start = threading.Barrier(THREADS)

    def ask(db: bmaddb.Database) -> object:
        start.wait(WAIT_S_MAX)
        return ASKED[name](db)

    with bmaddb.open(tmp_path / "a.db", user=USER) as db, ThreadPoolExecutor(THREADS) as threads:
        asked = [threads.submit(ask, db) for _ in range(THREADS)]
        assert {id(one.result()) for one in asked} == {id(ASKED[name](db))}
