"""A peer in this process: makes ready, and then is timed."""

from __future__ import annotations

import gc
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from bench.peers.work import About, Cost, Given, Level, Totals, Work

Step: TypeAlias = Callable[[], int]
"""What is timed; answers with how many operations (or rows) it did."""
CACHE_KIB = 16_384


class InProcess(ABC):
    """Each work is a method that is given what it needs, makes ready, and answers with its Step."""

    about: About

    def measure(self, work: Work, given: Given) -> Cost:
        """Make ready, then time."""
        step: Step = getattr(self, work.value)(**given)
        gc.collect()
        wall, cpu = time.perf_counter(), time.process_time()
        count = step()
        return Cost(wall_s=time.perf_counter() - wall, cpu_s=time.process_time() - cpu, count=count)

    @abstractmethod
    def open(self, path: Path, level: Level) -> None: ...
    @abstractmethod
    def reopen(self) -> None: ...
    @abstractmethod
    def totals(self) -> Totals: ...
    @abstractmethod
    def close(self) -> None: ...

    def end(self) -> None:  # noqa: B027  (only a peer with a process of its own has something to end)
        """Nothing more to end."""

    @abstractmethod
    def insert_many(self, first: int, count: int) -> Step: ...
    @abstractmethod
    def insert_singly(self, first: int, count: int) -> Step: ...
    @abstractmethod
    def read(self, indexes: list[int]) -> Step: ...
    @abstractmethod
    def listing(self, since: list[str], limit: int) -> Step: ...
    @abstractmethod
    def update(self, indexes: list[int]) -> Step: ...
    @abstractmethod
    def pull(self, path: str, wire: str) -> Step: ...


def set_up(connection: Any, level: Level) -> None:
    """The pragmas of our own connections, for a DB-API connection."""
    for pragma in ("journal_mode = WAL", f"synchronous = {level}", f"cache_size = -{CACHE_KIB}", "foreign_keys = on"):
        connection.execute(f"pragma {pragma}").close()
