"""What cannot be is said at once, with its reason: a sync in a write, a token that is refused, a write too large."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import bmaddb
from bmaddb import errors as e
from bmaddb.cli.main import main
from bmaddb.device.outbox.sizing import UNSEEN_BYTES_MAX
from bmaddb.modules.tasks_productivity import Task
from bmaddb.protocol.changes import ENTRY_BYTES_MAX
from bmaddb.protocol.steps import Result
from bmaddb.server.limits import BODY_BYTES_MAX
from tests.outbox.conftest import Bench, bench
from tests.protocol.things import Note
from tests.support.server import USER, RunningServer
from tests.sync.devices import World

__all__ = ["bench"]


@pytest.mark.parametrize(
    "call",
    [
        lambda db: db.sync(),
        lambda db: db.verify(),
        lambda db: asyncio.run(db.sync_async()),
    ],
    ids=["sync", "verify", "sync_async"],
)
def test_a_sync_inside_a_write_is_refused_at_once(tmp_path: Path, call: Callable[[bmaddb.Database], object]) -> None:
    with bmaddb.open(tmp_path / "a.db", user=USER, url="http://127.0.0.1:9", token="x") as db:
        with db.write() as tx:
            task = tx.insert(Task, title="kept")
            with pytest.raises(e.StoreError, match="inside a write") as caught:
                call(db)
        assert "after the" in (caught.value.hint or "")
        assert db.get(Task, task.id) is not None


def test_the_reason_a_token_is_refused_for_is_kept(
    server: RunningServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = "0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f61"
    path = tmp_path / "a.db"
    with bmaddb.open(path, user=USER, url=server.url, token="no token at all") as db:
        report = db.sync()
        assert report.result is Result.OFFLINE
        assert report.failure is not None
        said = (report.failure.code, report.failure.message, report.failure.hint)
        assert "token" not in said[:1]
        assert said[1] != "the server refuses the token"
        checked = db.verify()
        assert checked.failure is not None
        assert (checked.failure.code, checked.failure.message, checked.failure.hint) == said
    with bmaddb.open(tmp_path / "b.db", user=USER, url=server.url, token=server.token(other)) as db:
        report = db.sync()
        assert report.failure is not None
        assert report.failure.message != said[1], "another reason, another sentence"
    assert main(["verify", str(path), "--url", server.url, "--token", "no token at all"]) != 0
    told = capsys.readouterr().out
    assert said[1] in told
    assert e.AuthError.code in told


def test_a_write_that_no_push_can_carry_is_refused_at_its_commit(bench: Bench) -> None:
    def write(size: int, text: str = "x") -> None:
        with bench.store.write() as tx:
            tx.insert(Note, title="small")
            tx.insert(Note, title="large", body=text * size)

    with pytest.raises(e.StoreError, match=r"has 17.0 MiB as it would be sent, .* at most 15.9") as caught:
        write(17 * 1024 * 1024)
    assert "split it" in (caught.value.hint or "")
    with pytest.raises(e.StoreError, match="split it"):  # what is short here is long in JSON
        write(3 * 1024 * 1024, "\x01")
    assert bench.store.query(Note).count() == 0
    assert bench.outbox.counts().total == 0
    write(15 * 1024 * 1024)
    write(UNSEEN_BYTES_MAX // 2, "\x01")
    assert bench.outbox.counts().queued == 2


def test_many_small_rows_are_counted_together(bench: Bench) -> None:
    with pytest.raises(e.StoreError, match="such rows in one write") as caught, bench.store.write() as tx:
        tx.insert_many(Note, ({"title": f"{number} " * 40} for number in range(60_000)))
    assert "about " in (caught.value.hint or "")
    with bench.store.write() as tx:
        tx.insert_many(Note, ({"title": f"{number}"} for number in range(2_000)))
    assert bench.outbox.counts().queued == 1


def test_what_is_just_small_enough_is_taken_by_a_server(world: World) -> None:
    assert ENTRY_BYTES_MAX < BODY_BYTES_MAX
    here, there = world.device(), world.device()
    with here.store.write() as tx:
        task = tx.insert(Task, title="large", notes="x" * (ENTRY_BYTES_MAX - 4_096))
    assert here.sync().ok
    assert there.sync().ok
    found = there.store.get(Task, task.id)
    assert found is not None
    assert len(found.notes or "") == ENTRY_BYTES_MAX - 4_096
    assert json.dumps(here.outbox.parked()) == "[]"
