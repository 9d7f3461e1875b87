"""The registry: the twelve by name, catalogs made of them, and health computed from facts."""

from __future__ import annotations

import pytest

from bmaddb import errors as e
from bmaddb.modules.registry import (
    MODULES,
    SYSTEM_MODULE,
    ModuleRegistry,
    ModuleStatus,
    TableFacts,
    catalog_with,
    default_catalog,
    module_health,
)
from bmaddb.schema import Module, Scope, UserRecord, text

NAMES = (
    "userManagement",
    "onboarding",
    "chatJournal",
    "aiMachineLearning",
    "contentManagement",
    "subscriptionPayment",
    "met24Domains",
    "levensgebieden",
    "tasksProductivity",
    "syncStatus",
    "analyticsTracking",
    "extensions",
)


class Reading(UserRecord, table="readings"):
    """Something that was read."""

    title = text()


OWN = Module(name="reading", purpose="A reading log.", records=(Reading,))


def whole(module: Module) -> dict[str, TableFacts]:
    return {
        table.name: TableFacts(columns=frozenset(table.by_name), rows=2) for table in module.tables if table.on_device
    }


def test_there_are_twelve_modules_with_sixty_four_tables() -> None:
    registry = ModuleRegistry()
    assert registry.names == NAMES
    assert len(registry) == len(MODULES) == 12
    assert len(registry.tables) == len(default_catalog().tables) == 64
    scopes = [table.scope for table in registry.tables]
    assert {scope: scopes.count(scope) for scope in Scope} == {
        Scope.USER: 42,
        Scope.CATALOG: 10,
        Scope.LOCAL: 10,
        Scope.SERVER: 2,
    }


def test_a_module_is_found_by_its_name() -> None:
    assert ModuleRegistry().get("syncStatus") is SYSTEM_MODULE
    with pytest.raises(e.SchemaError, match="no module 'syncstatus'") as refused:
        ModuleRegistry().get("syncstatus")
    assert "syncStatus" in str(refused.value.hint)


def test_an_own_module_joins_the_twelve_or_stands_alone_with_the_engines() -> None:
    beside = catalog_with(OWN)
    assert len(beside.tables) == 65
    alone = catalog_with(OWN, include_defaults=False, version=15)
    assert [module.name for module in alone.modules] == ["syncStatus", "reading"]
    assert alone.version == 15
    assert "outbox_operations" in alone.tables


def test_two_modules_of_one_name_are_refused() -> None:
    with pytest.raises(e.SchemaError, match="same name"):
        ModuleRegistry((OWN, OWN))
    with pytest.raises(e.SchemaError, match="two modules"):
        catalog_with(Module(name="onboarding", purpose="Another.", records=()))


def test_a_module_whose_tables_are_all_there_is_healthy() -> None:
    module = ModuleRegistry().get("syncStatus")
    health = module_health(module, whole(module))
    assert health.status is ModuleStatus.HEALTHY
    assert [table.table for table in health.tables] == [table.name for table in module.tables if table.on_device]
    assert health.rows == 12


def test_a_missing_table_or_column_makes_a_module_incomplete() -> None:
    module = ModuleRegistry().get("tasksProductivity")
    facts = whole(module)
    facts["tasks"] = TableFacts(columns=facts["tasks"].columns and facts["tasks"].columns - {"due_on"}, rows=1)
    health = module_health(module, facts)
    assert health.status is ModuleStatus.INCOMPLETE
    assert {table.table: table.missing_columns for table in health.tables if table.missing_columns} == {
        "tasks": ("due_on",)
    }
    facts["tasks"] = TableFacts(columns=None)
    gone = next(table for table in module_health(module, facts).tables if table.table == "tasks")
    assert gone.status is ModuleStatus.INCOMPLETE
    assert "title" in gone.missing_columns


def test_a_finding_makes_a_module_damaged_and_what_nobody_saw_is_unknown() -> None:
    module = ModuleRegistry().get("tasksProductivity")
    facts = whole(module)
    facts["goals"] = TableFacts(columns=facts["goals"].columns, rows=3, findings=("2 dangling references",))
    assert module_health(module, facts).status is ModuleStatus.DAMAGED
    del facts["habits"]
    assert module_health(module, facts).status is ModuleStatus.DAMAGED
    assert module_health(module, {}).status is ModuleStatus.UNKNOWN


def test_health_on_the_server_asks_for_what_the_server_has() -> None:
    module = ModuleRegistry().get("chatJournal")
    facts = {
        table.name: TableFacts(columns=frozenset(column.name for column in table.columns if column.synced))
        for table in module.tables
    }
    assert module_health(module, facts, on_server=True).status is ModuleStatus.HEALTHY
    assert module_health(module, facts).status is ModuleStatus.INCOMPLETE
    assert module_health(ModuleRegistry().get("syncStatus"), {}, on_server=True).tables == ()
