"""A catalogue of a few tables that has every kind, every scope, every delete rule and every kind of reference."""

from __future__ import annotations

from datetime import UTC, datetime

from bmaddb.schema import (
    Catalog,
    CatalogRecord,
    DeleteRule,
    LocalRecord,
    MergeRule,
    Module,
    ServerRecord,
    UserRecord,
    blob,
    boolean,
    integer,
    json,
    real,
    text,
    timestamp,
)


class Colour(CatalogRecord, table="colours", uniques=(("code",),)):
    """What a box may be painted with."""

    code = text(merge=MergeRule.SRV)
    label = json(merge=MergeRule.SRV, default={})
    since = timestamp(null=True, merge=MergeRule.SRV)


class Shade(CatalogRecord, table="shades"):
    """A catalogue row that refers to another one."""

    colour_id = text(references="colours", on_delete="cascade", merge=MergeRule.SRV)
    strength = real(merge=MergeRule.SRV, default=0.5)


class Box(UserRecord, table="boxes"):
    """A row others refer to."""

    title = text(check="length(title) <= 100")
    colour_id = text(null=True, references="colours", on_delete="restrict")
    parent_id = text(null=True, references="boxes", on_delete="cascade")
    state = text(enum=("new", "open", "done"), default="new", merge=MergeRule.STM)
    credit = integer(null=True, merge=MergeRule.SRV)


class Thing(UserRecord, table="things", delete=DeleteRule.EDIT_WINS):
    """A row of every kind of value, with every way to refer to a parent."""

    box_id = text(references="boxes", on_delete="cascade")
    shelf_id = text(null=True, references="boxes", on_delete="null")
    keeper_id = text(null=True, references="boxes", on_delete="restrict")
    name = text()
    size = integer(default=1, check="size >= 0")
    weight = real(null=True)
    broken = boolean(default=False)
    extra = json(null=True)
    tags = json(default=["a"], merge=MergeRule.SET)
    seen_at = timestamp(null=True)
    picture = blob(null=True)
    opened = boolean(default=False, merge=MergeRule.LOC)


class Setting(
    UserRecord, table="settings", delete=DeleteRule.NEVER, natural_key=("key",), uniques=(("user_id", "key"),)
):
    """A row that is never deleted, with a natural key."""

    key = text(merge=MergeRule.IMM)
    value = text(null=True)
    made_in = json(default={}, merge=MergeRule.IMM)
    made_at = timestamp(null=True, merge=MergeRule.IMM)
    box_id = text(null=True, references="boxes", on_delete="null", merge=MergeRule.IMM)


class Invoice(UserRecord, table="invoices", delete=DeleteRule.SERVER_ONLY):
    """A row only the server writes."""

    amount = integer(merge=MergeRule.SRV)


class Draft(LocalRecord, table="drafts"):
    """Stays on the device."""

    words = text(merge=MergeRule.LOC)


class Ledger(ServerRecord, table="ledger"):
    """Stays on the server."""

    note = text(merge=MergeRule.SRV)


SMALL = Module(
    name="small",
    purpose="for tests",
    records=(Colour, Shade, Box, Thing, Setting, Invoice, Draft, Ledger),
    seeds={
        "colours": (
            {"id": "red@1", "code": "red", "label": {"nl": "rood"}, "since": datetime(2020, 1, 1, tzinfo=UTC)},
            {"id": "blue@1", "code": "blue"},
        ),
        "shades": ({"id": "red/dark", "colour_id": "red@1", "strength": 0.9},),
    },
)


def small_catalog(version: int = 14) -> Catalog:
    """The catalogue of these tables."""
    return Catalog([SMALL], version=version)
