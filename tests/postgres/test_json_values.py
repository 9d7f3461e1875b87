"""A JSON value that went to the server and came back is the value that left: the same text, the same digest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmaddb.protocol.values import identity, leaving, same, to_raw, to_wire
from bmaddb.schema.json_text import canonical_json
from bmaddb.schema.kinds import Kind
from tests.support.postgres import VERSIONS, Clusters

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
FLOATS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [
        1e23,
        -0.0,
        0.0,
        2.0**53,
        9007199254740993.0,
        1e16,
        1e-7,
        5e-324,
        1.7976931348623157e308,
        1.0,
        123456789012345680.0,
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)


@pytest.fixture(scope="module", params=VERSIONS, ids=lambda version: f"pg{version}")
def connection(request: pytest.FixtureRequest, clusters: Clusters) -> Iterator[psycopg.Connection[Any]]:
    with clusters.of(request.param).database() as database, database.connect() as made:
        yield made


def there_and_back(connection: psycopg.Connection[Any], text: str) -> str:
    found = connection.execute("select %s::jsonb::text", (text,)).fetchone()
    assert found is not None
    return str(found[0])


@given(value=JSON.filter(lambda value: value is not None))
def test_a_json_value_comes_back_as_it_left(connection: psycopg.Connection[Any], value: Any) -> None:
    raw = canonical_json(value)
    sent = msgspec.json.encode(leaving(Kind.JSON, to_wire(Kind.JSON, raw))).decode()
    answered = there_and_back(connection, sent)
    back = msgspec.json.decode(answered)
    assert same(back, to_wire(Kind.JSON, raw))
    assert same(back, value)
    assert to_raw(Kind.JSON, back) == raw, "the file of another device holds the same text"
    assert canonical_json(json.loads(answered)) == raw


@given(one=JSON, other=JSON)
def test_what_is_the_same_here_is_the_same_there(connection: psycopg.Connection[Any], one: Any, other: Any) -> None:
    texts = [json.dumps([value]) for value in (one, other)]
    found = connection.execute("select %s::jsonb = %s::jsonb", texts).fetchone()
    assert found is not None
    assert same([one], [other]) is found[0]


@given(value=JSON)
def test_what_another_client_wrote_is_the_same_after_it_was_read(
    connection: psycopg.Connection[Any], value: Any
) -> None:
    """Plain JSON, with exponents: the server writes them out, and nobody sees a difference in it."""
    answered = msgspec.json.decode(there_and_back(connection, json.dumps([value])))
    assert same(answered, [value])
    assert identity(answered) == identity([value])


@given(number=FLOATS)
def test_a_real_column_is_the_same_after_it_was_read(connection: psycopg.Connection[Any], number: float) -> None:
    found = connection.execute("select to_jsonb(%s::float8)::text", (number,)).fetchone()
    assert found is not None
    assert same(msgspec.json.decode(found[0]), number)
