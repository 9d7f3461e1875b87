"""`python -m bmaddb.testing.simulation`: run seeds, say what they met; 1 when a promise was broken."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from bmaddb.clock import SystemClock
from bmaddb.testing.simulation.coverage import Coverage
from bmaddb.testing.simulation.defects import DEFECTS
from bmaddb.testing.simulation.shares import Share, hunt_share, run_share
from bmaddb.testing.simulation.storms import WIDE_FROM
from bmaddb.testing.simulation.world import Outcome

TRACE_LINES_SHOWN = 60
FAILING_SHOWN = 5
START = 710_000
ALIKE = 8
"""So many seeds in a row are as heavy as the next ones; see `Storms.of`."""
LONG_RUN_SEEDS = 200
"""From so many seeds on, each event that must happen has to have happened."""


HUNT_TRIES = 200
"""How many seeds a defect may survive."""


def main() -> int:
    """Run the simulator: many devices, real Postgres, a bad network and dying processes."""
    options = _parser().parse_args()
    if options.defects:
        return _hunt(options.processes)
    seeds = _seeds(options)
    shares = _shares(seeds, options.processes)
    clock = SystemClock()
    began_ms = clock.monotonic_ms()
    with ProcessPoolExecutor(len(shares), get_context("spawn")) as pool:
        runs = [pool.submit(run_share, share, options.minutes, options.seed is not None) for share in shares]
        results = [run.result() for run in runs]
    return _report(results, seeds, (clock.monotonic_ms() - began_ms) / 1000)


def _seeds(options: argparse.Namespace) -> Sequence[int]:
    if options.seed is not None:
        return [options.seed]
    if options.file is not None:
        lines = Path(options.file).read_text(encoding="utf-8").splitlines()
        return [int(line.partition("#")[0]) for line in lines if line.partition("#")[0].strip()]
    return range(options.start, options.start + options.seeds)


def _shares(seeds: Sequence[int], processes: int) -> list[list[int]]:
    """Alike in weight: what a run meets goes by its number, and the even ones meet more."""
    blocks = [seeds[start : start + ALIKE] for start in range(0, len(seeds), ALIKE)]
    return [
        [seed for block in blocks[part::processes] for seed in block] for part in range(min(processes, len(blocks)))
    ]


def _hunt(processes: int) -> int:
    """Plant each defect and see which seed catches it; 1 when one gets away."""
    shares = [range(part, len(DEFECTS), processes) for part in range(processes)]
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        runs = [pool.submit(hunt_share, share, HUNT_TRIES) for share in shares]
        found = sorted(item for run in runs for item in run.result())
    for place, seed, how in found:
        caught = f"caught by seed {seed}: {how[:160]}" if seed is not None else "GOT AWAY"
        print(f"{DEFECTS[place].name}: {caught}")
    escaped = sum(seed is None for _, seed, _ in found)
    print(f"\n{len(found) - escaped} of {len(found)} defects are caught")
    return 1 if escaped else 0


def _report(shares: Sequence[Share], seeds: Sequence[int], took_s: float) -> int:
    coverage = Coverage()
    for share in shares:
        coverage.add(share.coverage)
    count = sum(share.count for share in shares)
    failing = sorted((outcome for share in shares for outcome in share.failing), key=lambda outcome: outcome.seed)
    for outcome in failing[:FAILING_SHOWN]:
        _show(outcome)
    print("\nwhat the runs met:")
    for name, times in coverage.as_dict().items():
        print(f"  {times:9d}  {name}")
    missing = coverage.missing(wide=min(seeds) >= WIDE_FROM) if count >= LONG_RUN_SEEDS else []
    for name in missing:
        print(f"      NEVER  {name}")
    print(f"\n{count} seeds in {took_s:.1f} s, {count / took_s:.2f} a second; {len(failing)} broke a promise")
    if failing:
        print("failing seeds: " + " ".join(str(outcome.seed) for outcome in failing))
    return 1 if failing or missing else 0


def _show(outcome: Outcome) -> None:
    print(f"\nseed {outcome.seed} breaks a promise:")
    for fault in outcome.faults[:8]:
        print(f"  {fault[:600]}")
    print("  the end of its trace:")
    for line in outcome.trace[-TRACE_LINES_SHOWN:]:
        print(f"    {line[:300]}")
    print(f"  again: make sim SEED={outcome.seed}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bmaddb.testing.simulation", description=main.__doc__)
    parser.add_argument("--seed", type=int, help="run this seed alone, and show its trace")
    parser.add_argument("--seeds", type=int, default=300, help="how many seeds (default 300)")
    parser.add_argument("--start", type=int, default=START, help=f"the first of them (default {START})")
    parser.add_argument("--file", help="run the seeds in this file, one a line, # begins a comment")
    parser.add_argument("--defects", action="store_true", help="plant each known defect, and see it caught")
    parser.add_argument("--minutes", type=float, help="stop after so many minutes, however many seeds were run")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many at a time")
    return parser


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of sets is part of a run
        command = [sys.executable, "-m", "bmaddb.testing.simulation", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, "PYTHONHASHSEED": "0"})
    sys.exit(main())
