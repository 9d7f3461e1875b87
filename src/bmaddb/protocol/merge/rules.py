"""The merge rules: base, mine and theirs in, one value out.

Rules of this room: a rule is asked only when both sides left the base and differ from each other; it sees
wire values and stamps and nothing else, and it always decides: values it cannot combine go to the newer stamp
and to a person's attention. Where a rule means more than "the server's stands", swapping the two sides gives
the same value, and merging a second time changes nothing.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import replace

from bmaddb.protocol.merge.counters import newer_count
from bmaddb.protocol.merge.text import merge_text
from bmaddb.protocol.values import identity, same
from bmaddb.schema.rules import MergeRule


class Winner(enum.StrEnum):
    """Whose value stands."""

    MINE = "mine"
    THEIRS = "theirs"
    BOTH = "both"
    """A third value, made of both."""


Transitions: TypeAlias = Mapping[str, tuple[str, ...]]
Combine: TypeAlias = Callable[[Any, Any, Any], Any]


class Dispute(msgspec.Struct, frozen=True, kw_only=True):
    """One column that both sides changed.

    For STM: `states` is the column's enum, in order of rank, and `transitions` what may follow what (None:
    anything). For FUN: `combine` makes a wire value of base, older and newer, or raises.
    """

    base: Any
    mine: Any
    theirs: Any
    my_stamp: str
    their_stamp: str
    states: tuple[str, ...] = ()
    transitions: Transitions | None = None
    combine: Combine | None = None

    @property
    def mine_is_newer(self) -> bool:
        return self.my_stamp > self.their_stamp

    @property
    def by_age(self) -> tuple[Any, Any]:
        """(older, newer): the same pair from either side."""
        return (self.theirs, self.mine) if self.mine_is_newer else (self.mine, self.theirs)


class Merged(msgspec.Struct, frozen=True):
    """What the column holds from now on, and whose value that is.

    `doubt` says, in words for a person, why somebody should look; "" when nobody need.
    """

    value: Any
    winner: Winner
    doubt: str = ""


Rule: TypeAlias = Callable[[Dispute], Merged]


def merge_value(rule: MergeRule, dispute: Dispute) -> Merged:
    """Decide one column by its rule."""
    return RULES[rule](dispute)


def _chosen(dispute: Dispute, mine: bool) -> Merged:
    return Merged(dispute.mine, Winner.MINE) if mine else Merged(dispute.theirs, Winner.THEIRS)


def _combined(dispute: Dispute, value: Any) -> Merged:
    if same(value, dispute.theirs):
        return Merged(dispute.theirs, Winner.THEIRS)
    if same(value, dispute.mine):
        return Merged(dispute.mine, Winner.MINE)
    return Merged(value, Winner.BOTH)


def _newest(dispute: Dispute) -> Merged:
    return _chosen(dispute, dispute.mine_is_newer)


def _first(dispute: Dispute) -> Merged:
    if dispute.theirs is None or dispute.mine is None:
        return _chosen(dispute, dispute.theirs is None)
    return _chosen(dispute, not dispute.mine_is_newer)


def _largest(dispute: Dispute) -> Merged:
    if dispute.mine is None or dispute.theirs is None:
        return _chosen(dispute, dispute.theirs is None)
    return _chosen(dispute, dispute.mine > dispute.theirs)


def _smallest(dispute: Dispute) -> Merged:
    if dispute.mine is None or dispute.theirs is None:
        return _chosen(dispute, dispute.theirs is None)
    return _chosen(dispute, dispute.mine < dispute.theirs)


def _servers(dispute: Dispute) -> Merged:
    return _chosen(dispute, mine=False)


def _devices(dispute: Dispute) -> Merged:
    return _chosen(dispute, mine=True)


def newest_with(dispute: Dispute, doubt: str) -> Merged:
    """The newer side's value, for a person to look at."""
    return replace(_newest(dispute), doubt=doubt)


def _counters(dispute: Dispute) -> Merged:
    """JSON object device -> [count, stamp]: each device writes its own entry, so the newer one is true."""
    if not _all_are(dict, dispute):
        return newest_with(dispute, "a counter that is no object")
    mine, theirs = dispute.mine or {}, dispute.theirs or {}
    return _combined(dispute, {key: newer_count(mine.get(key), theirs.get(key)) for key in {*mine, *theirs}})


def _sets(dispute: Dispute) -> Merged:
    """What I added joins what they have, what I removed leaves it; an item only they added stays."""
    if not _all_are(list, dispute):
        return newest_with(dispute, "a set that is no array")
    base, mine, theirs = (_members(side) for side in (dispute.base, dispute.mine, dispute.theirs))
    removed = base.keys() - mine.keys()
    keys = (theirs.keys() | (mine.keys() - base.keys())) - removed
    return _combined(dispute, [{**theirs, **mine}[key] for key in sorted(keys)])


def _members(side: list[Any] | None) -> dict[str, Any]:
    return {identity(item): item for item in side or []}


def _maps(dispute: Dispute) -> Merged:
    """Key by key, as if each were a column of its own; a key both sides changed goes to the newer stamp."""
    if not _all_are(dict, dispute):
        return newest_with(dispute, "a map that is no object")
    base, mine, theirs = (side or {} for side in (dispute.base, dispute.mine, dispute.theirs))
    absent = object()
    value: dict[str, Any] = {}
    for key in sorted({*mine, *theirs}):
        was, my, their = (side.get(key, absent) for side in (base, mine, theirs))
        chosen = my if _same_entry(their, was) or (not _same_entry(my, was) and dispute.mine_is_newer) else their
        if chosen is not absent:
            value[key] = chosen
    return _combined(dispute, value)


def _same_entry(one: Any, other: Any) -> bool:
    return one is other or (type(one) is not object and type(other) is not object and same(one, other))


def _texts(dispute: Dispute) -> Merged:
    """Three-way, by line and then by word; where both changed the same words the newer side's stand."""
    older, newer = dispute.by_age
    if not (isinstance(older, str) and isinstance(newer, str)):
        return newest_with(dispute, "one side removed the text that the other changed")
    merged = merge_text(dispute.base if isinstance(dispute.base, str) else "", older, newer)
    return replace(_combined(dispute, merged.text), doubt="both changed the same words" if merged.overlap else "")


def _states(dispute: Dispute) -> Merged:
    """The state further along stands where it may follow the other one; else the newer."""
    ranks = {state: rank for rank, state in enumerate(dispute.states)}
    mine, theirs = ranks.get(dispute.mine, -1), ranks.get(dispute.theirs, -1)
    ahead, behind = (dispute.mine, dispute.theirs) if mine > theirs else (dispute.theirs, dispute.mine)
    if mine != theirs and _may_follow(dispute, behind, ahead):
        return _chosen(dispute, mine > theirs)
    if mine != theirs and not _may_follow(dispute, ahead, behind):
        return newest_with(dispute, f"neither of '{behind}' and '{ahead}' may follow the other")
    return _newest(dispute)


def _may_follow(dispute: Dispute, before: str, after: str) -> bool:
    return dispute.transitions is None or after in dispute.transitions.get(before, ())


def _by_function(dispute: Dispute) -> Merged:
    """What the application's function makes of it, if that fits the column."""
    if dispute.combine is None:
        return newest_with(dispute, "this version has no function for the column")
    try:
        return _combined(dispute, dispute.combine(dispute.base, *dispute.by_age))
    except Exception as error:  # somebody else's code; a sync must not end in it
        return newest_with(dispute, f"the merge function failed: {type(error).__name__}: {error}")


def _all_are(shape: type, dispute: Dispute) -> bool:
    return all(side is None or isinstance(side, shape) for side in (dispute.base, dispute.mine, dispute.theirs))


RULES: Mapping[MergeRule, Rule] = MappingProxyType(
    {
        MergeRule.LWW: _newest,
        MergeRule.POS: _newest,  # two stamps never tie, so the id need not decide
        MergeRule.TXT: _texts,
        MergeRule.FWW: _first,
        MergeRule.MAX: _largest,
        MergeRule.MIN: _smallest,
        MergeRule.CNT: _counters,
        MergeRule.SET: _sets,
        MergeRule.MAP: _maps,
        MergeRule.STM: _states,
        MergeRule.FUN: _by_function,
        MergeRule.IMM: _servers,  # the first to reach the server wrote it
        MergeRule.DRV: _servers,  # recomputed after the merge
        MergeRule.SRV: _servers,
        MergeRule.LOC: _devices,
    }
)
