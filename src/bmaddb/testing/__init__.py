"""For tests of your own: a clock you move, a network you break, a disk that loses power, a proxy that cuts, digests."""

from __future__ import annotations

from bmaddb.testing.clock import ManualClock
from bmaddb.testing.network import Fault, LossyTransport
from bmaddb.testing.power import PowerDisk, Trouble

__all__ = ["Fault", "LossyTransport", "ManualClock", "PowerDisk", "Trouble"]
