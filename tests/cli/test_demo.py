"""The demo proves its claims, and would say so if they did not hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import bmaddb
from bmaddb.cli.demonstration import proof
from bmaddb.modules.tasks_productivity import Task

ANNA = "0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f60"


def test_the_demo_runs_and_every_claim_holds() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bmaddb.cli", "demo"], capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [merged] = [line for line in done.stdout.splitlines() if "the task now: " in line]
    assert "title 'Telefoon beneden laten', notes 'oplader in de gang', priority 3" in merged
    claims = [line.split()[0] for line in done.stdout.split("the proof\n")[1].splitlines() if line.strip()]
    assert claims == ["holds"] * 6


def test_a_missing_verdict_fails_the_proof(tmp_path: Path) -> None:
    with bmaddb.open(tmp_path / "a.db", user=ANNA) as db:
        assert not proof.verdicts(db).holds


def test_a_foreign_row_fails_the_proof(tmp_path: Path) -> None:
    with bmaddb.open(tmp_path / "a.db", user=ANNA) as db:
        with db.write() as tx:
            tx.insert(Task, title="mine")
        assert not proof.strangers(db, ANNA).holds
