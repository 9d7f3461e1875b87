"""Which tables a query reads: what must be looked at again when one of them changes."""

from __future__ import annotations

from bmaddb.device.query.plan import Plan
from bmaddb.schema.expressions import And, Condition, Not, Or, Raw


def dependencies_of(plan: Plan) -> frozenset[str]:
    """The names of all tables that `plan` reads.

    Of raw SQL it knows only what `raw(..., reads=[...])` says, besides the tables of the query itself.
    """
    tables = {plan.record.__table__.name, *(join.record.__table__.name for join in plan.joins)}
    waiting = [*plan.conditions, *plan.having]
    while waiting:
        condition = waiting.pop()
        tables.update(_read_by(condition))
        waiting += _parts(condition)
    return frozenset(tables)


def _read_by(condition: Condition) -> tuple[str, ...]:
    return condition.reads if isinstance(condition, Raw) else ()


def _parts(condition: Condition) -> tuple[Condition, ...]:
    if isinstance(condition, And | Or):
        return condition.parts
    return (condition.part,) if isinstance(condition, Not) else ()
