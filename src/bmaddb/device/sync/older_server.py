"""Rows of a server whose schema is older than this device's: written in its names, read in ours.

Rules of this room: what was renamed since is renamed here; what was dropped since has no name, and nobody looks at it.
"""

from __future__ import annotations

from collections.abc import Mapping

from bmaddb.device.outbox.upgrade import Names
from bmaddb.protocol.messages import TablePage


class Renamed(TablePage, frozen=True, kw_only=True):
    """A part in today's names; `was`: what the server calls each of its columns."""

    was: tuple[str, ...]


def renamed(part: TablePage, names: Names) -> TablePage:
    """The part as a server of today would have written it, as far as names go."""
    columns = names.columns(part.table, part.columns)
    return Renamed(
        table=names.table(part.table) or _nameless(part.table),
        columns=tuple(new or _nameless(old) for old, new in zip(part.columns, columns, strict=True)),
        rows=part.rows,
        deleted=part.deleted,
        was=part.columns,
    )


def stamps_of(part: TablePage, stamps: Mapping[str, str]) -> Mapping[str, str]:
    """The stamps of a row's columns, by today's names."""
    if not isinstance(part, Renamed):
        return stamps
    today = dict(zip(part.was, part.columns, strict=True))
    return {today.get(name, name): stamp for name, stamp in stamps.items()}


def _nameless(old: str) -> str:
    """No name that a table or a column can have."""
    return f"{old} (dropped)"
