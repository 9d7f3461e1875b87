"""A device that runs the unmodified WatermelonDB, as the tests speak to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.clients.driver import Driver, JsError

CURSOR_KEY = "__watermelon_last_pulled_at"
MIGRATIONS_START = 13
Row = dict[str, Any]
Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request of a sync and its answer: `kind` is pull or push."""

    kind: str
    status: int
    args: dict[str, Any]
    body: Any


@dataclass(frozen=True, slots=True)
class Synced:
    """What one `synchronize()` did: the library's own log, the requests, and its words on the console."""

    log: dict[str, Any]
    spoken: list[Exchange]
    said: list[str]

    @property
    def pulled(self) -> Exchange:
        return next(exchange for exchange in self.spoken if exchange.kind == "pull")

    @property
    def pushed(self) -> Exchange | None:
        return next((exchange for exchange in self.spoken if exchange.kind == "push"), None)

    @property
    def rejected(self) -> dict[str, list[str]]:
        """The ids the server would not take, by table."""
        return self.log.get("rejectedIds") or {}

    @property
    def conflicts(self) -> list[Any]:
        return list(self.log["resolvedConflicts"])


@dataclass
class PausedSync:
    """A `synchronize()` that stands still; after the `with` block it has ended, well or with `error`."""

    result: Synced | None = None
    error: JsError | None = None


@dataclass
class Watermelon:
    """One app on one phone: a Loki database of its own, signed in as one user."""

    driver: Driver
    name: str
    url: str
    token: str
    schema: Schema
    defaults: Mapping[str, Row]
    _open: bool = field(default=False, init=False)
    _migrates: bool = field(default=False, init=False)

    def open(self, migrations: Sequence[Mapping[str, Any]] | None = None) -> None:
        """Start the app; the second time it is restarted with `schema`, and the library migrates its file."""
        command = "reopen" if self._open else "open"
        self.driver.call(command, device=self.name, schema=self.schema, migrations=migrations)
        self._open, self._migrates = True, migrations is not None

    def create(self, table: str, **values: Any) -> str:
        """The id of the new row, its own or the library's; what `values` leaves out gets its default."""
        return self.create_many(table, [values])[0]

    def create_many(self, table: str, rows: Sequence[Row]) -> list[str]:
        """The same for many rows in one batch."""
        known = self._columns(table)
        defaults = {name: value for name, value in self.defaults.get(table, {}).items() if name in known}
        return self._create(table, [{**defaults, **row} for row in rows])

    def create_bare(self, table: str, **values: Any) -> str:
        """A row of nothing but `values`; the library fills the rest with nothing of the right type."""
        return self._create(table, [values])[0]

    def update(self, table: str, row_id: str, **columns: Any) -> None:
        self.driver.call("update", device=self.name, table=table, row=row_id, set=columns)

    def delete(self, table: str, row_id: str) -> None:
        """Marked as deleted, so that a sync tells the server."""
        self.driver.call("markAsDeleted", device=self.name, table=table, row=row_id)

    def destroy(self, table: str, row_id: str) -> None:
        """Gone without a trace; no sync will tell."""
        self.driver.call("destroyPermanently", device=self.name, table=table, row=row_id)

    def rows(self, table: str) -> dict[str, Row]:
        """What the app sees, by id."""
        return {row["id"]: row for row in self.driver.call("query", device=self.name, table=table)}

    def dump(self, table: str) -> dict[str, Row]:
        """What lies in the file, by id, with _status and _changed."""
        return {row["id"]: row for row in self.driver.call("dump", device=self.name, table=table)}

    def status(self, table: str, row_id: str) -> str:
        return str(self.dump(table)[row_id]["_status"])

    @property
    def unsynced(self) -> bool:
        """Does the library think it still has something to push?"""
        return bool(self.driver.call("unsynced", device=self.name))

    @property
    def cursor(self) -> int | None:
        """The library's own record of the last pull."""
        stored = self.driver.call("getLocal", device=self.name, key=CURSOR_KEY)
        return None if stored is None else int(stored)

    @cursor.setter
    def cursor(self, value: int | str) -> None:
        self.driver.call("setLocal", device=self.name, key=CURSOR_KEY, value=str(value))

    def sync(self, *, lose: Sequence[str] = ()) -> Synced:
        """`synchronize()`; the answers named in `lose` are lost after the server gave them."""
        return _synced(self.driver.call("sync", **self._sync_arguments(), lose=lose))

    @contextmanager
    def paused_sync(self, before: str) -> Iterator[PausedSync]:
        """A sync that stands still before its pull or push while the block runs."""
        number = self.driver.begin("sync", **self._sync_arguments(), pause=[before])
        assert self.driver.wait_for_pause(number) == before
        paused = PausedSync()
        yield paused
        self.driver.call("resume", of=number)
        try:
            paused.result = _synced(self.driver.result_of(number))
        except JsError as error:
            paused.error = error

    def _columns(self, table: str) -> set[str]:
        known = next(entry for entry in self.schema["tables"] if entry["name"] == table)
        return {column["name"] for column in known["columns"]}

    def _create(self, table: str, rows: Sequence[Row]) -> list[str]:
        ids: list[str] = self.driver.call("create", device=self.name, table=table, rows=rows)
        return ids

    def _sync_arguments(self) -> dict[str, Any]:
        return {
            "device": self.name,
            "url": self.url,
            "token": self.token,
            "migrationsEnabledAtVersion": MIGRATIONS_START if self._migrates else None,
        }


def _synced(result: dict[str, Any]) -> Synced:
    return Synced(result["log"], [Exchange(**spoken) for spoken in result["spoken"]], result["said"])
