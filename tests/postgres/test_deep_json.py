"""JSON that no device could read is refused by the table, whichever way it comes; its neighbours go on."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from bmaddb.schema.json_text import JSON_DEPTH_MAX
from tests.postgres.caller import Caller, insert, rows_of, update
from tests.support.postgres import Database

DEPTHS = (JSON_DEPTH_MAX + 1, 400)


def nested(depth: int) -> Any:
    value: Any = 1
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.fixture
def version(alice: Caller) -> int:
    """Two things, of which one holds JSON as deep as it may be."""
    alice.write(insert("boxes", {"id": "b1", "title": "one"}))
    things = [{"id": f"t{number}", "box_id": "b1", "name": "a", "extra": extra} for number, extra in enumerate(FINE)]
    return int(alice.write(insert("things", *things))["version"])


FINE = (nested(JSON_DEPTH_MAX), ["word" * 10] * 1_000)


def test_what_is_deep_or_large_enough_and_no_more_comes_through(alice: Caller, version: int) -> None:
    assert [row["extra"] for row in rows_of(alice.pull(), "things").values()] == list(FINE)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("way", ["insert", "update"])
def test_a_push_of_it_rejects_its_entry_alone(alice: Caller, version: int, way: str, depth: int) -> None:
    deep = nested(depth)
    made = insert("things", {"id": "t9", "box_id": "b1", "name": "a", "extra": deep})
    bad = made if way == "insert" else update("things", "t0", version, extra=deep)
    answers = alice.push(alice.entry(update("things", "t1", version, name="b")), alice.entry(bad))["answers"]
    assert [answer["status"] for answer in answers] == ["applied", "rejected"]
    assert answers[1]["error"]["code"] == "22023"
    assert answers[1]["error"]["message"].startswith("too_deep: JSON of a row of bmad.things nests deeper than 64")
    assert rows_of(alice.pull(), "things")["t0"]["extra"] == FINE[0]


@pytest.mark.parametrize("depth", [JSON_DEPTH_MAX + 1, 1_001, 3_000])
def test_plain_sql_of_it_is_refused_whoever_runs_it(alice: Caller, small: Database, version: int, depth: int) -> None:
    query = "update bmad.things set extra = %s::jsonb where id = 't0'"
    values = ["[" * depth + "1" + "]" * depth]
    with pytest.raises(psycopg.DataError, match="too_deep"):
        alice.run(query, values)
    with small.connect() as connection, pytest.raises(psycopg.DataError, match="too_deep"):
        connection.execute(query.encode(), values)


def test_so_is_what_postgres_holds_compressed(alice: Caller, small: Database, version: int) -> None:
    """A value copied from another table is as small as it lies there."""
    deep = ["a" * 4_000, nested(JSON_DEPTH_MAX + 1)]
    with small.connect() as connection:
        connection.execute(b"create table public.elsewhere (x jsonb)")
        connection.execute(b"insert into public.elsewhere values (%s::jsonb)", [json.dumps(deep)])
        [(size,)] = connection.execute(b"select pg_column_size(x) from public.elsewhere")
        assert size < 8 * JSON_DEPTH_MAX, "it is compressed, or this test says nothing"
        with pytest.raises(psycopg.DataError, match="too_deep"):
            connection.execute(b"update bmad.things set extra = x from public.elsewhere where id = 't0'")


def test_a_catalogue_has_none_either(small: Database) -> None:
    with small.connect() as connection, pytest.raises(psycopg.DataError, match="too_deep"):
        connection.execute(
            b"insert into bmad.colours (id, code, label) values ('c', 'c', %s::jsonb)", [json.dumps(nested(65))]
        )
