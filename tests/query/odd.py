"""A table of values chosen to disagree: nulls, ties, case, numbers that look like texts, and a store of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from bmaddb.device.store import Store
from bmaddb.entropy import SeededEntropy
from bmaddb.schema import Catalog, LocalRecord, Module, blob, boolean, integer, json, real, text, timestamp
from bmaddb.schema.columns import Column
from bmaddb.schema.expressions import Operand
from bmaddb.schema.kinds import Kind
from bmaddb.testing import ManualClock


class Odd(LocalRecord, table="odd", indexes=(("word",), ("size", "other_size"))):
    """Two columns of nearly every kind, so that columns can be compared with each other."""

    word = text()
    other = text(null=True)
    size = integer(default=0)
    other_size = integer(null=True)
    weight = real(null=True)
    other_weight = real(null=True)
    flag = boolean(default=False)
    other_flag = boolean(null=True)
    tree = json(null=True)
    other_tree = json(default=[])
    moment = timestamp(null=True)
    other_moment = timestamp(null=True)
    bits = blob(null=True)


LONG = "a" * 1_500
WORDS = [
    *("", " ", "0", "1", "1.0", "-1", "01", "1e0", "9007199254740993", "NULL", "null", "true", "nan", "inf"),
    *("a", "A", "b", "B", "ab", "aB", "AB", "z", "Z", "ß", "\u1e9e", "ss", "SS", "İ", "i\u0307", "i", "I", "\u0131"),
    *("\u017f", "s", "\u212a", "k", "K", "é", "e\u0301", "É", "\u0301", "😀", "\U0001f469\u200d\U0001f467", "😀a"),
    *("\uffff", "\ue000", "\U00010000", "日本", "ﬁ", "ς", "Σ", "\u03c3", "\u00a0", "\u2028", "\x85"),
    *("%", "_", "\\", "%_\\", "a%", "a_b", "a\\b", "100%", "a'b", 'a"b', "\n", "a\nb", "\r\n", "\t", "\x01", "\x7f"),
    *("[", "[a]", "^a$", ".*", "(a", "a|b", "a\n", "\na", LONG, LONG + "b", "b" + LONG, "a-b", "--", ";", "?1", ":a"),
]
SIZES = [0, 1, -1, 2, 10, 100, 2**31, 2**53, 2**53 + 1, -(2**53) - 1, 2**62, 2**63 - 1, -(2**63), 1_767_225_600_000]
WEIGHTS = [
    *(0.0, -0.0, 1.0, -1.0, 0.1, 0.30000000000000004, 0.5, 1.5, 2.0, 1e-300, 5e-324, 1e300),
    *(9007199254740992.0, 9007199254740994.0, -9007199254740992.0, 9.223372036854775e18, 9.3e18, -9.3e18, 100.0),
]
TREES = [
    *([], {}, [1], [1, None], [1.0], ["1"], [True], [False, None, []], [[1], [2]], {"a": 1}, {"a": "1"}, {"a": None}),
    *({"a": {"b": [1, 2, {"c": "é"}]}}, {"a": []}, {"": 0}, {'a"b': 1, "a.b": 2, "a[0]": 3, "é": 4}, 1, 1.5, "a", True),
    *(False, ["a", "A", "ab", ""], [2**53 + 1], [0.1], [-1], ["😀"], {"a": "ab", "b": 2}, {"b": True}, "", "1", 0),
]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = [
    *(EPOCH, EPOCH + timedelta(milliseconds=1), EPOCH - timedelta(milliseconds=1), datetime(2026, 1, 1, tzinfo=UTC)),
    *(datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
    datetime(2026, 1, 1, 2, tzinfo=UTC),
]
BITS = [b"", b"\0", b"\0a", b"a", b"A", b"\xff", b"\x80", b"ab", b"\xff\xff"]
NASTY: dict[Kind, Sequence[Any]] = {
    Kind.TEXT: WORDS,
    Kind.INT: SIZES,
    Kind.REAL: WEIGHTS,
    Kind.BOOL: [True, False],
    Kind.JSON: TREES,
    Kind.TS: MOMENTS,
    Kind.BLOB: BITS,
}
COLUMNS: tuple[Column[Any], ...] = Odd.__table__.columns
ROWS = 64
_INFINITE = "insert into odd (id, word, weight, other_weight) values ('inf', '', 9e999, -9e999)"
_LOOSE = "insert into odd (id, word, tree) values ('loose', 'x', ' { \"a\" : 1 , \"a\" : 2 } ')"


def odd_store(path: Path, seed: int = 0) -> Store:
    """A store with `ROWS` rows of nasty values, and two that only raw SQL can write."""
    catalog = Catalog([Module(name="odds", purpose="tests", records=(Odd,))], version=1)
    store = Store(path, catalog, clock=ManualClock(), entropy=SeededEntropy(seed), durability="normal")
    chance = Random(seed)
    with store.write() as tx:
        tx.insert_many(Odd, [_row(chance, number) for number in range(ROWS - 2)])
        tx.execute(_INFINITE)
        tx.execute(_LOOSE)
    return store


def value_for(chance: Random, operand: Operand[Any]) -> Any:
    """A value of the operand's kind that is not null."""
    return chance.choice(NASTY[operand.kind])


def _row(chance: Random, number: int) -> dict[str, Any]:
    row = {
        column.name: None if column.spec.nullable and chance.random() < 0.2 else value_for(chance, column)
        for column in COLUMNS
    }
    return {**row, "id": chance.choice(["a", "B", "b", "é", "_"]) + str(number)}
