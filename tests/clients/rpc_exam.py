"""One exam for every Supabase client: all four doors, called as an app calls a function."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pytest

from bmaddb.schema import Catalog
from tests.clients.truth import Truth, app_defaults

MOMENT_MS = 1_700_000_000_123
ERROR_KEYS = {"code", "message", "details", "hint"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the library made of the server's answer: `data` of a success, `error` of a failure."""

    data: Any = None
    error: dict[str, Any] | None = None

    @property
    def good(self) -> Any:
        assert self.error is None, self.error
        return self.data

    @property
    def bad(self) -> dict[str, Any]:
        assert self.error is not None, self.data
        return self.error


class Caller(Protocol):
    """A signed-in client of the library."""

    def rpc(self, name: str, args: dict[str, Any]) -> Answer: ...


class SignIn(Protocol):
    """A client for `user`; for nobody when None."""

    def __call__(self, user: str | None) -> Caller: ...


class NativeDevice:
    """The least a device on the native door must know: who it is, how far it counted, where it stands."""

    def __init__(self, caller: Caller, schema_version: int) -> None:
        self.caller = caller
        self.id = str(uuid.uuid4())
        self.schema_version = schema_version
        self.number = 0
        self.cursor: str | None = None

    def push(self, *entries: Sequence[dict[str, Any]], number: int | None = None) -> Answer:
        """Push entries (each a list of changes); `number` repeats an older push."""
        first = self.number + 1 if number is None else number
        body = {
            "device_id": self.id,
            "schema_version": self.schema_version,
            "settled": first - 1,
            "cursor": None,
            "limit_rows": 1_000,
            "entries": [self._entry(first + offset, changes) for offset, changes in enumerate(entries)],
        }
        self.number = max(self.number, first + len(entries) - 1)
        return self.caller.rpc("bmad_push_v1", body)

    def pull(self, cursor: str | None = None) -> Answer:
        body = {
            "cursor": cursor,
            "schema_version": self.schema_version,
            "device_id": self.id,
            "limit_rows": 20_000,
        }
        return self.caller.rpc("bmad_pull_v1", body)

    def pull_all(self) -> list[dict[str, Any]]:
        """Every page from where the device stands; it stands at the end afterwards."""
        tables: list[dict[str, Any]] = []
        more = True
        while more:
            page = self.pull(self.cursor).good
            tables += page["tables"]
            self.cursor, more = page["cursor"], page["more"]
        return tables

    def _entry(self, number: int, changes: Sequence[dict[str, Any]]) -> dict[str, Any]:
        stamp = f"{MOMENT_MS + number:012x}-0000-{self.id[-12:]}"
        return {
            "number": number,
            "schema_version": self.schema_version,
            "hlc": stamp,
            "changes": list(changes),
        }


def inserted(table: str, *rows: dict[str, Any]) -> dict[str, Any]:
    """A change that inserts `rows`, all with the same columns."""
    dated = [{"created_at": MOMENT_MS, "updated_at": MOMENT_MS, **row} for row in rows]
    return {
        "table": table,
        "insert": {"columns": list(dated[0]), "rows": [list(row.values()) for row in dated]},
    }


def pulled_rows(tables: Sequence[dict[str, Any]], name: str) -> dict[str, dict[str, Any]]:
    """The rows of one table in a pull's answer, by id."""
    found = [table for table in tables if table["table"] == name]
    rows = (dict(zip(table["columns"], row, strict=True)) for table in found for row in table["rows"])
    return {row["id"]: row for row in rows}


class RpcExam:
    """Inherit it, and give a fixture `sign_in`."""

    def test_an_entry_goes_up_once_and_comes_down(
        self, sign_in: SignIn, user: str, catalog: Catalog, truth: Truth
    ) -> None:
        pusher = NativeDevice(sign_in(user), catalog.version)
        puller = NativeDevice(sign_in(user), catalog.version)
        change = inserted("tasks", {"id": "t1", "title": "é👍", "tag_ids": ["x"], "due_at": MOMENT_MS})
        first = pusher.push([change]).good
        assert [(a["number"], a["status"]) for a in first["answers"]] == [(1, "applied")]
        assert pusher.push([change], number=1).good["answers"] == first["answers"]
        row = pulled_rows(puller.pull_all(), "tasks")["t1"]
        assert (row["title"], row["tag_ids"], row["due_at"]) == ("é👍", ["x"], MOMENT_MS)
        stored = truth.rows("tasks")
        assert list(stored) == ["t1"]
        assert {name: row[name] for name in stored["t1"]} == stored["t1"]
        assert "user_id" not in row

    def test_a_cursor_is_text_and_leads_to_what_is_new(self, sign_in: SignIn, user: str, catalog: Catalog) -> None:
        device = NativeDevice(sign_in(user), catalog.version)
        device.push([inserted("tasks", {"id": "t1", "title": "first"})])
        device.pull_all()
        assert isinstance(device.cursor, str)
        assert device.pull(device.cursor).good["tables"] == []
        device.push([inserted("tasks", {"id": "t2", "title": "second"})])
        assert list(pulled_rows(device.pull_all(), "tasks")) == ["t2"]

    def test_a_rejected_entry_says_why_and_the_next_one_goes_on(
        self, sign_in: SignIn, user: str, catalog: Catalog, truth: Truth
    ) -> None:
        device = NativeDevice(sign_in(user), catalog.version)
        bad = inserted("tasks", {"id": "bad", "title": "t", "priority": 99})
        good = inserted("tasks", {"id": "good", "title": "t"})
        answers = device.push([bad], [good]).good["answers"]
        assert [(a["number"], a["status"]) for a in answers] == [(1, "rejected")]
        assert set(answers[0]["error"]) == ERROR_KEYS
        assert answers[0]["error"]["code"] == "23514"
        assert device.push([good], number=2).good["answers"][0]["status"] == "applied"
        assert list(truth.rows("tasks")) == ["good"]

    def test_both_doors_show_the_same_row(self, sign_in: SignIn, user: str, catalog: Catalog, truth: Truth) -> None:
        caller = sign_in(user)
        raw = {"id": "AbCdEfGh01234567", **app_defaults(catalog)["tasks"], "title": "through the other door"}
        dated = {
            **raw,
            "created_at": MOMENT_MS,
            "updated_at": MOMENT_MS,
            "_status": "created",
            "_changed": "",
        }
        cursor = caller.rpc("pull_changes_optimized", {"last_pulled_at": None}).good["timestamp"]
        changes = {"tasks": {"created": [dated], "updated": [], "deleted": []}}
        assert caller.rpc("push_changes_optimized", {"changes": changes, "last_pulled_at": cursor}).good in (
            None,
            {},
        )
        answer = caller.rpc(
            "pull_changes_optimized",
            {"last_pulled_at": cursor, "schema_version": catalog.version, "migration": None},
        ).good
        assert answer["timestamp"] > cursor
        tasks = answer["changes"]["tasks"]
        assert (tasks["created"], tasks["deleted"]) == ([], [])
        assert [row["id"] for row in tasks["updated"]] == [raw["id"]]
        assert not {"_status", "_changed", "user_id", "server_seq"} & set(tasks["updated"][0])
        native = pulled_rows(NativeDevice(caller, catalog.version).pull_all(), "tasks")[raw["id"]]
        stored = truth.rows("tasks")[raw["id"]]
        assert {name: native[name] for name in stored} == stored

    def test_every_table_is_in_a_watermelondb_answer(self, sign_in: SignIn, user: str, catalog: Catalog) -> None:
        changes = sign_in(user).rpc("pull_changes_optimized", {}).good["changes"]
        assert set(changes) == {table.name for table in catalog.synced_tables}
        for table in changes.values():
            assert set(table) == {"created", "updated", "deleted"}

    def test_a_conflict_on_the_watermelondb_door_is_an_error_with_four_parts(
        self, sign_in: SignIn, user: str, catalog: Catalog, truth: Truth
    ) -> None:
        caller = sign_in(user)
        before = caller.rpc("pull_changes_optimized", {}).good["timestamp"]
        NativeDevice(caller, catalog.version).push([inserted("tasks", {"id": "t1", "title": "first"})])
        changed = {
            "id": "t1",
            **app_defaults(catalog)["tasks"],
            "title": "second",
            "created_at": 1,
            "updated_at": 2,
        }
        changes = {"tasks": {"created": [], "updated": [changed], "deleted": []}}
        refused = caller.rpc("push_changes_optimized", {"changes": changes, "last_pulled_at": before}).bad
        assert set(refused) >= ERROR_KEYS
        assert refused["code"] == "PT409"
        assert truth.rows("tasks")["t1"]["title"] == "first"

    @pytest.mark.parametrize("cursor", ["garbage", "1.nobody.0.0", ""], ids=["garbage", "foreign", "empty"])
    def test_a_wrong_cursor_is_an_error_or_a_resync(
        self, sign_in: SignIn, user: str, catalog: Catalog, cursor: str
    ) -> None:
        answer = NativeDevice(sign_in(user), catalog.version).pull(cursor)
        if answer.error is not None:
            assert answer.error["code"] == "PT400"
            assert set(answer.error) >= ERROR_KEYS
        else:
            assert answer.data["resync"] is True

    def test_a_function_that_is_not_there(self, sign_in: SignIn, user: str) -> None:
        assert sign_in(user).rpc("no_such_function", {}).bad["code"] == "PGRST202"

    @pytest.mark.parametrize(
        ("name", "args"),
        [
            ("bmad_pull_v1", {"cursor": None, "schema_version": 14, "device_id": str(uuid.UUID(int=1))}),
            (
                "bmad_push_v1",
                {"device_id": str(uuid.UUID(int=1)), "schema_version": 14, "settled": 0, "entries": []},
            ),
            ("pull_changes_optimized", {"last_pulled_at": None}),
            ("push_changes_optimized", {"changes": {}, "last_pulled_at": None}),
        ],
    )
    def test_nobody_may_call_a_door(self, sign_in: SignIn, name: str, args: dict[str, Any]) -> None:
        assert sign_in(None).rpc(name, args).bad["code"] == "42501"

    def test_two_users_do_not_meet(self, sign_in: SignIn, user: str, other_user: str, catalog: Catalog) -> None:
        mine, theirs = (NativeDevice(sign_in(who), catalog.version) for who in (user, other_user))
        mine.push([inserted("tasks", {"id": "same", "title": "mine"})])
        theirs.push([inserted("tasks", {"id": "same", "title": "theirs"})])
        assert pulled_rows(mine.pull_all(), "tasks")["same"]["title"] == "mine"
        assert pulled_rows(theirs.pull_all(), "tasks")["same"]["title"] == "theirs"
