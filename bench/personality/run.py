"""Every trace through every policy, one JSON line a trace: `python -m bench.personality.run OUT [users] [seed]`.

Lines that are in OUT already are not run again, so a run that was cut goes on. What was tuned was tuned on traces of
`TUNE_SEED`; what is reported comes from `REPORT_SEED`, whose traces nobody looked at while anything was chosen.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import accumulate
from pathlib import Path
from typing import Any

from bench.personality.evictions import EVICTIONS
from bench.personality.replay import PREFETCHES, Adaptive, Outcome, arm_of, belady, replay
from bench.personality.traces import FAMILIES, HALF, Trace, trace_of
from bmaddb.personality.caches import SegmentedLru
from bmaddb.personality.functions import TYPES

SPREADS = (25.0, 100.0)
SIZE, BUDGET = 96, 32
USERS = 2  # of each type, family and spread
TUNE_SEED, REPORT_SEED = 0, 7919
PROCESSES = 2
GRID = ((48, 16), (384, 96))
WINDOW = 500
THRESHOLDS = (0.0, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08)
EVICTION = "SLRU"


def main() -> None:
    """Run what is missing."""
    users = int(sys.argv[2]) if len(sys.argv) > 2 else USERS
    run_all(Path(sys.argv[1]), users, int(sys.argv[3]) if len(sys.argv) > 3 else REPORT_SEED)


def run_all(out: Path, users: int, seed: int = REPORT_SEED) -> None:
    """Add to `out` the lines it lacks."""
    complete(out, ((f"{seed}/{key}", {"seed": seed, **job}) for key, job in jobs(users)), run)


def complete(out: Path, named: Iterable[tuple[str, dict[str, Any]]], work: Callable[[dict[str, Any]], Any]) -> None:
    """Add to `out` what `work` makes of each job whose key it lacks; on all processes, in order."""
    done = set()
    if out.exists():
        done = {json.loads(line)["key"] for line in out.read_text(encoding="utf-8").splitlines()}
    missing = [(key, job) for key, job in named if key not in done]
    with out.open("a", encoding="utf-8") as file, ProcessPoolExecutor(PROCESSES) as pool:
        for (key, _), found in zip(missing, pool.map(work, [job for _, job in missing]), strict=True):
            file.write(json.dumps({"key": key, **found}) + "\n")
            file.flush()


def jobs(users: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is to be run, the main comparison first; each job has a name of its own."""
    for user in range(users):
        for spread in SPREADS:
            for family in FAMILIES:
                for code in TYPES:
                    where = {"family": family, "code": code, "user": user, "spread": spread}
                    yield f"main/{family}/{code}/{user}/{spread:g}", {"kind": "main", **where}
        if user == 0:
            yield from _side_jobs()


def _side_jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for family in FAMILIES:
        for code in TYPES:
            where = {"family": family, "code": code, "user": 0, "spread": 25.0}
            for size, budget in GRID:
                yield f"grid/{family}/{code}/{size}/{budget}", {"kind": "grid", "size": size, "budget": budget, **where}
    for family in ("A.25", "C"):
        for code in TYPES:
            where = {"family": family, "code": code, "user": 0, "spread": 25.0}
            yield f"cross/{family}/{code}", {"kind": "cross", **where}
            yield f"worth/{family}/{code}", {"kind": "worth", **where}


def run(job: dict[str, Any]) -> dict[str, Any]:
    """The figures of one job, by policy."""
    trace = trace_of(job["family"], job["code"], job["user"], job["spread"], seed=job["seed"])
    size, budget = job.get("size", SIZE), job.get("budget", BUDGET)
    if job["kind"] == "main":
        arms = [(eviction, "none") for eviction in EVICTIONS] + [(EVICTION, prefetch) for prefetch in PREFETCHES[1:]]
    elif job["kind"] == "grid":
        arms = [(EVICTION, prefetch) for prefetch in ("none", "neutral", "static", "guarded")]
    elif job["kind"] == "cross":
        arms = [(eviction, prefetch) for eviction in EVICTIONS for prefetch in PREFETCHES]
    else:
        return {**job, "arms": {str(worth): figures(_thresholded(trace, worth)) for worth in THRESHOLDS}}
    outcomes = {
        f"{eviction}+{prefetch}": replay(trace, arm_of(trace, eviction, prefetch, size, budget))
        for eviction, prefetch in arms
    }
    if job["kind"] != "cross":
        outcomes["MIN+none"] = belady(trace, size)
    neutral = outcomes.get(f"{EVICTION}+neutral")
    return {**job, "arms": {name: figures(outcome, neutral) for name, outcome in outcomes.items()}}


def _thresholded(trace: Trace, worth: float) -> Outcome:
    arm = Adaptive(trace, "neutral", SIZE, BUDGET, SegmentedLru)
    arm.cache.worth_min = worth
    return replay(trace, arm)


def figures(outcome: Outcome, neutral: Outcome | None = None) -> dict[str, float]:
    """What is kept of an outcome. Shares are of 1."""
    found = {
        "all": outcome.share(),
        "first": outcome.share(slice(0, 1)),
        "first5": outcome.share(slice(0, 5)),
        "last20": outcome.share(slice(-20, None)),
        "turn5": outcome.share(slice(HALF, HALF + 5)),
        "turn10": outcome.share(slice(HALF + 5, HALF + 10)),
        "accesses": len(outcome.hits),
        "fetched": outcome.fetched,
        "used": outcome.used,
        "used_later": outcome.used_later,
        "fetched_most": outcome.fetched_most,
        "switches": outcome.switches,
        "stops": outcome.stops,
    }
    if neutral is not None and outcome is not neutral:
        found["worst_window"] = worst_window(outcome.hits, neutral.hits)
    return {name: round(value, 6) for name, value in found.items()}


def worst_window(hits: bytes | bytearray, others: bytes | bytearray) -> float:
    """The least difference of hits, as a share, over any 500 accesses in a row (over all, when there are fewer)."""
    sums = [0, *accumulate(a - b for a, b in zip(hits, others, strict=True))]
    width = min(WINDOW, len(hits))
    return min((sums[end] - sums[end - width] for end in range(width, len(sums))), default=0) / WINDOW


if __name__ == "__main__":
    main()
