"""Calls the doors as PostgREST would: login role, then role and claims of the caller for one transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from bmaddb import statements
from tests.support.postgres import Database

ALICE = "00000000-0000-4000-8000-0000000000a1"
BOB = "00000000-0000-4000-8000-0000000000b0"
EPOCH_STAMP = "018f00000000-0000-0000000000a1"
_SQL = statements.load("tests.postgres", "caller.sql")
_DOORS = {
    "bmad_pull_v1": "pull",
    "bmad_push_v1": "push",
    "bmad_digest_v1": "digest",
}


@dataclass
class Caller:
    """One user, on a connection of their own. `role` and `user` go into the transaction's settings."""

    connection: psycopg.Connection[Any]
    user: str | None
    role: str = "authenticated"
    device: str = "device-1"
    number: int = 0
    cursor: str | None = None
    known: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)

    def act(self) -> None:
        """Become the caller until the transaction ends."""
        claims = json.dumps({"role": self.role, **({"sub": self.user} if self.user else {})})
        self.connection.execute(_SQL["act"], {"role": self.role, "claims": claims})

    def run(self, query: str, values: Sequence[Any] | Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """One statement as the caller, in a transaction of its own."""
        with self.connection.transaction():
            self.act()
            cursor = self.connection.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def rpc(self, door: str, body: Any) -> Any:
        """A door with one unnamed JSON parameter."""
        return self.run(_SQL[_DOORS[door]], [json.dumps(body)])[0][0]

    def pull(self, cursor: str | None = None, **more: Any) -> Any:
        """bmad_pull_v1."""
        return self.rpc("bmad_pull_v1", {"cursor": cursor, "schema_version": 14, "device_id": self.device, **more})

    def push(self, *entries: dict[str, Any], **more: Any) -> Any:
        """bmad_push_v1 with entries as they are."""
        body = {
            "device_id": self.device,
            "schema_version": 14,
            "settled": 0,
            "cursor": None,
            "entries": entries,
            **more,
        }
        return self.rpc("bmad_push_v1", body)

    def entry(self, *changes: dict[str, Any], **more: Any) -> dict[str, Any]:
        """The next entry of this device."""
        self.number += 1
        return {"number": self.number, "schema_version": 14, "hlc": EPOCH_STAMP, "changes": changes, **more}

    def write(self, *changes: dict[str, Any]) -> Any:
        """One entry in one push; its answer. A refused number is not used up when the push itself fails."""
        try:
            return self.push(self.entry(*changes))["answers"][0]
        except psycopg.Error:
            self.number -= 1
            raise

    def watermelon_pull(self, last: int | None = None, **more: Any) -> Any:
        """pull_changes_optimized."""
        given = {"last": last, "version": 14, "migration": None, **more}
        given["migration"] = json.dumps(given["migration"]) if given["migration"] is not None else None
        return self.run(_SQL["watermelon_pull"], given)[0][0]

    def watermelon_push(self, changes: Any, last: int | None = None) -> Any:
        """push_changes_optimized."""
        text = changes if isinstance(changes, str) else json.dumps(changes)
        return self.run(_SQL["watermelon_push"], {"changes": text, "last": last})[0][0]


def caller(
    database: Database, user: str | None = ALICE, role: str = "authenticated", device: str = "device-1"
) -> Caller:
    """A caller on a fresh connection as the role a server logs in with."""
    connection = psycopg.connect(database.login, autocommit=True)
    return Caller(connection, user, role=role, device=device)


def insert(table: str, *rows: dict[str, Any]) -> dict[str, Any]:
    """A change that inserts rows with the same columns."""
    stamped = [{"created_at": 1_700_000_000_000, "updated_at": 1_700_000_000_000, **row} for row in rows]
    columns = list(stamped[0])
    return {
        "table": table,
        "insert": {"columns": columns, "rows": [[row[name] for name in columns] for row in stamped]},
    }


def update(table: str, id: str, base: int | None, **assigned: Any) -> dict[str, Any]:
    """A change that updates one row."""
    return {"table": table, "update": [{"id": id, "base": base, "set": assigned}]}


def delete(table: str, id: str, base: int | None) -> dict[str, Any]:
    """A change that deletes one row."""
    return {"table": table, "delete": [{"id": id, "base": base}]}


def rows_of(page: Any, table: str) -> dict[str, dict[str, Any]]:
    """The pulled rows of a table by id."""
    for part in page["tables"]:
        if part["table"] == table:
            return {row[0]: dict(zip(part["columns"], row, strict=True)) for row in part["rows"]}
    return {}


def deleted_of(page: Any, table: str) -> list[str]:
    """The ids a page says are gone from a table."""
    return next((part["deleted"] for part in page["tables"] if part["table"] == table), [])
