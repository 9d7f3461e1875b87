"""Random conditions and orders over `Odd`, and the comparison of what SQLite and the matcher say of each row.

`python -m tests.query.differential 100000` runs that many cases and says how long it took.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from operator import add, mul, sub
from pathlib import Path
from random import Random
from typing import Any

from bmaddb.device.query import Plan, matcher_of, order_key_of, totally_ordered
from bmaddb.device.query.compiler import select_ids
from bmaddb.device.query.compiler_conditions import Scribe
from bmaddb.device.store import Store
from bmaddb.schema import all_of, any_of
from bmaddb.schema.columns import Column
from bmaddb.schema.conditions import Comparator, Compare, Condition, Known, Order
from bmaddb.schema.expressions import Operand, escape_like
from bmaddb.schema.kinds import Kind
from tests.query.odd import COLUMNS, WORDS, Odd, odd_store, value_for

DEPTH_MAX = 3
OPERAND_DEPTH_MAX = 2
STEPS: tuple[str | int, ...] = (
    0,
    0,
    1,
    2,
    -1,
    -3,
    9,
    "a",
    "a",
    "b",
    "c",
    "",
    'a"b',
    "a.b",
    "a[0]",
    "é",
    "\\",
    "\n",
    "$",
)
ITEMS = (1, 1.0, 0, "a", "A", "ab", "", "1", "😀", None, True, False, 2**53 + 1, 0.1, -1)
IN_VALUES_MAX = 20
_EQUAL = (Comparator.EQ, Comparator.NE, Comparator.IS, Comparator.IS_NOT)
_NUMBERS = (Kind.INT, Kind.REAL)


class Differential:
    """Cases out of one seed, over the rows of one store."""

    def __init__(self, store: Store, seed: int) -> None:
        self._store = store
        self._chance = Random(seed)
        self._records = {row.id: row for row in store.query(Odd).all()}
        self.unknowns = self.matches = 0

    def run(self, cases: int) -> None:
        """Compare `cases` random conditions, and an order for each; AssertionError shows the first that differs."""
        for _ in range(cases):
            self.compare_condition(Conditions(self._chance).condition(0))
            self.compare_order(Conditions(self._chance).orders())

    def compare_condition(self, condition: Condition) -> None:
        scribe = Scribe({"odd": '"odd"'})
        text = scribe.condition(condition)
        matches = matcher_of(Plan(Odd, conditions=(condition,)))
        assert matches is not None, text
        for row_id, truth in self._store.sql(f'select "id", {text} from "odd"', tuple(scribe.arguments)):
            said = matches(self._records[row_id])
            expected = None if truth is None else bool(truth)
            assert said is expected, (text, scribe.arguments, self._records[row_id], f"SQLite {truth}, matcher {said}")
            self.unknowns += truth is None
            self.matches += bool(truth)

    def compare_order(self, orders: tuple[Order, ...]) -> None:
        plan = totally_ordered(Plan(Odd, orders=orders))
        key = order_key_of(plan)
        assert key is not None
        text, arguments = select_ids(plan)
        by_sqlite = [row_id for (row_id,) in self._store.sql(text, arguments)]
        by_key = [row.id for row in sorted(self._records.values(), key=key)]
        assert by_key == by_sqlite, text


class Conditions:
    """Draws conditions and orders."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance

    def condition(self, depth: int) -> Condition:
        chance = self._chance
        if depth == DEPTH_MAX or chance.random() < 0.4:
            return self._leaf()
        parts = [self.condition(depth + 1) for _ in range(chance.choice((0, 1, 2, 2, 2, 3)))]
        match chance.randrange(5):
            case 0 | 1:
                return all_of(*parts)
            case 2:
                return any_of(*parts)
            case 3:
                return Known(any_of(*parts))
            case _:
                return ~(parts[0] if parts else self._leaf())

    def orders(self) -> tuple[Order, ...]:
        steps = [self.operand() for _ in range(self._chance.randrange(4))]
        flip = self._chance.random
        return tuple(Order(step, descending=flip() < 0.5, nulls_last=flip() < 0.5) for step in steps)

    def operand(self, depth: int = 0) -> Operand[Any]:
        chance = self._chance
        if depth == OPERAND_DEPTH_MAX or chance.random() < 0.6:
            return chance.choice(COLUMNS)
        match chance.randrange(6):
            case 0:
                return self._of((Kind.TEXT,), depth).length()
            case 1:
                return self._of((Kind.TEXT,), depth).folded()
            case 2:
                inner = self.operand(depth + 1)
                return inner.or_else(value_for(chance, inner))
            case 3:
                return self._arithmetic(depth)
            case _:
                return self._path()

    def _of(self, kinds: tuple[Kind, ...], depth: int) -> Operand[Any]:
        """An operand of one of these kinds."""
        made = self.operand(depth + 1)
        return made if made.kind in kinds else self._column(kinds)

    def _column(self, kinds: tuple[Kind, ...]) -> Column[Any]:
        return self._chance.choice([column for column in COLUMNS if column.kind in kinds])

    def _arithmetic(self, depth: int) -> Operand[Any]:
        left = self._of(_NUMBERS, depth)
        plain = value_for(self._chance, self._column(_NUMBERS))
        right = plain if self._chance.random() < 0.5 else self._of(_NUMBERS, depth)
        made: Operand[Any] = self._chance.choice((add, sub, mul))(left, right)
        return made

    def _path(self) -> Operand[Any]:
        steps = [self._chance.choice(STEPS) for _ in range(self._chance.choice((0, 1, 1, 1, 2, 3)))]
        return self._column((Kind.JSON,)).path(*steps, as_=self._chance.choice((str, int, float, bool)))

    def _leaf(self) -> Condition:
        operand = self.operand()
        makers: list[Callable[[Any], Condition]] = [self._compared, self._compared, self._listed, self._beside]
        if operand.kind is not Kind.JSON:
            makers.append(self._between)
        if operand.kind in (Kind.TEXT, Kind.JSON):
            makers += [self._like, self._like, lambda operand: operand.includes(self._chance.choice(WORDS))]
        if operand.kind is Kind.JSON:
            makers += [lambda operand: operand.holds(self._chance.choice(ITEMS))] * 3
        return self._chance.choice(makers)(operand)

    def _comparator(self, operand: Operand[Any]) -> Comparator:
        return self._chance.choice(_EQUAL if operand.kind is Kind.JSON else tuple(Comparator))

    def _compared(self, operand: Operand[Any]) -> Condition:
        comparator = self._comparator(operand)
        if comparator in (Comparator.IS, Comparator.IS_NOT) and self._chance.random() < 0.3:
            return Compare(operand, comparator, None)
        return Compare(operand, comparator, value_for(self._chance, operand))

    def _listed(self, operand: Operand[Any]) -> Condition:
        count = self._chance.choice((0, 1, 2, 3, IN_VALUES_MAX))
        values = [value_for(self._chance, operand) for _ in range(count)]
        if count == 2:
            values.append(self._partner(operand))
        return operand.in_(values) if self._chance.random() < 0.5 else operand.not_in(values)

    def _between(self, operand: Operand[Any]) -> Condition:
        low, high = (
            self._partner(operand) if self._chance.random() < 0.2 else value_for(self._chance, operand)
            for _ in range(2)
        )
        return operand.between(low, high)

    def _beside(self, operand: Operand[Any]) -> Condition:
        if operand.kind is not Kind.JSON and self._chance.random() < 0.1:
            return operand.weak_gt(self._partner(operand))
        return Compare(operand, self._comparator(operand), self._partner(operand))

    def _partner(self, operand: Operand[Any]) -> Operand[Any]:
        return self._of(_NUMBERS if operand.kind in _NUMBERS else (operand.kind,), 0)

    def _like(self, operand: Operand[Any]) -> Condition:
        chance = self._chance
        word = chance.choice(WORDS)
        match chance.randrange(5):
            case 0:
                return operand.contains(word)
            case 1:
                return operand.starts_with(word)
            case 2:
                return operand.ends_with(word)
            case _:
                pieces = ["%", "%", "_", *map(escape_like, (word, word[:1], word.swapcase()[:3], "a", "b"))]
                return operand.like("".join(chance.choices(pieces, k=chance.randrange(6))))


def main() -> None:
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with tempfile.TemporaryDirectory() as folder, odd_store(Path(folder) / "odd.db", seed) as store:
        start = time.perf_counter()
        differential = Differential(store, seed)
        differential.run(cases)
        took = time.perf_counter() - start
    sys.stdout.write(
        f"{cases} cases, seed {seed}: no disagreement; {differential.matches} matches, "
        f"{differential.unknowns} unknown; {took:.1f} s\n"
    )


if __name__ == "__main__":
    main()
