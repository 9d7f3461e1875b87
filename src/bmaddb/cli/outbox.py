"""`bmaddb outbox FILE`: what waits for the server, what is parked and why, and what a person can do about it."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bmaddb import errors as e
from bmaddb.cli.catalogs import add_catalog_option, add_migrations_option, chosen_catalog, chosen_migrations
from bmaddb.cli.device_file import existing
from bmaddb.cli.unlocking import add_secret_options, chosen_secret
from bmaddb.device.outbox import Entry, EntryStatus, GivenUp
from bmaddb.device.outbox.reasons import DEPENDS
from bmaddb.protocol.changes import RowKey
from bmaddb.protocol.values import unbase64
from bmaddb.schema import Catalog
from bmaddb.schema.kinds import Kind
from bmaddb.service import Database, open_database
from bmaddb.settings import Settings

HELP = "list what waits in a device's file; retry, discard or edit what the server refused"
LINES_MAX = 20
"""Of entries that only wait, and of what else goes with one."""
_ACTIONS = ("list", "retry", "discard", "edit")


def configure(parser: argparse.ArgumentParser) -> None:
    """Which file, what to do, with which entry."""
    parser.add_argument("file", type=Path, help="the device's file")
    parser.add_argument("action", nargs="?", choices=_ACTIONS, default="list", help="default: list")
    parser.add_argument("entry", nargs="?", metavar="ID", help="the parked entry")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="TABLE.ID.COLUMN=JSON",
        help="with edit: the value as JSON (a moment as milliseconds or ISO text, bytes as base64 text)",
    )
    parser.add_argument("--yes", action="store_true", help="with discard: do not ask, whatever else goes")
    add_secret_options(parser)
    add_catalog_option(parser)
    add_migrations_option(parser)


def run(options: argparse.Namespace, settings: Settings) -> int:
    """List, or do it to one entry."""
    existing(options.file)
    catalog = chosen_catalog(options)
    secret = chosen_secret(options, settings)
    with open_database(options.file, catalog=catalog, migrations=chosen_migrations(options), **secret) as db:
        if options.action == "list":
            _list(db)
            return 0
        if options.entry is None:
            raise e.SettingsError(f"{options.action} needs the id of an entry", hint="`bmaddb outbox FILE` lists them")
        if options.action == "edit":
            db.outbox.amend(options.entry, _values(catalog, options.set))
        elif options.action == "retry":
            db.outbox.retry(options.entry)
        elif not _discard(db, options.entry, sure=options.yes):
            return 1
        print(f"{options.entry}: {_DONE[options.action]}")
    return 0


_DONE = {
    "retry": "goes with the next sync, and what stood behind it",
    "discard": "given up; its rows are as they were before it, and what went is kept: `bmaddb conflicts FILE --all`",
    "edit": "changed; goes with the next sync, and what stood behind it",
}


def _discard(db: Database, entry_id: str, *, sure: bool) -> bool:
    """Give the entry up, and say what else goes: before, when that is more than its own, and after."""
    own = {key for entry in db.outbox.parked() if entry.id == entry_id for key in entry.changes}
    if not sure:
        more = _going(db.outbox.discardable(entry_id), own)
        if more:
            print("\n".join(more))
            if not _agreed():
                return False
    print("\n".join([*_going(db.outbox.discard(entry_id), own), ""]), end="")
    return True


def _agreed() -> bool:
    """Does the person at the terminal say so? Where nobody sits at one, `--yes` must."""
    if not sys.stdin.isatty():
        raise e.SettingsError("more than this entry would go", hint="look at what, and say so with --yes")
    return input("give it up, and these with it? [y/N] ").strip().lower() in ("y", "yes")


def _going(given_up: GivenUp, own: set[RowKey]) -> list[str]:
    """What else goes, or went, a line each; the first lines of many."""
    told = [f"goes too: {table} {row_id}" for table, row_id in given_up.rows if (table, row_id) not in own]
    told += [f"loses its {column}: {table} {row_id}" for table, row_id, column in given_up.cut]
    left = len(told) - LINES_MAX
    return [*told[:LINES_MAX], f"and {left} more; `bmaddb conflicts FILE --all` has them all"] if left > 0 else told


def _list(db: Database) -> None:
    counts = db.outbox.counts()
    print(f"{counts.queued} queued, {counts.leased} on their way, {counts.parked} parked")
    for line in _waiting(db.outbox.first_to_go(LINES_MAX), counts.queued + counts.leased):
        print(line)
    parked = db.outbox.parked()
    behind = _behind(parked)
    for entry in parked:
        if entry.reason is None or entry.reason.code == DEPENDS:
            continue
        print()
        for line in _lines(entry, behind[entry.id]):
            print(line)


def _waiting(first: Sequence[Entry], count: int) -> list[str]:
    """A line each for the first of many that wait for a sync and for nobody."""
    told = [
        f"{entry.id}  of {_made(entry)}{', on its way' if entry.status is EntryStatus.LEASED else ''}: "
        f"{entry.broken or _rows_of(entry)}"
        for entry in first
    ]
    left = count - len(told)
    return ["", *told, *([f"and {left} more"] if left > 0 else [])] if told else []


def _lines(entry: Entry, behind: int) -> list[str]:
    reason = entry.reason
    if reason is None:
        return [entry.id]
    made = _made(entry)
    lines = [f"{entry.id}  of {made}, {len(entry.changes)} rows, {behind} entries wait behind it"]
    where = " ".join(part for part in (reason.table, reason.id, reason.column) if part)
    lines.append(f"  why: {reason.message} [{reason.code}]")
    lines += [f"  where: {where}"] if where else [f"  where: {_rows_of(entry)}"]
    lines += [f"  the server said: {reason.details}"] if reason.details else []
    lines += [f"  what to do: {reason.hint}"] if reason.hint else []
    if entry.next_attempt_at_ms is not None:
        again = datetime.fromtimestamp(entry.next_attempt_at_ms / 1000, UTC).isoformat(timespec="seconds")
        lines.append(f"  sent again by itself after {again}")
    return lines


def _made(entry: Entry) -> str:
    return datetime.fromtimestamp(entry.created_at_ms / 1000, UTC).isoformat(timespec="seconds")


def _rows_of(entry: Entry) -> str:
    named = [f"{change.op} {change.table} {change.id}" for change in entry.changes.values()]
    return ", ".join(named[:3]) + (f" and {len(named) - 3} more" if len(named) > 3 else "")


def _behind(parked: tuple[Entry, ...]) -> Counter[str]:
    """How many entries stand behind each refused one."""
    found: Counter[str] = Counter()
    heads: dict[str, str] = {}
    for entry in parked:
        holder = entry.reason.entry if entry.reason is not None and entry.reason.code == DEPENDS else None
        heads[entry.id] = entry.id if holder is None else heads.get(holder, holder)
        if holder is not None:
            found[heads[entry.id]] += 1
    return found


def _values(catalog: Catalog, given: list[str]) -> dict[RowKey, dict[str, Any]]:
    values: dict[RowKey, dict[str, Any]] = {}
    for item in given:
        path, equals, text = item.partition("=")
        table, _, rest = path.partition(".")
        row_id, _, column = rest.rpartition(".")
        if not equals or not row_id or table not in catalog.tables:
            raise e.SettingsError(f"'{item}' does not name a value", hint="--set TABLE.ID.COLUMN=JSON")
        try:
            values.setdefault((table, row_id), {})[column] = _python_value(catalog, table, column, json.loads(text))
        except ValueError as error:
            raise e.SettingsError(f"'{text}' is not JSON for {table}.{column}: {error}") from error
    if not values:
        raise e.SettingsError("edit needs a value", hint="--set TABLE.ID.COLUMN=JSON")
    return values


def _python_value(catalog: Catalog, table: str, column: str, value: Any) -> Any:
    declared = catalog.table(table).by_name.get(column)
    kind = None if declared is None else declared.kind
    if kind is Kind.TS and isinstance(value, int):
        return datetime.fromtimestamp(value / 1000, UTC)
    if kind is Kind.TS and isinstance(value, str):
        return datetime.fromisoformat(value)
    return unbase64(value) if kind is Kind.BLOB and isinstance(value, str) else value
