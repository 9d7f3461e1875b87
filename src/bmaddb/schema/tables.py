"""Tables: what a record class declared, checked, as data for every generator."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import msgspec

from bmaddb import errors as e
from bmaddb.schema.columns import Column, ColumnSpec
from bmaddb.schema.kinds import Kind, to_raw
from bmaddb.schema.rules import KEEP, DeleteRule, MergeRule, Retention, Scope, Sensitivity

IndexColumns = tuple[tuple[str, ...], ...]
_EVERY_SCOPE = frozenset(MergeRule)
_ORDERED = frozenset(Kind) - {Kind.JSON}
_MERGE_KINDS: dict[MergeRule, frozenset[Kind]] = {
    MergeRule.MAX: _ORDERED,
    MergeRule.MIN: _ORDERED,
    MergeRule.CNT: frozenset({Kind.JSON}),
    MergeRule.SET: frozenset({Kind.JSON}),
    MergeRule.MAP: frozenset({Kind.JSON}),
    MergeRule.TXT: frozenset({Kind.TEXT}),
    MergeRule.POS: frozenset({Kind.TEXT}),
    MergeRule.STM: frozenset({Kind.TEXT}),
}
_ALLOWED_MERGE: dict[Scope, frozenset[MergeRule]] = {
    Scope.USER: _EVERY_SCOPE,
    Scope.CATALOG: frozenset({MergeRule.SRV, MergeRule.LOC}),
    Scope.LOCAL: frozenset({MergeRule.LOC}),
    Scope.SERVER: frozenset({MergeRule.SRV}),
}


class TableOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the class statement says beside the columns.

    `natural_key` columns make the id (uuid5), so that two devices which create "the same" row create one id;
    `key_folded` compares them without case and in Unicode NFC. `open_states` belong to
    DeleteRule.EDIT_WINS_WHILE_OPEN and name values of the column `state`. `row_key` is a whole number by which the
    file keeps the rows of a local table: unique, and the only key there is; a row is found by its id by looking.
    `engine`: only the engine itself writes the rows of this local table; an application reads them.
    """

    retention: Retention = KEEP
    sensitivity: Sensitivity = Sensitivity.PERSONAL
    delete: DeleteRule = DeleteRule.DELETE_WINS
    natural_key: tuple[str, ...] = ()
    key_folded: bool = False
    row_key: str = ""
    engine: bool = False
    open_states: tuple[str, ...] = ()
    indexes: IndexColumns = ()
    uniques: IndexColumns = ()
    server_uniques: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Name -> SQL expression that is unique among all rows on the server, whoever owns them; of SRV columns only."""
    searchable: tuple[str, ...] = ()
    sync_priority: int = 5

    @classmethod
    def checked(
        cls, table: str, scope: Scope, columns: tuple[Column[Any], ...], options: Mapping[str, Any]
    ) -> TableOptions:
        """Options from the class statement; SchemaError names what is wrong."""
        unknown = set(options) - set(cls.__struct_fields__)
        if unknown:
            raise e.SchemaError(f"{table}: unknown option {', '.join(sorted(unknown))}")
        made = cls(**options)
        by_name = {column.name: column for column in columns}
        for group in (*made.indexes, *made.uniques, made.natural_key, made.searchable):
            missing = [name for name in group if name not in by_name]
            if missing:
                raise e.SchemaError(f"{table}: no column {', '.join(missing)}")
        if (made.delete is DeleteRule.EDIT_WINS_WHILE_OPEN) != bool(made.open_states):
            raise e.SchemaError(f"{table}: open_states go with DeleteRule.EDIT_WINS_WHILE_OPEN, and only with it")
        if made.open_states:
            _check_open_states(table, made.open_states, by_name.get("state"))
        if made.engine and scope is not Scope.LOCAL:
            raise e.SchemaError(f"{table}: only a local table is the engine's own")
        if made.row_key:
            _check_row_key(table, scope, by_name.get(made.row_key))
        if made.retention.after is not None:
            _check_moment(table, by_name.get(made.retention.after))
        for column in columns:
            _check_column(column, scope)
            if column.name in made.searchable and column.kind is not Kind.TEXT:
                raise e.SchemaError(f"{table}.{column.name}: only text is searchable")
        return made


def _check_row_key(table: str, scope: Scope, column: Column[Any] | None) -> None:
    if scope is not Scope.LOCAL:
        raise e.SchemaError(f"{table}: only a local table has a row_key")
    if column is None or column.kind is not Kind.INT or column.spec.nullable:
        raise e.SchemaError(f"{table}: a row_key is an integer column that is never null")


def _check_open_states(table: str, states: tuple[str, ...], column: Column[Any] | None) -> None:
    if column is None:
        raise e.SchemaError(f"{table}: open_states name values of a column 'state', and there is none")
    unknown = [state for state in states if column.spec.enum and state not in column.spec.enum]
    if unknown:
        raise e.SchemaError(f"{table}: the column 'state' is never {', '.join(unknown)}, as open_states say")


def _check_moment(table: str, column: Column[Any] | None) -> None:
    if column is None or column.kind is not Kind.TS:
        raise e.SchemaError(f"{table}: a retention counts after a timestamp column")


def _check_column(column: Column[Any], scope: Scope) -> None:
    spec, where = column.spec, f"{column.table}.{column.name}"
    if spec.merge not in _ALLOWED_MERGE[scope]:
        raise e.SchemaError(f"{where}: merge rule {spec.merge} does not fit a {scope} table")
    _check_merge(spec, where)
    if spec.enum and spec.kind is not Kind.TEXT:
        raise e.SchemaError(f"{where}: only a text column can have an enum")
    if spec.has_default and spec.default is not None:
        try:
            to_raw(spec.kind, spec.default)
        except e.RecordInvalid as error:
            raise e.SchemaError(f"{where}: default: {error.message}") from None
        if spec.enum and spec.default not in spec.enum:
            raise e.SchemaError(f"{where}: the default is not in the enum")
    if (spec.references is None) != (spec.on_delete is None):
        raise e.SchemaError(f"{where}: references and on_delete go together")
    if spec.on_delete == "null" and not spec.nullable:
        raise e.SchemaError(f"{where}: on_delete='null' needs null=True")
    if spec.sealable and spec.kind not in (Kind.TEXT, Kind.JSON):
        raise e.SchemaError(f"{where}: only text and json can be sealed")


def _check_merge(spec: ColumnSpec, where: str) -> None:
    wanted = _MERGE_KINDS.get(spec.merge)
    if wanted is not None and spec.kind not in wanted:
        raise e.SchemaError(f"{where}: merge rule {spec.merge} does not fit a {spec.kind} column")
    if spec.merge is MergeRule.STM and not spec.enum:
        raise e.SchemaError(f"{where}: merge rule STM needs an enum", hint="its order is the rank of the states")
    if (spec.merge is MergeRule.FUN) != (spec.merge_with is not None):
        raise e.SchemaError(f"{where}: merge_with goes with MergeRule.FUN, and only with it")
    if spec.transitions is None:
        return
    if spec.merge is not MergeRule.STM:
        raise e.SchemaError(f"{where}: transitions go with MergeRule.STM, and only with it")
    named = {*spec.transitions, *(after for listed in spec.transitions.values() for after in listed)}
    if named - set(spec.enum):
        raise e.SchemaError(f"{where}: transitions name {', '.join(sorted(named - set(spec.enum)))}, no such state")


class Table(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One table: envelope columns first, then the declared ones, in the order of the record's slots."""

    name: str
    scope: Scope
    columns: tuple[Column[Any], ...]
    purpose: str
    options: TableOptions

    @cached_property
    def by_name(self) -> Mapping[str, Column[Any]]:
        return {column.name: column for column in self.columns}

    @property
    def delete_rule(self) -> DeleteRule:
        return self.options.delete

    @property
    def synced(self) -> bool:
        """Does the table travel between device and server?"""
        return self.scope in (Scope.USER, Scope.CATALOG)

    @property
    def on_device(self) -> bool:
        return self.scope is not Scope.SERVER

    @property
    def on_server(self) -> bool:
        return self.scope is not Scope.LOCAL

    @property
    def foreign_keys(self) -> tuple[Column[Any], ...]:
        """The columns that refer to another table's id."""
        return tuple(column for column in self.columns if column.spec.references is not None)

    def column(self, name: str) -> Column[Any]:
        """The column called `name`; SchemaError when there is none."""
        try:
            return self.by_name[name]
        except KeyError:
            raise e.SchemaError(f"{self.name} has no column '{name}'") from None
