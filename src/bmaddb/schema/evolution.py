"""How a schema grows: migrations as data, and the net effect of several of them on the catalog they lead to.

A migration says what changed; the declarations say what is. So a database of version 14 is not walked through
15 and 16: `net_plan` works out what 14 must become to be the catalog of today, and each wing writes that as
SQL (`evolution_sqlite`, `evolution_postgres`).

Rules of this room: versions follow each other without a gap; a step names things as they were called then; a
column that is added is nullable or has a default, because rows are there already; the columns of the envelope
are not touched. Data of columns that are not dropped is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bmaddb import errors as e
from bmaddb.schema.catalog import SCHEMA_VERSION_FIRST, Catalog
from bmaddb.schema.columns import Column
from bmaddb.schema.records import Record
from bmaddb.schema.tables import IndexColumns, Table


@dataclass(frozen=True, slots=True)
class CreateTable:
    """A new table. `name` is what it was called then, if it has been renamed since."""

    record: type[Record]
    name: str | None = None

    @property
    def called(self) -> str:
        return self.name or self.record.__table__.name


@dataclass(frozen=True, slots=True)
class DropTable:
    table: str


@dataclass(frozen=True, slots=True)
class RenameTable:
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class AddColumn:
    """A new column; rows that are there already get its default, or null."""

    table: str
    name: str
    column: Column[Any]


@dataclass(frozen=True, slots=True)
class RenameColumn:
    table: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class DropColumn:
    table: str
    name: str


@dataclass(frozen=True, slots=True)
class AddIndex:
    """An index that the table's declaration lists by now. (A unique cannot be added: rows may break it.)"""

    table: str
    columns: tuple[str, ...]


Step: TypeAlias = CreateTable | DropTable | RenameTable | AddColumn | RenameColumn | DropColumn | AddIndex


@dataclass(frozen=True, slots=True)
class Migration:
    """What changed from `to_version - 1` to `to_version`."""

    to_version: int
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePlan:
    """What must happen to one table; `added` and the keys of `renamed` are new names, the rest old ones."""

    table: Table
    source: str | None
    """The old name of the table; None when it is new."""
    added: tuple[str, ...] = ()
    renamed: dict[str, str] = field(default_factory=dict)
    """New column name -> old column name."""
    dropped: tuple[str, ...] = ()
    """Columns, by their old name."""

    @property
    def created(self) -> bool:
        return self.source is None

    @property
    def moved(self) -> bool:
        """Does the table have another name now?"""
        return self.source is not None and self.source != self.table.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The net effect of migrations from one version to another; only tables that are touched."""

    from_version: int
    to_version: int
    tables: tuple[TablePlan, ...] = ()
    dropped_tables: tuple[str, ...] = ()

    @property
    def to_pull(self) -> dict[str, tuple[str, ...]]:
        """What a device never saw, but the server may hold: table -> new columns, () = the whole of it."""
        synced = [plan for plan in self.tables if plan.table.synced]
        news = {
            plan.table.name: tuple(name for name in plan.added if plan.table.column(name).synced) for plan in synced
        }
        created = {plan.table.name for plan in synced if plan.created}
        return {name: columns for name, columns in news.items() if columns or name in created}

    @property
    def renamed_tables(self) -> dict[str, str]:
        """Old name -> new name."""
        return {str(plan.source): plan.table.name for plan in self.tables if plan.moved}


def rename_order(renamed: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Renames (old -> new) in an order in which no name is taken, through a name in between if need be."""
    waiting = {old: new for old, new in renamed.items() if new in renamed}
    away = tuple((old, f"{old}__moving") for old in waiting)
    there = tuple((f"{old}__moving" if old in waiting else old, new) for old, new in renamed.items())
    return (*away, *there)


def check_migrations(migrations: Sequence[Migration], catalog: Catalog) -> None:
    """SchemaError unless the migrations lead, without a gap, from the first version to the catalog's."""
    versions = [migration.to_version for migration in migrations]
    expected = list(range(SCHEMA_VERSION_FIRST + 1, catalog.version + 1))
    if versions != expected:
        raise e.SchemaError(
            f"migrations lead to the versions {versions}, the catalog needs {expected}",
            hint=f"version {SCHEMA_VERSION_FIRST} is the first; each migration raises it by one",
        )
    net_plan(migrations, catalog, SCHEMA_VERSION_FIRST)


def net_plan(migrations: Sequence[Migration], catalog: Catalog, from_version: int) -> Plan:
    """What a database of `from_version` must become to be the catalog.

    SchemaError when a version is missing or a step makes no sense.
    """
    if not SCHEMA_VERSION_FIRST <= from_version <= catalog.version:
        raise e.SchemaError(f"there is no way from version {from_version} to {catalog.version}")
    walk = _Walk()
    due = [migration for migration in migrations if from_version < migration.to_version <= catalog.version]
    if [migration.to_version for migration in due] != list(range(from_version + 1, catalog.version + 1)):
        raise e.SchemaError(f"migrations are missing between version {from_version} and {catalog.version}")
    for migration in due:
        for step in migration.steps:
            walk.take(migration.to_version, step)
    return walk.plan(catalog, from_version)


@dataclass(slots=True)
class _Trace:
    """What is known of one table so far; a column not in `columns` has had its name all along."""

    source: str | None
    columns: dict[str, str | None] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    indexes: list[tuple[str, ...]] = field(default_factory=list)
    additions: dict[str, Column[Any]] = field(default_factory=dict)


class _Walk:
    """Follows names through the steps, knowing only what the steps themselves reveal."""

    def __init__(self) -> None:
        self._live: dict[str, _Trace] = {}
        self._gone: set[str] = set()
        self._dropped: list[str] = []
        self._version = 0

    def take(self, version: int, step: Step) -> None:
        self._version = version
        match step:
            case CreateTable():
                self._claim(step.called)
                self._live[step.called] = _Trace(source=None)
            case DropTable(table):
                trace = self._leave(table)
                if trace.source is not None:
                    self._dropped.append(trace.source)
            case RenameTable(old, new):
                trace = self._leave(old)
                self._claim(new)
                self._live[new] = trace
            case AddColumn(table, name, column):
                self._add(self._trace(table), table, name, column)
            case RenameColumn(table, old, new):
                self._rename(self._trace(table), table, old, new)
            case DropColumn(table, name):
                self._drop(self._trace(table), table, name)
            case AddIndex(table, columns):
                self._trace(table).indexes.append(columns)

    def plan(self, catalog: Catalog, from_version: int) -> Plan:
        """The net effect, checked against the declarations it should lead to."""
        for name in self._gone:
            if name in catalog.tables:
                raise e.SchemaError(f"table '{name}' was dropped or renamed, but a module declares it")
        plans = {name: self._table_plan(catalog, name, trace) for name, trace in self._live.items()}
        return Plan(
            from_version=from_version,
            to_version=catalog.version,
            tables=tuple(plans[name] for name in catalog.tables if name in plans),
            dropped_tables=tuple(self._dropped),
        )

    def _table_plan(self, catalog: Catalog, name: str, trace: _Trace) -> TablePlan:
        table = catalog.table(name)
        _check_against(table, trace)
        envelope = trace.columns.keys() & catalog.record(name).__envelope__.keys()
        if envelope:
            raise e.SchemaError(f"{name}.{min(envelope)} is part of every such table and cannot be migrated")
        if trace.source is None:
            return TablePlan(table=table, source=None)
        return TablePlan(
            table=table,
            source=trace.source,
            added=tuple(column for column, source in trace.columns.items() if source is None),
            renamed={new: old for new, old in trace.columns.items() if old is not None and old != new},
            dropped=tuple(trace.dropped),
        )

    def _trace(self, table: str) -> _Trace:
        if table in self._gone:
            raise self._error(f"there is no table '{table}' any more")
        return self._live.setdefault(table, _Trace(source=table))

    def _leave(self, table: str) -> _Trace:
        trace = self._trace(table)
        del self._live[table]
        self._gone.add(table)
        return trace

    def _claim(self, table: str) -> None:
        if table in self._live:
            raise self._error(f"there is a table '{table}' already")
        self._gone.discard(table)

    def _add(self, trace: _Trace, table: str, name: str, column: Column[Any]) -> None:
        if name in trace.columns:
            raise self._error(f"{table} has a column '{name}' already")
        spec = column.spec
        if not spec.nullable and not spec.has_default:
            raise self._error(f"{table}.{name} needs null=True or a default: the table may hold rows")
        if spec.references is not None and spec.has_default and spec.default is not None:
            raise self._error(f"{table}.{name} is a reference and cannot have a default")
        trace.columns[name] = None
        trace.additions[name] = column
        trace.gone.discard(name)

    def _rename(self, trace: _Trace, table: str, old: str, new: str) -> None:
        if old in trace.gone or new in trace.columns:
            raise self._error(f"{table}.{old} cannot become {new}: one is gone, or the other is there")
        trace.columns[new] = trace.columns.pop(old, old)
        if old in trace.additions:
            trace.additions[new] = trace.additions.pop(old)
        trace.indexes = [tuple(new if name == old else name for name in listed) for listed in trace.indexes]
        trace.gone.add(old)
        trace.gone.discard(new)

    def _drop(self, trace: _Trace, table: str, name: str) -> None:
        if name in trace.gone:
            raise self._error(f"{table} has no column '{name}' any more")
        source = trace.columns.pop(name, name)
        if source is not None:
            trace.dropped.append(source)
        trace.additions.pop(name, None)
        trace.indexes = [listed for listed in trace.indexes if name not in listed]
        trace.gone.add(name)

    def _error(self, what: str) -> e.SchemaError:
        return e.SchemaError(f"migration to version {self._version}: {what}")


def _check_against(table: Table, trace: _Trace) -> None:
    for name in trace.columns:
        declared = table.column(name)
        added = trace.additions.get(name)
        if added is not None and (added.kind, added.spec.nullable) != (declared.kind, declared.spec.nullable):
            raise e.SchemaError(f"{table.name}.{name} was added as something else than it is declared")
    for name in trace.gone:
        if name in table.by_name:
            raise e.SchemaError(f"{table.name}.{name} was dropped or renamed, but it is declared")
    listed: IndexColumns = table.options.indexes
    for columns in trace.indexes:
        if columns not in listed:
            raise e.SchemaError(f"{table.name} declares no index {columns}")
