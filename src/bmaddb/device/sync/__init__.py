"""Sync: the I/O that `protocol.session` asks for, between one store and one server."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bmaddb.device.sync.arrivals import Arrived, Reaction
    from bmaddb.device.sync.engine import SyncEngine
    from bmaddb.device.sync.giveback import GiveBack
    from bmaddb.device.sync.http_transport import HttpTransport
    from bmaddb.device.sync.recall import fetch_packed
    from bmaddb.device.sync.report import SyncReport
    from bmaddb.device.sync.schedule import BackgroundSync, Schedule
    from bmaddb.device.sync.transport import Transport
    from bmaddb.device.sync.verdicts import NO_VALUE, Side, overturn
    from bmaddb.device.sync.verify_report import TableCheck, Verified, VerifyReport

__all__ = [
    "Arrived",
    "BackgroundSync",
    "GiveBack",
    "HttpTransport",
    "NO_VALUE",
    "Reaction",
    "Schedule",
    "Side",
    "SyncEngine",
    "SyncReport",
    "TableCheck",
    "Transport",
    "Verified",
    "VerifyReport",
    "fetch_packed",
    "overturn",
]
_HOMES = {
    "Arrived": "bmaddb.device.sync.arrivals",
    "Reaction": "bmaddb.device.sync.arrivals",
    "GiveBack": "bmaddb.device.sync.giveback",
    "fetch_packed": "bmaddb.device.sync.recall",
    "SyncEngine": "bmaddb.device.sync.engine",
    "HttpTransport": "bmaddb.device.sync.http_transport",
    "SyncReport": "bmaddb.device.sync.report",
    "BackgroundSync": "bmaddb.device.sync.schedule",
    "Schedule": "bmaddb.device.sync.schedule",
    "Transport": "bmaddb.device.sync.transport",
    "NO_VALUE": "bmaddb.device.sync.verdicts",
    "Side": "bmaddb.device.sync.verdicts",
    "overturn": "bmaddb.device.sync.verdicts",
    "TableCheck": "bmaddb.device.sync.verify_report",
    "Verified": "bmaddb.device.sync.verify_report",
    "VerifyReport": "bmaddb.device.sync.verify_report",
}


def __getattr__(name: str) -> Any:
    """Load the part that is asked for, and no other: who only opens a file waits for nothing else."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
