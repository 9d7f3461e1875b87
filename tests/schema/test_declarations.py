"""A wrong declaration is refused when the class is made, with words that say what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from itertools import starmap
from typing import Any

import pytest

from bmaddb import errors as e
from bmaddb.schema import (
    Catalog,
    CatalogRecord,
    Column,
    DeleteRule,
    LocalRecord,
    MergeRule,
    Module,
    Record,
    Sensitivity,
    ServerRecord,
    UserRecord,
    archive,
    boolean,
    integer,
    json,
    text,
)


def declare(
    parent: type[Record] = UserRecord, columns: dict[str, Column[Any]] | None = None, **options: Any
) -> type[Record]:
    """A record class as a class statement would make it."""
    make: Any = type(parent)
    made: type[Record] = make(
        "Thing", (parent,), {"__doc__": "A thing.", **(columns or {})}, **{"table": "things", **options}
    )
    return made


def module_of(*records: type[Record], name: str = "own") -> Module:
    return Module(name=name, purpose="For a test.", records=records)


WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "a table name with capitals": (lambda: declare(table="Things"), "not a table name"),
    "no table name at all": (lambda: declare(table=""), 'Thing: table="..." is missing'),
    "a table name that starts with a digit": (lambda: declare(table="9lives"), "not a table name"),
    "a column name that is reserved": (lambda: declare(columns={"rowid": text()}), "not a column name"),
    "a column name that a slot would take": (
        lambda: declare(columns={"score_raw": text()}),
        "not a column name",
    ),
    "a column of the envelope": (lambda: declare(columns={"created_at": text()}), "part of every such table"),
    "an option nobody knows": (lambda: declare(colour="red"), "unknown option colour"),
    "an index on nothing": (lambda: declare(indexes=(("nowhere",),)), "no column nowhere"),
    "a unique on nothing": (lambda: declare(uniques=(("nowhere",),)), "no column nowhere"),
    "a natural key of nothing": (lambda: declare(natural_key=("nowhere",)), "no column nowhere"),
    "a row key of a table that travels": (
        lambda: declare(columns={"n": integer()}, row_key="n"),
        "only a local table has a row_key",
    ),
    "a row key that may be null": (
        lambda: declare(LocalRecord, {"n": integer(null=True)}, row_key="n"),
        "never null",
    ),
    "a row key of nothing": (lambda: declare(LocalRecord, row_key="n"), "never null"),
    "an enum that is not text": (
        lambda: declare(columns={"n": integer(enum=("1", "2"))}),
        "only a text column",
    ),
    "a default outside its enum": (
        lambda: declare(columns={"t": text(default="c", enum=("a", "b"))}),
        "not in the enum",
    ),
    "a default of another kind": (lambda: declare(columns={"n": integer(default="1")}), "default"),
    "a number where a truth is": (lambda: declare(columns={"b": boolean(default=0)}), "default"),
    "a reference without a rule": (lambda: declare(columns={"t": text(references="things")}), "go together"),
    "a rule without a reference": (lambda: declare(columns={"t": text(on_delete="cascade")}), "go together"),
    "null where null is not allowed": (
        lambda: declare(columns={"t": text(references="things", on_delete="null")}),
        "needs null=True",
    ),
    "a sealed number": (lambda: declare(columns={"n": integer(sealable=True)}), "can be sealed"),
    "open states without their rule": (lambda: declare(open_states=("a",)), "open_states"),
    "their rule without open states": (
        lambda: declare(delete=DeleteRule.EDIT_WINS_WHILE_OPEN),
        "open_states",
    ),
    "open states of nothing": (
        lambda: declare(delete=DeleteRule.EDIT_WINS_WHILE_OPEN, open_states=("a",)),
        "a column 'state'",
    ),
    "an open state that is none": (
        lambda: declare(
            columns={"state": text(enum=("todo", "done"))},
            delete=DeleteRule.EDIT_WINS_WHILE_OPEN,
            open_states=("todo", "dnoe"),
        ),
        "never dnoe",
    ),
    "cold after no moment": (lambda: declare(retention=archive(months=2, after="t")), "after a timestamp column"),
    "cold after nothing": (lambda: declare(retention=archive(months=2, after="nowhere")), "after a timestamp column"),
    "a merge on a catalogue": (
        lambda: declare(CatalogRecord, {"t": text(merge=MergeRule.LWW)}),
        "does not fit",
    ),
    "a merge on a local table": (
        lambda: declare(LocalRecord, {"t": text(merge=MergeRule.SRV)}),
        "does not fit",
    ),
    "a set that is no JSON": (lambda: declare(columns={"t": text(merge=MergeRule.SET)}), "does not fit a text"),
    "a largest of JSON": (lambda: declare(columns={"j": json(merge=MergeRule.MAX)}), "does not fit a json"),
    "states without their order": (lambda: declare(columns={"t": text(merge=MergeRule.STM)}), "needs an enum"),
    "a merge function without its rule": (lambda: declare(columns={"n": integer(merge_with=max)}), "merge_with"),
    "its rule without a merge function": (lambda: declare(columns={"n": integer(merge=MergeRule.FUN)}), "merge_with"),
    "transitions of a text": (lambda: declare(columns={"t": text(transitions={"a": ("b",)})}), "transitions go with"),
    "transitions to nowhere": (
        lambda: declare(columns={"t": text(enum=("a", "b"), merge=MergeRule.STM, transitions={"a": ("b", "c")})}),
        "transitions name c",
    ),
    "a merge on a server table": (
        lambda: declare(ServerRecord, {"t": text(merge=MergeRule.LOC)}),
        "does not fit",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_declaration_is_refused(case: str) -> None:
    make, words = WRONG[case]
    with pytest.raises(e.SchemaError, match=words):
        make()


def test_a_table_takes_the_merge_rule_and_sensitivity_of_its_kind() -> None:
    rules = {
        parent: declare(parent, {"t": text()}).__table__.column("t").spec.merge
        for parent in (UserRecord, CatalogRecord, LocalRecord, ServerRecord)
    }
    assert list(rules.values()) == [MergeRule.LWW, MergeRule.SRV, MergeRule.LOC, MergeRule.SRV]
    plain = declare(columns={"t": text()}).__table__
    assert plain.column("t").spec.sensitivity is Sensitivity.PERSONAL
    special = declare(
        columns={"t": text(), "own": text(sensitivity=Sensitivity.PUBLIC)}, sensitivity=Sensitivity.SPECIAL
    ).__table__
    assert special.column("t").spec.sensitivity is Sensitivity.SPECIAL
    assert special.column("own").spec.sensitivity is Sensitivity.PUBLIC


def test_a_record_shows_values_and_the_class_shows_columns() -> None:
    class Note(UserRecord, table="notes"):
        """A note."""

        body = text()
        done = boolean(default=False)
        extra = json(null=True)

    note = next(starmap(Note, [("id", "user", 0, 1, None, "hello", 1, '{"a":[1]}')]))
    assert (note.body, note.done, note.extra) == ("hello", True, {"a": [1]})
    assert note.created_at.isoformat() == "1970-01-01T00:00:00+00:00"
    assert Note.body.name == "body"
    assert repr(Note.done) == "<column notes.done: bool>"
    with pytest.raises(AttributeError):
        note.body = "else"


def test_a_catalog_refuses_what_does_not_fit_together() -> None:
    thing = declare()
    with pytest.raises(e.SchemaError, match="two modules declare a table 'things'"):
        Catalog([module_of(thing), module_of(declare(), name="other")])
    with pytest.raises(e.SchemaError, match="two modules are called 'own'"):
        Catalog([module_of(thing), module_of()])
    stray = declare(columns={"t": text(references="nowhere", on_delete="cascade")})
    with pytest.raises(e.SchemaError, match=r"things\.t refers to 'nowhere'"):
        Catalog([module_of(stray)])


def test_a_reference_only_goes_where_the_other_row_can_be() -> None:
    local = declare(LocalRecord, table="locals")
    user = declare(columns={"t": text(references="locals", on_delete="cascade")})
    with pytest.raises(e.SchemaError, match="a user table cannot refer to a local table"):
        Catalog([module_of(local, user)])
    shared = declare(CatalogRecord, {"t": text(references="things", on_delete="cascade")}, table="shared")
    with pytest.raises(e.SchemaError, match="a catalog table cannot refer to a user table"):
        Catalog([module_of(declare(), shared)])


def test_parents_stand_before_children_and_circles_are_fine() -> None:
    child = declare(columns={"t": text(references="parents", on_delete="cascade")}, table="children")
    parent = declare(columns={"t": text(null=True, references="children", on_delete="null")}, table="parents")
    grand = declare(columns={"t": text(references="children", on_delete="cascade")}, table="grandchildren")
    order = list(Catalog([module_of(grand, child, parent)]).tables)
    assert order.index("children") < order.index("grandchildren")
    assert sorted(order) == ["children", "grandchildren", "parents"]
