"""Modules and the catalog: which tables exist together, in an order in which parents come first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeAlias

import msgspec

from bmaddb import errors as e
from bmaddb.schema.columns import Column
from bmaddb.schema.records import Record, writable
from bmaddb.schema.rules import Scope
from bmaddb.schema.tables import Table

SCHEMA_VERSION_FIRST = 14
Children: TypeAlias = tuple[tuple[Table, Column[Any]], ...]
Seeds: TypeAlias = Mapping[str, tuple[Mapping[str, Any], ...]]
_MAY_REFER: dict[Scope, frozenset[Scope]] = {
    Scope.USER: frozenset({Scope.USER, Scope.CATALOG}),
    Scope.CATALOG: frozenset({Scope.CATALOG}),
    Scope.LOCAL: frozenset({Scope.LOCAL}),
    Scope.SERVER: frozenset({Scope.SERVER, Scope.CATALOG}),
}


class Module(msgspec.Struct, frozen=True, kw_only=True):
    """A set of tables that belong together, with the rows its catalogue tables start with.

    `seeds` maps a catalogue table to its rows (column -> Python value, `id` included). `registries` are named
    lists of plain data that validators and pages read (metrics, events, features, instruments).
    """

    name: str
    purpose: str
    records: tuple[type[Record], ...]
    seeds: Seeds = msgspec.field(default_factory=dict)
    registries: Mapping[str, tuple[Mapping[str, Any], ...]] = msgspec.field(default_factory=dict)

    @property
    def tables(self) -> tuple[Table, ...]:
        return tuple(record.__table__ for record in self.records)


class Digests(msgspec.Struct, frozen=True):
    """Short names for what a device's DDL says: of the tables, and of the text index."""

    tables: str
    search: str


class Catalog:
    """Modules resolved together: names are unique, references exist, parents stand before children.

    `version` is the schema version the definitions describe; 14 is the first there ever was. `digests` are those of
    its DDL, where they are known without making it.
    """

    def __init__(
        self, modules: Iterable[Module], *, version: int = SCHEMA_VERSION_FIRST, digests: Digests | None = None
    ) -> None:
        self._given = tuple(modules)
        self.version = version
        self.digests = digests
        _ = self.tables  # what is wrong with the modules is said at once

    @cached_property
    def modules(self) -> tuple[Module, ...]:
        return self._given

    @cached_property
    def records(self) -> Mapping[str, type[Record]]:
        return MappingProxyType(_unique_records(self.modules))

    @cached_property
    def tables(self) -> Mapping[str, Table]:
        tables = {name: record.__table__ for name, record in self.records.items()}
        _check_references(tables)
        return MappingProxyType(_parents_first(tables))

    @cached_property
    def writable_tables(self) -> frozenset[str]:
        """The tables of which an application on a device may write rows."""
        return frozenset(name for name, table in self.tables.items() if writable(table))

    @cached_property
    def _children(self) -> Mapping[str, Children]:
        return _children(self.tables)

    def declares(self, record: type[Record]) -> bool:
        """Is the record one of its modules', and not only another one's table of the same name?"""
        table = getattr(record, "__table__", None)
        return table is not None and self.records.get(table.name) is record

    def table(self, name: str) -> Table:
        """The table called `name`; SchemaError when no module declares it."""
        try:
            return self.tables[name]
        except KeyError:
            raise e.SchemaError(f"no module declares a table '{name}'") from None

    def record(self, name: str) -> type[Record]:
        """The record class of the table called `name`."""
        self.table(name)
        return self.records[name]

    def children(self, name: str) -> Children:
        """The tables and columns that refer to the table called `name`."""
        return self._children.get(name, ())

    @property
    def device_tables(self) -> tuple[Table, ...]:
        return tuple(table for table in self.tables.values() if table.on_device)

    @property
    def server_tables(self) -> tuple[Table, ...]:
        return tuple(table for table in self.tables.values() if table.on_server)

    @property
    def synced_tables(self) -> tuple[Table, ...]:
        return tuple(table for table in self.tables.values() if table.synced)

    def seeds(self) -> Seeds:
        """The rows of every catalogue table, parents first."""
        rows: dict[str, tuple[Mapping[str, Any], ...]] = {}
        for module in self.modules:
            for name, listed in module.seeds.items():
                rows[name] = (*rows.get(name, ()), *listed)
        return {name: rows[name] for name in self.tables if name in rows}


def _unique_records(modules: tuple[Module, ...]) -> dict[str, type[Record]]:
    records: dict[str, type[Record]] = {}
    names: set[str] = set()
    for module in modules:
        if module.name in names:
            raise e.SchemaError(f"two modules are called '{module.name}'")
        names.add(module.name)
        for record in module.records:
            table = record.__table__.name
            if table in records:
                raise e.SchemaError(f"two modules declare a table '{table}'")
            records[table] = record
    return records


def _check_references(tables: Mapping[str, Table]) -> None:
    for table in tables.values():
        for column in table.foreign_keys:
            target = tables.get(str(column.spec.references))
            where = f"{table.name}.{column.name}"
            if target is None:
                raise e.SchemaError(f"{where} refers to '{column.spec.references}', which no module declares")
            if target.scope not in _MAY_REFER[table.scope]:
                raise e.SchemaError(f"{where}: a {table.scope} table cannot refer to a {target.scope} table")


def _children(tables: Mapping[str, Table]) -> dict[str, Children]:
    found: dict[str, Children] = {}
    for table in tables.values():
        for column in table.foreign_keys:
            parent = str(column.spec.references)
            found[parent] = (*found.get(parent, ()), (table, column))
    return found


def _parents_first(tables: Mapping[str, Table]) -> dict[str, Table]:
    ordered: dict[str, Table] = {}
    visiting: set[str] = set()

    def place(table: Table) -> None:
        if table.name in ordered or table.name in visiting:
            return  # a circle of references is fine: every foreign key is deferrable
        visiting.add(table.name)
        for column in table.foreign_keys:
            place(tables[str(column.spec.references)])
        ordered[table.name] = table

    for table in tables.values():
        place(table)
    return ordered
