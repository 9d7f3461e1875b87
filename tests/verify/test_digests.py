"""Both sides write the same canonical text, whatever a column holds and whoever wrote it first."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bmaddb.device.sync import Verified
from bmaddb.protocol.digests import jsonb_text
from bmaddb.schema.kinds import INT_MAX, INT_MIN
from tests.postgres.small_catalog import Box, Thing
from tests.support.postgres import Database
from tests.support.server import USER
from tests.sync.devices import World
from tests.verify.test_repair import differing, verify

words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
numbers = st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(INT_MIN, INT_MAX) | numbers | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)

things = st.fixed_dictionaries(
    {
        "name": words,
        "size": st.integers(0, INT_MAX),
        "weight": st.none() | numbers,
        "broken": st.booleans(),
        "extra": st.none() | json_values,
        "tags": st.lists(json_values),
        "seen_at": st.none() | st.datetimes(timezones=st.just(UTC)),
        "picture": st.none() | st.binary(max_size=40),
    }
)


def test_values_of_every_kind_survive_the_trip_and_have_equal_digests(small_world: World) -> None:
    here, there = small_world.device(), small_world.device()
    with here.store.write() as tx:
        box = tx.insert(Box, title="box")

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(things, min_size=1, max_size=25))
    def trip(rows: list[dict[str, Any]]) -> None:
        with here.store.write() as tx:
            for row in rows:
                tx.insert(Thing, box_id=box.id, **row)
        for device in (here, there):
            report = verify(device, repair=False)
            assert report.result is Verified.EQUAL, (differing(report), device.outbox.parked())
        assert here.outbox.counts().total == 0
        assert here.store.sql("select count(*) from things") == there.store.sql("select count(*) from things")

    trip()


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(json_values)
def test_json_text_is_written_as_jsonb_writes_it(postgres_text: psycopg.Connection[Any], value: Any) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        row = postgres_text.execute(b"select %s::jsonb::text", (text,)).fetchone()
        assert row is not None
        assert jsonb_text(text) == row[0]
        assert jsonb_text(row[0]) == row[0]


@pytest.mark.parametrize(
    "text", ["-0", "-0.0", "1.10", "1e2", "1E-3", "12e+3", "1.5e1", "0.0000", "1e-400", '"\\u007f\\/"']
)
def test_numbers_are_written_as_numeric_writes_them(postgres_text: psycopg.Connection[Any], text: str) -> None:
    row = postgres_text.execute(b"select %s::jsonb::text", (text,)).fetchone()
    assert row is not None
    assert jsonb_text(text) == row[0]


@pytest.mark.parametrize("text", ["not json", "NaN", "1e999999999", '["\\ud800"]', "[" * 100_000])
def test_text_that_has_no_jsonb_keeps_a_text(text: str) -> None:
    assert jsonb_text(text)


@pytest.fixture(scope="module")
def postgres_text(clusters: Any) -> Any:
    with clusters.of(18).database() as database, database.connect() as connection:
        yield connection


def test_what_plain_sql_writes_has_equal_digests(both_worlds: World) -> None:
    """Values a device would write otherwise: more digits, finer moments, endless ones, other spellings."""
    here = both_worlds.device()
    database: Database = both_worlds.server.database
    with database.connect() as connection:
        connection.execute(b"insert into bmad.boxes (user_id, id, title) values (%s, 'box', 'x')", (USER,))
        for number, (extra, weight, moment) in enumerate(
            [
                ('{"a": 1.10, "b": 1e400, "aa": 12345678901234567890.123456789}', "-0", "infinity"),
                ('"\\u001f\\t\\\\"', "4.9e-324", "-infinity"),
                ("1.0", "1.7976931348623157e308", "4000-01-01 BC"),
                ("[[], {}, null]", "0.1", "2024-02-29 12:00:00.123999+00"),
                ("null", "1e-7", "9999-12-31 23:59:59.999999+00"),
                ("true", None, "20000-01-01"),
                (None, "3", "0001-01-01 00:00:00+00"),
            ]
        ):
            connection.execute(
                b"insert into bmad.things (user_id, id, box_id, name, extra, weight, seen_at)"
                b" values (%s, %s, 'box', 'n', %s, %s, %s)",
                (USER, f"t{number}", extra, weight, moment),
            )
    report = verify(here, repair=False)
    assert report.result is Verified.EQUAL, differing(report)
    assert len(here.rows()["things"]) == 7


def test_a_table_with_other_columns_is_not_compared(small_world: World) -> None:
    here = small_world.device()
    small_world.settle(here)
    small_world.server.database.run("update bmad_sync.tables set kinds = kinds - 'name' where name = 'things'")
    report = verify(here)
    assert report.result is Verified.EQUAL
    assert [check.table for check in report.tables if check.unlike] == ["things"]
