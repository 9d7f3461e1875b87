"""The tables of a simulation as its application grows: three schema versions, and the roads between them.

Rules of this room: the oracle speaks the names of the last edition only; what an older one calls its tables and
columns is written down here by hand, not asked of the machinery that is being tested.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import new_class
from typing import Any, cast

from bmaddb.modules.registry import catalog_with
from bmaddb.schema import Catalog, DeleteRule, MergeRule, Module, Record, UserRecord, integer, text
from bmaddb.schema.columns import Column
from bmaddb.schema.evolution import (
    AddColumn,
    CreateTable,
    DropColumn,
    DropTable,
    Migration,
    RenameColumn,
    RenameTable,
)
from bmaddb.testing.simulation.tables import MODULE, Card, Day, Folder, Item, Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One version of the application: its records, and what they are called in the last one."""

    catalog: Catalog
    migrations: tuple[Migration, ...]
    folder: Any
    note: Any
    item: Any
    day: Any
    sticker: Any = None
    scrap: Any = None
    caption: str = "label"
    """The column of an item that its owner writes."""
    rank: str | None = None
    """A column of notes that the first edition does not have."""
    tables: Mapping[str, str] = field(default_factory=dict)
    """Table -> what it is called in the last edition; those that keep their name are not listed."""
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The same of columns, by today's table of this edition."""

    @property
    def version(self) -> int:
        return self.catalog.version

    def table_today(self, name: str) -> str:
        """What the last edition calls this table."""
        return self.tables.get(name, name)

    def column_today(self, table: str, column: str) -> str:
        """What the last edition calls this column of `table` (as this one calls it)."""
        return self.columns.get(table, {}).get(column, column)

    def values_today(self, table: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """The same values under the last edition's names."""
        return {self.column_today(table, name): value for name, value in values.items()}


def _grown(
    record: type[Record], columns: Mapping[str, Column[Any]], *, renamed: str = "", without: str = "", **options: Any
) -> Any:
    """`record` with these columns added; `renamed` ("old new") and `without` name one each."""
    old, _, new = renamed.partition(" ")
    kept = {
        new if column.name == old else column.name: column
        for column in record.__table__.columns
        if column.name not in record.__envelope__ and column.name != without
    }
    options = {"table": record.__table__.name, "delete": record.__table__.delete_rule, **options}
    body = {"__doc__": record.__doc__, "__module__": __name__, **kept, **columns}
    return cast(Any, new_class(record.__name__, (UserRecord,), options, lambda namespace: namespace.update(body)))


def _catalog(version: int, *records: type[Record]) -> Catalog:
    module = Module(name=MODULE.name, purpose=MODULE.purpose, records=records)
    return catalog_with(module, include_defaults=False, version=version)


_BY_TITLE = (("user_id", "title"),)
_NAMED_DAY = ("user_id", "day")
_priority = integer(default=0)
_colour = text(null=True)


class Sticker(UserRecord, table="stickers", delete=DeleteRule.DELETE_WINS):
    """Sticks to a note, and goes with it."""

    note_id = text(references="notes", on_delete="cascade", merge=MergeRule.IMM)
    word = text()


class Scrap(UserRecord, table="scraps", delete=DeleteRule.DELETE_WINS):
    """In the second edition only."""

    word = text()


_note_15 = _grown(Note, {"priority": _priority}, indexes=_BY_TITLE)
_item_15 = _grown(Item, {}, renamed="label caption")
_shelf_16 = _grown(Folder, {}, table="shelves")
_note_16 = _grown(
    Note, {"folder_id": text(null=True, references="shelves", on_delete="null"), "rank": _priority}, indexes=_BY_TITLE
)
_item_16 = _grown(
    _item_15,
    {"folder_id": text(references="shelves", on_delete="cascade", merge=MergeRule.IMM)},
    without="amount",
)
_sticker_16 = _grown(Sticker, {"colour": _colour})

_TO_15 = Migration(
    15,
    (
        AddColumn("notes", "priority", _priority),
        RenameColumn("items", "label", "caption"),
        CreateTable(Sticker),
        CreateTable(Scrap, "scraps"),
    ),
)
_TO_16 = Migration(
    16,
    (
        RenameTable("folders", "shelves"),
        RenameColumn("notes", "priority", "rank"),
        DropColumn("items", "amount"),
        DropTable("scraps"),
        AddColumn("stickers", "colour", _colour),
    ),
)
_SHELVES = {"folders": "shelves"}

EDITIONS: tuple[Edition, ...] = (
    Edition(
        catalog=_catalog(14, Folder, Note, Item, Day, Card),
        migrations=(),
        folder=Folder,
        note=Note,
        item=Item,
        day=Day,
        tables=_SHELVES,
        columns={"items": {"label": "caption"}},
    ),
    Edition(
        catalog=_catalog(15, Folder, _note_15, _item_15, Day, Card, Sticker, Scrap),
        migrations=(_TO_15,),
        folder=Folder,
        note=_note_15,
        item=_item_15,
        day=Day,
        sticker=Sticker,
        scrap=Scrap,
        caption="caption",
        rank="priority",
        tables=_SHELVES,
        columns={"notes": {"priority": "rank"}},
    ),
    Edition(
        catalog=_catalog(16, _shelf_16, _note_16, _item_16, Day, Card, _sticker_16),
        migrations=(_TO_15, _TO_16),
        folder=_shelf_16,
        note=_note_16,
        item=_item_16,
        day=Day,
        sticker=_sticker_16,
        caption="caption",
        rank="rank",
    ),
)
ONLY = Edition(catalog=EDITIONS[0].catalog, migrations=(), folder=Folder, note=Note, item=Item, day=Day)
"""The first edition where it is the last: nothing has another name."""
