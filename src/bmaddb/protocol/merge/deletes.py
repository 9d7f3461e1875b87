"""Where a delete meets an edit: the table's delete rule decides, and what is lost is kept in the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from msgspec.structs import replace

from bmaddb.protocol.changes import SERVER_SEQ, Change, Op
from bmaddb.protocol.merge.shapes import Action, Chain, RemoteRow, RowMerge, Verdict
from bmaddb.protocol.values import same
from bmaddb.schema.columns import Column
from bmaddb.schema.rules import DeleteRule
from bmaddb.schema.tables import Table

_ENVELOPE = frozenset({"id", "user_id", "created_at", "updated_at", SERVER_SEQ})


def merge_local_delete(table: Table, chain: Chain, remote: RemoteRow, *, orphaned: bool) -> RowMerge:
    """The row is deleted here and lives on the server, perhaps edited there in between.

    `orphaned`: so is a parent of it, and the server will take the row along with that one.
    """
    theirs = dict(remote.values or {})
    gone: dict[int, Change | None] = {item.position: None for item in chain}
    if chain[0].change.op is Op.INSERT:  # made and deleted here; another device's row of that id is not ours
        return RowMerge(action=Action.PUT, values=theirs, changes=gone)
    base: dict[str, Any] = {}
    for item in reversed(chain):
        base.update(item.change.old)
    edited = _edited(table, base, theirs)
    if edited and not orphaned and edit_wins(table, theirs):
        return RowMerge(
            action=Action.PUT,
            values=theirs,
            changes=gone,
            verdicts=(_verdict(table, remote, mine=None, base=base, resolved=theirs),),
        )
    last = chain[-1]
    kept = replace(last.change, old={**last.change.old, **theirs, SERVER_SEQ: remote.server_seq})
    lost = (_verdict(table, remote, mine=None, base=base, resolved=None),) if edited else ()
    return RowMerge(action=Action.KEEP, changes={**gone, last.position: kept}, verdicts=lost)


def _edited(table: Table, base: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    """Did anybody change the row there? That a parent went, and the reference with it, is no edit."""
    orphaned = {c.name for c in table.foreign_keys if c.spec.on_delete == "null" and theirs.get(c.name) is None}
    compared = theirs.keys() & base.keys() - _ENVELOPE - orphaned
    return any(not same(base[name], theirs[name]) for name in compared)


def merge_remote_delete(
    table: Table, chain: Chain, local: Mapping[str, Any] | None, remote: RemoteRow, gone_here: Set[str]
) -> RowMerge:
    """The row is deleted on the server, and something about it waits here.

    `gone_here`: parents from which something that waits took the row away, and that do not stand here any more.
    """
    gone: dict[int, Change | None] = {item.position: None for item in chain}
    if local is None:
        return RowMerge(action=Action.KEEP, changes=gone)
    deletes = [place for place, item in enumerate(chain) if item.change.op is Op.DELETE]
    live = chain[deletes[-1] + 1 :] if deletes else chain
    kept: dict[int, Change | None] = {item.position: item.change for item in live}
    unseen = {SERVER_SEQ: None}
    if live[0].change.op is Op.INSERT:  # made here without knowing of that delete, or after it
        return RowMerge(action=Action.SET, values=unseen, changes={**gone, **kept})
    if not edit_wins(table, local):
        lost = _verdict(table, remote, mine=local, base=None, resolved=None)
        return RowMerge(action=Action.DROP, changes=gone, verdicts=(lost,))
    return RowMerge(
        action=Action.SET,
        values=unseen,
        changes={**gone, **kept, **_made_again(table, live, local, gone_here)},
        verdicts=(_verdict(table, remote, mine=local, base=None, resolved=local),),
    )


def _made_again(table: Table, live: Chain, local: Mapping[str, Any], gone_here: Set[str]) -> dict[int, Change]:
    """The first change makes the row; not under a parent it was taken from since, which may be gone there too."""
    image = _image_after_first(live, local)
    later: dict[int, Change] = {}
    for name in (column.name for column in table.foreign_keys):
        if image.get(name) in gone_here and image[name] != local[name]:
            image[name] = local[name]
            leaves = next(item for item in live[1:] if name in item.change.new)
            change = later.get(leaves.position, leaves.change)
            later[leaves.position] = change.with_old(**{name: local[name]})
    first = live[0]
    return {**later, first.position: Change(table=table.name, op=Op.INSERT, id=first.change.id, new=image)}


def merge_lost_parent(
    column: Column[Any], chain: Chain, row_id: str, local: Mapping[str, Any] | None, gone: Set[str]
) -> RowMerge:
    """The rows `gone` were deleted on the server, and `column` of this row refers to one, here or in what waits.

    The server did to its children what the foreign key says; this does it to what it did not know of.
    """
    name = column.name
    touching = [item for item in chain if item.change.new.get(name) in gone]
    refers = local is not None and local[name] in gone
    if column.spec.nullable and column.spec.on_delete != "cascade":
        return _refer_to(None, column, chain, row_id, gone, refers=refers)
    standing = touching[0].change.old.get(name) if touching else None
    if touching and touching[0].change.op is Op.UPDATE and standing not in gone:  # the row itself lives on there
        return _refer_to(standing, column, chain, row_id, gone, refers=refers)
    if not refers and not touching:
        return RowMerge(action=Action.KEEP)
    born = next((place for place, item in enumerate(chain) if item in touching and item.change.op is Op.INSERT), 0)
    changes: dict[int, Change | None] = {item.position: None for item in chain[born:]}
    lost = lost_row(column.table, row_id, local, f"on_delete {column.spec.on_delete}") if local is not None else None
    return RowMerge(action=Action.DROP, changes=changes, verdicts=(lost,) if lost is not None and changes else ())


def _refer_to(value: Any, column: Column[Any], chain: Chain, row_id: str, gone: Set[str], *, refers: bool) -> RowMerge:
    """The column takes `value` wherever it refers to a row that is gone, or would when an entry is given up."""
    name = column.name
    touching = [item for item in chain if item.change.new.get(name) in gone]
    rule = f"on_delete {column.spec.on_delete}"
    verdict = Verdict(
        table=column.table,
        id=row_id,
        column=column.name,
        base=None if not touching else touching[0].change.old.get(column.name),
        mine=touching[-1].change.new[name] if touching else None,
        theirs=value,
        resolved=value,
        rule=rule,
        needs_attention=column.spec.on_delete == "cascade",
    )
    return RowMerge(
        action=Action.SET,
        values={column.name: value} if refers else {},
        changes={
            item.position: replace(
                item.change,
                old=_without(gone, item.change.old, name, value),
                new=_without(gone, item.change.new, name, value),
            )
            for item in chain
        },
        verdicts=(verdict,) if touching else (),
    )


def _without(gone: Set[str], values: Mapping[str, Any], name: str, value: Any) -> Mapping[str, Any]:
    return {**values, name: value} if values.get(name) in gone else values


def lost_row(table: str, row_id: str, local: Mapping[str, Any], rule: str, *, needs_attention: bool = True) -> Verdict:
    """The verdict on a whole row that goes: what it held, and the rule it goes by."""
    return Verdict(
        table=table,
        id=row_id,
        column=None,
        base=None,
        mine=dict(local),
        theirs=None,
        resolved=None,
        rule=rule,
        needs_attention=needs_attention,
    )


def edit_wins(table: Table, values: Mapping[str, Any]) -> bool:
    """Does an edit that left the row with `values` survive a delete it did not know of?"""
    if table.delete_rule is DeleteRule.EDIT_WINS_WHILE_OPEN:
        return values.get("state") in table.options.open_states
    return table.delete_rule is DeleteRule.EDIT_WINS


def _image_after_first(live: Chain, local: Mapping[str, Any]) -> dict[str, Any]:
    """The row as the first waiting change left it; the later ones still follow as updates."""
    image = dict(local)
    for item in reversed(live[1:]):
        image.update(item.change.old)
    image.pop(SERVER_SEQ, None)
    return image


def _verdict(table: Table, remote: RemoteRow, *, mine: Any, base: Any, resolved: Any) -> Verdict:
    theirs = None if remote.values is None else dict(remote.values)
    return Verdict(
        table=remote.table,
        id=remote.id,
        column=None,
        base=base,
        mine=None if mine is None else dict(mine),
        theirs=theirs,
        resolved=None if resolved is None else dict(resolved),
        rule=str(table.delete_rule),
        needs_attention=resolved is None,
    )
