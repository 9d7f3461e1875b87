"""The twelve modules keep the promises of the data model."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from bmaddb.modules import registry
from bmaddb.modules.registry import MODULES, default_catalog
from bmaddb.schema import DeleteRule, MergeRule, Retention, Scope, Sensitivity, Table
from bmaddb.schema.kinds import Kind
from bmaddb.schema.rules import RetentionKind

CATALOG = default_catalog()
TABLES = tuple(CATALOG.tables.values())
FOLDER = Path(registry.__file__).parent
COLUMNS_DECLARED = 711
SEED_TABLES = (
    "users",
    "mbti_profiles",
    "user_preferences",
    "coaching_sessions",
    "mbti_insights",
    "user_progress",
    "interaction_analytics",
)


def declared(table: Table) -> list[str]:
    envelope = CATALOG.record(table.name).__envelope__
    return [column.name for column in table.columns if column.name not in envelope]


def test_every_column_is_there() -> None:
    assert sum(len(declared(table)) for table in TABLES) == COLUMNS_DECLARED
    assert set(SEED_TABLES) <= CATALOG.tables.keys()


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_a_module_is_a_declaration_and_knows_no_other(path: Path) -> None:
    if path.stem in ("__init__", "registry"):
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    allowed = (ast.Import, ast.ImportFrom, ast.ClassDef, ast.Expr, ast.Assign, ast.AnnAssign)
    assert all(isinstance(node, allowed) for node in tree.body)
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.Lambda)]
    sources = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {source for source in sources if source.startswith("bmaddb.modules")} <= {
        source for source in sources if source.startswith("bmaddb.modules.seeds.")
    }


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_says_what_it_is_for(table: Table) -> None:
    assert table.purpose.endswith(".")
    assert len(table.purpose) > 10


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_merge_rules_fit_their_columns(table: Table) -> None:
    json_only = {MergeRule.CNT, MergeRule.SET, MergeRule.MAP}
    for column in table.columns:
        rule = column.spec.merge
        if rule in json_only:
            assert column.kind is Kind.JSON
        if rule in (MergeRule.TXT, MergeRule.STM, MergeRule.POS):
            assert column.kind is Kind.TEXT
        if rule is MergeRule.STM:
            assert len(column.spec.enum) > 1
        if rule is MergeRule.MAP and column.spec.has_default:
            assert column.spec.default == {}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_soft_references_and_open_states_exist(table: Table) -> None:
    for column in table.columns:
        if column.spec.soft_references is not None:
            assert column.spec.soft_references in CATALOG.tables
    if table.options.open_states:
        assert set(table.options.open_states) < set(table.column("state").spec.enum)


@pytest.mark.parametrize(
    "table", [table for table in TABLES if table.scope is Scope.USER], ids=lambda table: table.name
)
def test_who_may_write_agrees_with_the_columns(table: Table) -> None:
    writable = [name for name in declared(table) if table.column(name).client_writable]
    if table.delete_rule is DeleteRule.SERVER_ONLY:
        assert not writable
    else:
        assert writable


def test_words_of_the_user_are_special_and_can_be_sealed() -> None:
    for table, column in (("journal_entries", "body"), ("tasks", "title"), ("ai_memories", "statement")):
        spec = CATALOG.table(table).column(column).spec
        assert spec.sealable
        assert spec.sensitivity is Sensitivity.SPECIAL


def test_what_proves_or_bills_is_held_and_not_deleted_by_a_device() -> None:
    held = {table.name for table in TABLES if table.options.retention.kind is RetentionKind.LEGAL_HOLD}
    assert held == {
        "consent_records",
        "data_requests",
        "plans",
        "subscriptions",
        "invoices",
        "payments",
        "audit_log",
    }
    for name in held:
        table = CATALOG.table(name)
        if table.scope is Scope.USER:
            assert table.delete_rule in (DeleteRule.NEVER, DeleteRule.SERVER_ONLY)


def test_retention_is_said_in_words() -> None:
    said = {str(table.options.retention) for table in TABLES}
    assert {"keep", "archive after 12 months", "prune after 90 days", "legal hold", "acknowledged"} <= said
    assert isinstance(CATALOG.table("tasks").options.retention, Retention)


def test_every_module_ends_in_its_declaration() -> None:
    for module in MODULES:
        assert module.records
        assert module.purpose.endswith(".")
        assert len({record.__name__ for record in module.records}) == len(module.records)
