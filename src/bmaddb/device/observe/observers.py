"""All live queries of one store: follows the feed of commits and tells those that a commit concerns.

Rules of this room: with nobody here the store does no work for it; watches are held, the subscriptions of the
application are not, so one that is dropped vanishes; the thread here only looks, and ends when the last is gone.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from bmaddb import errors as e
from bmaddb.device.observe.crew import STOP_WAIT_S_MAX, Crew
from bmaddb.device.observe.index import Index
from bmaddb.device.observe.views import Pair, View
from bmaddb.device.observe.watch import Watch
from bmaddb.device.store import Store
from bmaddb.device.store.feed import Commit

Wait: TypeAlias = Callable[[threading.Event, float], bool]
"""True when the event was set before so many seconds had passed."""
LOOK_S: Final = 0.5
"""So often it is looked whether another process wrote into the file."""
_log: Final = logging.getLogger("bmaddb.observe")


class Observers:
    """Made with the first live query of a store."""

    def __init__(self, store: Store, *, wait: Wait = threading.Event.wait) -> None:
        self.dropped: deque[Watch] = deque()
        """Of subscriptions that were dropped: a garbage collector may not wait for a lock, so it leaves them here."""
        self.store = store
        self._wait = wait
        self._index: Index[Watch] = Index()
        self._crew = Crew()
        self._again: list[Callable[[], None]] = []
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = False

    def __len__(self) -> int:
        """How many live queries there are."""
        with self.store.feed.gate:
            self._let_go()
            return len(self._index)

    def watch(self, view: View) -> Watch:
        """Follow the view from now on; it has been read when this returns. Errors are those of reading."""
        if self.store.holds_still:
            raise e.StoreError("observe() cannot run inside a write or a snapshot", hint="let it end first")
        made = Watch(self.store, view)
        feed = self.store.feed
        with feed.gate:
            if self._closed:
                raise e.StoreError("the store is closed", hint="open it again with bmaddb.open()")
            self._let_go()
            self._index.add(made, view.interest)
            feed.tables, feed.follower = self._index.tables, self._hear
            self._begin()
        try:
            made.begin()
        except BaseException:
            self.remove(made)
            raise
        return made

    def remove(self, watch: Watch) -> None:
        """It hears no more; again is fine."""
        with self.store.feed.gate:
            self._index.remove(watch)
            self.store.feed.tables = self._index.tables
            if not len(self._index):
                self._woken.set()
        watch.close()

    def put(self, work: Callable[[], None]) -> None:
        """Run `work` soon, on one of a few threads: one that takes long holds up no other."""
        self._crew.put(work)

    def put_later(self, work: Callable[[], None]) -> None:
        """Run `work` after a while: it could not be done now."""
        self._again.append(work)

    def close(self) -> None:
        """End all of them; again is fine."""
        with self.store.feed.gate:
            self._closed = True
            self._let_go()
            watches = list(self._index)
        for watch in watches:
            self.remove(watch)
        self._woken.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(STOP_WAIT_S_MAX)
        self._crew.close()

    # -- on the thread that commits ------------------------------------------------------------------------

    def _hear(self, commit: Commit) -> None:
        self._let_go()
        try:
            self._tell(commit)
        except BaseException:
            _tell_all(self._index)  # whatever it was, what they read again is true
            raise

    def _tell(self, commit: Commit) -> None:
        if commit.everything:
            _tell_all(self._index)
            return
        for table in commit.whole:
            _tell_all(self._index.of_table(table))
        concerned: dict[Watch, list[Pair]] = {}
        for table, changes in commit.rows.items():
            if changes:
                _tell_all(self._index.of_change(table))
            record: Any = self.store.catalog.records[table]
            for change in changes:
                watches = self._index.of_row(table, change)
                if watches:
                    pair = Pair(
                        None if change.old is None else record(*change.old),
                        None if change.new is None else record(*change.new),
                    )
                    for watch in watches:
                        concerned.setdefault(watch, []).append(pair)
        for watch, pairs in concerned.items():
            watch.hear(pairs)

    def _let_go(self) -> None:
        """Forget those that were dropped; with the gate held."""
        while self.dropped:
            self._index.remove(self.dropped.popleft())
        self.store.feed.tables = self._index.tables

    # -- the thread ----------------------------------------------------------------------------------------

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="bmaddb-observe", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while not self._ended():
            woken = self._wait(self._woken, LOOK_S)
            self._woken.clear()
            if not woken:
                self._look()

    def _ended(self) -> bool:
        """With nobody left, or closed, the thread ends; the next live query begins another."""
        with self.store.feed.gate:
            self._let_go()
            if self._closed or not len(self._index):
                self._thread = None
                return True
            return False

    def _look(self) -> None:
        again, self._again = self._again, []
        for work in again:
            self._crew.put(work)
        try:
            self.store.look_for_others()
        except e.BmadError as error:
            _log.warning("could not see whether another process wrote: %s", error)


def _tell_all(watches: Iterable[Watch]) -> None:
    for watch in watches:
        watch.hear_all()
