"""From a query to the same query and a plan: what to keep, what to fetch ahead, which indexes and patterns may help.

Rules of this room: the query that comes out is the one that went in, the same object. The plan is advice about memory
and disk; it never forces an index, for SQLite's planner knows better and a forced plan can fail.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias, TypeVar

from bmaddb.device.query import Query
from bmaddb.personality.consent import Standing
from bmaddb.personality.model import RANKS_MAX, UseModel, prior_shares
from bmaddb.personality.patterns import patterns_of
from bmaddb.personality.policies import NEUTRAL, CachePolicy, fixed_places, fixed_policy
from bmaddb.personality.tables import VIEW_TABLES, VIEWS, index_wishes
from bmaddb.schema import Record

R = TypeVar("R", bound=Record)
Rule: TypeAlias = Literal["adaptive", "fixed"]
INDEXES_MAX: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPlan:
    """`views`: those that show the query's table. `prefetch`: (view, place) of the best rows, the best first.

    `indexes` and `patterns`: names that may help, the most likely first; empty without a type.
    """

    rule: Rule
    cache: CachePolicy
    views: tuple[str, ...]
    prefetch: tuple[tuple[str, int], ...]
    indexes: tuple[str, ...]
    patterns: tuple[str, ...]
    type_weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimised:
    """A query with the plan beside it."""

    query: Query[Any]
    plan: AccessPlan


def optimise(
    query: Query[Any], standing: Standing, model: UseModel, *, budget: int, rule: Rule = "adaptive"
) -> Optimised:
    """The same query, and a plan for it. `rule` "fixed": the policy of the vision, for comparison.

    Without consent, in mode `off`, and without a type, the fixed rule is the neutral policy.
    """
    table = query.plan.record.__table__.name
    code = standing.profile.code if standing.mode == "prior" else None
    fixed = rule == "fixed" and code is not None
    return Optimised(
        query=query,
        plan=AccessPlan(
            rule="fixed" if fixed else "adaptive",
            cache=fixed_policy(code) if fixed and code else _adaptive_policy(code, standing.weight, model),
            views=tuple(view for view in VIEWS if table in VIEW_TABLES[view]),
            prefetch=_fixed(code, budget) if fixed and code else _adaptive(code, standing.weight, model, budget),
            indexes=() if code is None else index_wishes(code)[:INDEXES_MAX],
            patterns=() if code is None else patterns_of(code),
            type_weight=standing.weight,
        ),
    )


def _adaptive_policy(code: str | None, weight: float, model: UseModel) -> CachePolicy:
    shares = model.shares(prior_shares(code, weight))
    ranked = sorted(range(len(VIEWS)), key=lambda view: -shares[view])
    return replace(NEUTRAL, preload=tuple(VIEWS[view] for view in ranked[: NEUTRAL.breadth]))


def _fixed(code: str, budget: int) -> tuple[tuple[str, int], ...]:
    return tuple((VIEWS[view], rank) for view, rank in fixed_places(code, budget))


def _adaptive(code: str | None, weight: float, model: UseModel, budget: int) -> tuple[tuple[str, int], ...]:
    best = model.best(model.shares_next(prior_shares(code, weight)))
    places = [(VIEWS[view], rank) for _, (_, view, rank) in zip(range(budget), best, strict=False)]
    return tuple(place for place in places if place[1] < RANKS_MAX)
