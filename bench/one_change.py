"""One change on a large account: written into a device's file, and pulled from the server.

The peer of writing is a bare `UPDATE` or `DELETE` of that row with the same durability. The peer of pulling is the
same pull on an account of 10,000 rows: what it costs must not grow with the account.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psycopg

from bench.account import SMALL_USER, USER, Account, opened_account
from bench.figure import Figure
from bmaddb import statements
from bmaddb.clock import SystemClock
from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Store
from bmaddb.device.sync.pages import Pages
from bmaddb.device.sync.walk import Progress
from bmaddb.entropy import SystemEntropy
from bmaddb.modules.chat_journal import JournalEntry
from bmaddb.modules.registry import default_catalog
from bmaddb.protocol.messages import PullAnswer, TablePage
from bmaddb.schema.postgres_ddl_functions import read_columns
from bmaddb.service.opening import open_database

TIMES = 200
PULLS = 60
CHANGES = 10
_SQL = statements.load("bench", "one_change.sql")
_TABLE = JournalEntry.__table__
_COLUMNS = read_columns(_TABLE)


def measure(account: Account) -> list[Figure]:
    """Apply and pull; fills a device file if the first sync has left none."""
    path = account.folder / "ours-0.db"
    with open_database(path, user=USER, url=account.url, token=account.token()) as db:
        if not db.sync().ok:
            raise SystemExit("the device did not sync")
    return [*_applied(path, account.rows), _pulled(account)]


def _applied(path: Path, rows: int) -> list[Figure]:
    device = Store(path, default_catalog(), clock=SystemClock(), entropy=SystemEntropy(), user=USER)
    pages = Pages(device, Outbox(device))
    read = _SQL["whole_row"].format(columns=", ".join(f'"{name}"' for name in _COLUMNS if name in _TABLE.by_name))
    names = [name for name in _COLUMNS if name in _TABLE.by_name]
    ids = [str(row[0]) for row in device.sql(_SQL["ids"], (4 * TIMES,))]

    def upsert(row_id: str) -> float:
        [values] = device.sql(read, (row_id,))
        row = _wire(dict(zip(names, values, strict=True)))
        return _timed(lambda: pages.apply(_page(row), Progress()))

    def delete(row_id: str) -> float:
        return _timed(lambda: pages.apply(_gone(row_id), Progress()))

    def bare(block: str, row_id: str) -> float:
        def write() -> None:
            with device.apply() as connection:
                connection.execute(_SQL[block], (row_id,))

        return _timed(write)

    figures = []
    for name, work, block in (("upsert", upsert, "bare_update"), ("delete", delete, "bare_delete")):
        mine: list[float] = []
        theirs: list[float] = []
        for _ in range(TIMES):  # by turns, so that what slows the disk slows both
            mine.append(work(ids.pop()))
            theirs.append(bare(block, ids.pop()))
        figures.append(_figure(f"one {name} from the server into {rows:,} rows", "bare statement", mine, theirs, None))
    device.close()
    return figures


def _pulled(account: Account) -> Figure:
    taken: dict[str, list[float]] = {USER: [], SMALL_USER: []}
    with httpx.Client(base_url=account.url) as http, psycopg.connect(account.conninfo, autocommit=True) as owner:
        cursors = {user: _cursor(http, owner, account, user) for user in taken}
        for user in taken:
            owner.execute(_SQL["touch"].encode(), {"user": user, "rows": CHANGES})
        for turn in range(PULLS):
            for user in (USER, SMALL_USER) if turn % 2 else (SMALL_USER, USER):
                began = time.perf_counter()
                answer = _pull(http, account, user, cursors[user])
                taken[user].append(time.perf_counter() - began)
                if len(answer["tables"][0]["rows"]) != CHANGES:
                    raise SystemExit("the pull did not bring the changes")
    name = f"pull of {CHANGES} changes from an account of {account.rows:,} rows"
    return _figure(name, "the same from 10,000 rows", taken[USER], taken[SMALL_USER], 1.2)


def _cursor(http: httpx.Client, owner: psycopg.Connection[Any], account: Account, user: str) -> str:
    """Where the account stands now."""
    row = owner.execute(_SQL["heads"].encode(), {"user": user}).fetchone()
    answer = _pull(http, account, user, None, limit_rows=1)
    start = str(answer["cursor"]).split(".")
    return ".".join([*start[:2], *(str(value) for value in row or ())])


def _pull(http: httpx.Client, account: Account, user: str, cursor: str | None, limit_rows: int = 5_000) -> Any:
    body = {"cursor": cursor, "schema_version": 14, "device_id": "bench", "limit_rows": limit_rows}
    head = {"authorization": f"Bearer {account.token(user)}"}
    return http.post("/rest/v1/rpc/bmad_pull_v1", json=body, headers=head).raise_for_status().json()


def _wire(row: dict[str, Any]) -> list[Any]:
    row |= {"hlc": "018f00000000-0000-0000000000a1", "stamps": None, "title": "changed"}
    for name in ("emotions", "tag_ids", "user_life_area_ids", "met24_domain_ids"):
        row[name] = msgspec.json.decode(row[name])
    row["starred"] = bool(row["starred"])
    return [row[name] for name in _COLUMNS]


def _page(row: list[Any]) -> PullAnswer:
    rows = msgspec.Raw(msgspec.json.encode([row]))
    return PullAnswer(cursor="1.bench", tables=(TablePage(table=_TABLE.name, columns=_COLUMNS, rows=rows),))


def _gone(row_id: str) -> PullAnswer:
    return PullAnswer(cursor="1.bench", tables=(TablePage(table=_TABLE.name, deleted=(row_id,)),))


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _figure(name: str, peer: str, ours: list[float], theirs: list[float], limit: float | None) -> Figure:
    mine, other = statistics.median(ours), statistics.median(theirs)
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    return Figure(
        name=name,
        peer=peer,
        ours_us=round(mine * 1e6, 1),
        peer_us=round(other * 1e6, 1),
        ratio=round(ratio, 2),
        limit=limit,
    )


if __name__ == "__main__":
    with opened_account() as opened:
        for one in measure(opened):
            print(f"{one.name}: {one.ours_us} us, {one.peer} {one.peer_us} us, ratio {one.ratio}")
