"""Columns: what one field of a table is, and how to name it in a query.

Rules of this room: a column is declared by one call of a builder below; it learns its own name and table
when its record class is made, and never changes after that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar, overload

import msgspec
from msgspec.structs import replace

from bmaddb import errors as e
from bmaddb.schema.conditions import Condition, Related
from bmaddb.schema.expressions import Operand
from bmaddb.schema.kinds import Kind, nothing, to_raw
from bmaddb.schema.rules import MergeRule, Sensitivity

T = TypeVar("T")
_T_co = TypeVar("_T_co", covariant=True)
NO_DEFAULT: Final = object()
OnDelete = Literal["cascade", "null", "restrict"]
MergeFunction: TypeAlias = Callable[[Any, Any, Any], Any]


class ColumnSpec(msgspec.Struct, frozen=True):
    """Everything a declaration says about a column. `check` is SQL that SQLite and Postgres both read.

    `transitions` (STM) names the states that may follow each state (none may follow one it leaves out); without
    it any may. They decide between two devices, and do not keep one device from writing a state.

    `merge_with` (FUN) is a pure function (base, older, newer) -> value, on the values a record shows. Where it
    raises, or its value does not fit the column, the newer side stands and the verdict says why.
    """

    kind: Kind
    nullable: bool = False
    default: Any = NO_DEFAULT
    enum: tuple[str, ...] = ()
    check: str | None = None
    references: str | None = None
    on_delete: OnDelete | None = None
    soft_references: str | None = None
    merge: MergeRule = MergeRule.LWW
    merge_declared: bool = True
    merge_with: MergeFunction | None = None
    transitions: Mapping[str, tuple[str, ...]] | None = None
    sensitivity: Sensitivity | None = None
    sealable: bool = False
    note: str = ""

    @property
    def has_default(self) -> bool:
        return self.default is not NO_DEFAULT


class Column(Operand[T], Generic[T]):
    """A column of a table. On the class it is an operand for queries; on a record it is the value."""

    __slots__ = ("full_name", "kind", "name", "spec", "table")

    def __init__(self, spec: ColumnSpec, name: str = "", table: str = "") -> None:
        self.spec = spec
        self.kind = spec.kind
        self.name = name
        self.table = table
        self.full_name = f"{table}.{name}"

    @overload
    def __get__(self, instance: None, owner: type) -> Column[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object, owner: type) -> Column[T] | T:
        # Only type checkers come here: the record class is built without these descriptors.
        return self

    @property
    def slot(self) -> str:
        """The record attribute that holds what SQLite holds."""
        return f"{self.name}_raw" if self.kind.converted else self.name

    @property
    def synced(self) -> bool:
        """Does the column travel between device and server?"""
        return self.spec.merge is not MergeRule.LOC

    @property
    def client_writable(self) -> bool:
        """May a device set it?"""
        return self.spec.merge is not MergeRule.SRV

    @property
    def raw_unset(self) -> Any:
        """What SQLite holds in it where nobody set it, or it has no name: in an older entry, on another server."""
        if not self.spec.has_default or self.spec.default is None:
            return None if self.spec.nullable else nothing(self.kind)
        return to_raw(self.kind, self.spec.default)

    def where(self, *conditions: Condition) -> Condition:
        """The row this foreign key names satisfies all `conditions`; never unknown, and false of a null."""
        if self.spec.references is None and self.spec.soft_references is None:
            raise e.QueryError(f"{self.table}.{self.name} refers to no table", hint="only a foreign key has a parent")
        return Related(self, False, conditions)

    def bind(self, value: Any) -> Any:
        """The SQLite value for `value`; RecordInvalid names the column when it does not fit."""
        if value is None:
            return None
        try:
            return to_raw(self.spec.kind, value)
        except e.RecordInvalid as error:
            raise e.RecordInvalid(f"{self.table}.{self.name}: {error.message}", hint=error.hint) from None

    def __repr__(self) -> str:
        return f"<column {self.table}.{self.name}: {self.kind}>"


def placed(
    column: Column[T],
    name: str,
    table: str,
    merge: MergeRule | None = None,
    sensitivity: Sensitivity | None = None,
) -> Column[T]:
    """The same column, now knowing where it stands; with the rule and sensitivity given where it declared none."""
    spec = column.spec
    inherited: dict[str, Any] = {}
    if merge is not None and not spec.merge_declared:
        inherited = {"merge": merge, "merge_declared": True}
    if sensitivity is not None and spec.sensitivity is None:
        inherited["sensitivity"] = sensitivity
    return Column(replace(spec, **inherited) if inherited else spec, name, table)


class _Builder(Generic[_T_co]):
    """Makes columns of one kind; `null=True` widens the Python type with None."""

    def __init__(self, kind: Kind, doc: str) -> None:
        self._kind = kind
        self.__doc__ = doc

    @overload
    def __call__(
        self,
        *,
        null: Literal[True],
        default: object = NO_DEFAULT,
        enum: Sequence[str] = (),
        check: str | None = None,
        references: str | None = None,
        on_delete: OnDelete | None = None,
        soft_references: str | None = None,
        merge: MergeRule | None = None,
        merge_with: MergeFunction | None = None,
        transitions: Mapping[str, Sequence[str]] | None = None,
        sensitivity: Sensitivity | None = None,
        sealable: bool = False,
        note: str = "",
    ) -> Column[_T_co | None]: ...
    @overload
    def __call__(
        self,
        *,
        null: Literal[False] = False,
        default: object = NO_DEFAULT,
        enum: Sequence[str] = (),
        check: str | None = None,
        references: str | None = None,
        on_delete: OnDelete | None = None,
        soft_references: str | None = None,
        merge: MergeRule | None = None,
        merge_with: MergeFunction | None = None,
        transitions: Mapping[str, Sequence[str]] | None = None,
        sensitivity: Sensitivity | None = None,
        sealable: bool = False,
        note: str = "",
    ) -> Column[_T_co]: ...
    def __call__(
        self,
        *,
        null: bool = False,
        default: object = NO_DEFAULT,
        enum: Sequence[str] = (),
        check: str | None = None,
        references: str | None = None,
        on_delete: OnDelete | None = None,
        soft_references: str | None = None,
        merge: MergeRule | None = None,
        merge_with: MergeFunction | None = None,
        transitions: Mapping[str, Sequence[str]] | None = None,
        sensitivity: Sensitivity | None = None,
        sealable: bool = False,
        note: str = "",
    ) -> Column[Any]:
        return Column(
            ColumnSpec(
                kind=self._kind,
                nullable=null,
                default=default,
                enum=tuple(enum),
                check=check,
                references=references,
                on_delete=on_delete,
                soft_references=soft_references,
                merge=merge or MergeRule.LWW,
                merge_declared=merge is not None,
                merge_with=merge_with,
                transitions=None if transitions is None else {x: tuple(after) for x, after in transitions.items()},
                sensitivity=sensitivity,
                sealable=sealable,
                note=note,
            )
        )


text: Final = _Builder[str](Kind.TEXT, "Unicode text without U+0000.")
integer: Final = _Builder[int](Kind.INT, "A whole number of 64 bits.")
real: Final = _Builder[float](Kind.REAL, "A finite floating-point number.")
boolean: Final = _Builder[bool](Kind.BOOL, "True or False; SQLite holds 1 or 0.")
json: Final = _Builder[Any](Kind.JSON, "A JSON value; canonical text in SQLite, jsonb in Postgres.")
timestamp: Final = _Builder[datetime](
    Kind.TS, "A moment; whole milliseconds since 1970 (UTC) in SQLite, timestamptz in Postgres."
)
blob: Final = _Builder[bytes](Kind.BLOB, "Bytes.")
