"""Why a peer is ahead, where it is; the page says so beside the figure."""

from __future__ import annotations

from bench.peers.work import Work

_ORM_MEMORY = "holds objects in memory"
REASONS: dict[tuple[str, Work], str] = {}
