"""Work in other threads, with its answer and its errors brought back."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
WAIT_S_MAX = 60


def in_thread(work: Callable[[], T]) -> T:
    """What `work` answers, run in a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result(WAIT_S_MAX)


def together(*works: Callable[[], object]) -> None:
    """Run all at the same time, each in its thread; raises what any of them raised."""
    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(work) for work in works]:
            done.result(WAIT_S_MAX)
