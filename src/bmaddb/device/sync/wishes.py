"""In which order a first sync asks for the tables: those that are wished for, and before each what it refers to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bmaddb.schema import Catalog, Table


def first_sync_order(catalog: Catalog, wishes: Iterable[str]) -> list[Table]:
    """Every synced table once. Names of no synced table are passed over."""
    usual = {t.name: t for t in sorted(catalog.synced_tables, key=lambda table: table.options.sync_priority)}
    order: dict[str, Table] = {}
    for name in wishes:
        order.update((table.name, table) for table in _with_parents(usual, name, set()))
    order.update((name, table) for name, table in usual.items() if name not in order)
    return list(order.values())


def _with_parents(tables: dict[str, Table], name: str, seen: set[str]) -> Iterator[Table]:
    if name not in tables or name in seen:
        return
    seen.add(name)
    for column in tables[name].foreign_keys:
        yield from _with_parents(tables, column.spec.references or "", seen)
    yield tables[name]
