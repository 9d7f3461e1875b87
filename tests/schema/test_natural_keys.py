"""The id of a natural key: one formula, pinned, so that clients in other languages can agree."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmaddb import errors as e
from bmaddb.modules.registry import default_catalog
from bmaddb.schema.natural_keys import NAMESPACE, natural_id

CATALOG = default_catalog()
USER = "0198c0de-0000-7000-8000-000000000001"
TAGS = CATALOG.table("tags")
PROGRESS = CATALOG.table("user_progress")
plain_text = st.text(st.characters(exclude_characters="\x1f", exclude_categories=["Cs"]), min_size=1)


def test_the_formula_is_what_the_docstring_says() -> None:
    values = {"user_id": USER, "metric_code": "tasks_done", "period_key": "2026-W47", "value": 3}
    name = f"user_progress\x1f{USER}\x1ftasks_done\x1f2026-W47"
    assert natural_id(PROGRESS, values) == str(uuid.uuid5(NAMESPACE, name))


def test_known_ids_never_change() -> None:
    assert natural_id(CATALOG.table("user_preferences"), {"user_id": USER}) == "7b3e9afd-7d3c-5593-b8d6-8ce4718736d5"
    assert natural_id(TAGS, {"user_id": USER, "name": "Café"}) == "b96d9e7e-d145-55b1-80e9-a44a17dce01e"


@pytest.mark.parametrize("name", ["café", "CAFÉ", "Cafe\u0301", "cafÉ"])
def test_a_folded_key_ignores_case_and_composition(name: str) -> None:
    assert natural_id(TAGS, {"user_id": USER, "name": name}) == natural_id(TAGS, {"user_id": USER, "name": "Café"})


def test_a_key_that_is_not_folded_keeps_its_case() -> None:
    codes = [natural_id(PROGRESS, {"user_id": USER, "metric_code": code, "period_key": "all"}) for code in ("a", "A")]
    assert len(set(codes)) == 2


@given(plain_text, plain_text, plain_text, plain_text)
def test_two_keys_have_one_id_only_when_they_are_equal(a: str, b: str, c: str, d: str) -> None:
    one = natural_id(PROGRESS, {"user_id": USER, "metric_code": a, "period_key": b})
    other = natural_id(PROGRESS, {"user_id": USER, "metric_code": c, "period_key": d})
    assert (one == other) == ((a, b) == (c, d))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "null"),
        (1.5, "text or a whole number"),
        (True, "text or a whole number"),
        ("a\x1fb", r"U\+001F"),
    ],
)
def test_a_value_that_cannot_make_an_id_is_refused(value: object, words: str) -> None:
    with pytest.raises(e.RecordInvalid, match=words):
        natural_id(PROGRESS, {"user_id": USER, "metric_code": value, "period_key": "all"})


def test_a_table_without_a_natural_key_says_so() -> None:
    with pytest.raises(e.SchemaError, match="no natural key"):
        natural_id(CATALOG.table("tasks"), {"user_id": USER})


def test_every_natural_key_is_of_needed_text_or_numbers() -> None:
    keyed = [table for table in CATALOG.tables.values() if table.options.natural_key]
    assert len(keyed) == 17
    for table in keyed:
        values = dict.fromkeys(table.options.natural_key, "x")
        assert uuid.UUID(natural_id(table, values)).version == 5
        assert not [name for name in table.options.natural_key if table.column(name).spec.nullable]
