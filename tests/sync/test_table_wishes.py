"""A first sync brings the tables that are wished for first, and everything all the same."""

from __future__ import annotations

from bmaddb.device.sync.wishes import first_sync_order
from bmaddb.modules.registry import default_catalog
from bmaddb.signals import FirstSyncProgress
from tests.sync.account import fill
from tests.sync.devices import Device, World
from tests.sync.test_first_sync import streaming


def order_of(device: Device) -> list[str]:
    seen: list[str] = []
    device.store.signals.listen(FirstSyncProgress, lambda fact: seen.append(fact.table))
    assert device.sync().ok
    return list(dict.fromkeys(seen))


def test_what_is_wished_for_comes_first_and_nothing_is_missing(world: World) -> None:
    fill(world, tasks=30, entries=30)
    plain, _ = streaming(world)
    usual = order_of(plain)
    wishing, transport = streaming(world)
    last = usual[-1]
    wishing.engine.wish_tables([last, "no_such_table"])
    order = order_of(wishing)
    assert order.index(last) < usual.index(last)
    assert sorted(order) == sorted(usual)
    world.assert_equal(wishing)
    assert transport.calls == ["bmad_walk_v1"]


def test_wishes_that_change_while_a_first_sync_is_cut_lose_nothing(world: World) -> None:
    fill(world, tasks=130, entries=70)
    device, transport = streaming(world)
    transport.cut_after = [2, 3, 4]
    device.engine.wish_tables(["feature_usage_daily"])
    device.sync()
    device.engine.wish_tables(["journal_entries", "tasks"])
    device.sync()
    device.engine.wish_tables([])
    transport.cut_after = []
    assert device.sync().ok
    world.assert_equal(device)


def test_parents_come_before_what_is_wished_for_and_every_table_once() -> None:
    catalog = default_catalog()
    usual = [table.name for table in first_sync_order(catalog, ())]
    assert usual == [table.name for table in sorted(catalog.synced_tables, key=lambda t: t.options.sync_priority)]
    order = [table.name for table in first_sync_order(catalog, ["habit_logs", "messages", "habit_logs"])]
    assert sorted(order) == sorted(usual)
    assert order.index("habits") < order.index("habit_logs") < order.index("messages")
    assert order.index("conversations") < order.index("messages") < order.index("tasks")
