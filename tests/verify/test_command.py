"""`bmaddb verify FILE`: 0 when both sides are equal or were made so, 1 when they differ."""

from __future__ import annotations

import json

import pytest

from bmaddb.cli.main import main
from bmaddb.modules.tasks_productivity import Task
from tests.sync.devices import World
from tests.verify.test_repair import raw
from tests.verify.test_restore import add


def test_it_says_what_differs_and_repairs_it(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    here = world.device()
    add(here, "one", "two")
    world.settle(here)
    raw(here, "update tasks set title = 'spoiled' where title = 'one'")
    raw(here, "delete from tasks where title = 'two'")
    arguments = ["verify", str(here.path), "--url", world.server.url, "--token", world.server.token()]
    assert main([*arguments, "--no-repair"]) == 1
    told = capsys.readouterr().out
    assert "tasks: 1 missing" in told
    assert "tasks: 1 changed" in told
    assert "differs" in told
    assert main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["result"], found["ok"], len(found["tables"]["tasks"]["changed"])) == ("repaired", True, 1)
    assert main(arguments) == 0
    assert "equal" in capsys.readouterr().out
    assert sorted(task.title for task in here.store.query(Task).all()) == ["one", "two"]


def test_a_server_that_is_not_there_is_no_success(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    here = world.device()
    arguments = ["verify", str(here.path), "--url", "http://127.0.0.1:9", "--token", "t"]
    assert main(arguments) == 1
    assert "stopped:" in capsys.readouterr().out
    assert main(["verify", str(here.path) + ".none", "--url", "http://127.0.0.1:9", "--token", "t"]) == 1
    assert "there is no file" in capsys.readouterr().err
