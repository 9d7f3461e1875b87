"""Local transactions that wait for the server: order, dependencies, lease, settle, park."""

from __future__ import annotations

from bmaddb.device.outbox.entries import Entry, EntryStatus, GivenUp, ParkReason
from bmaddb.device.outbox.outbox import Outbox, OutboxCounts

__all__ = ["Entry", "EntryStatus", "GivenUp", "Outbox", "OutboxCounts", "ParkReason"]
