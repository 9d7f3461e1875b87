"""`bmaddb requests FILE`: the operations a device asked its server for, which of them failed and why."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

from bmaddb import errors as e
from bmaddb.cli.catalogs import add_catalog_option, add_migrations_option, chosen_catalog, chosen_migrations
from bmaddb.cli.device_file import existing
from bmaddb.cli.unlocking import add_secret_options, chosen_secret
from bmaddb.device.requests import reasons
from bmaddb.modules.sync_status import ServerRequest
from bmaddb.service import Database, open_database
from bmaddb.settings import Settings

HELP = "list what a device asked the server to do; retry or cancel it"
_ACTIONS = ("list", "retry", "cancel")
LISTED_MAX = 200


def configure(parser: argparse.ArgumentParser) -> None:
    """Which file, what to do, with which request."""
    parser.add_argument("file", type=Path, help="the device's file")
    parser.add_argument("action", nargs="?", choices=_ACTIONS, default="list", help="default: list")
    parser.add_argument("request", nargs="?", metavar="ID", help="the request")
    add_secret_options(parser)
    add_catalog_option(parser)
    add_migrations_option(parser)


def run(options: argparse.Namespace, settings: Settings) -> int:
    """List, or do it to one request."""
    catalog, migrations = chosen_catalog(options), chosen_migrations(options)
    secret = chosen_secret(options, settings)
    with open_database(existing(options.file), catalog=catalog, migrations=migrations, **secret) as db:
        if options.action == "list":
            _list(db)
            return 0
        if options.request is None:
            hint = "`bmaddb requests FILE` lists them"
            raise e.SettingsError(f"{options.action} needs the id of a request", hint=hint)
        act = db.requests.retry if options.action == "retry" else db.requests.cancel
        print(f"{options.request}: {_NOW[act(options.request).status]}")
    return 0


_NOW = {
    "waiting": "goes with the next sync, and what died for want of it",
    "sent": "may have been carried out; the next sync asks the server",
    "cancelled": "cancelled; it had no effect",
}


def _list(db: Database) -> None:
    counts = db.requests.counts()
    print(
        f"{counts.waiting} waiting, {counts.sent} on their way, {counts.dead} dead, "
        f"{counts.done} done, {counts.cancelled} cancelled"
    )
    told = [*db.requests.dead(), *db.requests.open()]
    for request in told[:LISTED_MAX]:
        print("\n" + "\n".join(_lines(request)))
    if len(told) > LISTED_MAX:
        print(f"\nand {len(told) - LISTED_MAX} more")


def _lines(request: ServerRequest) -> list[str]:
    lines = [f"{request.id}  {request.kind}, {request.status}, of {_moment(request.created_at)}"]
    lines += [f"  key: {request.key}"] if request.key != request.id else []
    lines += [f"  after: {', '.join(request.depends_on)}"] if request.status == "waiting" and request.depends_on else []
    reason = reasons.of_value(request.reason)
    if reason is not None:
        lines.append(f"  why: {reason.message} [{reason.code}]")
        lines += [f"  of: {reason.request}"] if reason.request else []
        lines += [f"  details: {reason.details}"] if reason.details else []
        lines += [f"  what to do: {reason.hint}"] if reason.hint else []
    if request.next_attempt_at is not None:
        lines.append(f"  tried again after {_moment(request.next_attempt_at)}")
    if request.status == "dead":
        lines.append(f"  payload: {json.dumps(request.payload, ensure_ascii=False)[:200]}")
    return lines


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
