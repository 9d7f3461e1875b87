"""Killed devices, servers and databases lose nothing that was acknowledged (B4).

A small run; the whole count with BMADDB_CHAOS_DEVICES=300 BMADDB_CHAOS_SERVERS=100 BMADDB_CHAOS_POSTGRES=20.
"""

from __future__ import annotations

import os

from tests.chaos.kills import Plan, chaos

DEVICES = int(os.environ.get("BMADDB_CHAOS_DEVICES", "10"))
SERVERS = int(os.environ.get("BMADDB_CHAOS_SERVERS", "3"))
POSTGRES = int(os.environ.get("BMADDB_CHAOS_POSTGRES", "1"))
SEED = int(os.environ.get("BMADDB_CHAOS_SEED", "1"))


def test_killed_at_any_moment_nothing_acknowledged_is_lost() -> None:
    tally = chaos(Plan(devices=DEVICES, servers=SERVERS, postgres=POSTGRES, seed=SEED))
    assert tally.lost == set(), tally
    assert tally.faults == [], tally
    assert tally.kills == {"device": DEVICES, "server": SERVERS, "postgres": POSTGRES}
    assert len(tally.acknowledged) > 3 * (DEVICES + SERVERS), "it must have been under load"
