"""Three-way merge of one row: what waits here against what the server holds.

Base is the value before the first waiting change that touched the column, mine the local row's, theirs the
server's. A column that only one side changed needs no rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any

import msgspec
from msgspec.structs import replace

from bmaddb.protocol import stamps
from bmaddb.protocol.changes import SERVER_SEQ, Change, Op
from bmaddb.protocol.merge.deletes import merge_local_delete, merge_remote_delete
from bmaddb.protocol.merge.functions import combiner
from bmaddb.protocol.merge.rules import Dispute, Merged, Winner, merge_value, newest_with
from bmaddb.protocol.merge.shapes import Action, Chain, Pending, RemoteRow, RowMerge, Verdict
from bmaddb.protocol.values import same, to_wire
from bmaddb.schema.columns import Column
from bmaddb.schema.rules import MergeRule
from bmaddb.schema.tables import Table

_IDENTITY = frozenset({"id", "user_id", SERVER_SEQ})
_MOMENTS = frozenset({"created_at", "updated_at"})
_UNFIT = "what both sides make together breaks a check of the column"
_OWN_PART = frozenset(
    {
        MergeRule.CNT,
        MergeRule.SET,
        MergeRule.MAP,
        MergeRule.TXT,
        MergeRule.FUN,
        MergeRule.MAX,
        MergeRule.MIN,
    }
)
"""Each waiting entry is merged for itself: when a later one is given up, what is left must not be less than theirs."""
_ASK_A_PERSON = frozenset({MergeRule.IMM})


def merge_row(
    table: Table,
    chain: Chain,
    local: Mapping[str, Any] | None,
    remote: RemoteRow,
    now_ms: int,
    *,
    plain: Set[str] = frozenset(),
    joined: Set[tuple[int, str]] = frozenset(),
    orphaned: bool = False,
    gone_here: Set[str] = frozenset(),
) -> RowMerge:
    """Merge the waiting changes of one row (`chain`, oldest first) with the server's row.

    `local` is the row as it stands in the file, in wire values, None when it is deleted here. Stamps further
    ahead of `now_ms` than STAMP_AHEAD_MS_MAX count as made now. The columns in `plain` cannot hold what their
    rule would make of both sides: the newer stands. What the entry at a position makes of a column, when both are
    in `joined`, is told by the last entry along with its own. `orphaned`: a parent is deleted here too, and takes
    the row along whatever was done to it.
    """
    if remote.values is None:
        return merge_remote_delete(table, chain, local, remote, gone_here)
    if local is None:
        return merge_local_delete(table, chain, remote, orphaned=orphaned)
    return _merge_columns(table, chain, local, remote, _Ground(now_ms, plain, joined))


class _Ground(msgspec.Struct, frozen=True):
    """What every column of one merge shares."""

    now_ms: int
    plain: Set[str]
    joined: Set[tuple[int, str]]


class _Outcome(msgspec.Struct):
    """What the columns say one by one, before entries and row are told."""

    row: dict[str, Any] = msgspec.field(default_factory=dict)
    kept: set[str] = msgspec.field(default_factory=set)
    patched: dict[str, Mapping[int, Any]] = msgspec.field(default_factory=dict)
    """Columns of which each entry is merged for itself: what the entry at each position must say now."""
    verdicts: list[Verdict] = msgspec.field(default_factory=list)


def _merge_columns(
    table: Table, chain: Chain, local: Mapping[str, Any], remote: RemoteRow, ground: _Ground
) -> RowMerge:
    theirs = remote.values or {}
    live = _since_last_delete(chain)
    base = _base_values(chain)
    outcome = _Outcome()
    for column in table.columns:
        name = column.name
        if name in _IDENTITY or column.spec.merge is MergeRule.LOC:
            continue
        touching = [item for item in live if name in item.change.new]
        if name not in theirs:  # a server of another version: what waits here goes on waiting
            outcome.kept.update([name] if touching else [])
        elif not touching:
            outcome.row[name] = theirs[name]
        else:
            _merge_column(outcome, column, base, local[name], remote, touching, ground)
    if outcome.kept <= _MOMENTS:  # nothing of substance is left to push: the moments are theirs as well
        outcome.row.update({name: theirs[name] for name in outcome.kept if name in theirs})
        outcome.kept.clear()
    outcome.row = {name: value for name, value in outcome.row.items() if not same(value, local[name])}
    outcome.row[SERVER_SEQ] = remote.server_seq
    return RowMerge(
        action=Action.SET,
        values=outcome.row,
        changes=_edited(table, chain, live, outcome, theirs),
        verdicts=tuple(outcome.verdicts),
    )


def _merge_column(
    outcome: _Outcome,
    column: Column[Any],
    base: Mapping[str, Any],
    mine: Any,
    remote: RemoteRow,
    touching: Chain,
    ground: _Ground,
) -> None:
    name = column.name
    theirs = (remote.values or {})[name]
    was = base[name] if name in base else _unset(column)
    if column.spec.merge is MergeRule.SRV or same(mine, theirs):
        outcome.row[name] = theirs
        return
    if same(theirs, was) and (column.spec.merge is not MergeRule.IMM or mine is None):
        outcome.kept.add(name)  # (what is set at insert only follows a parent that is deleted here)
        return
    if same(mine, was):  # changed there and back again here, or a default nobody chose
        outcome.row[name] = theirs
        return
    my_stamp, their_stamp = stamps.comparable(touching[-1].stamp, remote.stamp(name), ground.now_ms)
    dispute = Dispute(
        base=was,
        mine=mine,
        theirs=theirs,
        my_stamp=my_stamp,
        their_stamp=their_stamp,
        states=column.spec.enum,
        transitions=column.spec.transitions,
        combine=combiner(column),
    )
    merged = newest_with(dispute, _UNFIT) if name in ground.plain else merge_value(column.spec.merge, dispute)
    outcome.row[name] = merged.value
    if merged.winner is not Winner.THEIRS:
        outcome.kept.add(name)
    has_parts = column.spec.merge in _OWN_PART and name not in ground.plain | _MOMENTS
    if merged.winner is not Winner.THEIRS and has_parts:
        outcome.patched[name] = {
            **dict(_earlier(column, dispute, touching[:-1], ground.joined)),
            touching[-1].position: merged.value,
        }
    if name not in _MOMENTS:
        outcome.verdicts.append(_verdict(column, remote, dispute, merged))


def _earlier(
    column: Column[Any], dispute: Dispute, touching: Chain, joined: Set[tuple[int, str]]
) -> Iterator[tuple[int, Any]]:
    """What earlier entries say of a column of which each has a part: their own on top of the server's, so that
    giving a later one up gives up that one's part alone. One that is `joined` says nothing: the last one does.
    """
    for item in touching:
        mine = item.change.new[column.name]
        base = touching[0].change.old.get(column.name, _unset(column))  # an insert has no value before its own
        if same(mine, base) or same(mine, dispute.theirs):
            yield item.position, dispute.theirs  # what entries before it did, this one took back
        else:
            part = replace(dispute, base=base, mine=mine, my_stamp=item.stamp)
            if (item.position, column.name) not in joined:
                yield item.position, merge_value(column.spec.merge, part).value


def combined(merged: RowMerge) -> tuple[str, ...]:
    """The columns that hold a value neither side had."""
    return tuple(
        verdict.column
        for verdict in merged.verdicts
        if verdict.column is not None
        and not same(verdict.resolved, verdict.mine)
        and not same(verdict.resolved, verdict.theirs)
    )


def _verdict(column: Column[Any], remote: RemoteRow, dispute: Dispute, merged: Merged) -> Verdict:
    return Verdict(
        table=remote.table,
        id=remote.id,
        column=column.name,
        base=dispute.base,
        mine=dispute.mine,
        theirs=dispute.theirs,
        resolved=merged.value,
        rule=f"{column.spec.merge}: {merged.doubt}" if merged.doubt else str(column.spec.merge),
        needs_attention=bool(merged.doubt) or column.spec.merge in _ASK_A_PERSON,
    )


def _edited(
    table: Table, chain: Chain, live: Chain, outcome: _Outcome, theirs: Mapping[str, Any]
) -> dict[int, Change | None]:
    """The row's changes as they must wait from now on: on top of the server's row, lost columns gone."""
    changes: dict[int, Change | None] = {item.position: None for item in chain}
    standing = dict(theirs)
    for item in live:
        change = _edit(table, item, outcome, standing)
        changes[item.position] = change
        if change is not None:
            standing.update(change.new)
    return changes


def _edit(table: Table, item: Pending, outcome: _Outcome, standing: Mapping[str, Any]) -> Change | None:
    new = {name: value for name, value in item.change.new.items() if name in outcome.kept - outcome.patched.keys()}
    for name, values in outcome.patched.items():
        if item.position in values and not same(values[item.position], standing[name]):
            new[name] = values[item.position]
    if not new:
        return None
    unset = {name: _unset(table.by_name[name]) for name in new}
    old = {name: standing.get(name, item.change.old.get(name, unset[name])) for name in new}
    return replace(item.change, op=Op.UPDATE, old=old, new=new)


def _since_last_delete(chain: Chain) -> Chain:
    deletes = [place for place, item in enumerate(chain) if item.change.op is Op.DELETE]
    return chain[deletes[-1] + 1 :] if deletes else chain


def _base_values(chain: Chain) -> dict[str, Any]:
    """Each column as it was before the first waiting change that touched it."""
    base: dict[str, Any] = {}
    for item in reversed(chain):
        base.update(item.change.old)
    return base


def _unset(column: Column[Any]) -> Any:
    """What a column holds that nobody set: the base of two inserts under one id."""
    return to_wire(column.kind, column.raw_unset)
