"""What a query ends with: reading all rows, the first, the only one; counting; explaining.

Rules of this room: nothing is read before an end is called, and an end runs one statement (eager loading: one
for each relation besides).
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from bmaddb import errors as e
from bmaddb.device.query import compiler
from bmaddb.device.query.aggregates import Aggregate, Function
from bmaddb.device.query.binding import Slot
from bmaddb.device.query.plan import Plan, SearchText, Statement
from bmaddb.schema.expressions import Operand
from bmaddb.schema.records import Record

R = TypeVar("R", bound=Record)
if TYPE_CHECKING:
    from bmaddb.device.query.explain import Explanation

T = TypeVar("T")
ONE_AND_THE_NEXT: Final = 2
_COUNTS_REPEATED: Final = frozenset({Function.COUNT, Function.SUM, Function.AVG})


class Runner(Protocol):
    """What a query asks of the store: run one statement, answer with all of its rows."""

    @property
    def search_text(self) -> SearchText | None:
        """How the store searches text; None when it has no text index."""
        ...

    def records(self, record: type[R], text: str, arguments: tuple[Any, ...], plan: Plan) -> list[R]:
        """The rows of a statement that `plan` was compiled to, as records."""
        ...

    def tuples(self, text: str, arguments: tuple[Any, ...]) -> list[tuple[Any, ...]]: ...

    def snapshot(self) -> AbstractContextManager[Any]:
        """Several statements inside it see one state of the file."""
        ...


class Ends(Generic[T]):
    """Rows of `plan`, each as a `T`."""

    __slots__ = ("_runner", "plan")

    def __init__(self, runner: Runner, plan: Plan) -> None:
        self._runner = runner
        self.plan = plan

    @property
    def runner(self) -> Runner:
        """What runs its statements."""
        return self._runner

    def all(self) -> list[T]:
        """Every row."""
        return self._read(None)

    def first(self) -> T | None:
        """The first row in the query's order, or None."""
        rows = self._read(1)
        return rows[0] if rows else None

    def one(self) -> T:
        """The only row; RecordNotFound when there is none, QueryError when there are more."""
        return only(self._read(ONE_AND_THE_NEXT), self.plan)

    def one_or_none(self) -> T | None:
        """The only row, or None; QueryError when there are more."""
        rows = self._read(ONE_AND_THE_NEXT)
        if len(rows) > 1:
            raise too_many(self.plan)
        return rows[0] if rows else None

    def count(self) -> int:
        """How many rows `all` would give; with groups, how many groups."""
        text, arguments = self.count_statement()
        refuse_slots(arguments)
        return int(self._runner.tuples(text, arguments)[0][0])

    def exists(self) -> bool:
        """Would `all` give a row?"""
        text, arguments = self.exists_statement()
        refuse_slots(arguments)
        return bool(self._runner.tuples(text, arguments)[0][0])

    def explain(self) -> Explanation:
        """How SQLite would run `all`: which tables and indexes it goes through, and what it has to sort.

        Parameters count as null, which does not change the way a statement is planned.
        """
        text, arguments = self.statement(None)
        values = tuple(None if isinstance(value, Slot) else value for value in arguments)
        from bmaddb.device.query.explain import explained

        return explained(text, self._runner.tuples(f"explain query plan {text}", values))

    # -- for prepared queries and for those that load more -------------------------------------------------

    def statement(self, rows_max: int | None) -> Statement:
        """The statement of `all`, giving at most `rows_max` rows."""
        raise NotImplementedError

    def fetch(self, text: str, arguments: tuple[Any, ...]) -> list[T]:
        """The rows of that statement."""
        raise NotImplementedError

    def count_statement(self) -> Statement:
        """The SQL of `count`, and its arguments."""
        return compiler.count(self.plan, self._operands(), self._runner.search_text)

    def exists_statement(self) -> Statement:
        """The SQL of `exists`, and its arguments."""
        return compiler.exists(self.plan, self._operands(), self._runner.search_text)

    def number(self, text: str, arguments: tuple[Any, ...]) -> int:
        """The one number that a statement of `count` or `exists` gives."""
        return int(self._runner.tuples(text, arguments)[0][0])

    def _operands(self) -> tuple[Operand[Any], ...]:
        return ()

    def _read(self, rows_max: int | None) -> list[T]:
        text, arguments = self.statement(rows_max)
        try:
            return self.fetch(text, arguments)
        except e.QueryError:
            refuse_slots(arguments)
            raise


def only(rows: list[T], plan: Plan) -> T:
    """The one row there is; RecordNotFound when there is none, QueryError when there are more."""
    if len(rows) > 1:
        raise too_many(plan)
    if not rows:
        raise e.RecordNotFound(f"no row of {plan.record.__table__.name} fits the query")
    return rows[0]


def too_many(plan: Plan) -> e.QueryError:
    return e.QueryError(f"more than one row of {plan.record.__table__.name} fits", hint="use .first() or .all()")


def refuse_parted(plan: Plan, aggregate: Aggregate[Any]) -> None:
    """One number over all rows of a query: not over some of them, nor over groups, and each row counts once."""
    if plan.limit is not None or plan.offset != 0 or plan.groups or plan.having:
        raise e.QueryError(
            "an aggregate reads every row of the query", hint="leave out limit, offset, group_by and having"
        )
    if plan.distinct and plan.joins and not aggregate.distinct and aggregate.function in _COUNTS_REPEATED:
        raise e.QueryError(
            f"a join gives a row as often as it has partners, and {aggregate.function} would count it so",
            hint="leave out distinct() to mean that, or ask children(...).exists(...) instead of the join",
        )


def refuse_slots(arguments: tuple[Any, ...]) -> None:
    """A parameter has its value from a prepared query only."""
    names = sorted({value.name for value in arguments if isinstance(value, Slot)})
    if names:
        raise e.QueryError(
            f"the query has parameters without a value: {', '.join(names)}",
            hint="query.prepare().all(name=value), or query.bind(name=value)",
        )
