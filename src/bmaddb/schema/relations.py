"""Relations in conditions: a row by what its parent, its children, or what it is linked with, are like.

A relation is named by the foreign key that makes it, so nothing has to be declared twice:
`children(Task.goal_id).exists(Task.state == "todo")` is said of a goal, and
`parent(Task.goal_id).exists(Goal.state == "active")` of a task. Conditions inside may hold relations again.
"""

from __future__ import annotations

from typing import Any

from bmaddb import errors as e
from bmaddb.schema.columns import Column
from bmaddb.schema.conditions import And, Condition, Known, Not, Related
from bmaddb.schema.expressions import Operand
from bmaddb.schema.kinds import Kind


class Relation:
    """The way from a row to others, over one foreign key or, through a link table, over two."""

    __slots__ = ("_hops",)

    def __init__(self, *hops: tuple[Column[Any], bool]) -> None:
        for column, _ in hops:
            target_of(column)
        self._hops = hops

    def exists(self, *conditions: Condition) -> Condition:
        """Some row there satisfies all `conditions`; with none, there is a row. Never unknown."""
        column, down = self._hops[-1]
        made = Related(column, down, conditions)
        for column, down in reversed(self._hops[:-1]):
            made = Related(column, down, (made,))
        return made

    def none(self, *conditions: Condition) -> Condition:
        """No row there satisfies all `conditions`."""
        return Not(self.exists(*conditions))

    def every(self, *conditions: Condition) -> Condition:
        """Every row there satisfies all `conditions`; so it is where there is no row.

        A row of which it is unknown counts as one that does not.
        """
        return Not(self.exists(Not(Known(And(conditions)))))

    def count(self, *conditions: Condition) -> Operand[int]:
        """How many rows there satisfy all `conditions`; to compare, order by and read."""
        (column, down), *further = self._hops
        inner = Relation(*further).exists(*conditions) if further else None
        return RelatedCount(column, down, conditions if inner is None else (inner,))


class RelatedCount(Operand[int]):
    """How many rows on the other side of the foreign key `column` satisfy all `conditions`."""

    __slots__ = ("column", "conditions", "down", "kind")

    def __init__(self, column: Column[Any], down: bool, conditions: tuple[Condition, ...]) -> None:
        self.column = column
        self.down = down
        self.conditions = conditions
        self.kind = Kind.INT


def parent(column: Column[Any]) -> Relation:
    """From a row to the one its foreign key `column` names."""
    return Relation((column, False))


def children(column: Column[Any]) -> Relation:
    """From a row to those whose foreign key `column` names it."""
    return Relation((column, True))


def through(near: Column[Any], far: Column[Any]) -> Relation:
    """Many to many: over the rows of a link table whose `near` names this row, to the rows their `far` names."""
    if near.table != far.table:
        raise e.QueryError(f"{near!r} and {far!r} are not columns of one link table")
    return Relation((near, True), (far, False))


def target_of(column: Column[Any]) -> str:
    """The table whose id `column` holds; QueryError when it refers to none."""
    target = column.spec.references or column.spec.soft_references
    if target is None:
        raise e.QueryError(f"{column.table}.{column.name} refers to no table")
    return target
