"""A share of the seeds, run by one process on a Postgres of its own."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from bmaddb.clock import SystemClock
from bmaddb.testing.simulation.coverage import Coverage
from bmaddb.testing.simulation.defects import DEFECTS
from bmaddb.testing.simulation.ground import running_postgres
from bmaddb.testing.simulation.world import Outcome

QUIET_BELOW = logging.CRITICAL
"""What fails here is meant to: a disk without power makes the log say so a thousand times."""
PROGRESS_FROM = 1_000
PROGRESS_EVERY = 100
"""A share of so many seeds says now and then how it goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What a process has run: how many seeds, what they met, and those that broke a promise."""

    count: int
    coverage: dict[str, int]
    failing: tuple[Outcome, ...]


def run_share(seeds: Sequence[int], minutes: float | None, verbose: bool) -> Share:
    """Run these seeds, or as many as fit into `minutes`; `verbose` prints their traces."""
    logging.getLogger("bmaddb").setLevel(QUIET_BELOW)
    clock = SystemClock()
    began_ms = clock.monotonic_ms()
    until_ms = None if minutes is None else began_ms + minutes * 60_000
    coverage = Coverage()
    failing: list[Outcome] = []
    count = 0
    with running_postgres() as ground:
        for seed in seeds:
            if until_ms is not None and clock.monotonic_ms() > until_ms:
                break
            outcome = ground.run(seed)
            count += 1
            coverage.add(outcome.coverage)
            if outcome.faults:
                failing.append(outcome)
                print(f"seed {seed}: {outcome.faults[0][:300]}", flush=True)
            if len(seeds) >= PROGRESS_FROM and count % PROGRESS_EVERY == 0:
                rate = count * 1000 / (clock.monotonic_ms() - began_ms)
                print(f"{count} seeds, {rate:.2f} a second, failing: {_numbers(failing)}", flush=True)
            if verbose:
                print("\n".join(outcome.trace), flush=True)
    return Share(count=count, coverage=coverage.as_dict(), failing=tuple(failing))


def _numbers(failing: Sequence[Outcome]) -> str:
    return " ".join(str(outcome.seed) for outcome in failing) or "none"


def hunt_share(places: Sequence[int], tries: int) -> list[tuple[int, int | None, str]]:
    """Hunt the defects at these places; for each its place, the seed that caught it (None: none did), and how."""
    logging.getLogger("bmaddb").setLevel(QUIET_BELOW)
    found: list[tuple[int, int | None, str]] = []
    with running_postgres() as ground:
        for place in places:
            seed, faults = ground.hunt(DEFECTS[place], tries)
            found.append((place, seed, faults[0] if faults else ""))
    return found
