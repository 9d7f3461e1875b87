"""A model of the sync without any I/O: a server that takes one device after the other, devices that rebase.

It holds one row. What a device does to it goes through `merge_row`, as in the engine; the server keeps a stamp
for each column and knows nothing of rules.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bmaddb.protocol.changes import SERVER_SEQ, Change, Op
from bmaddb.protocol.merge import Action, Pending, RemoteRow, Verdict, merge_row
from bmaddb.protocol.values import same
from bmaddb.schema import (
    Catalog,
    DeleteRule,
    MergeRule,
    Module,
    Table,
    UserRecord,
    integer,
    json,
    text,
)

NOW_MS = 1_800_000_000_000


def summed(base: int, older: int, newer: int) -> int:
    """A merge function of an application: both differences count."""
    return older + newer - base


class Page(UserRecord, table="pages", delete=DeleteRule.EDIT_WINS):
    """A column for each rule that makes one value of two."""

    lww = text(default="")
    fww = text(null=True, merge=MergeRule.FWW)
    top = integer(default=0, merge=MergeRule.MAX)
    low = integer(default=99, merge=MergeRule.MIN)
    counter = json(default={}, merge=MergeRule.CNT)
    members = json(default=[], merge=MergeRule.SET)
    entries = json(default={}, merge=MergeRule.MAP)
    words = text(default="", merge=MergeRule.TXT)
    state = text(default="a", enum=("a", "b", "c", "d"), merge=MergeRule.STM)
    step = text(
        default="a",
        enum=("a", "b", "c", "d"),
        merge=MergeRule.STM,
        transitions={"a": ("b", "c"), "b": ("c", "d"), "c": ("b",)},
    )
    place = text(default="m", merge=MergeRule.POS)
    made = text(default="x", merge=MergeRule.IMM)
    derived = integer(default=0, merge=MergeRule.DRV)
    sums = integer(default=0, merge=MergeRule.FUN, merge_with=summed)
    mine = integer(default=0, merge=MergeRule.LOC)


CATALOG = Catalog([Module(name="lab", purpose="tests", records=(Page,))])
PAGES: Table = CATALOG.table("pages")
START: dict[str, Any] = {
    "created_at": 1,
    "updated_at": 1,
    **{column.name: column.spec.default for column in PAGES.columns if column.spec.has_default},
    "fww": None,
}


def stamp(at: int, node: int = 0) -> str:
    """The stamp of device `node` at `at` milliseconds of the lab."""
    return f"{NOW_MS - 100_000 + at:012x}-0000-{node:012x}"


@dataclass(slots=True)
class Server:
    """The row of the server, or None when it is deleted."""

    values: dict[str, Any] | None
    seq: int = 1
    stamps: dict[str, str] = field(default_factory=dict)

    def row(self) -> RemoteRow:
        sent = None if self.values is None else {k: v for k, v in self.values.items() if k != "mine"}
        return RemoteRow(table="pages", id="p", server_seq=self.seq, values=sent, hlc=stamp(0), stamps=self.stamps)

    def take(self, item: Pending) -> None:
        """One entry; the device has rebased it onto the row as it is."""
        self.seq += 1
        if item.change.op is Op.DELETE:
            self.values = None
            return
        self.values = {**(self.values or {}), **item.change.new}
        self.stamps.update(dict.fromkeys(item.change.new, item.stamp))


@dataclass(slots=True)
class Device:
    """A device's row, and what waits for it."""

    row: dict[str, Any] | None
    node: int
    seen: int = 1
    chain: list[Pending] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    positions: int = 0

    def edit(self, at: int, **values: Any) -> None:
        """One local transaction."""
        assert self.row is not None
        new = {name: value for name, value in values.items() if not same(value, self.row[name])}
        if new:
            old = {name: self.row[name] for name in new}
            self._append(Change(table="pages", op=Op.UPDATE, id="p", old=old, new=new), at)
            self.row = {**self.row, **new}

    def delete(self, at: int) -> None:
        assert self.row is not None
        old = {**self.row, SERVER_SEQ: self.seen}
        self._append(Change(table="pages", op=Op.DELETE, id="p", old=old), at)
        self.row = None

    def sync(self, server: Server, between: Callable[[], None] | None = None) -> None:
        """Pull, merge, push. `between`: what happens on this device while the entries are on their way."""
        if self.seen != server.seq:
            self._pull(server.row())
        leaving, self.chain = self.chain, []
        for item in leaving:
            server.take(item)
        self.seen = server.seq
        if between is not None:
            between()

    def _pull(self, remote: RemoteRow) -> None:
        if not self.chain:
            self.row = None if remote.values is None else {**(self.row or {}), **remote.values, "mine": 0}
            return
        merged = merge_row(PAGES, self.chain, self.row, remote, NOW_MS)
        self.verdicts += merged.verdicts
        values = {name: value for name, value in merged.values.items() if name != SERVER_SEQ}
        if merged.action is Action.PUT:
            self.row = {**values, "mine": 0}
        elif merged.action is Action.SET:
            self.row = {**(self.row or {}), **values}
        elif merged.action is Action.DROP:
            self.row = None
        kept: list[Pending] = []
        for item in self.chain:
            change = merged.changes.get(item.position, item.change)
            if change is not None:
                kept.append(Pending(position=item.position, stamp=item.stamp, change=change))
        self.chain = kept

    def _append(self, change: Change, at: int) -> None:
        self.positions += 1
        self.chain.append(Pending(position=self.positions, stamp=stamp(at, self.node), change=change))


def shared(values: dict[str, Any]) -> dict[str, Any]:
    """The columns that travel."""
    return {name: value for name, value in values.items() if name != "mine"}
