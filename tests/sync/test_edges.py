"""Values at the edges of their kinds, from device to device and from plain SQL (T14)."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from bmaddb import errors as e
from bmaddb.device.sync import Verified
from bmaddb.schema import Record
from bmaddb.schema.kinds import INT_MAX, INT_MIN
from tests.protocol.things import Job, Label, Note, Token
from tests.sync.devices import World

ABOVE_ZONE = timezone(timedelta(hours=14))
EDGES: list[tuple[type[Record], str, Any, Any]] = [
    (Note, "likes", INT_MAX, INT_MAX),
    (Note, "likes", INT_MIN, INT_MIN),
    (Note, "likes", 2**53 + 1, 2**53 + 1),
    (Token, "weight", 5e-324, 5e-324),
    (Token, "weight", 1.7976931348623157e308, 1.7976931348623157e308),
    (Token, "weight", 0.1 + 0.2, 0.1 + 0.2),
    (Token, "weight", 2**53 + 2, float(2**53 + 2)),
    (Token, "secret", bytes(range(256)) * 3, bytes(range(256)) * 3),
    (Token, "secret", b"", b""),
    (Token, "seen_at", datetime(1, 1, 1, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)),
    (
        Token,
        "seen_at",
        datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_000, UTC),
    ),
    (
        Token,
        "seen_at",
        datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_000, UTC),
    ),
    (
        Token,
        "seen_at",
        datetime(2026, 3, 29, 2, 30, 0, 1_234, ABOVE_ZONE),
        datetime(2026, 3, 28, 12, 30, 0, 1_000, UTC),
    ),
    (Note, "tags", [2**63, 10**30, 1e300, 0.1, -0.0, True, None], [2**63, 10**30, 1e300, 0.1, 0.0, True, None]),
    (Note, "body", "\x01\x7f\x85\u2028\ufeff\U0010ffff'\"\\", "\x01\x7f\x85\u2028\ufeff\U0010ffff'\"\\"),
    (Note, "body", "", ""),
]
NEEDED: dict[type[Record], dict[str, Any]] = {Note: {}, Token: {"name": "t"}, Job: {"title": "j"}, Label: {"name": "l"}}


def test_values_at_the_edges_arrive_as_they_left(things: World) -> None:
    here, there = things.device(), things.device()
    made: list[tuple[Record, str, Any]] = []
    for kind, column, given, expected in EDGES:
        with here.store.write() as tx:
            made.append((tx.insert(kind, **{**NEEDED[kind], column: given}), column, expected))
    things.settle(here, there)
    for row, column, expected in made:
        for device in (here, there):
            found = device.store.get(type(row), row.id)
            assert found is not None
            value = getattr(found, column)
            assert (value, type(value)) == (expected, type(expected)), (type(row).__name__, column)
    things.assert_equal(here, there)
    for device in (here, there):
        assert device.engine.verify_blocking(repair=False).result is Verified.EQUAL


@pytest.mark.parametrize(
    ("kind", "column", "value"),
    [
        (Note, "likes", INT_MAX + 1),
        (Note, "likes", Decimal(1)),
        (Token, "weight", math.nan),
        (Token, "weight", math.inf),
        (Token, "weight", Decimal("0.1")),
        (Token, "seen_at", datetime(2026, 1, 1)),
        (Note, "tags", [math.nan]),
        (Note, "tags", [Decimal("0.1")]),
        (Note, "body", "a\0b"),
        (Note, "body", "\ud800"),
    ],
)
def test_what_has_no_place_is_refused_where_it_is_written(
    things: World, kind: type[Record], column: str, value: Any
) -> None:
    here = things.device()
    with pytest.raises(e.RecordInvalid, match=column), here.store.write() as tx:
        tx.insert(kind, **{**NEEDED[kind], column: value})
    assert here.outbox.counts().total == 0


def test_nor_can_plain_sql_on_the_server_write_it(things: World) -> None:
    """One such value would stop every device that pulls it."""
    here = things.device()
    with here.store.write() as tx:
        token = tx.insert(Token, name="t", weight=1.5)
    things.settle(here)
    with things.server.database.connect() as connection:
        for weight in ("NaN", "Infinity", "-Infinity"):
            with pytest.raises(psycopg.errors.CheckViolation):
                connection.execute("update bmad.tokens set weight = %s where id = %s", (weight, token.id))
        moment = "2026-03-29 01:30:00.123456+00"
        connection.execute("update bmad.tokens set seen_at = %s where id = %s", (moment, token.id))
    things.settle(here)
    found = here.store.get(Token, token.id)
    assert found is not None
    assert found.seen_at == datetime(2026, 3, 29, 1, 30, 0, 123_000, UTC)
    assert here.engine.verify_blocking(repair=False).result is Verified.EQUAL
