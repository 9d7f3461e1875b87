"""Random conditions and orders over `Odd`, and the comparison of what SQLite and the matcher say of each row.

`python -m tests.query.differential 100000` runs that many cases and says how long it took.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from bmaddb.device.query import Plan, matcher_of, order_key_of, totally_ordered
from bmaddb.device.query.compiler import select_ids
from bmaddb.device.query.compiler_conditions import Scribe
from bmaddb.device.store import Store
from bmaddb.schema import all_of, any_of
from bmaddb.schema.columns import Column
from bmaddb.schema.expressions import Comparator, Compare, Condition, Operand, Order, escape_like
from bmaddb.schema.kinds import Kind
from tests.query.odd import COLUMNS, WORDS, Odd, odd_store, value_for

DEPTH_MAX = 3
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
        scribe = Scribe(("odd",))
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
            case 2 | 3:
                return any_of(*parts)
            case _:
                return ~(parts[0] if parts else self._leaf())

    def orders(self) -> tuple[Order, ...]:
        steps = [self.operand() for _ in range(self._chance.randrange(4))]
        flip = self._chance.random
        return tuple(Order(step, descending=flip() < 0.5, nulls_last=flip() < 0.5) for step in steps)

    def operand(self) -> Column[Any]:
        return self._chance.choice(COLUMNS)

    def _leaf(self) -> Condition:
        operand = self.operand()
        makers: list[Callable[[Any], Condition]] = [self._compared, self._compared, self._listed, self._beside]
        if operand.kind is not Kind.JSON:
            makers.append(self._between)
        if operand.kind in (Kind.TEXT, Kind.JSON):
            makers += [self._like, self._like]
        return self._chance.choice(makers)(operand)

    def _comparator(self, operand: Operand[Any]) -> Comparator:
        return self._chance.choice(_EQUAL if operand.kind is Kind.JSON else tuple(Comparator))

    def _compared(self, operand: Column[Any]) -> Condition:
        comparator = self._comparator(operand)
        if comparator in (Comparator.IS, Comparator.IS_NOT) and self._chance.random() < 0.3:
            return Compare(operand, comparator, None)
        return Compare(operand, comparator, value_for(self._chance, operand))

    def _listed(self, operand: Column[Any]) -> Condition:
        count = self._chance.choice((0, 1, 2, 3, IN_VALUES_MAX))
        values = [value_for(self._chance, operand) for _ in range(count)]
        return operand.in_(values) if self._chance.random() < 0.5 else operand.not_in(values)

    def _between(self, operand: Column[Any]) -> Condition:
        low, high = (
            self._partner(operand) if self._chance.random() < 0.2 else value_for(self._chance, operand)
            for _ in range(2)
        )
        return operand.between(low, high)

    def _beside(self, operand: Column[Any]) -> Condition:
        return Compare(operand, self._comparator(operand), self._partner(operand))

    def _partner(self, operand: Column[Any]) -> Column[Any]:
        kinds = _NUMBERS if operand.kind in _NUMBERS else (operand.kind,)
        return self._chance.choice([column for column in COLUMNS if column.kind in kinds])

    def _like(self, operand: Column[Any]) -> Condition:
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
