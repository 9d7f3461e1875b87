"""The whole definition as JSON data: every module, table, column and rule, for pages and other languages."""

from __future__ import annotations

from typing import Any, TypeAlias

from bmaddb.schema.catalog import Catalog, Module
from bmaddb.schema.columns import Column
from bmaddb.schema.kinds import Kind, to_raw
from bmaddb.schema.tables import Table

Document: TypeAlias = dict[str, Any]


def schema_document(catalog: Catalog) -> Document:
    """`{"version": n, "modules": [{"name", "purpose", "tables": [...]}]}`; says only what is declared."""
    return {"version": catalog.version, "modules": [_module(module) for module in catalog.modules]}


def _module(module: Module) -> Document:
    return {
        "name": module.name,
        "purpose": module.purpose,
        "tables": [table_document(table) for table in module.tables],
    }


def table_document(table: Table) -> Document:
    """One table with its rules and columns."""
    options = table.options
    said: Document = {
        "name": table.name,
        "purpose": table.purpose,
        "scope": str(table.scope),
        "retention": str(options.retention),
        "sensitivity": str(options.sensitivity),
        "delete_rule": str(options.delete),
        "natural_key": list(options.natural_key),
        "key_folded": options.key_folded,
        "row_key": options.row_key,
        "open_states": list(options.open_states),
        "indexes": [list(columns) for columns in options.indexes],
        "uniques": [list(columns) for columns in options.uniques],
        "searchable": list(options.searchable),
        "sync_priority": options.sync_priority,
    }
    kept = {name: value for name, value in said.items() if value not in ([], False, "")}
    return {**kept, "columns": [_column(column) for column in table.columns]}


def _column(column: Column[Any]) -> Document:
    spec = column.spec
    said: Document = {"name": column.name, "type": str(column.kind), "merge": str(spec.merge)}
    if spec.sensitivity is not None:
        said["sensitivity"] = str(spec.sensitivity)
    optional = {
        "null": spec.nullable,
        "enum": list(spec.enum),
        "transitions": None if spec.transitions is None else {x: list(to) for x, to in spec.transitions.items()},
        "check": spec.check,
        "references": spec.references,
        "on_delete": spec.on_delete,
        "soft_references": spec.soft_references,
        "sealable": spec.sealable,
        "note": spec.note,
    }
    said |= {name: value for name, value in optional.items() if value}
    if spec.has_default:
        said["default"] = _default(column)
    return said


def _default(column: Column[Any]) -> Any:
    if column.kind in (Kind.TS, Kind.BLOB) and column.spec.default is not None:
        raw = to_raw(column.kind, column.spec.default)
        return raw.hex() if isinstance(raw, bytes) else raw
    return column.spec.default
