"""Old names: what the tables and columns of an entry made under an older schema are called today.

An entry outlives upgrades of its file and is read in today's names: what was renamed since is renamed in it, what
was dropped is left out. Columns that were added take their default, here by the migration and there by the server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bmaddb import errors as e
from bmaddb.schema.catalog import Catalog

if TYPE_CHECKING:
    from bmaddb.schema.evolution import Migration, Plan


class Names:
    """From the names of one schema version to today's; None for what was dropped."""

    def __init__(self, plan: Plan) -> None:
        dropped: dict[str, str | None] = dict.fromkeys(plan.dropped_tables)
        self._tables = {**dropped, **plan.renamed_tables}
        self._columns: dict[str, dict[str, str | None]] = {
            table.source: {**dict.fromkeys(table.dropped), **{old: new for new, old in table.renamed.items()}}
            for table in plan.tables
            if table.source is not None
        }

    def table(self, name: str) -> str | None:
        """What the table is called today."""
        return self._tables.get(name, name)

    def columns(self, table: str, names: tuple[str, ...]) -> tuple[str | None, ...]:
        """What these columns are called today; `table` by its old name."""
        changed = self._columns.get(table)
        return tuple(changed.get(name, name) for name in names) if changed else names

    def values(self, table: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """The same values under today's column names; `table` by its old name."""
        today = self.columns(table, tuple(values))
        return {name: value for name, value in zip(today, values.values(), strict=True) if name is not None}


class Upgrade:
    """The names of every older version, worked out once each."""

    def __init__(self, catalog: Catalog, migrations: Sequence[Migration]) -> None:
        self._catalog = catalog
        self._migrations = migrations
        self._names: dict[int, Names] = {}

    def names(self, version: int) -> Names:
        """From the names of `version` to today's; MigrationError when no migrations lead from there."""
        if version not in self._names:
            from bmaddb.schema.evolution import net_plan

            try:
                self._names[version] = Names(net_plan(self._migrations, self._catalog, version))
            except e.SchemaError as error:
                raise e.MigrationError(
                    f"an entry of the outbox cannot be brought up: {error.message}",
                    hint="open the file with the migrations that lead from there; the entry is untouched",
                ) from error
        return self._names[version]
