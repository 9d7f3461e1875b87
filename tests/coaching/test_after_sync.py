"""After a sync the database reconciles by itself: what came concerns, once, and over any cut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from bmaddb import errors as e
from bmaddb.coaching.checks import verify_file
from bmaddb.coaching.concerned import CONCERNED, FOLLOWERS
from bmaddb.coaching.follows import DERIVED
from bmaddb.coaching.reconciling import reconcile
from bmaddb.device.outbox import Outbox, unreacted
from bmaddb.device.store import Store, meta
from bmaddb.device.sync import arrivals
from bmaddb.device.sync.arrivals import Arrived
from bmaddb.modules.chat_journal import Contact
from bmaddb.modules.registry import catalog_with, default_catalog
from bmaddb.modules.tasks_productivity import Goal, Task, UserProgress
from bmaddb.protocol.session import Limits
from bmaddb.protocol.steps import Result
from bmaddb.service.reacting import Reconciling, reactions_of
from bmaddb.testing.network import Fault
from tests.coaching.acts import all_hold
from tests.coaching.test_two_devices import act, two_devices
from tests.support.server import RunningServer
from tests.sync.devices import Device, World, world_of


class Killed(BaseException):
    """The process ends here."""


class Listening(Reconciling):
    """Reconciles, and remembers what for; `trouble` comes instead, as long as there is any."""

    def __init__(self) -> None:
        self.heard: list[Arrived] = []
        self.trouble: BaseException | None = None

    def __call__(self, store: Store, arrived: Arrived, *, partly: bool) -> int:
        if self.trouble is not None:
            raise self.trouble
        self.heard.append(arrived)
        return super().__call__(store, arrived, partly=partly)


@pytest.fixture
def listening() -> Listening:
    return Listening()


@pytest.fixture
def world(tmp_path: Path, server: RunningServer, listening: Listening) -> Iterator[World]:
    with world_of(tmp_path, server) as made:
        made.reactions = (listening,)
        yield made


def check_ins(device: Device) -> dict[str, int]:
    """Id -> value, of each period."""
    rows = device.store.query(UserProgress).where(UserProgress.metric_code == "checkins").all()
    return {row.id: row.value for row in rows}


def apart(world: World) -> tuple[Device, Device]:
    """Both counted a check-in of their own, and know nothing of each other's."""
    first, second = two_devices(world)
    world.settle(first, second)
    act(first, "check_in", 3)
    act(second, "check_in", 4)
    return first, second


def test_a_sync_leaves_nothing_to_be_reconciled_and_sends_what_it_wrote(world: World) -> None:
    first, second = apart(world)
    world.settle(first, second)
    assert set(check_ins(first).values()) == set(check_ins(second).values()) == {2}
    for device in (first, second):
        all_hold(device.store)
    world.assert_equal(first, second)


def test_two_devices_that_reconcile_the_same_come_to_rest(world: World, listening: Listening) -> None:
    first, second = apart(world)
    world.settle(first, second)
    heard = len(listening.heard)
    for _ in range(3):
        for device in (first, second):
            report = device.sync()
            assert (report.pulled_rows, report.pushed_rows, report.conflicts) == (0, 0, 0)
    assert len(listening.heard) == heard


def test_only_what_came_is_looked_at(world: World, listening: Listening) -> None:
    first, second = apart(world)
    first.sync()
    listening.heard.clear()
    second.sync()
    [arrived, *_] = listening.heard
    assert arrived["user_progress"] is not None
    assert check_ins(second).keys() <= arrived["user_progress"]
    assert "tasks" not in arrived
    assert "consent_records" not in arrived


def test_what_concerns_nothing_is_reacted_to_by_nobody(world: World, listening: Listening) -> None:
    first, second = two_devices(world)
    world.settle(first, second)
    listening.heard.clear()
    with first.store.write() as tx:
        tx.insert(Contact, display_name="Kim", relation="friend")
    first.sync()
    assert second.sync().pulled_rows == 1
    assert listening.heard == []


@pytest.mark.parametrize("ending", ["killed", "refused"])
def test_a_sync_that_is_cut_before_the_reaction_is_made_up_for_by_the_next(
    world: World, listening: Listening, ending: str
) -> None:
    first, second = apart(world)
    first.sync()
    if ending == "killed":
        listening.trouble = Killed()
        with pytest.raises(Killed):
            second.sync()
    else:
        listening.trouble = e.StoreError("no room")
        assert second.sync().ok
    assert {outcome.name for outcome in verify_file(second.store) if not outcome.ok} == {"verify_progress_updated"}
    second.reopen()
    listening.trouble = None
    second.sync()
    all_hold(second.store)
    assert set(check_ins(second).values()) == {2}


def test_a_parked_entry_keeps_nobody_from_reacting_to_what_came(world: World, listening: Listening) -> None:
    first, second = apart(world)
    first.sync()
    with second.store.write() as tx:
        tx.insert(Contact, display_name="Kim", relation="friend")
    second.park_newest()
    listening.heard.clear()
    assert second.sync().result is Result.PARTIAL
    assert listening.heard
    all_hold(second.store)
    assert set(check_ins(second).values()) == {2}


def test_what_is_given_up_is_reacted_to_also_when_another_program_does_it(world: World, listening: Listening) -> None:
    first, second = apart(world)
    world.settle(first, second)
    act(second, "check_in", 5)
    rows = {key for key in second.outbox.entries()[-1].changes if key[0] == "user_progress"}
    entry_id = second.park_newest()
    assert second.sync().result is Result.PARTIAL
    listening.heard.clear()
    other = Store(second.path, second.catalog, user=second.user, clock=world.clock, entropy=second.entropy)
    Outbox(other).discard(entry_id)
    other.close()
    assert second.sync().ok
    assert rows
    assert {row_id for _, row_id in rows} <= (listening.heard[0]["user_progress"] or set())
    all_hold(second.store)


def test_of_half_an_account_nothing_follows(world: World, listening: Listening) -> None:
    """A type whose consent has not come yet is not declined: what came is reacted to when all of it is there."""
    first, _ = apart(world)
    first.sync()
    third = world.device(first.user, limits=Limits(page_rows=5, attempts=1))
    listening.heard.clear()
    third.transport.plan(Fault.NONE, Fault.NONE, *[Fault.LOST_REQUEST] * 5)
    report = third.sync()
    assert report.pulled_rows
    assert not report.ok
    assert listening.heard == []
    third.transport.plan()
    assert third.sync().ok
    assert listening.heard[0].keys() == CONCERNED
    assert check_ins(third) == check_ins(first)


def test_a_file_from_before_is_reconciled_whole_once(world: World, listening: Listening) -> None:
    first, second = two_devices(world)
    world.settle(first, second)
    listening.heard.clear()
    first.store.meta_drop("arrived")
    first.sync()
    first.sync()
    assert [heard.keys() for heard in listening.heard] == [CONCERNED]


def unreconciled(store: Store, count: int) -> None:
    """So many months of progress, each counted twice on one device and summed by nobody."""
    with store.apply() as connection:
        for number in range(count):
            connection.execute(
                "insert into user_progress (id, user_id, created_at, updated_at, metric_code, period_key,"
                " device_counts, value, best_value, streak_current, streak_longest, counted_sessions, milestones)"
                " values (?, ?, 1, 1, 'checkins', ?, '{\"d\": [2, \"a\"]}', 0, 0, 0, 0, '[]', '[]')",
                (f"p{number:02}", store.user, f"{2000 + number // 12}-{number % 12 + 1:02}"),
            )


def values(store: Store) -> dict[str, int]:
    return {row.id: row.value for row in store.query(UserProgress).order_by(UserProgress.id).all()}


def test_many_rows_are_swept_a_part_at_each_sync(
    store: Store, listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "ROWS_SWEPT_MAX", 7)
    outbox = Outbox(store)
    outbox.listened = CONCERNED
    unreconciled(store, 30)
    while not values(store)["p09"]:
        arrivals.react(store, [listening])
    before = values(store)
    assert set(before.values()) == {0, 2}
    assert arrivals.react(store, [listening], sweeping=False) == 0, "a later turn of the same sync goes no further"
    listening.trouble = Killed()
    with pytest.raises(Killed):
        arrivals.react(store, [listening])
    assert values(store) == before
    listening.trouble = None
    with store.apply() as connection:  # one that was looked at comes again
        connection.execute("update user_progress set value = 5 where id = 'p00'")
        arrivals.note_rows(outbox, connection, [("user_progress", ["p00"])])
    arrivals.react(store, [listening])
    assert values(store)["p00"] == 2
    for _ in range(10):
        arrivals.react(store, [listening])
    assert set(values(store).values()) == {2}
    with store.read() as connection:
        assert arrivals.due(connection, CONCERNED) == {}
    named = [sum(len(ids or ()) for ids in heard.values()) for heard in listening.heard]
    assert max(named) <= 7 + 1


def test_what_follows_from_a_whole_table_waits_until_it_was_swept(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(store)
    outbox.listened = CONCERNED
    with store.write() as tx:
        goal_id = tx.insert(Goal, title="g").id
        tx.insert_many(Task, [{"title": "t", "goal_id": goal_id} for _ in range(10)])
    arrivals.react(store, [Reconciling()])
    monkeypatch.setattr(arrivals, "ROWS_SWEPT_MAX", 4)
    with store.apply() as connection:
        connection.execute("update tasks set state = 'done', completed_at = 1 where goal_id = ?", (goal_id,))
        many = [str(number) for number in range(unreacted.IDS_NOTED_MAX + 1)]
        arrivals.note_rows(outbox, connection, [("tasks", many)])
    progress = []
    for _ in range(4):
        found = store.get(Goal, goal_id)
        assert found is not None
        progress.append(found.progress_pct)
        arrivals.react(store, [Reconciling()])
    assert progress == [0, 0, 0, 100]


def test_the_tables_that_follow_are_those_of_the_references() -> None:
    parents: dict[str, set[str]] = {}
    for follows in DERIVED:
        for record in follows.parents:
            parents.setdefault(record.__table__.name, set()).add(follows.record.__table__.name)
    assert parents == {table: set(names) for table, names in FOLLOWERS.items()}


def test_rows_that_did_not_come_are_left_alone(ada: Store) -> None:
    unreconciled(ada, 3)
    assert reconcile(ada, {"user_progress": frozenset({"p01", "gone"})}) == 1
    assert values(ada) == {"p00": 0, "p01": 2, "p02": 0}
    assert reconcile(ada, {"tasks": None}) == 0
    assert reconcile(ada, {"user_progress": None}) == 2


def test_a_catalog_without_the_coaching_modules_has_no_reaction() -> None:
    assert reactions_of(catalog_with(include_defaults=False)) == ()
    [reaction] = reactions_of(default_catalog())
    assert reaction.tables == CONCERNED


def test_a_note_grows_to_its_limit_and_then_says_any(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = Outbox(store)
    outbox.listened = frozenset({"goals", "habits"})
    with store.apply() as connection:
        assert arrivals.due(connection, outbox.listened) == {"goals": None, "habits": None}
    assert arrivals.react(store, [Nothing()]) == 0
    with store.apply() as connection:
        assert arrivals.due(connection, outbox.listened) == {}
        arrivals.note_rows(outbox, connection, [("goals", ["a"]), ("tasks", ["t"]), ("habits", [])])
        arrivals.note_rows(outbox, connection, [("goals", ["b", "a"])])
        assert arrivals.due(connection, outbox.listened) == {"goals": frozenset({"a", "b"})}
        assert arrivals.due(connection, ["goals"]) == {"goals": None}, "it was made for other tables"
        many = [str(number) for number in range(unreacted.IDS_NOTED_MAX)]
        arrivals.note_rows(outbox, connection, [("goals", many)])
        assert arrivals.due(connection, outbox.listened) == {"goals": None}
        assert len(meta.get(connection, "arrived") or "") < 100


class Nothing:
    """A reaction that has nothing to do."""

    tables = frozenset({"goals", "habits"})
    followers: Mapping[str, frozenset[str]] = {}

    def __call__(self, store: Store, arrived: Arrived, *, partly: bool) -> int:
        return 0
