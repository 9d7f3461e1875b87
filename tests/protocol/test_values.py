"""Wire values: there and back, what cannot travel, and what counts as equal."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmaddb import errors as e
from bmaddb.protocol.values import Spoiled, fault, same, to_raw, to_wire, unbase64
from bmaddb.schema import Column, blob, boolean, integer, json, real, text, timestamp
from bmaddb.schema.columns import placed
from bmaddb.schema.json_text import canonical_json
from bmaddb.schema.kinds import Kind

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)


@pytest.mark.parametrize(
    ("kind", "raw", "wire"),
    [
        (Kind.TEXT, "é\n", "é\n"),
        (Kind.INT, 2**63 - 1, 2**63 - 1),
        (Kind.REAL, 0.5, 0.5),
        (Kind.BOOL, 1, True),
        (Kind.BOOL, 0, False),
        (Kind.JSON, '{"a":[1,null]}', {"a": [1, None]}),
        (Kind.TS, 1_700_000_000_123, 1_700_000_000_123),
        (Kind.BLOB, b"\x00\xff", "AP8="),
        (Kind.JSON, None, None),
    ],
)
def test_there_and_back(kind: Kind, raw: Any, wire: Any) -> None:
    assert to_wire(kind, raw) == wire
    assert type(to_wire(kind, raw)) is type(wire)
    assert to_raw(kind, wire) == raw


@given(JSON.filter(lambda value: value is not None and "\0" not in canonical_json_or(value)))
def test_json_survives(value: Any) -> None:
    raw = to_raw(Kind.JSON, value)
    assert to_wire(Kind.JSON, raw) == value
    assert to_raw(Kind.JSON, to_wire(Kind.JSON, raw)) == raw


def canonical_json_or(value: Any) -> str:
    try:
        return canonical_json(value)
    except e.RecordInvalid:
        return "\0"


@pytest.mark.parametrize(
    ("builder", "value", "said"),
    [
        (text, "a\0b", "U+0000"),
        (text, "\ud800", "surrogate"),
        (text, 7, "no text"),
        (integer, 2**63, "64 bits"),
        (integer, "7", "no int"),
        (real, float("inf"), "finite"),
        (real, float("nan"), "finite"),
        (boolean, 2, "no bool"),
        (json, Spoiled("{"), "valid JSON"),
        (json, {"a": "\0"}, "U+0000"),
        (timestamp, 1.5, "no ts"),
        (blob, 3, "no blob"),
    ],
)
def test_what_cannot_travel_is_named(builder: Any, value: Any, said: str) -> None:
    column: Column[Any] = placed(builder(null=True), "here", "things")
    found = fault(column, value)
    assert found is not None
    assert "things.here" in found
    assert said in found
    assert fault(column, None) is None


def test_spoiled_json_is_kept_as_it_is() -> None:
    assert isinstance(to_wire(Kind.JSON, "{oops"), Spoiled)
    assert isinstance(to_wire(Kind.JSON, "NaN"), Spoiled)
    assert to_raw(Kind.JSON, to_wire(Kind.JSON, "{oops")) == "{oops"


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ([1, 2], [2, 1], False),
        ({"a": 1}, {"a": True}, False),
        (None, None, True),
        (None, "", False),
        ("é", "é", True),
    ],
)
def test_equality_on_the_wire(one: Any, other: Any, equal: bool) -> None:
    assert same(one, other) is equal
    assert same(other, one) is equal


def test_base64_of_postgres_has_line_breaks() -> None:
    assert unbase64("AAAA\nAAAA") == bytes(6)
    with pytest.raises(e.RemoteProtocolError):
        unbase64("?")
