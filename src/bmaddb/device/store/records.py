"""Python values -> rows of one table: defaults, checks, ids, the envelope. One `RowMaker` for each table.

Rules of this room: what a row maker lets through, the file accepts, but for the CHECKs that only SQL can say;
an error names table and column. Whole columns of a bulk insert are checked at once; when that finds
something, a careful second look names the row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any, Final, NamedTuple

from bmaddb import errors as e
from bmaddb.device.store.ids import Moment
from bmaddb.schema.columns import Column
from bmaddb.schema.kinds import INT_MAX, INT_MIN, Kind, to_raw
from bmaddb.schema.natural_keys import natural_id
from bmaddb.schema.records import Record, writable
from bmaddb.schema.rules import MergeRule, Scope
from bmaddb.schema.tables import Table

_MISSING: Final = object()
_USER_ID_SHAPE: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_STAMPED: Final = ("user_id", "created_at", "updated_at")
_UPDATED_AT: Final = "updated_at_raw"
_ENVELOPE_FIXED: Final = frozenset({"id", "user_id", "server_seq"})


class Field(NamedTuple):
    """One column, with what checking a value of it needs at hand."""

    name: str
    place: int
    slot: str
    kind: Kind
    bind: Callable[[Any], Any]
    nullable: bool
    enum: frozenset[str]
    default: Any
    ours: bool
    """May a device set it?"""
    fixed: bool
    """Is it set at insert and never again?"""


class RowMaker:
    """Makes the rows of `record`'s table."""

    def __init__(self, record: type[Record]) -> None:
        self.record = record
        self.table = table = record.__table__
        self._fields = tuple(_field(column, place) for place, column in enumerate(table.columns))
        self._blank = [field.default for field in self._fields]
        self._is_user = table.scope is Scope.USER
        filled_in = ("id", *_STAMPED) if self._is_user else ("id",)
        self._required = tuple(x for x in self._fields if x.default is _MISSING and x.name not in filled_in)
        self._by_name = {field.name: field for field in self._fields}
        self._texts = {x.name: (x.place, x.enum) for x in self._fields if x.kind is Kind.TEXT and x.ours}
        self._numbers = {x.name: x.place for x in self._fields if x.kind is Kind.INT and x.ours and not x.enum}
        self._stamped = tuple(self._by_name[name].place for name in _STAMPED) if self._is_user else ()
        self._natural = bool(table.options.natural_key)
        if not writable(table):
            raise read_only(table)

    # -- one row -------------------------------------------------------------------------------------------

    def row(self, values: Mapping[str, Any], moment: Moment) -> list[Any]:
        """The raw values of a new row, in column order."""
        row = self._blank.copy()
        texts, numbers = self._texts, self._numbers
        for name, value in values.items():  # the most frequent values first: there is nothing to convert
            if type(value) is str and name in texts:
                place, enum = texts[name]
                if value in enum if enum else value.isascii() and "\0" not in value:
                    row[place] = value
                    continue
            elif type(value) is int and name in numbers and INT_MIN <= value <= INT_MAX:
                row[numbers[name]] = value
                continue
            raw = self._raw(name, value)
            row[self._by_name[name].place] = raw
        if self._is_user:
            owner, created, updated = self._stamped
            if row[owner] is not _MISSING or moment.user is None:
                self._check_owner(row[owner], moment)
            row[owner] = moment.user
            for place in (created, updated):
                if row[place] is _MISSING:
                    row[place] = moment.now_ms
        self._refuse_gaps(row)
        if self._natural:
            row[0] = self._natural_id(values, row)
        elif "id" in values:
            self._check_id(row[0])
        else:
            row[0] = moment.new_id()
        return row

    def _refuse_gaps(self, row: list[Any]) -> None:
        for field in self._required:
            if row[field.place] is _MISSING:
                raise self._missing(field.name)

    def changes(self, current: Record, values: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
        """Column -> raw value, only where `values` differ from `current`; with `updated_at` if any do."""
        changed: dict[str, Any] = {}
        for name, value in values.items():
            raw = self._raw(name, value)
            field = self._by_name[name]
            held = getattr(current, field.slot)
            if raw != held:
                self._check_changeable(field)
                changed[name] = raw
        if changed and self._is_user and "updated_at" not in changed:
            changed["updated_at"] = max(now_ms, getattr(current, _UPDATED_AT))
        return changed

    def raw(self, name: str, value: Any, *, inserted: bool) -> Any:
        """The raw value of one column of a row that stands; `inserted`: nobody else knows the row yet."""
        raw = self._raw(name, value)
        field = self._by_name[name]
        if not inserted or name in _ENVELOPE_FIXED:
            self._check_changeable(field)
        return raw

    def slots(self, changed: Mapping[str, Any]) -> dict[str, Any]:
        """The same changes by the record's attributes."""
        return {self._by_name[name].slot: raw for name, raw in changed.items()}

    # -- many rows -----------------------------------------------------------------------------------------

    def rows(self, values: Sequence[Mapping[str, Any]], moment: Moment) -> Iterable[tuple[Any, ...]]:
        """The raw rows of a bulk insert, checked column by column."""
        names = set().union(*values)
        for name in names:
            self._field_of(name)
        columns = [self._column(field, values, names, moment) for field in self._fields]
        if self._natural:
            return self._natural_rows(values, columns)
        return zip(*columns, strict=False)

    def _column(
        self, field: Field, values: Sequence[Mapping[str, Any]], names: set[str], moment: Moment
    ) -> Iterable[Any]:
        name = field.name
        if name not in names:
            return self._absent_column(field, len(values), moment)
        try:
            listed = [item[name] for item in values]
        except KeyError:
            return self._sparse_column(field, values, moment)
        if name == "id" or name == "user_id" or not _fits(field, listed):
            return [self._careful(field, value, index, moment) for index, value in enumerate(listed)]
        return listed

    def _absent_column(self, field: Field, count: int, moment: Moment) -> Iterable[Any]:
        if field.name == "id":
            return repeat("", count) if self._natural else moment.new_ids(count)
        return repeat(self._without(field, moment), count)

    def _sparse_column(self, field: Field, values: Sequence[Mapping[str, Any]], moment: Moment) -> Iterable[Any]:
        """A column that some of the rows leave out."""
        absent = iter(self._absent_column(field, sum(field.name not in item for item in values), moment))
        return [
            self._careful(field, item[field.name], index, moment) if field.name in item else next(absent)
            for index, item in enumerate(values)
        ]

    def _careful(self, field: Field, value: Any, index: int, moment: Moment) -> Any:
        try:
            raw = self._raw(field.name, value)
            if field.name == "id" and not self._natural:
                self._check_id(raw)
            if field.name == "user_id" and self._is_user:
                self._check_owner(raw, moment)
        except e.StoreError as error:
            raise type(error)(f"row {index}: {error.message}", hint=error.hint) from None
        return raw

    def _natural_rows(
        self, values: Sequence[Mapping[str, Any]], columns: Sequence[Iterable[Any]]
    ) -> Iterable[tuple[Any, ...]]:
        for given, row in zip(values, zip(*columns, strict=False), strict=False):
            yield (self._natural_id(given, row), *row[1:])

    # -- checks --------------------------------------------------------------------------------------------

    def _field_of(self, name: str) -> Field:
        field = self._by_name.get(name)
        if field is None:
            import difflib

            close = difflib.get_close_matches(name, self._by_name, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"it has {', '.join(self._by_name)}"
            raise e.RecordInvalid(f"{self.table.name} has no column '{name}'", hint=hint)
        if not field.ours:
            raise e.ReadOnlyTable(f"a device may not set {self.table.name}.{name}", hint="the server sets it")
        return field

    def _raw(self, name: str, value: Any) -> Any:
        field = self._by_name.get(name)
        if field is None or not field.ours:
            field = self._field_of(name)
        if type(value) is str and field.kind is Kind.TEXT and value.isascii() and "\0" not in value:
            raw: Any = value  # by far the most frequent value, and nothing to convert
        elif value is None:
            if field.nullable:
                return None
            raise e.RecordInvalid(f"{self.table.name}.{name} may not be null")
        else:
            raw = field.bind(value)
        if field.enum and raw not in field.enum:
            raise e.RecordInvalid(
                f"{self.table.name}.{name}: {value!r} is not one of its values",
                hint=f"one of {', '.join(sorted(field.enum))}",
            )
        return raw

    def _without(self, field: Field, moment: Moment) -> Any:
        """The raw value of a column nobody gave."""
        if self._is_user:
            if field.name == "user_id":
                self._check_owner(moment.user, moment)
                return moment.user
            if field.name in ("created_at", "updated_at"):
                return moment.now_ms
        if field.default is _MISSING:
            raise self._missing(field.name)
        return field.default

    def _missing(self, name: str) -> e.RecordInvalid:
        return e.RecordInvalid(f"{self.table.name}.{name} is required")

    def _check_owner(self, user: Any, moment: Moment) -> None:
        if moment.user is None:
            raise e.StoreError(
                f"rows of {self.table.name} belong to a user, and the file has none",
                hint="open it once with user='<uuid>'",
            )
        if user != moment.user:
            raise e.RecordInvalid(f"{self.table.name}.user_id: the file belongs to another user")

    def _check_id(self, row_id: str) -> None:
        if not row_id or (self._is_user and not _USER_ID_SHAPE.fullmatch(row_id)):
            raise e.RecordInvalid(f"{self.table.name}.id: {row_id!r} is not an id", hint="1 to 64 of A-Z a-z 0-9 _ . -")

    def _natural_id(self, given: Mapping[str, Any], row: Sequence[Any]) -> str:
        names = (field.name for field in self._fields)
        made = natural_id(self.table, dict(zip(names, row, strict=True)))
        if given.get("id", made) != made:
            key = ", ".join(self.table.options.natural_key)
            raise e.RecordInvalid(f"{self.table.name}.id follows from {key}", hint="leave it out")
        return made

    def _check_changeable(self, field: Field) -> None:
        if field.fixed:
            raise e.RecordInvalid(f"{self.table.name}.{field.name} is set at insert and never changes")


def read_only(table: Table) -> e.ReadOnlyTable:
    """Nobody but its owner writes this table: the server, or the engine."""
    if table.options.engine:
        return e.ReadOnlyTable(
            f"{table.name} is the engine's own",
            hint="read it; what waits is changed through db.outbox, db.requests and db.overturn()",
        )
    return e.ReadOnlyTable(f"a device may not write {table.name}", hint="its rows come from the server, by sync")


def undeclared(given: object) -> e.SchemaError:
    """What was given where a record class of the file's catalog belongs."""
    if isinstance(given, Record):
        name = type(given).__name__
        return e.SchemaError(
            f"{name} is wanted here, the class; this is a record of it",
            hint=f"give the class, and a new row's values by name, as in tx.insert({name}, ...)",
        )
    if not isinstance(given, type) or not issubclass(given, Record) or not hasattr(given, "__table__"):
        return e.SchemaError(f"a record class is wanted here, not {given!r}", hint="as in db.query(Task)")
    return e.SchemaError(
        f"no module of this store declares {given.__table__.name}",
        hint="open the file with its module: bmaddb.open(..., catalog=catalog_with(MODULE)) of bmaddb.modules.registry",
    )


def _field(column: Column[Any], place: int) -> Field:
    spec = column.spec
    default = _MISSING
    if spec.has_default:
        default = None if spec.default is None else to_raw(spec.kind, spec.default)
    elif spec.nullable:
        default = None
    return Field(
        name=column.name,
        place=place,
        slot=column.slot,
        kind=column.kind,
        bind=column.bind,
        nullable=spec.nullable,
        enum=frozenset(spec.enum),
        default=default,
        ours=column.client_writable,
        fixed=column.name in _ENVELOPE_FIXED or spec.merge is MergeRule.IMM,
    )


def _fits(field: Field, values: list[Any]) -> bool:
    """Does every value go into the file as it is? False asks for the careful look."""
    expected = _AS_IT_IS.get(field.kind)
    if expected is None:
        return False
    kinds = set(map(type, values))
    if type(None) in kinds:
        if not field.nullable:
            return False
        kinds.remove(type(None))
        values = [value for value in values if value is not None]
    if not kinds:
        return True
    if kinds != {expected}:
        return False
    if expected is str:
        return _texts_fit(field, values)
    return expected is not int or (min(values) >= INT_MIN and max(values) <= INT_MAX)


def _texts_fit(field: Field, values: list[str]) -> bool:
    if field.enum:
        return field.enum.issuperset(values)
    together = "".join(values)
    try:
        together.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in together


_AS_IT_IS: Final[dict[Kind, type]] = {Kind.TEXT: str, Kind.INT: int, Kind.BOOL: bool, Kind.BLOB: bytes}
