"""The twelve modules by name, the catalogs that can be made of them, and how healthy each is.

Rules of this room: a module is data and knows no other; only this file knows them all. Health is computed
from facts that a store or server hands in; nothing here looks at a file or a database.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import msgspec

from bmaddb import errors as e
from bmaddb.modules.digests import DIGESTS
from bmaddb.schema import Catalog, Module, Record, Table
from bmaddb.schema.catalog import SCHEMA_VERSION_FIRST

if TYPE_CHECKING:
    SYSTEM_MODULE: Module
    """The engine's own."""
    MODULES: tuple[Module, ...]

_HOMES: Final = tuple(
    f"bmaddb.modules.{name}"
    for name in (
        "user_management",
        "onboarding",
        "chat_journal",
        "ai_machine_learning",
        "content_management",
        "subscription_payment",
        "met24_domains",
        "levensgebieden",
        "tasks_productivity",
        "sync_status",
        "analytics_tracking",
        "extensions",
    )
)


def __getattr__(name: str) -> Any:
    """The twelve are imported when somebody looks at them: who opens a file that is up to date does not."""
    if name == "MODULES":
        return _modules()
    if name == "SYSTEM_MODULE":
        return import_module("bmaddb.modules.sync_status").MODULE
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def _modules() -> tuple[Module, ...]:
    return tuple(import_module(home).MODULE for home in _HOMES)


class ModuleStatus(enum.StrEnum):
    """What the facts say about a module's tables."""

    HEALTHY = "healthy"
    INCOMPLETE = "incomplete"
    """A table or column is missing."""
    DAMAGED = "damaged"
    """Everything is there, but an integrity check found something."""
    UNKNOWN = "unknown"
    """Nobody has looked at some of its tables."""


class TableFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of one table. `columns` is None when the table is not there."""

    columns: frozenset[str] | None
    rows: int | None = None
    findings: tuple[str, ...] = ()


class TableHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One table: what is missing, how many rows, what the integrity checks found."""

    table: str
    status: ModuleStatus
    missing_columns: tuple[str, ...] = ()
    rows: int | None = None
    findings: tuple[str, ...] = ()


class ModuleHealth(msgspec.Struct, frozen=True, kw_only=True):
    """A module is as healthy as its worst table."""

    module: str
    status: ModuleStatus
    tables: tuple[TableHealth, ...]

    @property
    def rows(self) -> int:
        """Rows counted in its tables; tables nobody counted count as none."""
        return sum(table.rows or 0 for table in self.tables)


class ModuleRegistry:
    """Modules by name: the twelve, and those an application adds."""

    def __init__(self, modules: tuple[Module, ...] | None = None) -> None:
        modules = _modules() if modules is None else modules
        self._modules = {module.name: module for module in modules}
        if len(self._modules) != len(modules):
            raise e.SchemaError("two modules have the same name")

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __len__(self) -> int:
        return len(self._modules)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._modules)

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table of every module, in the order of declaration."""
        return tuple(table for module in self for table in module.tables)

    def get(self, name: str) -> Module:
        """The module called `name`; SchemaError when there is none."""
        try:
            return self._modules[name]
        except KeyError:
            raise e.SchemaError(f"there is no module '{name}'", hint=f"known are {', '.join(self._modules)}") from None

    def default_catalog(self, *, version: int = SCHEMA_VERSION_FIRST) -> Catalog:
        """All modules of the registry together."""
        return Catalog(self, version=version)

    def catalog_with(
        self, *own_modules: Module, include_defaults: bool = True, version: int = SCHEMA_VERSION_FIRST
    ) -> Catalog:
        """Own modules beside the registry's, or (`include_defaults=False`) instead of them.

        The engine's own module is always part of it. SchemaError for a name or table declared twice, and
        for a reference to a table that is not among them.
        """
        modules = [*(self if include_defaults else ()), *own_modules]
        system: Module = import_module("bmaddb.modules.sync_status").MODULE
        if all(module is not system for module in modules):
            modules.insert(0, system)
        return Catalog(modules, version=version)


class _TheTwelve(Catalog):
    """The twelve modules together, imported when somebody looks at more than a record of one of them."""

    def __init__(self) -> None:
        self.version = SCHEMA_VERSION_FIRST
        self.digests = DIGESTS

    @cached_property
    def modules(self) -> tuple[Module, ...]:
        return _modules()

    def declares(self, record: type[Record]) -> bool:
        if record.__module__ in _HOMES:
            return record in import_module(record.__module__).MODULE.records
        return super().declares(record)


@cache
def default_catalog() -> Catalog:
    """The twelve modules together; what of them is looked at is imported then."""
    return _TheTwelve()


def catalog_with(*own_modules: Module, include_defaults: bool = True, version: int = SCHEMA_VERSION_FIRST) -> Catalog:
    """Own modules beside the twelve, or instead of them; see `ModuleRegistry.catalog_with`."""
    return ModuleRegistry().catalog_with(*own_modules, include_defaults=include_defaults, version=version)


def module_health(module: Module, facts: Mapping[str, TableFacts], *, on_server: bool = False) -> ModuleHealth:
    """The health of `module` on a device, or on the server, from what was seen of its tables."""
    tables = tuple(
        _table_health(table, facts.get(table.name), on_server)
        for table in module.tables
        if (table.on_server if on_server else table.on_device)
    )
    found = {table.status for table in tables}
    worst = (ModuleStatus.INCOMPLETE, ModuleStatus.DAMAGED, ModuleStatus.UNKNOWN)
    status = next((status for status in worst if status in found), ModuleStatus.HEALTHY)
    return ModuleHealth(module=module.name, status=status, tables=tables)


def _table_health(table: Table, facts: TableFacts | None, on_server: bool) -> TableHealth:
    if facts is None:
        return TableHealth(table=table.name, status=ModuleStatus.UNKNOWN)
    expected = [column.name for column in table.columns if not on_server or column.synced]
    missing = tuple(name for name in expected if name not in (facts.columns or ()))
    if missing:
        status = ModuleStatus.INCOMPLETE
    else:
        status = ModuleStatus.DAMAGED if facts.findings else ModuleStatus.HEALTHY
    return TableHealth(
        table=table.name, status=status, missing_columns=missing, rows=facts.rows, findings=facts.findings
    )
