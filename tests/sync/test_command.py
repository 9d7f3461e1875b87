"""`bmaddb sync FILE`: 0 when both sides hold the same, 1 when something is left, and why."""

from __future__ import annotations

import json

import pytest

from bmaddb.cli.main import main
from bmaddb.modules.tasks_productivity import Goal, Task
from tests.sync.devices import World
from tests.verify.test_restore import add


def test_what_one_device_sends_another_fetches(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    here, there = world.device(), world.device()
    world.settle(here, there)
    add(here, "one", "two")
    server = ["--url", world.server.url, "--token", world.server.token()]
    assert main(["sync", str(here.path), *server, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["result"], told["pushed_rows"], told["failure"]) == (True, "ok", 2, None)
    assert main(["sync", str(there.path), *server]) == 0
    assert "ok: 0 rows up, 2 down" in capsys.readouterr().out
    assert sorted(task.title for task in there.store.query(Task).all()) == ["one", "two"]


def test_why_it_stopped_and_what_to_do(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    here = world.device()
    add(here, "one")
    assert main(["sync", str(here.path), "--url", "http://127.0.0.1:9", "--token", "t"]) == 1
    told = capsys.readouterr().out
    assert "stopped: " in told
    assert "offline: 0 rows up" in told
    assert main(["sync", str(here.path), "--url", world.server.url, "--token", "no.such.token", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["failure"]["code"] == "B-502"
    assert main(["sync", str(here.path), "--url", world.server.url]) == 1
    assert "sync needs the user's token" in capsys.readouterr().err
    assert here.outbox.counts().queued == 1


def test_what_is_parked_waits_for_a_person(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    here = world.device()
    with here.store.write() as tx:
        tx.insert(Goal, title="bad", met24_domain_id="no-such-domain")
    server = ["--url", world.server.url, "--token", world.server.token()]
    assert main(["sync", str(here.path), *server]) == 1
    told = capsys.readouterr().out
    assert f"parked: 1 entries wait for you, see `bmaddb outbox {here.path}`" in told
    assert "partial: " in told
