"""The twelve modules by name, the catalogs that can be made of them, and how healthy each is.

Rules of this room: a module is data and knows no other; only this file knows them all. Health is computed
from facts that a store or server hands in; nothing here looks at a file or a database.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

import msgspec

from bmaddb import errors as e
from bmaddb.modules import (
    ai_machine_learning,
    analytics_tracking,
    chat_journal,
    content_management,
    extensions,
    levensgebieden,
    met24_domains,
    onboarding,
    subscription_payment,
    sync_status,
    tasks_productivity,
    user_management,
)
from bmaddb.schema import Catalog, Module, Table
from bmaddb.schema.catalog import SCHEMA_VERSION_FIRST

SYSTEM_MODULE: Final = sync_status.MODULE
MODULES: Final[tuple[Module, ...]] = (
    user_management.MODULE,
    onboarding.MODULE,
    chat_journal.MODULE,
    ai_machine_learning.MODULE,
    content_management.MODULE,
    subscription_payment.MODULE,
    met24_domains.MODULE,
    levensgebieden.MODULE,
    tasks_productivity.MODULE,
    sync_status.MODULE,
    analytics_tracking.MODULE,
    extensions.MODULE,
)


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

    def __init__(self, modules: tuple[Module, ...] = MODULES) -> None:
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
        if all(module is not SYSTEM_MODULE for module in modules):
            modules.insert(0, SYSTEM_MODULE)
        return Catalog(modules, version=version)


@cache
def default_catalog() -> Catalog:
    """The twelve modules together, resolved once."""
    return ModuleRegistry().default_catalog()


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
