"""Seeded traces of people who use a coaching diary: what they open and write, in ten families of behaviour.

A view is a list, the newest row first; people open rows by how new they are (Zipf), stay in a view, follow a
neighbour or turn elsewhere, and a write puts a new row on top. Every choice here is ours; nobody's real use is in it.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from typing import NamedTuple

from bmaddb.personality.functions import TYPES
from bmaddb.personality.tables import BASE_SHARES, VIEW_NUMBERS, VIEWS, normalised, type_shares

SESSIONS = 120
HALF = SESSIONS // 2
SCAN_EVERY, SCAN_ROWS = 10, 200
STAY, FOLLOW = 0.45, 0.25
MORE = 1 - 1 / 14  # a session has 1 + Geometric(1/14) steps
FAMILIES = ("A1", "A.5", "A.25", "A.1", "B", "C", "D", "E", "F", "G", "H", "I")
MEANING = {
    "A1": "behave wholly by type",
    "A.5": "half by type",
    "A.25": "a quarter by type",
    "A.1": "a tenth by type",
    "B": "type means nothing",
    "C": "opposite of the type",
    "D": "by type, at half-time at random",
    "E": "scan of 200 old rows each 10th session",
    "F": "type misdeclared (one letter 35 %, two 10 %)",
    "G": "declares another type at half-time",
    "H": "empty account, first 3 sessions",
    "I": "heavy writer",
}

ROWS = (400, 900, 500, 700, 60, 300, 40, 25, 60, 30, 24, 80, 300, 600, 500, 120, 90, 400, 150, 12)
ZIPF = (1.0, 0.5, 1.1, 1.2, 0.9, 1.0, 0.8, 0.7, 0.9, 0.8, 0.6, 0.9, 0.7, 0.6, 0.5, 0.8, 0.9, 0.7, 0.6, 0.5)
WRITES = (
    0.30,
    0.02,
    0.30,
    0.30,
    0.10,
    0.25,
    0.08,
    0.20,
    0.12,
    0.05,
    0.05,
    0.03,
    0.02,
    0.08,
    0.0,
    0.06,
    0.0,
    0.10,
    0.04,
    0.01,
)
NEIGHBOURS = {
    "journal_recent": ("moods", "journal_history", "insights"),
    "journal_history": ("journal_recent", "memories"),
    "moods": ("journal_recent", "life_wheel"),
    "chat": ("sessions", "memories"),
    "sessions": ("chat", "goals"),
    "tasks": ("goals", "reminders"),
    "goals": ("tasks", "life_wheel"),
    "habits": ("stats", "reminders"),
    "reminders": ("tasks", "habits"),
    "life_wheel": ("goals", "domains"),
    "domains": ("life_wheel", "content"),
    "insights": ("journal_recent", "links"),
    "content": ("domains", "links"),
    "links": ("insights", "content"),
    "search": ("journal_history", "content"),
    "contacts": ("chat", "reminders"),
    "stats": ("habits", "tasks"),
    "media": ("journal_recent", "contacts"),
    "memories": ("chat", "insights"),
    "account": ("stats",),
}
_NEIGHBOURS = [[VIEW_NUMBERS[name] for name in NEIGHBOURS[view]] for view in VIEWS]


class Event(NamedTuple):
    """One row opened (`op` "r") or written ("w"). Rows of a view are numbered as they came: the last is the newest."""

    session: int
    hour: float
    view: int
    row: int
    op: str


@dataclass(frozen=True, kw_only=True)
class Trace:
    """What one person did. `declared`: the type they say they are, by session from which it holds."""

    family: str
    user: str
    true_type: str
    declared: dict[int, str]
    shares: Sequence[float]
    rows_at_first: Sequence[int]
    events: list[Event] = field(repr=False)


@cache
def _cumulated(rows: int, view: int) -> list[float]:
    return list(accumulate(1 / (rank + 1) ** ZIPF[view] for rank in range(rows)))


def trace_of(family: str, code: str, number: int, spread: float, *, seed: int = 0) -> Trace:
    """The trace of user `number` of a type in a family; `spread` (25 wide, 100 narrow): how much users of it differ."""
    chance = random.Random(f"{seed}/{family}/{code}/{number}/{spread}")
    shares = _dirichlet(chance, spread, _tendency(family, code))
    later = _dirichlet(chance, len(VIEWS), [1 / len(VIEWS)] * len(VIEWS)) if family == "D" else shares
    rows = [3] * len(VIEWS) if family == "H" else list(ROWS)
    sessions = 3 if family == "H" else SESSIONS
    events: list[Event] = []
    peaks = (chance.gauss(8, 1.5), chance.gauss(21, 1.5))
    counts = list(rows)
    for session in range(sessions):
        hour = chance.gauss(chance.choice(peaks), 1) % 24
        theta = shares if session < HALF else later
        events += _session(chance, family, session, hour, theta, counts)
    return Trace(
        family=family,
        user=f"{family}/{code}/{number}/{spread:g}",
        true_type=code,
        declared=_declared(chance, family, code),
        shares=shares,
        rows_at_first=rows,
        events=events,
    )


def _tendency(family: str, code: str) -> Sequence[float]:
    own = type_shares(code)
    if family == "C":
        return normalised(tuple(1 / (share + 0.01) for share in own))
    by_type = {"A1": 1.0, "A.5": 0.5, "A.25": 0.25, "A.1": 0.1, "B": 0.0, "D": 1.0, "E": 0.25, "F": 0.5, "G": 0.5}
    part = by_type.get(family, 0.25)
    return [(1 - part) * base + part * share for base, share in zip(BASE_SHARES, own, strict=True)]


def _dirichlet(chance: random.Random, spread: float, mean: Sequence[float]) -> list[float]:
    drawn = [chance.gammavariate(spread * share, 1) for share in mean]
    return [value / sum(drawn) for value in drawn]


def _declared(chance: random.Random, family: str, code: str) -> dict[int, str]:
    if family == "F":
        luck = chance.random()
        return {0: _flipped(chance, code, 2 if luck < 0.10 else 1 if luck < 0.45 else 0)}
    if family == "G":
        return {0: code, HALF: chance.choice([other for other in TYPES if other != code])}
    return {0: code}


def _flipped(chance: random.Random, code: str, letters: int) -> str:
    other = dict(zip("EISNTFJP", "IENSFTPJ", strict=True))
    places = set(chance.sample(range(4), letters))
    return "".join(other[letter] if place in places else letter for place, letter in enumerate(code))


def _session(
    chance: random.Random, family: str, session: int, hour: float, theta: Sequence[float], counts: list[int]
) -> Iterator[Event]:
    if family == "E" and session % SCAN_EVERY == SCAN_EVERY - 1:
        view = VIEW_NUMBERS["journal_history"]
        for row in range(SCAN_ROWS):
            yield Event(session, hour, view, row, "r")
    view = chance.choices(range(len(VIEWS)), theta)[0]
    while True:
        write = WRITES[view] if family != "I" else max(0.4, 2 * WRITES[view])
        if family == "H":
            write = max(write, 0.3)
        if chance.random() < write:
            yield Event(session, hour, view, counts[view], "w")
            counts[view] += 1
        sums = _cumulated(counts[view], view)
        rank = bisect(sums, chance.random() * sums[-1])
        yield Event(session, hour, view, counts[view] - 1 - min(rank, counts[view] - 1), "r")
        if chance.random() >= MORE:
            return
        luck = chance.random()
        if luck >= STAY + FOLLOW:
            view = chance.choices(range(len(VIEWS)), theta)[0]
        elif luck >= STAY:
            view = chance.choice(_NEIGHBOURS[view])
