"""The face: open, use, sync, close; and what it says when it cannot."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

import bmaddb
from bmaddb import errors as e
from bmaddb.device.store import Store
from bmaddb.device.sync import Arrived, Reaction
from bmaddb.modules import chat_journal, levensgebieden, tasks_productivity
from bmaddb.modules.registry import ModuleStatus, catalog_with
from bmaddb.modules.tasks_productivity import Goal, Task
from bmaddb.schema import Module, UserRecord, text
from bmaddb.signals import EntryQueued, SyncEnded
from tests.support.server import USER, RunningServer


class Book(UserRecord, table="books"):
    """A book to read."""

    title = text()


READING = Module(name="reading", purpose="Books to read.", records=(Book,))


def opened(server: RunningServer, path: Path, user: str = USER, *reactions: Reaction) -> bmaddb.Database:
    return bmaddb.open(path, user=user, url=server.url, token=server.token(user), reactions=reactions)


def test_two_devices_meet_on_a_server(server: RunningServer, tmp_path: Path) -> None:
    with opened(server, tmp_path / "phone.db") as phone, opened(server, tmp_path / "laptop.db") as laptop:
        with phone.write() as tx:
            goal = tx.insert(Goal, title="Slapen")
            tx.insert(Task, title="Om tien uur naar bed", goal_id=goal.id)
        assert phone.sync().ok
        assert asyncio.run(laptop.sync_async()).ok
        assert [task.title for task in laptop.query(Task).join(Goal).all()] == ["Om tien uur naar bed"]
        assert laptop.query(levensgebieden.LifeArea).count() > 0
        assert phone.device_id != laptop.device_id


def test_an_application_reacts_to_what_came_and_to_nothing_else(server: RunningServer, tmp_path: Path) -> None:
    class Seen:
        tables, followers = frozenset({"goals"}), dict[str, frozenset[str]]()
        titles: ClassVar[list[str]] = []

        def __call__(self, store: Store, arrived: Arrived, *, partly: bool) -> int:
            came = arrived["goals"]
            goals = store.query(Goal) if came is None else store.query(Goal).where(Goal.id.in_(came))
            self.titles.extend(goal.title for goal in goals.all())
            return 0

    with opened(server, tmp_path / "phone.db") as phone:
        with phone.write() as tx:
            tx.insert(Goal, title="Slapen")
            tx.insert(Task, title="Om tien uur naar bed")
        assert phone.sync().ok
        with opened(server, tmp_path / "laptop.db", USER, Seen()) as laptop:
            assert laptop.sync().ok
            assert Seen.titles == ["Slapen"]
            with phone.write() as tx:
                tx.insert(Task, title="Nog een taak")
            assert phone.sync().ok
            assert laptop.sync().ok
            assert Seen.titles == ["Slapen"], "no goal came"


@pytest.mark.parametrize("path", [None, 7, b"notes.db"])
def test_what_is_no_path_is_refused_by_name(path: Any) -> None:
    with pytest.raises(e.StoreError, match="is not a path of a file") as refused:
        bmaddb.open(path, user=USER)
    assert refused.value.hint


def test_a_reaction_to_a_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    class Odd:
        tables, followers = frozenset({"goals", "nowhere"}), dict[str, frozenset[str]]()

        def __call__(self, store: Store, arrived: Arrived, *, partly: bool) -> int:
            return 0

    with pytest.raises(e.SchemaError, match="a reaction to nowhere"):
        bmaddb.open(tmp_path / "a.db", reactions=[Odd()])
    Odd.tables, Odd.followers = frozenset({"goals"}), {"goals": frozenset({"elsewhere"})}
    with pytest.raises(e.SchemaError, match="a reaction to elsewhere"):
        bmaddb.open(tmp_path / "a.db", reactions=[Odd()])


class Watching:
    """A reaction that notes what it was asked, and does what it is given."""

    followers: Mapping[str, frozenset[str]] = {}

    def __init__(self, table: str, act: Callable[[Store], None]) -> None:
        self.tables, self.act, self.asked = frozenset({table}), act, list[set[str]]()

    def __call__(self, store: Store, arrived: Arrived, *, partly: bool) -> int:
        self.asked.append(set(arrived))
        self.act(store)
        return 1


def follows(store: Store) -> None:
    with store.write() as tx:
        tx.insert(Task, title="follows")


def raises(store: Store) -> None:
    follows(store)
    raise ZeroDivisionError


def dangles(store: Store) -> None:
    with store.write() as tx:
        tx.insert(Task, title="follows", goal_id="nowhere")


def nothing(store: Store) -> None:
    """Nothing follows."""


@pytest.mark.parametrize("act", [raises, dangles])
def test_a_reaction_that_fails_holds_up_nothing_and_is_asked_again(
    act: Callable[[Store], None], server: RunningServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken, sound = Watching("goals", act), Watching("tasks", nothing)
    with opened(server, tmp_path / "phone.db") as phone:
        with phone.write() as tx:
            tx.insert(Goal, title="Slapen")
            tx.insert(Task, title="came")
        assert phone.sync().ok
    with opened(server, tmp_path / "laptop.db", USER, broken, sound) as laptop:
        assert laptop.sync().ok
        assert laptop.query(Goal).one().title == "Slapen"
        assert laptop.query(Task).one().title == "came", "what it wrote is undone"
        assert (broken.asked, sound.asked) == ([{"goals"}], [{"tasks"}])
        assert "a reaction to what came failed" in caplog.text
        assert laptop.sync().ok
        assert (broken.asked, sound.asked) == ([{"goals"}] * 2, [{"tasks"}])
        broken.act = follows
        assert laptop.sync().ok
        assert {task.title for task in laptop.query(Task).all()} == {"came", "follows"}
        assert broken.asked == [{"goals"}] * 3


def test_where_sqlite_undoes_all_no_reaction_counts_as_asked(server: RunningServer, tmp_path: Path) -> None:
    def undoes(store: Store) -> None:
        store.writing_connection.execute("rollback")
        raise ZeroDivisionError

    first, second = Watching("tasks", nothing), Watching("goals", undoes)
    with opened(server, tmp_path / "phone.db") as phone:
        with phone.write() as tx:
            tx.insert(Goal, title="Slapen")
            tx.insert(Task, title="came")
        assert phone.sync().ok
    with opened(server, tmp_path / "laptop.db", USER, first, second) as laptop:
        assert laptop.sync().ok
        second.act = nothing
        assert laptop.sync().ok
        assert (first.asked, second.asked) == ([{"tasks"}] * 2, [{"goals"}] * 2)


def test_the_background_sync_carries_a_commit(server: RunningServer, tmp_path: Path) -> None:
    with opened(server, tmp_path / "phone.db") as phone, opened(server, tmp_path / "laptop.db") as laptop:
        carried = threading.Event()

        def look(_: SyncEnded) -> None:
            if phone.outbox.counts().total == 0 and phone.query(Task).exists():
                carried.set()

        phone.signals.listen(SyncEnded, look)
        phone.start_sync()
        with phone.write() as tx:
            tx.insert(Task, title="vanzelf")
        assert carried.wait(30)
        phone.stop_sync()
        laptop.sync()
        assert laptop.query(Task).one().title == "vanzelf"


def test_a_write_cannot_end_the_background_sync_or_the_database(server: RunningServer, tmp_path: Path) -> None:
    with opened(server, tmp_path / "phone.db") as phone, opened(server, tmp_path / "laptop.db") as laptop:
        phone.start_sync()
        with phone.write() as tx:
            tx.insert(Task, title="het gaat door")
            with pytest.raises(e.StoreError, match="run inside a write"):
                phone.stop_sync()
            with pytest.raises(e.StoreError, match="run inside a write"):
                phone.close()
        carried = threading.Event()
        phone.signals.listen(SyncEnded, lambda _: carried.set() if phone.outbox.counts().total == 0 else None)
        phone.start_sync()  # it runs still: this one changes nothing
        with phone.write() as tx:
            tx.insert(Task, title="en verder")
        assert carried.wait(30)
        laptop.sync()
        assert {task.title for task in laptop.query(Task).all()} == {"het gaat door", "en verder"}


def test_a_start_that_was_refused_can_be_made_again(server: RunningServer, tmp_path: Path) -> None:
    with opened(server, tmp_path / "phone.db") as phone:
        refused: list[e.LocalProtocolError] = []

        def listener(_: SyncEnded) -> None:
            try:
                phone.start_sync()
            except e.LocalProtocolError as error:
                refused.append(error)

        stop = phone.signals.listen(SyncEnded, listener)
        phone.sync()
        assert len(refused) == 1
        stop()
        carried = threading.Event()
        phone.signals.listen(SyncEnded, lambda _: carried.set())
        phone.start_sync()
        assert carried.wait(30)


def test_offline_is_a_report_and_nothing_is_lost(tmp_path: Path) -> None:
    with bmaddb.open(tmp_path / "a.db", user=USER, url="http://127.0.0.1:9", token="x.y.z") as db:
        with db.write() as tx:
            tx.insert(Task, title="later")
        report = db.sync()
        assert report.result == "offline"
        assert report.failure is not None
        assert db.outbox.counts().total == 1


def test_an_application_brings_its_own_module_instead_of_the_twelve(tmp_path: Path) -> None:
    with bmaddb.open(tmp_path / "a.db", user=USER, modules=[READING]) as db:
        queued: list[EntryQueued] = []
        db.signals.listen(EntryQueued, queued.append)
        with db.write() as tx:
            tx.insert(Book, title="Oblomow")
        assert db.query(Book).one().title == "Oblomow"
        assert len(queued) == 1
        with pytest.raises(e.SchemaError):
            db.query(Task).all()


def test_health_names_what_is_missing(tmp_path: Path) -> None:
    with bmaddb.open(tmp_path / "a.db", user=USER) as db:
        assert db.health().healthy
        with db.store.apply("local") as connection:
            connection.execute("drop table mood_checkins")
        health = db.health()
        sick = [module.module for module in health.modules if module.status is not ModuleStatus.HEALTHY]
        assert sick == [chat_journal.MODULE.name]
        assert not health.healthy


def test_options_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(e.SettingsError, match="token"):
        bmaddb.open(tmp_path / "a.db", user=USER, url="http://127.0.0.1:9")
    with pytest.raises(e.SettingsError, match="address"):
        bmaddb.open(tmp_path / "b.db", user=USER, url="ftp://somewhere", token="t")
    with pytest.raises(e.SettingsError, match="not both"):
        bmaddb.open(tmp_path / "c.db", modules=[READING], catalog=bmaddb.open(tmp_path / "d.db").catalog)
    with bmaddb.open(tmp_path / "e.db", user=USER) as db, pytest.raises(e.SettingsError, match="no server"):
        db.sync()


def test_a_file_that_syncs_needs_a_user_once(server: RunningServer, tmp_path: Path) -> None:
    path, there = tmp_path / "a.db", {"url": server.url, "token": server.token(USER)}
    with pytest.raises(e.SettingsError, match="user= is missing"):
        bmaddb.open(path, **there)  # type: ignore[arg-type]
    assert not path.exists(), "nothing was made"
    bmaddb.open(path).close()
    with pytest.raises(e.SettingsError, match="user= is missing"):
        bmaddb.open(path, **there)  # type: ignore[arg-type]
    opened(server, path).close()
    with bmaddb.open(path, **there) as db:  # type: ignore[arg-type]
        assert db.sync().ok


def test_a_catalog_without_tables_of_users_syncs_without_one(server: RunningServer, tmp_path: Path) -> None:
    tables = catalog_with(include_defaults=False)
    with bmaddb.open(tmp_path / "a.db", catalog=tables, url=server.url, token=server.token(USER)) as db:
        assert (db.user, db.sync().ok) == (None, True)


def test_another_user_cannot_open_the_file(tmp_path: Path) -> None:
    bmaddb.open(tmp_path / "a.db", user=USER).close()
    with pytest.raises(e.StoreError):
        bmaddb.open(tmp_path / "a.db", user="00000000-0000-4000-8000-00000000beef")


def test_close_twice_and_use_after(tmp_path: Path) -> None:
    db = bmaddb.open(tmp_path / "a.db", user=USER)
    db.close()
    db.close()
    with pytest.raises(e.StoreError):
        db.query(Task).all()


def test_the_public_face_is_what_we_mean_it_to_be() -> None:
    assert sorted(bmaddb.__all__) == ["BmadError", "Database", "keys", "open", "restore"]
    assert tasks_productivity.MODULE.name == "tasksProductivity"


def test_a_file_has_one_name_whatever_link_leads_to_it(tmp_path: Path) -> None:
    """Its locks are files beside it: under two names two processes would not see each other's."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link.db").symlink_to(tmp_path / "real" / "a.db")
    with bmaddb.open(tmp_path / "link.db", user=USER) as db:
        assert db.store.path == str((tmp_path / "real" / "a.db").resolve())
