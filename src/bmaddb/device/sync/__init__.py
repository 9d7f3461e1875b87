"""Sync: the I/O that `protocol.session` asks for, between one store and one server."""

from __future__ import annotations

from bmaddb.device.sync.engine import SyncEngine
from bmaddb.device.sync.http_transport import HttpTransport
from bmaddb.device.sync.report import SyncReport
from bmaddb.device.sync.schedule import BackgroundSync, Schedule
from bmaddb.device.sync.transport import Transport
from bmaddb.device.sync.verdicts import NO_VALUE, Side, overturn
from bmaddb.device.sync.verify_report import TableCheck, Verified, VerifyReport

__all__ = [
    "NO_VALUE",
    "BackgroundSync",
    "HttpTransport",
    "Schedule",
    "Side",
    "SyncEngine",
    "SyncReport",
    "TableCheck",
    "Transport",
    "Verified",
    "VerifyReport",
    "overturn",
]
