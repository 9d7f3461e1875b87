"""The rows, the same for every peer; js/rows.js makes them again, and the totals of all peers are compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec

from bench.peers.work import Amounts, Pulled, Totals
from bmaddb.modules.tasks_productivity import Task
from bmaddb.protocol.messages import WALK_CURSOR, PullAnswer, TablePage
from bmaddb.schema.kinds import Kind
from bmaddb.schema.postgres_ddl_functions import read_columns

USER: Final = "0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f60"
STATES: Final = ("todo", "doing", "waiting", "cancelled", "done")
NOW_MS: Final = 1_780_000_000_000
STAMP: Final = "018f00000000-0000-0000000000bb"
NAMES: Final = tuple(column.name for column in Task.__table__.columns)
INTEGERS: Final = frozenset(c.name for c in Task.__table__.columns if c.kind in (Kind.INT, Kind.TS))
_JSON: Final = frozenset(c.name for c in Task.__table__.columns if c.kind is Kind.JSON)
TOTALS: Final = "select count(*), sum(estimate_min), sum(priority), sum(title like 'changed%') from tasks"
_USUAL: Final = {
    "user_id": USER,
    "created_at": NOW_MS,
    "updated_at": NOW_MS,
    "device_seconds": "{}",
    "recur_anchor": "due",
    "blocked_by": "[]",
    "tag_ids": "[]",
    "source": "user",
    "position": "a0",
}


def id_of(index: int) -> str:
    """Ids in the order of their rows, as ids that hold their time are: kind to every index."""
    return f"0190f3d2-0000-7000-8000-{index:012x}"


def given_row(index: int) -> dict[str, Any]:
    """What an application says of a new row; the rest is ours to fill in."""
    return {
        "title": f"task {index} of the list",
        "notes": f"notes about {index} " * 8,
        "state": STATES[index % 5],
        "priority": index % 5,
        "due_on": f"2026-{index % 12 + 1:02}-{index % 28 + 1:02}",
        "estimate_min": index % 120,
    }


def whole_row(index: int) -> dict[str, Any]:
    """A finished row as a peer is given it, with its id and all 25 columns."""
    return dict.fromkeys(NAMES) | _USUAL | given_row(index) | {"id": id_of(index)}


def whole_rows(first: int, count: int) -> list[dict[str, Any]]:
    return [whole_row(index) for index in range(first, first + count)]


def changes(turn: int) -> dict[str, Any]:
    """What a single update sets; `updated_at` as well, which ours does by itself."""
    return {"title": f"changed {turn}", "priority": 4 - turn % 5}


def changes_dated(turn: int) -> dict[str, Any]:
    return {**changes(turn), "updated_at": NOW_MS + turn + 1}


def write_pages(amounts: Amounts, folder: Path) -> Pulled:
    """The pages of a pull into two files."""
    pulled = Pulled(folder / f"objects-{amounts.pulled}.jsonl", folder / f"wire-{amounts.pulled}.jsonl")
    with pulled.objects.open("wb") as objects, pulled.wire.open("wb") as wire:
        for first in range(0, amounts.pulled, amounts.page):
            rows = whole_rows(first, min(amounts.page, amounts.pulled - first))
            for place, row in enumerate(rows):
                row["server_seq"] = first + place + 1
            objects.write(msgspec.json.encode(rows) + b"\n")
            wire.write(_wire_page(rows, first, amounts) + b"\n")
    return pulled


def pages_of(path: str) -> list[bytes]:
    return Path(path).read_bytes().splitlines()


def totals_of(row: Any) -> Totals:
    """The one row that TOTALS gives."""
    return [int(value or 0) for value in row]


def _wire_page(rows: list[dict[str, Any]], first: int, amounts: Amounts) -> bytes:
    columns = read_columns(Task.__table__)
    listed = [[_wire_value(row, name) for name in columns] for row in rows]
    last = first + len(rows) == amounts.pulled
    part = TablePage(table="tasks", columns=columns, rows=msgspec.Raw(msgspec.json.encode(listed)))
    cursor = "1.1" if last else f"{WALK_CURSOR}{first}"
    expect = None if first else {"tasks": amounts.pulled}
    return msgspec.json.encode(PullAnswer(cursor=cursor, more=not last, tables=(part,), expect=expect))


def _wire_value(row: dict[str, Any], name: str) -> Any:
    if name == "hlc":
        return STAMP
    return msgspec.json.decode(row[name]) if name in _JSON else row.get(name)
