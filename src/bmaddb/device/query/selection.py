"""Projections: some operands of each row, as a tuple or as a class of your own, or as values in another query."""

from __future__ import annotations

from collections.abc import Callable
from itertools import starmap
from typing import Any, TypeVar

from bmaddb import errors as e
from bmaddb.device.query import compiler
from bmaddb.device.query.ends import Ends, Runner, refuse_slots
from bmaddb.device.query.frames import FrameColumn, Framed
from bmaddb.device.query.names import unlike
from bmaddb.device.query.plan import Plan, Statement
from bmaddb.schema.conditions import Subquery
from bmaddb.schema.expressions import Operand
from bmaddb.schema.kinds import from_raw

T = TypeVar("T")


class Selection(Ends[T], Subquery, Framed):
    """`operands` of the rows of a query. With one operand it can stand in `in_()` of another query.

    In a frame a column is called as it is in its table, `tasks_title` where two are called so, and otherwise by what
    is done: `count`, `sum_priority`, `length_title`. With `select_as` the fields of the class are the names.
    """

    __slots__ = ("_make", "operands")

    def __init__(
        self, runner: Runner, plan: Plan, operands: tuple[Operand[Any], ...], make: Callable[..., T] | None = None
    ) -> None:
        super().__init__(runner, plan)
        for operand in operands:
            if not isinstance(operand, Operand):
                raise e.QueryError(f"not something a query can read: {operand!r}", hint="columns and aggregates")
        if not operands:
            raise e.QueryError("name at least one column or aggregate to read")
        self.operands = operands
        self._make = make

    @property
    def operand(self) -> Any:
        """The only operand: what a subquery gives."""
        if len(self.operands) != 1:
            raise e.QueryError(f"a subquery gives one value a row, not {len(self.operands)}", hint="select one column")
        return self.operands[0]

    def statement(self, rows_max: int | None) -> Statement:
        """The SQL of at most `rows_max` rows, and its arguments."""
        return compiler.select_operands(self.plan, self.operands, self._runner.search_text, rows_max)

    def fetch(self, text: str, arguments: tuple[Any, ...]) -> list[T]:
        """What that SQL gives, as the query's rows."""
        return self.made(self._runner.tuples(text, arguments))

    def made(self, rows: list[Any]) -> list[T]:
        """Rows as SQL gives them, as what the selection gives."""
        kinds = [operand.kind for operand in self.operands]
        if any(kind.converted for kind in kinds):
            rows = [tuple([from_raw(kind, raw) for kind, raw in zip(kinds, row, strict=True)]) for row in rows]
        return [*rows] if self._make is None else list(starmap(self._make, rows))

    def _frame_columns(self) -> list[FrameColumn]:
        text, arguments = self.statement(None)
        refuse_slots(arguments)
        rows = self._runner.tuples(text, arguments)
        fields = None if self._make is None else getattr(self._make, "__match_args__", None)
        names = unlike(self.operands) if fields is None else fields
        return [
            FrameColumn(name, operand.kind, [row[place] for row in rows])
            for place, (name, operand) in enumerate(zip(names, self.operands, strict=True))
        ]

    def _operands(self) -> tuple[Operand[Any], ...]:
        return self.operands


def arranged(make: type[Any], operands: dict[str, Operand[Any]]) -> tuple[Operand[Any], ...]:
    """Operands by field name, in the order of the class's fields (NamedTuple, dataclass or Struct)."""
    fields: tuple[str, ...] | None = getattr(make, "__match_args__", None)
    if fields is None:
        raise e.QueryError(f"{make!r} names no fields", hint="a NamedTuple, a dataclass or a msgspec.Struct")
    if set(fields) != set(operands):
        raise e.QueryError(f"{make.__name__} has the fields {', '.join(fields)}, given are {', '.join(operands)}")
    return tuple(operands[name] for name in fields)
