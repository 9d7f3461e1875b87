"""Operations that only the server can carry out: queued durably, sent in order, each with one effect."""

from __future__ import annotations

from bmaddb.device.requests.policy import RequestPolicy
from bmaddb.device.requests.queue import RequestCounts, RequestQueue, ask_in_write
from bmaddb.device.requests.reasons import RequestReason

__all__ = ["RequestCounts", "RequestPolicy", "RequestQueue", "RequestReason", "ask_in_write"]
