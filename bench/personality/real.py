"""The same traces on real files: wall time of what a user waits for, and of what is done meanwhile.

`python -m bench.personality.real [users]`. Each view is a table of its own with rows of about 1 KB; a session begins,
a view is opened as a list when it is entered, rows are opened one by one, and idle time is used between.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Any

import bmaddb
from bench.personality.equal import USER, ready
from bench.personality.traces import ROWS, Trace, trace_of
from bmaddb.modules.registry import catalog_with
from bmaddb.personality.consent import Optimisation
from bmaddb.personality.functions import TYPES
from bmaddb.personality.tables import VIEWS
from bmaddb.schema import Module, UserRecord, integer, text
from bmaddb.service import Database

MODES: tuple[Optimisation, ...] = ("off", "adaptive", "prior")
SESSIONS = 40
BODY = "words " * 160


def _record(number: int) -> Any:
    class Row(UserRecord, table=f"bench_view_{number:02}", indexes=(("place",),)):
        """A row of one view."""

        place = integer()
        body = text()

    return Row


RECORDS = [_record(number) for number in range(len(VIEWS))]
MODULE = Module(name="benchViews", purpose="A table for each view.", records=tuple(RECORDS))


def main() -> None:
    """Print the figures of every mode as one JSON object."""
    users = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    print(json.dumps(measure(users), indent=1))


def measure(users: int) -> dict[str, dict[str, float]]:
    """By mode: medians and 95th percentiles in microseconds, and milliseconds of background work a session."""
    taken: dict[str, dict[str, list[float]]] = {
        mode: {"row": [], "list": [], "begin": [], "idle": []} for mode in MODES
    }
    fetched, listed, sessions = dict.fromkeys(MODES, 0), dict.fromkeys(MODES, 0), 0
    for user in range(users):
        code = TYPES[user * 5 % len(TYPES)]
        trace = trace_of("A.25", code, user, 25.0)
        sessions += SESSIONS
        for mode in MODES:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "own.db"
                with bmaddb.open(path, user=USER, catalog=catalog_with(MODULE), durability="normal") as db:
                    ids = _fill(db)
                    ready(db, code, mode)
                    rows, lists = _walk(db, trace, ids, taken[mode])
                    fetched[mode] += rows
                    listed[mode] += lists
    ahead = {mode: {"rows_ahead": fetched[mode] / sessions, "lists_ahead": listed[mode] / sessions} for mode in MODES}
    return {mode: {**_figures(taken[mode], sessions), **ahead[mode]} for mode in MODES}


def _fill(db: Database) -> list[list[str]]:
    ids: list[list[str]] = []
    for record, rows in zip(RECORDS, ROWS, strict=True):
        with db.write() as tx:
            ids.append([tx.insert(record, place=place, body=f"{place} {BODY}").id for place in range(rows)])
    for view, record in zip(VIEWS, RECORDS, strict=True):
        db.personality.views.show(view, db.query(record).order_by(record.place.desc()).limit(48))
    return ids


def _walk(db: Database, trace: Trace, ids: list[list[str]], taken: dict[str, list[float]]) -> tuple[int, int]:
    """Rows and lists that were read ahead."""
    desk, session, view, ahead = db.personality, -1, -1, []
    for event in trace.events:
        if event.session >= SESSIONS:
            break
        if event.session != session:
            session, view = event.session, -1
            began = perf_counter()
            ahead.append(desk.begin_session())
            taken["begin"].append((perf_counter() - began) * 1e6)
        if event.view != view:
            view = event.view
            began = perf_counter()
            desk.open(VIEWS[view])
            taken["list"].append((perf_counter() - began) * 1e6)
            began = perf_counter()
            ahead.append(desk.idle())
            taken["idle"].append((perf_counter() - began) * 1e6)
        if event.op == "w":
            with db.write() as tx:
                ids[view].append(tx.insert(RECORDS[view], place=event.row, body=f"{event.row} {BODY}").id)
            continue
        began = perf_counter()
        desk.get(RECORDS[view], ids[view][event.row])
        taken["row"].append((perf_counter() - began) * 1e6)
    return sum(one.rows for one in ahead), sum(one.lists for one in ahead)


def _figures(taken: dict[str, list[float]], sessions: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for what in ("row", "list"):
        found[f"{what}_p50_us"] = median(taken[what])
        found[f"{what}_p95_us"] = quantiles(taken[what], n=20)[-1]
        found[f"{what}_ms_a_session"] = sum(taken[what]) / sessions / 1000
    found["background_ms_a_session"] = (sum(taken["begin"]) + sum(taken["idle"])) / sessions / 1000
    return {name: round(value, 2) for name, value in found.items()}


if __name__ == "__main__":
    main()
