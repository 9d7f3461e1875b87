"""The feed: each committed transaction's changed rows, for those who follow some tables.

Rules of this room: what is handed on is handed on after the commit, once, in the order of the commits; nobody follows
means no work. `gate` is held from just before a commit until it has been handed on: who takes it and opens a
snapshot knows which commits that snapshot holds.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from bmaddb.device.store.changeset import Change


class Told(msgspec.Struct, frozen=True):
    """What a transaction says of its rows: table -> rows before and now, and tables that changed somehow."""

    rows: Mapping[str, Sequence[Change]]
    whole: set[str]


class Commit(msgspec.Struct, frozen=True):
    """What one commit changed. Rows stand in the order of their record's slots."""

    rows: Mapping[str, Sequence[Change]]
    whole: frozenset[str]
    """Tables that changed, and nobody knows which rows: a bulk."""
    everything: bool = False
    """Somebody else wrote into the file: any row may be another."""


Follower: TypeAlias = Callable[[Commit], None]
ELSEWHERE = Commit({}, frozenset(), everything=True)


class Feed:
    """Hands commits to the follower, when there is one and it follows any table."""

    def __init__(self) -> None:
        self.gate = threading.Lock()
        self.tables: frozenset[str] = frozenset()
        """The tables that are followed; set with `gate` held."""
        self.follower: Follower | None = None

    def hand(self, commit: Commit) -> None:
        """Tell the follower, with `gate` held. The commit stands: one that fails must not make it look undone."""
        if self.follower is None:
            return
        try:
            self.follower(commit)
        except Exception:
            import logging

            logging.getLogger("bmaddb.store").exception("a follower of commits failed")
