"""Whole runs, as `make sim` makes them: kept seeds hold, a seed replays itself, each planted defect is caught."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SEEDS = Path(__file__).with_name("seeds.txt")
RUN_S_MAX = 600


def simulator(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bmaddb.testing.simulation", *arguments]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    return subprocess.run(command, capture_output=True, text=True, timeout=RUN_S_MAX, env=environment, check=False)


def test_seeds_that_once_failed_hold() -> None:
    run = simulator("--file", str(SEEDS))
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]


def test_a_seed_replays_itself() -> None:
    first, second = (simulator("--seed", "17").stdout for _ in range(2))
    trace = first.partition("what the runs met")[0]
    assert "sync" in trace
    assert trace == second.partition("what the runs met")[0]


def test_every_planted_defect_is_caught() -> None:
    run = simulator("--defects")
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    assert "GOT AWAY" not in run.stdout
