"""Why an entry is parked, in words a person can read: what, where, and what that person can do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from bmaddb.device.outbox.entries import ParkReason
from bmaddb.protocol.outcomes import Failure, FailureKind, Rejection
from bmaddb.protocol.refusals import worded
from bmaddb.schema.catalog import Catalog

DEPENDS = "depends_on_parked"
UNSENDABLE = "cannot_be_sent"
APART = "sent_apart"
LOST_PARENT = frozenset({"23503"})
"""The parent may have been deleted on the server; when that is heard, the foreign key's rule mends the child."""
NEWER_HERE = frozenset({"unknown_column", "unknown_table"})
"""The server does not know it yet."""
PASSES = frozenset({FailureKind.SERVER})
"""Trouble of the server's own."""
_CHANGE = "change the value (`edit`), or give the entry up (`discard`)"
_WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "23502": ("{where} must have a value", "give it one (`edit`), or give the entry up (`discard`)"),
        "23503": (
            "{where} refers to a row that the server does not have",
            "it is sent again when the server tells of that row; or change the reference (`edit`)",
        ),
        "23505": ("another row has the value of {where} already", _CHANGE),
        "23514": ("{where} breaks a rule of the server{rule}", _CHANGE),
        "23001": ("rows that refer to {where} stand in the way", "delete those first, then `retry`"),
        "42501": ("the server does not let this user write {where}", "ask who owns it, or give it up (`discard`)"),
        "unknown_column": (
            "the server is older than this device: {text}",
            "update the server; it is sent again by itself then",
        ),
        "unknown_table": (
            "the server is older than this device, or does not know its catalog: {text}",
            "update the server, or start it with --catalog; it is sent again by itself then",
        ),
        "stamp_ahead": ("the clock of this device was more than a day ahead", "set the clock, then `retry`"),
    }
)
_KEY = re.compile(r'^Key \((?:user_id, )?"?(\w+)"?[,)]')
_RULE = re.compile(r'constraint "([^"]+)"')
_COLUMN = re.compile(r'column "([^"]+)"')


def of_rejection(catalog: Catalog, rejection: Rejection) -> ParkReason:
    """The server refuses this entry."""
    error = rejection.error
    code, message = worded(error)
    details = None if error.details is None else str(error.details)
    column = _column(catalog, rejection.table, message, details)
    text, hint = _WORDS.get(code, ("", None))
    rule = _RULE.search(message)
    where = ".".join(part for part in (rejection.table, column) if part) or "it"
    named = f" ({rule.group(1)})" if rule else ""
    said = text.format(where=where, rule=named, text=message) if text else message
    return ParkReason(
        code=code,
        message=said,
        details="; ".join(part for part in (message if text else None, details) if part and part != said) or None,
        hint=hint or (None if error.hint is None else str(error.hint)),
        table=rejection.table,
        id=rejection.id,
        column=column,
    )


def of_failure(failure: Failure) -> ParkReason:
    """The server refuses every push with this entry in it, and would take one without it."""
    hint = failure.hint
    if failure.kind is FailureKind.TOO_LARGE:
        hint = "make it smaller (`edit`), or give it up (`discard`)"
    elif failure.kind in PASSES:
        hint = "it is sent again by itself, from time to time; the server's log says what went wrong there"
    return ParkReason(code=failure.code, message=failure.message, hint=hint)


def depends_on(entry_id: str) -> ParkReason:
    """It stands behind a parked entry."""
    return ParkReason(
        code=DEPENDS,
        message="it builds on an entry that is parked",
        hint="it follows by itself when that one is sent",
        entry=entry_id,
    )


def unsendable(fault: str) -> ParkReason:
    """This device can see that the server would not take it."""
    return ParkReason(code=UNSENDABLE, message=fault, hint=_CHANGE)


def sent_apart() -> ParkReason:
    """One of a unit that was refused."""
    return ParkReason(code=APART, message="it was refused together with its neighbours and is sent alone now")


def _column(catalog: Catalog, table_name: str | None, message: str, details: str | None) -> str | None:
    """The column an error is about: named by the key, or by the constraint `table_column_...`."""
    table = catalog.tables.get(table_name or "")
    if table is None:
        return None
    found = _KEY.match(details or "") or _COLUMN.search(message)
    if found and found.group(1) in table.by_name:
        return found.group(1)
    rule = _RULE.search(message)
    words = "" if rule is None else rule.group(1)
    names = [name for name in table.by_name if name != "user_id"]  # a key begins with it, and no person set it
    named = [name for name in names if re.search(rf"(^|_){re.escape(name)}(_|$)", words)]
    dotted = [name for name in names if re.search(rf"\b{re.escape(table.name)}\.{re.escape(name)}\b", message)]
    return max((*named, *dotted), key=len, default=None)
