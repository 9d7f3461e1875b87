"""Squashing: adjacent entries that touch the same rows leave as one. Pure; the entries themselves stay as they are.

A hundred small edits of one text, made offline, need not be a hundred units on the server. Entries leave under
one number when each touches exactly the rows of the one before it and nothing is lost by it:

- The unit has the stamp of its newest entry. So an older value may only be in it where a later one overwrote
  its column, or nobody else can hold the row yet: it was inserted in the unit, under an id nobody else makes.
- Insert and delete is nothing, for the server never heard of the row. A row deleted and then made again is left
  apart: that is two rows for the server.
- `updated_at` is no reason to stay apart: two edits of one millisecond write it once, and both mean it.
- First writer wins by the older stamp: such a column keeps its entries apart.

The server refuses a unit as a whole. Then its entries are sent apart (`reasons.APART`), so that one is to blame.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec
from msgspec.structs import replace

from bmaddb.device.outbox.entries import Entry
from bmaddb.protocol.changes import SERVER_SEQ, Change, Op, RowKey
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.rules import MergeRule
from bmaddb.schema.tables import Table

ENTRIES_MAX = 1_000
"""In one unit; what a later lease finds joins the next."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UNSENT = frozenset({MergeRule.LOC, MergeRule.SRV})
_MOMENT = "updated_at"
Changes = Mapping[RowKey, Change]


class Unit(msgspec.Struct):
    """Entries that leave under one number, oldest first, and what they come to together."""

    entries: list[Entry]
    changes: dict[RowKey, Change] = msgspec.field(default_factory=dict)

    @property
    def last(self) -> Entry:
        return self.entries[-1]

    def takes(self, catalog: Catalog, entry: Entry) -> bool:
        """May `entry`, the next one, leave with this unit?"""
        before = self.last
        if len(self.entries) == ENTRIES_MAX or len(self.changes) != len(before.changes):
            return False  # a row that came to nothing ends the unit
        if before.reason or entry.reason or before.depends_on or entry.depends_on:
            return False
        if entry.changes.keys() != before.changes.keys():
            return False
        return all(_joins(catalog.tables.get(key[0]), self.changes[key], entry.changes[key]) for key in entry.changes)

    def add(self, entry: Entry) -> None:
        """The entry leaves with this unit."""
        self.entries.append(entry)
        for key, change in entry.changes.items():
            before = self.changes.get(key)
            joined = change if before is None else _joined(before, change)
            if joined is None:
                del self.changes[key]
            else:
                self.changes[key] = joined


def unit_of(entries: Iterable[Entry]) -> Unit:
    """The unit these entries were made into; the same one each time."""
    unit = Unit(entries=[])
    for entry in entries:
        unit.add(entry)
    return unit


def _joined(before: Change, after: Change) -> Change | None:
    if before.op is Op.INSERT and after.op is Op.DELETE:
        return None
    if after.op is Op.DELETE:
        return replace(after, old={**after.old, **before.old})
    old = {} if before.op is Op.INSERT else {**after.old, **before.old}
    return replace(before, old=old, new={**before.new, **after.new})


def _joins(table: Table | None, before: Change, after: Change) -> bool:
    if table is None or before.op is Op.DELETE or after.op is Op.INSERT:
        return False
    if (SERVER_SEQ in before.new and before.op is Op.UPDATE) or SERVER_SEQ in after.new:
        return False  # made again
    if after.op is Op.DELETE:
        return True
    if before.op is Op.INSERT:
        return not table.options.natural_key and _UUID.fullmatch(before.id) is not None
    overwritten = _sent(table, before)
    return overwritten <= after.new.keys() and not any(
        table.by_name[name].spec.merge is MergeRule.FWW for name in overwritten
    )


def _sent(table: Table, change: Change) -> frozenset[str]:
    return frozenset(
        name
        for name in change.new
        if name != _MOMENT and name in table.by_name and table.by_name[name].spec.merge not in _UNSENT
    )
