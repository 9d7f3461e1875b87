"""From the lines of a run to figures: differences by family, policy, size and type, and what became of the targets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

from bench.personality.evictions import EVICTIONS
from bench.personality.paired import Difference, difference, holm
from bench.personality.traces import FAMILIES
from bmaddb.personality.functions import TYPES

NEUTRAL, GUARDED, TYPED, STATIC, ORACLE = (
    f"SLRU+{name}" for name in ("neutral", "guarded", "typed", "static", "oracle")
)
LONG = tuple(family for family in FAMILIES if family != "H")  # H ends after three sessions
Line = dict[str, Any]


class Target(NamedTuple):
    """One line of the evaluation plan: what was promised, what was measured, and whether that is enough."""

    number: int
    promise: str
    measured: str
    met: bool


class Evidence(NamedTuple):
    """The lines of a run, and what the other benches measured, by their names."""

    lines: Sequence[Line]
    side: dict[str, Any]


def lines_of(paths: Iterable[Path]) -> list[Line]:
    """Every line of these files."""
    return [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]


def pick(lines: Iterable[Line], **wanted: Any) -> list[Line]:
    """The lines whose fields have these values."""
    return [line for line in lines if all(line.get(name) == value for name, value in wanted.items())]


def differences(lines: Sequence[Line], arm: str, other: str = NEUTRAL, metric: str = "all") -> list[float]:
    """By line, how much more of `metric` one policy has than the other."""
    return [line["arms"][arm][metric] - line["arms"][other][metric] for line in lines]


def against(lines: Sequence[Line], arm: str, other: str = NEUTRAL, metric: str = "all") -> Difference:
    """The paired difference of two policies."""
    return difference(differences(lines, arm, other, metric))


def share(lines: Sequence[Line], arm: str, metric: str = "all") -> float:
    """The mean of a metric."""
    return float(mean(line["arms"][arm][metric] for line in lines))


def best_plain(lines: Sequence[Line]) -> str:
    """Of the policies that know no future and fetch nothing ahead, the one with the most hits."""
    return max((f"{name}+none" for name in EVICTIONS), key=lambda arm: share(lines, arm))


def by_type(lines: Sequence[Line], arm: str) -> list[tuple[str, Difference, bool]]:
    """Of each type the difference to the neutral policy, and whether it is significant among the sixteen (Holm)."""
    found = [(code, against(pick(lines, code=code), arm)) for code in TYPES]
    significant = holm([one.p for _, one in found])
    return [(code, one, sure) for (code, one), sure in zip(found, significant, strict=True)]


def points(value: float) -> str:
    """A share as points with a sign."""
    return f"{100 * value:+.2f}"


def interval(one: Difference) -> str:
    """A difference with its interval, in points."""
    return f"{points(one.mean)} [{points(one.low)}, {points(one.high)}]"


def targets(seen: Evidence) -> list[Target]:
    """All twelve, in order."""
    makers: tuple[Callable[[Evidence], tuple[str, str, bool]], ...] = (
        _correct, _adaptive, _harmless, _worst, _claimed, _static, _recovers, _precise, _cheap, _indexes, _gap,
    )  # fmt: skip
    found = [Target(number, *make(seen)) for number, make in enumerate(makers, start=1)]
    off = "byte search of all files, for both ways: tests/personality/test_desk.py"
    return [*found, Target(len(found) + 1, "off: no derived byte in any file after one call", off, True)]


def _correct(seen: Evidence) -> tuple[str, str, bool]:
    told = seen.side["equal"]
    queries = sum(tally["queries"] for tally in told.values())
    different = sum(tally["different"] for tally in told.values())
    memory = sum(tally["from_memory"] for tally in told.values())
    writes = sum(tally["writes"] for tally in told.values())
    text = f"{queries:,} queries while {writes:,} commits came, {memory:,} answers from memory, {different} different"
    return "the same rows and order in every mode; no stale read", text, different == 0 and queries >= 480_000


def _adaptive(seen: Evidence) -> tuple[str, str, bool]:
    rows = [pick(seen.lines, kind="main", family=family) for family in ("A1", "A.5", "A.25", "A.1", "B", "C", "D")]
    same = min(against(one, NEUTRAL, "SLRU+none").mean for one in rows)
    best = min(against(one, NEUTRAL, best_plain(one)).mean for one in rows)
    first = min(against(one, NEUTRAL, "SLRU+none", "first").mean for one in rows)
    text = f"least over A-D: {points(same)} over SLRU, {points(best)} over the best, first session {points(first)}"
    return (
        "neutral >= +3 over its eviction, +1 over the best, first session +10",
        text,
        (same >= 0.03 and best >= 0.01 and first >= 0.10),
    )


def _harmless(seen: Evidence) -> tuple[str, str, bool]:
    main = [pick(seen.lines, kind="main", family=family) for family in FAMILIES]
    sizes = sorted({(line["size"], line["budget"]) for line in pick(seen.lines, kind="grid")})
    grid = [pick(seen.lines, kind="grid", size=size, budget=budget) for size, budget in sizes]
    low = min(against(one, GUARDED).low for one in (*main, *grid))
    type_low = min(one.low for _, one, _ in by_type(pick(seen.lines, kind="main"), GUARDED))
    text = (
        f"lowest bound of {len(main)} families and {len(grid)} sizes {points(low)}; of the 16 types {points(type_low)}"
    )
    return (
        "guarded: lower bound >= -0.1 in each family and each size, >= -0.3 in each type",
        text,
        (low >= -0.001 and type_low >= -0.003),
    )


def _worst(seen: Evidence) -> tuple[str, str, bool]:
    main = [line for line in pick(seen.lines, kind="main") if line["family"] != "H"]
    worst = min(differences(main, GUARDED))
    window = min(line["arms"][GUARDED]["worst_window"] for line in main)
    text = f"worst of {len(main)} users {points(worst)}; worst 500 accesses {points(window)}"
    return "guarded: worst user >= -0.5, worst 500 accesses >= -1.0", text, worst >= -0.005 and window >= -0.01


def _claimed(seen: Evidence) -> tuple[str, str, bool]:
    first = [line for family in ("A1", "A.5") for line in pick(seen.lines, kind="main", family=family)]
    typed, guarded = against(first, TYPED, metric="first"), against(first, GUARDED, metric="first")
    text = f"first session of A1 and A.5: typed {interval(typed)}, guarded {interval(guarded)}: "
    return (
        "benefit claimed only where the interval excludes 0",
        text + ("none is claimed" if typed.low <= 0 else "a benefit of the unguarded prior there"),
        True,
    )


def _static(seen: Evidence) -> tuple[str, str, bool]:
    rows = {family: against(pick(seen.lines, kind="main", family=family), STATIC) for family in FAMILIES}
    high = max(one.high for one in rows.values())
    return "the fixed rule shows as worse in each family", f"highest upper bound {points(high)}", high < 0


def _recovers(seen: Evidence) -> tuple[str, str, bool]:
    found = {f: against(pick(seen.lines, kind="main", family=f), GUARDED, metric="turn10") for f in ("D", "G")}
    text = ", ".join(f"{family}: {interval(one)}" for family, one in found.items())
    return (
        "drift, change of type: within 0.2 of neutral after 5 sessions",
        text,
        (all(one.mean >= -0.002 for one in found.values())),
    )


def _precise(seen: Evidence) -> tuple[str, str, bool]:
    main = pick(seen.lines, kind="main")
    used, later, fetched = (
        sum(line["arms"][NEUTRAL][what] for line in main) for what in ("used", "used_later", "fetched")
    )
    most = max(line["arms"][arm]["fetched_most"] for line in main for arm in (NEUTRAL, TYPED, GUARDED))
    text = (
        f"{used / fetched:.1%} of the rows fetched are used in their session, {later / fetched:.1%} in a later one;"
        f" at most {most:.0f} in one session"
    )
    return "precision >= 35 %, at most B rows a session, none when sparing", text, used / fetched >= 0.35 and most <= 32


def _cheap(seen: Evidence) -> tuple[str, str, bool]:
    cost = seen.side["overhead"]
    text = (
        f"{cost['access_us']:.1f} us an access for model and caches, {cost['prior_get_us']:.1f} us for a row through"
        f" everything ({cost['prior_first_get_us']:.1f} with a read of the file),"
        f" {cost['plan_ms']:.2f} ms a plan, {cost['state_bytes'] / 1024:.0f} KB at the most,"
        f" {cost['off_us']:+.2f} us when off"
    )
    cheap = max(cost["access_us"], cost["prior_get_us"], cost["prior_first_get_us"]) <= 20 and cost["plan_ms"] <= 2
    return (
        "<= 20 us an access, 2 ms a plan, 256 KB, 1 us when off",
        text,
        cheap and cost["state_bytes"] <= 262_144 and cost["off_us"] <= 1,
    )


def _indexes(seen: Evidence) -> tuple[str, str, bool]:
    tried = seen.side["indexes"]
    text = "; ".join(f"{name} x{speed:.2f}, file {growth:+.1%}" for name, speed, _, growth, _ in tried)
    kept = [one for one in tried if one[4]]
    return (
        "twice as fast for <= 5 % of write time and 3 % of the file, or dropped",
        (f"{text}: {len(kept)} of {len(tried)} kept"),
        all(growth <= 0.03 for _, _, _, growth, _ in kept),
    )


def _gap(seen: Evidence) -> tuple[str, str, bool]:
    main = [line for line in pick(seen.lines, kind="main") if line["family"] != "H"]
    lru, neutral, optimum = (share(main, arm) for arm in ("LRU+none", NEUTRAL, "MIN+none"))
    closed = (neutral - lru) / (optimum - lru)
    return (
        "at least 15 % of the way from LRU to MIN",
        f"{closed:.0%} (ARC {_closed(main, lru, optimum):.0%})",
        closed >= 0.15,
    )


def _closed(lines: Sequence[Line], lru: float, optimum: float) -> float:
    return (share(lines, "ARC+none") - lru) / (optimum - lru)
