"""Changes travel both ways, between two devices of one user, and never to anybody else (S1, S8, S12)."""

from __future__ import annotations

import uuid

from bmaddb.modules.tasks_productivity import Task
from tests.sync.devices import World

STRANGER = str(uuid.UUID(int=0xB0B))


def test_create_update_and_delete_arrive(world: World) -> None:
    here, there = world.device(), world.device()
    with here.store.write() as tx:
        task = tx.insert(Task, title="water the plants")
    world.settle(here, there)
    assert there.store.get(Task, task.id) is not None

    with there.store.write() as tx:
        tx.update(Task, task.id, title="water the garden")
    world.settle(there, here)
    found = here.store.get(Task, task.id)
    assert found is not None
    assert found.title == "water the garden"

    with here.store.write() as tx:
        tx.delete(Task, task.id)
    world.settle(here, there)
    assert there.store.get(Task, task.id) is None
    world.assert_equal(here, there)
