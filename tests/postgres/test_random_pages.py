"""Replicas that pull pages of three rows at odd moments end up equal to the server, whatever was done (S1, S2, S5)."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from bmaddb import statements
from tests.postgres.caller import ALICE, BOB, Caller, delete, insert, update
from tests.support.postgres import Database

SEEDS = range(int(os.environ.get("BMADDB_RANDOM_SEEDS", "3")))
STEPS = 160
PAGE_ROWS = 3
IDS = tuple(f"r{n}" for n in range(12))
_SQL = statements.load("tests.postgres", "random_pages.sql")
Rows = dict[tuple[str, str], dict[str, Any]]


class Replica:
    """Holds what was pulled, as a device would."""

    def __init__(self, one: Caller) -> None:
        self.one = one
        self.cursor: str | None = None
        self.rows: Rows = {}
        self.more = True

    def page(self) -> None:
        page = self.one.pull(self.cursor, limit_rows=PAGE_ROWS)
        self.take(page)
        self.cursor, self.more = page["cursor"], page["more"]

    def take(self, page: Any) -> None:
        for part in page["tables"]:
            arrived = {row[0] for row in part["rows"]}
            assert not arrived & set(part["deleted"])
            for key in part["deleted"]:
                self.rows.pop((part["table"], key), None)
            for row in part["rows"]:
                self.rows[part["table"], row[0]] = dict(zip(part["columns"], row, strict=True))

    def catch_up(self) -> None:
        self.more = True
        while self.more:
            self.page()


class Editor(Replica):
    """A device that also writes, on the base it holds, and takes the pull part of each answer."""

    def push(self, change: dict[str, Any]) -> None:
        self.catch_up()
        answer = self.one.push(self.one.entry(change), cursor=self.cursor)
        assert answer["answers"][0]["status"] in ("applied", "rejected"), answer
        applied = answer["answers"][0]["status"] == "applied"
        for kind in ("update", "delete"):
            for item in change.get(kind, []) if applied else []:
                row = self.rows.get((change["table"], item["id"]))
                if kind == "delete":
                    self.rows.pop((change["table"], item["id"]), None)
                elif row is not None:
                    row.update(item["set"], server_seq=answer["answers"][0]["version"])
        if applied and "insert" in change:
            for listed in change["insert"]["rows"]:
                row = dict(zip(change["insert"]["columns"], listed, strict=True))
                self.rows.setdefault((change["table"], row["id"]), {}).update(
                    row, server_seq=answer["answers"][0]["version"]
                )
        self.take(answer["pull"])
        self.cursor, self.more = answer["pull"]["cursor"], answer["pull"]["more"]


def random_change(chance: random.Random, editor: Editor) -> dict[str, Any]:
    held = [key for table, key in editor.rows if table == "boxes"]
    key = chance.choice(IDS)
    row = editor.rows.get(("boxes", key))
    if row is None:
        parent = chance.choice(held) if held and chance.random() < 0.5 else None
        return insert("boxes", {"id": key, "title": f"{chance.random()}", "parent_id": parent})
    if chance.random() < 0.4:
        return delete("boxes", key, row["server_seq"])
    if chance.random() < 0.4 and ("things", key) not in editor.rows:
        return insert("things", {"id": key, "box_id": key, "name": "n", "shelf_id": chance.choice(held)})
    return update("boxes", key, row["server_seq"], title=f"{chance.random()}")


def plain_sql(chance: random.Random, database: Database) -> None:
    block = chance.choice(["rename", "remove", "give", "give", "give", "add", "catalogue", "forget"])
    values = {"id": chance.choice(IDS), "from": ALICE, "to": BOB, "title": f"{chance.random()}"}
    if chance.random() < 0.5:
        values["from"], values["to"] = BOB, ALICE
    with database.connect(autocommit=False) as connection:
        try:
            connection.execute(_SQL[block], values)
            connection.execute(_SQL["check_keys"])
            if chance.random() < 0.2:
                connection.rollback()
            connection.commit()
        except psycopg.errors.IntegrityError:
            connection.rollback()


@pytest.mark.parametrize("seed", SEEDS)
def test_replicas_equal_the_server(small: Database, device: Callable[..., Caller], seed: int) -> None:
    chance = random.Random(seed)
    callers = [device(user, device=f"device-{number}") for user in (ALICE, BOB) for number in range(3)]
    editors = [Editor(one) for one in callers if one.device != "device-0"]
    replicas = [Replica(one) for one in callers if one.device == "device-0"]
    for _ in range(STEPS):
        step = chance.random()
        if step < 0.5:
            editor = chance.choice(editors)
            editor.catch_up()
            editor.push(random_change(chance, editor))
        elif step < 0.7:
            plain_sql(chance, small)
        else:
            chance.choice(replicas).page()
    for replica in (*editors, *replicas):
        replica.catch_up()
        fresh = Replica(replica.one)
        fresh.catch_up()
        assert told(replica.rows) == told(fresh.rows), f"seed {seed}, {replica.one.user} {replica.one.device}"
    for user in (ALICE, BOB):
        counted = small.value("select count(*) from bmad.boxes where user_id = %s", user)
        replica = next(r for r in replicas if r.one.user == user)
        assert counted == len([key for key in replica.rows if key[0] == "boxes"])


def told(rows: Rows) -> dict[tuple[str, str], tuple[Any, ...]]:
    """What both sides must agree on; a device's own write knows neither defaults nor stamps before it is pulled."""
    names = ("title", "parent_id", "label", "box_id", "shelf_id", "strength")
    return {key: tuple(row.get(name) for name in names) for key, row in rows.items()}
