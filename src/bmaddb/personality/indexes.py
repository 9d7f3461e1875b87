"""Optional indexes on this device: built when asked in idle time, measured, and dropped when they do not help.

Rules of this room: an index stays only if it makes its pattern at least twice as fast and the file at most 3 % larger;
never more than five; one that no query of its table was planned with for 30 days goes. No plan is ever forced.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from bmaddb import statements
from bmaddb.device.store import Store
from bmaddb.personality import state
from bmaddb.personality.optimiser import INDEXES_MAX

PREFIX: Final = "personality_"
SPEED_MIN: Final = 2.0
GROWTH_MAX: Final = 0.03
RUNS: Final = 9
QUERIES_REMEMBERED_MAX: Final = 100
UNUSED_MS_MAX: Final = 30 * 24 * 3600 * 1000
_SQL: Final = statements.load("bmaddb.personality", "sql/indexes.sql")
_PROBES: Final = statements.load("bmaddb.personality", "sql/patterns.sql")

OF_PATTERN: Final[Mapping[str, tuple[str, str, dict[str, Any]]]] = {
    "on_this_day": ("journal_entries", "on_this_day", {"month_day": "03-01"}),
    "entry_mood": ("journal_entries", "mood_with_words", {"mood": 4}),
    "link_strength": ("record_links", "two_hop_links", {"relation": "relates_to"}),
    "task_due": ("tasks", "due_board", {"until": "2026-01-31"}),
    "task_recent": ("tasks", "today_feed", {"since_ms": 0}),
    "contact_touch": ("contacts", "people_to_reach", {"circle": 2}),
    "insight_function": ("mbti_insights", "insight_chain", {"function_code": "Ni"}),
    "area_trend": ("life_area_scores", "compare_periods", {"split_ms": 0}),
    "habit_grid": ("habit_logs", "habit_grid", {"habit_id": "", "since": "2026-01-01"}),
    "content_open": ("content_states", "half_read", {}),
    "photo_time": ("attachments", "photo_grid", {}),
    "goal_ladder": ("goals", "goal_ladder", {"horizon": "quarter"}),
}
"""Of each index its table, the pattern it is for, and what the pattern is measured with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What an index was found to be worth. `speed`: how many times as fast its pattern is; `growth`: of the file."""

    name: str
    kept: bool
    speed: float
    growth: float
    reason: str


class Indexes:
    """The optional indexes of one file."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._asked: OrderedDict[tuple[str, tuple[Any, ...]], None] = OrderedDict()
        self._used_at_ms: dict[str, int] = {}

    def built(self) -> list[str]:
        """The names of those that are there."""
        return [str(row[0]).removeprefix(PREFIX) for row in self._store.tuples(_SQL["built"], ())]

    def try_out(self, names: tuple[str, ...]) -> list[Measured]:
        """Build those of `names` that are not there, up to five in all, and keep the ones that help."""
        found: list[Measured] = []
        for name in names:
            there = self.built()
            if len(there) >= INDEXES_MAX:
                break
            if name in OF_PATTERN and name not in there and OF_PATTERN[name][0] in self._store.catalog.records:
                found.append(self._try_one(name))
        return found

    def asked(self, text: str, arguments: tuple[Any, ...]) -> None:
        """A query was run; the last hundred different ones tell which indexes are used."""
        self._asked.pop((text, arguments), None)
        self._asked[text, arguments] = None
        if len(self._asked) > QUERIES_REMEMBERED_MAX:
            self._asked.popitem(last=False)

    def review(self) -> list[str]:
        """Drop what no query was planned with for 30 days; the answer is what went."""
        now_ms, there = self._store.clock.now_ms(), self.built()
        plans = [
            str(row[-1])
            for text, arguments in list(self._asked)
            for row in self._store.tuples(f"EXPLAIN QUERY PLAN {text}", arguments)
        ]
        gone: list[str] = []
        for name in there:
            if any(PREFIX + name in plan for plan in plans):
                self._used_at_ms[name] = now_ms
            elif now_ms - self._used_at_ms.setdefault(name, now_ms) > UNUSED_MS_MAX:
                self.drop(name)
                gone.append(name)
        return gone

    def drop(self, name: str) -> None:
        """Take one away; again is fine."""
        with state.without_trace(self._store) as connection:
            connection.execute(_SQL[f"drop_{name}"])
        self._used_at_ms.pop(name, None)

    def drop_all(self) -> None:
        """Take all of them away."""
        for name in self.built():
            self.drop(name)

    def _try_one(self, name: str, *, keep_anyway: bool = False) -> Measured:
        _, pattern, values = OF_PATTERN[name]
        before_ms, pages_before = self._time(pattern, values), self._pages()
        with self._store.maintain() as connection:
            connection.execute(_SQL[f"create_{name}"])
        after_ms, pages_after = self._time(pattern, values), self._pages()
        speed = before_ms / max(after_ms, 1e-6)
        growth = pages_after / max(pages_before, 1) - 1
        kept = speed >= SPEED_MIN and growth <= GROWTH_MAX
        reason = "it helps" if kept else "the file grows too much" if speed >= SPEED_MIN else "it is not twice as fast"
        if kept:
            self._used_at_ms[name] = self._store.clock.now_ms()
        elif not keep_anyway:
            self.drop(name)
        return Measured(name=name, kept=kept, speed=speed, growth=growth, reason=reason)

    def _time(self, pattern: str, values: dict[str, Any]) -> float:
        clock = self._store.clock
        taken: list[float] = []
        with self._store.read() as connection:
            for _ in range(RUNS):
                began = clock.monotonic_ms()
                connection.execute(_PROBES[pattern], values).fetchall()
                taken.append(clock.monotonic_ms() - began)
        return median(taken)

    def _pages(self) -> int:
        total, free = self._store.tuples(_SQL["pages"], ())[0]
        return int(total) - int(free)
