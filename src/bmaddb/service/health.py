"""How healthy a device's database is: every component by named checks, and its modules, file and outbox as facts.

Rules of this room: a look changes nothing and sees one state of the file; its cost grows with the size of the file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import apsw

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.device.outbox import Outbox, OutboxCounts
from bmaddb.device.store import Store
from bmaddb.modules.registry import ModuleHealth, TableFacts, module_health
from bmaddb.monitor.health import NOT_INSTALLED, ComponentHealth, HealthRegistry, State, worst

_SQL = statements.load("bmaddb.service", "health.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was seen of the file."""

    modules: tuple[ModuleHealth, ...]
    file_faults: tuple[str, ...]
    broken_references: int
    outbox: OutboxCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseHealth:
    """`healthy` when every check of every component is; else it is as bad as the worst of them (`state`)."""

    components: tuple[ComponentHealth, ...]
    modules: tuple[ModuleHealth, ...]
    file_faults: tuple[str, ...]
    broken_references: int
    outbox: OutboxCounts

    @property
    def state(self) -> State:
        return worst(component.state for component in self.components)

    @property
    def healthy(self) -> bool:
        return self.state is State.HEALTHY

    def component(self, name: str) -> ComponentHealth:
        """The component of this name; KeyError when nobody knows it."""
        return {component.component: component for component in self.components}[name]


def examine(store: Store, look_anew: Callable[[], Facts], registry: HealthRegistry) -> DatabaseHealth:
    """Run every check, all in one snapshot."""
    with store.read():
        facts = look_anew()
        components = registry.look()
    return DatabaseHealth(
        components=components,
        modules=facts.modules,
        file_faults=facts.file_faults,
        broken_references=facts.broken_references,
        outbox=facts.outbox,
    )


def look_at_file(store: Store, outbox: Outbox) -> Facts:
    """Every table, and the pages of the file."""
    with store.read() as connection:
        tables = {table.name: _facts(connection, table.name) for table in store.catalog.device_tables}
        faults = _file_faults(connection)
        broken = _broken_references(connection)
    try:
        counts = outbox.counts()
    except e.StoreError as error:
        faults, counts = (*faults, str(error)), OutboxCounts()
    return Facts(
        modules=tuple(module_health(module, tables) for module in store.catalog.modules),
        file_faults=faults,
        broken_references=broken,
        outbox=counts,
    )


def as_json(components: tuple[ComponentHealth, ...]) -> dict[str, Any]:
    """The report for a program."""
    return {
        "state": worst(component.state for component in components),
        "components": [
            {
                "component": component.component,
                "state": component.state,
                "installed": component.installed,
                "checks": [
                    {"name": check.name, "state": check.state, "reason": check.reason, "remedy": check.remedy}
                    for check in component.checks
                ],
            }
            for component in components
        ],
    }


def lines(components: tuple[ComponentHealth, ...]) -> list[str]:
    """The report for a person; of a component that is well only its name, and what it has to say."""
    told = []
    for component in components:
        told.append(
            f"{component.state:8} {component.component}" + ("" if component.installed else f": {NOT_INSTALLED}")
        )
        for check in component.checks:
            if check.state is not State.HEALTHY or check.reason:
                remedy = f" -> {check.remedy}" if check.remedy else ""
                told.append(f"  {check.state:8} {check.name}: {check.reason}{remedy}")
    return told


def _facts(connection: apsw.Connection, table: str) -> TableFacts:
    columns = frozenset(str(row[0]) for row in connection.execute(_SQL["columns_of"], (table,)))
    if not columns:
        return TableFacts(columns=None)
    try:
        [(rows,)] = connection.execute(_SQL["count_rows"].format(table=table))
    except apsw.CorruptError as error:
        return TableFacts(columns=columns, findings=(str(error),))
    return TableFacts(columns=columns, rows=int(rows))


def _file_faults(connection: apsw.Connection) -> tuple[str, ...]:
    """What SQLite finds; what it stumbles over while it looks is a fault too."""
    faults: list[str] = []
    try:
        faults.extend(str(row[0]) for row in connection.execute(_SQL["quick_check"]))
    except apsw.CorruptError as error:
        faults.append(str(error))
    return tuple(fault for fault in faults if fault != "ok")


def _broken_references(connection: apsw.Connection) -> int:
    try:
        return len(connection.execute(_SQL["broken_references"]).fetchall())
    except apsw.CorruptError:
        return 0  # the faults of the file say more
