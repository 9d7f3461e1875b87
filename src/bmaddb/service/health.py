"""How healthy a device's database is: its modules, its file, its outbox."""

from __future__ import annotations

from dataclasses import dataclass

import apsw

from bmaddb import statements
from bmaddb.device.outbox import Outbox, OutboxCounts
from bmaddb.device.store import Store
from bmaddb.modules.registry import ModuleHealth, ModuleStatus, TableFacts, module_health

_SQL = statements.load("bmaddb.service", "health.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseHealth:
    """`healthy` when every module is whole, the file has no fault and nothing is parked."""

    modules: tuple[ModuleHealth, ...]
    file_faults: tuple[str, ...]
    broken_references: int
    outbox: OutboxCounts

    @property
    def healthy(self) -> bool:
        whole = all(module.status is ModuleStatus.HEALTHY for module in self.modules)
        return whole and not self.file_faults and not self.broken_references and not self.outbox.parked


def examine(store: Store, outbox: Outbox) -> DatabaseHealth:
    """Look at every table and at the file, in one snapshot. Cost grows with the size of the file."""
    with store.read() as connection:
        facts = {table.name: _facts(connection, table.name) for table in store.catalog.device_tables}
        faults = [str(row[0]) for row in connection.execute(_SQL["quick_check"])]
        broken = len(connection.execute(_SQL["broken_references"]).fetchall())
    return DatabaseHealth(
        modules=tuple(module_health(module, facts) for module in store.catalog.modules),
        file_faults=tuple(fault for fault in faults if fault != "ok"),
        broken_references=broken,
        outbox=outbox.counts(),
    )


def _facts(connection: apsw.Connection, table: str) -> TableFacts:
    columns = frozenset(str(row[0]) for row in connection.execute(_SQL["columns_of"], (table,)))
    if not columns:
        return TableFacts(columns=None)
    [(rows,)] = connection.execute(_SQL["count_rows"].format(table=table))
    return TableFacts(columns=columns, rows=int(rows))
