"""For tests of your own: a clock you move, a network you break, a proxy that cuts, digests that compare."""

from __future__ import annotations

from bmaddb.testing.clock import ManualClock
from bmaddb.testing.network import Fault, LossyTransport

__all__ = ["Fault", "LossyTransport", "ManualClock"]
