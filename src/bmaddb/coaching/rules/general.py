"""G1 to G9: what holds for every row of every table."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any, Final

from bmaddb.coaching.bounds import fits
from bmaddb.coaching.candidate import Candidate, Flaws, Rule, error, ms, type_flaw, warn
from bmaddb.coaching.derived import derived_values
from bmaddb.schema.columns import Column
from bmaddb.schema.kinds import Kind, to_raw
from bmaddb.schema.records import Record
from bmaddb.schema.rules import MergeRule, Scope

CLOCK_AHEAD_MS_MAX: Final = 5 * 60_000
JSON_DEPTH_MAX: Final = 8
ROW_BYTES_MAX: Final = 256 * 1024
BODY_BYTES_MAX: Final = 1024 * 1024
_ENVELOPE: Final = frozenset({"id", "user_id", "created_at", "updated_at", "server_seq"})
_SPACE: Final = frozenset("\n\t")
_BODIES: Final = {"journal_entries": frozenset({"body"})}


def g1_columns_are_known(c: Candidate) -> Flaws:
    """Refuses a name that is no column of the table."""
    known = c.record.__table__.by_name
    for name in c.given:
        if name not in known:
            yield error(name, "there is no such column", sorted(known))


def shape_flaws(c: Candidate) -> Flaws:
    """What is wrong with types, nulls, enums and CHECKs."""
    for column in c.record.__table__.columns:
        if column.name in _ENVELOPE and column.name not in c.given:
            continue
        value = c.given.get(column.name, c.row[column.name])
        if column.spec.merge is MergeRule.SRV and value is None:
            continue
        flaw = type_flaw(column, value)
        if flaw is not None:
            yield error(column.name, flaw, list(column.spec.enum) or None)
        elif column.spec.check and not fits(column.spec.check, value):
            yield error(column.name, f"it must satisfy {column.spec.check}", column.spec.check)


def g2_shape(c: Candidate) -> Flaws:
    """Refuses a value of another type, a null where none may be, a word outside of the enum, and what fails a CHECK."""
    return shape_flaws(c)


def g3_text_is_clean(c: Candidate) -> Flaws:
    """Refuses text, also deep inside JSON, that is not NFC or holds control characters; newline and tab are fine."""
    for name, value in c.given.items():
        for text in _texts(value):
            flaw = _text_flaw(text)
            if flaw is not None:
                yield error(name, flaw)
                break


def g4_owner_is_the_user(c: Candidate) -> Flaws:
    """Refuses a row of another user than the one who is signed in."""
    if c.record.__scope__ is Scope.USER and c.row["user_id"] != c.context.user:
        yield error("user_id", "the row belongs to another user", c.context.user)


def g5_created_before_updated(c: Candidate) -> Flaws:
    """Refuses created_at after updated_at; warns when updated_at lies more than 5 minutes ahead."""
    created, updated = ms(c.row.get("created_at")), ms(c.row.get("updated_at"))
    if created is None or updated is None:
        return
    if created > updated:
        yield error("updated_at", "it lies before created_at")
    if updated > c.now_ms + CLOCK_AHEAD_MS_MAX:
        yield warn("updated_at", "it lies in the future: a clock is wrong")


def g6_fixed_columns_stay(c: Candidate) -> Flaws:
    """Refuses another value in a column that is set at insert (IMM)."""
    if c.before is None:
        return
    for column in c.record.__table__.columns:
        if column.spec.merge is MergeRule.IMM and c.changed(column.name):
            yield error(column.name, "it is set at insert and never changes", c.old(column.name))


def g7_derived_and_server_columns_are_not_input(c: Candidate) -> Flaws:
    """Refuses a change of what only the server sets (SRV), and of a derived column (DRV) to what does not follow."""
    given = [column for column in c.record.__table__.columns if column.name in c.given and c.changed(column.name)]
    derived = derived_values(c) if any(column.spec.merge is MergeRule.DRV for column in given) else {}
    for column in given:
        untouched, value = _untouched(c, column), c.row[column.name]
        if column.spec.merge is MergeRule.SRV and value != untouched:
            yield error(column.name, "only the server sets it")
        elif column.spec.merge is MergeRule.DRV and value != derived.get(column.name, untouched):
            yield error(column.name, "it follows from other columns", derived.get(column.name))


def g8_size(c: Candidate) -> Flaws:
    """Refuses JSON deeper than 8 levels, a row above 256 KB, and the body of an entry above 1 MB."""
    bodies = _BODIES.get(c.record.__table__.name, frozenset())
    size = 0
    for column in c.record.__table__.columns:
        value = c.row[column.name]
        if column.kind is Kind.JSON and _depth(value) > JSON_DEPTH_MAX:
            yield error(column.name, f"JSON is nested deeper than {JSON_DEPTH_MAX} levels", JSON_DEPTH_MAX)
        size_bytes = _size(column, value)
        if column.name in bodies and size_bytes > BODY_BYTES_MAX:
            yield error(column.name, f"it is larger than {BODY_BYTES_MAX} bytes", BODY_BYTES_MAX)
        size += 0 if column.name in bodies else size_bytes
    if size > ROW_BYTES_MAX:
        yield error(None, f"the row is larger than {ROW_BYTES_MAX} bytes", ROW_BYTES_MAX)


def g9_references_exist(c: Candidate) -> Flaws:
    """Refuses a reference, hard or soft, to no row, to one of another user, or of the catalogue and not on offer."""
    for column in c.record.__table__.columns:
        target = column.spec.references or column.spec.soft_references
        value = c.row[column.name]
        if target is None or value is None or not (c.stored or c.changed(column.name)):
            continue
        flaw = _reference_flaw(c, target, value)
        if flaw is not None:
            yield error(column.name, flaw)


GENERAL: Final[tuple[Rule, ...]] = (
    g1_columns_are_known,
    g2_shape,
    g3_text_is_clean,
    g4_owner_is_the_user,
    g5_created_before_updated,
    g6_fixed_columns_stay,
    g7_derived_and_server_columns_are_not_input,
    g8_size,
    g9_references_exist,
)


def _untouched(c: Candidate, column: Column[Any]) -> Any:
    if c.before is not None:
        return c.old(column.name)
    return column.spec.default if column.spec.has_default else None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _text_flaw(text: str) -> str | None:
    if any("\ud800" <= char <= "\udfff" for char in text):
        return "it holds an unpaired surrogate"
    if any(unicodedata.category(char) == "Cc" and char not in _SPACE for char in text):
        return "it holds a control character"
    return None if unicodedata.is_normalized("NFC", text) else "it is not in Unicode NFC"


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list | tuple) else 0


def _size(column: Column[Any], value: Any) -> int:
    if value is None:
        return 0
    raw = to_raw(column.kind, value)
    return len(raw.encode()) if isinstance(raw, str) else len(raw) if isinstance(raw, bytes) else 8


def _reference_flaw(c: Candidate, table: str, row_id: str) -> str | None:
    record = c.catalog.records.get(table)
    if record is None or f"{table}/{row_id}" in c.fact("planned", ()):
        return None
    row: Record | None = c.get(record, row_id)
    if row is None:
        return f"{table} has no row '{row_id}'"
    if record.__scope__ is Scope.USER and getattr(row, "user_id", None) != c.context.user:
        return f"the row of {table} belongs to another user"
    if record.__scope__ is Scope.CATALOG and not c.stored and _withdrawn(row, c.now_ms):
        return f"the row of {table} is not published"
    return None


def _withdrawn(row: Record, now_ms: int) -> bool:
    """Rows a program carries have no date of publication; they are published."""
    published, retired = ms(getattr(row, "published_at", None)), ms(getattr(row, "retired_at", None))
    return (published is not None and published > now_ms) or (retired is not None and retired <= now_ms)
