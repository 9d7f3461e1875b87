"""The simulator: many devices, real Postgres, a bad network and dying processes, all out of one seed.

    with running_postgres() as ground:
        outcome = ground.run(seed=7)

`python -m bmaddb.testing.simulation --help` runs many seeds; `make sim` is that. A failing seed fails again.
"""

from __future__ import annotations

import bmaddb.server  # noqa: F401 -- first: it says which extra is missing
from bmaddb.testing.simulation.ground import Ground, running_postgres
from bmaddb.testing.simulation.world import Outcome

__all__ = ["Ground", "Outcome", "running_postgres"]
