"""The merge rules: base, mine and theirs in, one value out.

Rules of this room: a rule is asked only when both sides left the base and differ from each other; it sees
wire values and stamps and nothing else. Where a rule means more than "the server's stands", swapping the two
sides gives the same value, and merging a second time changes nothing.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

from bmaddb.protocol.values import same
from bmaddb.schema.rules import MergeRule


class Winner(enum.StrEnum):
    """Whose value stands."""

    MINE = "mine"
    THEIRS = "theirs"
    BOTH = "both"
    """A third value, made of both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """One column that both sides changed. `states` is the column's enum, in order of rank, for STM."""

    base: Any
    mine: Any
    theirs: Any
    my_stamp: str
    their_stamp: str
    states: tuple[str, ...] = ()

    @property
    def mine_is_newer(self) -> bool:
        return self.my_stamp > self.their_stamp


@dataclass(frozen=True, slots=True)
class Merged:
    """What the column holds from now on, and whose value that is."""

    value: Any
    winner: Winner


Rule: TypeAlias = Callable[[Dispute], Merged]
_Object: TypeAlias = dict[str, Any]


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
    if dispute.base is not None:
        return _chosen(dispute, mine=False)
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


def _counters(dispute: Dispute) -> Merged:
    """JSON object device -> [count, stamp]: each device writes its own entry, so the newer one is true."""
    mine, theirs = _object(dispute.mine), _object(dispute.theirs)
    value = {key: _newer_count(mine.get(key), theirs.get(key)) for key in {*mine, *theirs}}
    return _combined(dispute, value)


def _newer_count(one: Any, other: Any) -> Any:
    return max((item for item in (one, other) if item is not None), key=lambda item: (item[1], item[0]))


def _sets(dispute: Dispute) -> Merged:
    """What I added joins what they have, what I removed leaves it; an item only they added stays."""
    base, mine, theirs = (_members(side) for side in (dispute.base, dispute.mine, dispute.theirs))
    removed = set(base) - set(mine)
    keys = (set(theirs) | (set(mine) - set(base))) - removed
    return _combined(dispute, [{**theirs, **mine}[key] for key in sorted(keys)])


def _maps(dispute: Dispute) -> Merged:
    """Key by key, as if each were a column of its own; a key both sides changed goes to the newer stamp."""
    base, mine, theirs = (_object(side) for side in (dispute.base, dispute.mine, dispute.theirs))
    absent = object()
    value: _Object = {}
    for key in sorted({*mine, *theirs}):
        was, my, their = (side.get(key, absent) for side in (base, mine, theirs))
        chosen = my if _same_entry(their, was) or (not _same_entry(my, was) and dispute.mine_is_newer) else their
        if chosen is not absent:
            value[key] = chosen
    return _combined(dispute, value)


def _same_entry(one: Any, other: Any) -> bool:
    return one is other or (type(one) is not object and type(other) is not object and same(one, other))


def _states(dispute: Dispute) -> Merged:
    """The state further along stands; the schema declares no forbidden transitions yet, so each is legal."""
    ranks = {state: rank for rank, state in enumerate(dispute.states)}
    mine, theirs = ranks.get(dispute.mine, -1), ranks.get(dispute.theirs, -1)
    return _newest(dispute) if mine == theirs else _chosen(dispute, mine > theirs)


def _object(value: Any) -> _Object:
    return value if isinstance(value, dict) else {}


def _members(value: Any) -> dict[str, Any]:
    items = value if isinstance(value, list) else []
    return {json.dumps(item, sort_keys=True, ensure_ascii=False): item for item in items}


RULES: Mapping[MergeRule, Rule] = MappingProxyType(
    {
        MergeRule.LWW: _newest,
        MergeRule.POS: _newest,  # two stamps never tie, so the id need not decide
        MergeRule.TXT: _newest,  # until texts merge by line: the verdict keeps both
        MergeRule.FWW: _first,
        MergeRule.MAX: _largest,
        MergeRule.MIN: _smallest,
        MergeRule.CNT: _counters,
        MergeRule.SET: _sets,
        MergeRule.MAP: _maps,
        MergeRule.STM: _states,
        MergeRule.IMM: _servers,  # the first to reach the server wrote it
        MergeRule.DRV: _servers,  # recomputed after the merge
        MergeRule.SRV: _servers,
        MergeRule.LOC: _devices,
    }
)
