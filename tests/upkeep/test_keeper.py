"""The keeper cleans up by itself: woken by a commit, when it is quiet, and never into anybody's write."""

from __future__ import annotations

import threading
from pathlib import Path

from bmaddb.device.upkeep import Ended, Keeper, UpkeepPolicy
from bmaddb.errors import BmadError
from bmaddb.signals import UpkeepEnded
from tests.upkeep.files import fill, opened
from tests.upkeep.shelf import NOTHING_LEFT, Event, Note

WAIT_S_MAX = 30


def test_it_cleans_when_it_was_woken_and_is_quiet(tmp_path: Path) -> None:
    fill(tmp_path / "f.db", 30)
    with opened(tmp_path / "f.db") as (store, outbox):
        ended = threading.Semaphore(0)
        told: list[UpkeepEnded] = []
        resting = threading.Event()

        def wait(event: threading.Event, seconds: float) -> bool:
            if seconds > 60:  # the long rest after a clean-up that could not free enough
                resting.set()
                return event.wait()
            return False

        def listen(signal: UpkeepEnded) -> None:
            told.append(signal)
            ended.release()

        store.signals.listen(UpkeepEnded, listen)
        keeper = Keeper(store, outbox, NOTHING_LEFT, wait=wait)
        keeper.start()
        keeper.start()
        assert ended.acquire(timeout=WAIT_S_MAX)
        assert [signal.ended for signal in told] == [str(Ended.STILL_OVER)]
        assert store.query(Event).count() == 0
        assert resting.wait(WAIT_S_MAX)
        with store.write() as tx:
            tx.insert(Note)
        keeper.stop()
        keeper.stop()
        assert len(told) == 1


def test_it_ends_at_once_when_it_is_told_to(tmp_path: Path) -> None:
    fill(tmp_path / "f.db", 5)
    with opened(tmp_path / "f.db") as (store, outbox):
        waits = threading.Event()

        def wait(event: threading.Event, seconds: float) -> bool:
            waits.set()
            return event.wait(WAIT_S_MAX)

        keeper = Keeper(store, outbox, NOTHING_LEFT, wait=wait)
        keeper.start()
        assert waits.wait(WAIT_S_MAX)
        keeper.stop()
        assert store.query(Event).count() == 5


def test_an_error_nobody_foresaw_is_told_and_does_not_end_it(tmp_path: Path) -> None:
    fill(tmp_path / "f.db", 5)
    with opened(tmp_path / "f.db") as (store, outbox):
        told: list[str] = []
        ended = threading.Semaphore(0)
        asked = iter([OSError("the policy is in a file that is gone")])

        def policy() -> UpkeepPolicy:
            for error in asked:
                raise error
            return NOTHING_LEFT

        def listen(signal: UpkeepEnded) -> None:
            told.append(signal.ended)
            ended.release()

        store.signals.listen(UpkeepEnded, listen)
        keeper = Keeper(store, outbox, policy, wait=lambda event, seconds: False)
        keeper.start()
        assert ended.acquire(timeout=WAIT_S_MAX)
        assert told == [BmadError.code]
        with store.write() as tx:
            tx.insert(Note)
        assert ended.acquire(timeout=WAIT_S_MAX), "it is alive"
        keeper.stop()
        assert told[1] == str(Ended.STILL_OVER)
        assert store.query(Event).count() == 0
