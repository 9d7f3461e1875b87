"""Record classes: one declaration is at once the table, the query operands and the typed row.

A class that names a `table` becomes a frozen msgspec.Struct whose slots stand in column order, so a row
tuple becomes a record at the cost of the tuple. On the class, an attribute is the Column (for queries); on a
record it is the value. `bool`, `json` and `ts` columns keep SQLite's value in the slot `<name>_raw` and
convert when they are read.

Rules of this room: the declaration is checked here, once, when the class is made; a wrong one never gets
as far as SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

import msgspec

from bmaddb import errors as e
from bmaddb.schema.columns import Column, integer, placed, text, timestamp
from bmaddb.schema.kinds import Kind, from_raw
from bmaddb.schema.rules import DeleteRule, MergeRule, Scope, Sensitivity
from bmaddb.schema.tables import Table, TableOptions

_PYTHON_TYPES: dict[Kind, Any] = {
    Kind.TEXT: str,
    Kind.INT: int,
    Kind.REAL: float,
    Kind.BOOL: int,
    Kind.JSON: str,
    Kind.TS: int,
    Kind.BLOB: bytes,
}
_SCOPE_MERGE: dict[Scope, MergeRule] = {
    Scope.USER: MergeRule.LWW,
    Scope.CATALOG: MergeRule.SRV,
    Scope.LOCAL: MergeRule.LOC,
    Scope.SERVER: MergeRule.SRV,
}
_NAME_LETTERS_MAX: Final = 48
_FIRST: Final = frozenset("abcdefghijklmnopqrstuvwxyz")
_LETTERS: Final = _FIRST | frozenset("0123456789_")
# WatermelonDB and SQLite keep these for themselves; a row must live there too.
_RESERVED = frozenset({"rowid", "oid", "_rowid_", "_status", "_changed", "local_storage", "constructor", "user_id_raw"})

if TYPE_CHECKING:
    _RecordMetaParent = type
    _RecordParent = object
else:
    _RecordMetaParent = type(msgspec.Struct)
    _RecordParent = msgspec.Struct


class RecordMeta(_RecordMetaParent):
    """Builds the Struct; each table gets a metaclass of its own, whose properties answer with the Column."""

    def __new__(
        mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], table: str = "", **options: Any
    ) -> RecordMeta:
        if table == "":
            return _scope_class(mcs, name, bases, namespace)
        columns = _columns(table, bases, namespace, options)
        scope = cast(Scope, _inherited(bases, "__scope__"))
        definition = Table(
            name=table,
            scope=scope,
            columns=columns,
            purpose=(namespace.get("__doc__") or "").strip(),
            options=TableOptions.checked(table, scope, columns, options),
        )
        return _table_class(mcs, name, bases, namespace, definition)

    def __init__(
        cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], table: str = "", **options: Any
    ) -> None:
        super().__init__(name, bases, namespace)


def _scope_class(mcs: type[RecordMeta], name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> RecordMeta:
    """An abstract record (UserRecord, ...): its columns become the envelope of its tables. An application has none."""
    if any(getattr(base, "__scope__", None) is not None for base in bases):
        raise e.SchemaError(
            f'{name}: table="..." is missing', hint=f'class {name}({bases[0].__name__}, table="..."): ...'
        )
    envelope = {key: namespace.pop(key) for key, value in list(namespace.items()) if isinstance(value, Column)}
    namespace["__envelope__"] = envelope
    return _RecordMetaParent.__new__(mcs, name, bases, namespace)


def _table_class(
    mcs: type[RecordMeta], name: str, bases: tuple[type, ...], namespace: dict[str, Any], definition: Table
) -> RecordMeta:
    body: dict[str, Any] = {k: v for k, v in namespace.items() if not isinstance(v, Column) and k != "__annotate__"}
    annotations: dict[str, Any] = {}
    for column in definition.columns:
        kind = _PYTHON_TYPES[column.kind]
        annotations[column.slot] = kind | None if column.spec.nullable else kind
        if column.kind.converted:
            body[column.name] = _converting(column)
    body["__annotations__"] = annotations
    own = type(f"{name}Meta", (mcs,), {column.name: _answering(column) for column in definition.columns})
    make = cast("Callable[..., Any]", _RecordMetaParent.__new__)
    cls = make(own, name, bases, body, frozen=True, weakref=True)
    cls.__table__ = definition
    return cast(RecordMeta, cls)


def _converting(column: Column[Any]) -> property:
    slot, kind = column.slot, column.kind
    return property(lambda self: from_raw(kind, getattr(self, slot)), doc=column.spec.note or None)


def _answering(column: Column[Any]) -> property:
    return property(lambda cls: column)


def _inherited(bases: tuple[type, ...], name: str) -> Any:
    for base in bases:
        value = getattr(base, name, None)
        if value is not None:
            return value
    raise e.SchemaError("a table must extend UserRecord, CatalogRecord, LocalRecord or ServerRecord")


def _columns(
    table: str, bases: tuple[type, ...], namespace: Mapping[str, Any], options: Mapping[str, Any]
) -> tuple[Column[Any], ...]:
    if not _is_name(table):
        raise e.SchemaError(f"'{table}' is not a table name", hint="a-z, 0-9 and _, starting with a letter")
    envelope = cast("Mapping[str, Column[Any]]", _inherited(bases, "__envelope__"))
    declared = {key: value for key, value in namespace.items() if isinstance(value, Column)}
    for name in declared:
        if not _is_name(name) or name in _RESERVED or name.endswith("_raw"):
            raise e.SchemaError(f"'{table}.{name}' is not a column name", hint="a-z, 0-9 and _; not reserved")
        if name in envelope:
            raise e.SchemaError(f"'{table}.{name}' is part of every such table already")
    rule = _SCOPE_MERGE[cast(Scope, _inherited(bases, "__scope__"))]
    sensitivity = options.get("sensitivity", Sensitivity.PERSONAL)
    return tuple(placed(column, name, table, rule, sensitivity) for name, column in {**envelope, **declared}.items())


def _is_name(name: str) -> bool:
    return name[:1] in _FIRST and len(name) <= _NAME_LETTERS_MAX and _LETTERS.issuperset(name)


class Record(_RecordParent, metaclass=RecordMeta):
    """A row of some table, as it was when it was read. Records never change; they are replaced."""

    __table__: ClassVar[Table]
    __scope__: ClassVar[Scope | None] = None
    __envelope__: ClassVar[Mapping[str, Column[Any]]]

    if TYPE_CHECKING:
        id = text(merge=MergeRule.IMM)

    def __repr__(self) -> str:
        """Values of special sensitivity do not end up in logs and tracebacks."""
        named = [f"{column.name}={shown(self, column.name)!r}" for column in self.__table__.columns]
        return f"{type(self).__name__}({', '.join(named)})"


HIDDEN: Final = "…"


def shown(record: Record, name: str) -> Any:
    """The value as a display may show it: hidden where it is of special sensitivity, and not null."""
    column = record.__table__.column(name)
    value = getattr(record, column.slot)
    if column.spec.sensitivity is Sensitivity.SPECIAL and value is not None and name not in record.__envelope__:
        return HIDDEN
    try:
        return getattr(record, name)
    except e.RecordInvalid:  # what Python has no value for
        return value


_USER_ID = "length(id) between 1 and 64"


class UserRecord(Record):
    """Owned by one user, synced both ways."""

    __scope__: ClassVar[Scope | None] = Scope.USER

    id = text(merge=MergeRule.IMM, check=_USER_ID)
    user_id = text(merge=MergeRule.IMM)
    created_at = timestamp(merge=MergeRule.MIN)
    updated_at = timestamp(merge=MergeRule.MAX)
    server_seq = integer(null=True, merge=MergeRule.SRV, note="version of the server's row this device last saw")


class CatalogRecord(Record):
    """Shared by all users; the server writes it, a device only reads it."""

    __scope__: ClassVar[Scope | None] = Scope.CATALOG

    id = text(merge=MergeRule.SRV, check="length(id) between 1 and 200")
    published_at = timestamp(null=True, merge=MergeRule.SRV)
    retired_at = timestamp(null=True, merge=MergeRule.SRV)
    server_seq = integer(null=True, merge=MergeRule.SRV)


class LocalRecord(Record):
    """Never leaves the device."""

    __scope__: ClassVar[Scope | None] = Scope.LOCAL

    id = text(merge=MergeRule.LOC)


class ServerRecord(Record):
    """Never reaches a device."""

    __scope__: ClassVar[Scope | None] = Scope.SERVER

    if not TYPE_CHECKING:
        id = integer(merge=MergeRule.SRV)


def deletable(table: Table) -> bool:
    """May a device delete rows of this table?"""
    return writable(table) and table.delete_rule is not DeleteRule.NEVER


def writable(table: Table) -> bool:
    """May an application on a device write rows of this table?"""
    if table.scope is Scope.LOCAL:
        return not table.options.engine
    return table.scope is Scope.USER and table.delete_rule is not DeleteRule.SERVER_ONLY
