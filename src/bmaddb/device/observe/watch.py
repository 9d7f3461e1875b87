"""One live query at work: hears of commits, is read again when it must be, and rings when there is something new.

Rules of this room: `hear` runs on the thread that commits and never waits for a consumer; what a consumer has not
taken yet is overtaken by what is newer; a state is delivered only if it is another than the one before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, TypeAlias

from bmaddb import errors as e
from bmaddb.device.observe.views import Pair, View
from bmaddb.device.store import Store

Bell: TypeAlias = Callable[[], object]
"""Told once that there may be something new; on any thread, must not wait."""
PAIRS_MAX: Final = 1_000
"""Rows of one commit, or of all that came during one reading: more of them, and all is read again."""
SAME: Final = object()


class Watch:
    """The state of one subscription."""

    __slots__ = ("_bells", "_changed", "_heard", "_last", "_rung", "_stale", "_store", "_taking", "closed", "view")

    def __init__(self, store: Store, view: View) -> None:
        self.view = view
        self.closed = False
        self._bells: list[Bell] = []
        self._store = store
        self._changed = threading.Condition(threading.Lock())
        self._taking = threading.Lock()
        self._heard: list[Pair] | None = None
        """While it is read: what was committed since."""
        self._stale = True
        self._rung = False
        self._last: Any = SAME

    # -- the side of the commits ---------------------------------------------------------------------------

    def hear(self, pairs: Sequence[Pair]) -> None:
        """Rows changed; with the feed's gate held."""
        with self._changed:
            if self._heard is not None:
                self._stale = self._stale or len(self._heard) + len(pairs) > PAIRS_MAX
                if not self._stale:
                    self._heard.extend(pairs)
            elif not self._stale and not self._follow(pairs):
                return
            self._ring()

    def hear_all(self) -> None:
        """Anything may have changed; with the feed's gate held."""
        with self._changed:
            self._stale = True
            self._ring()

    def close(self) -> None:
        with self._changed:
            self.closed = True
            self._ring()

    # -- the side of the consumer --------------------------------------------------------------------------

    def take(self) -> Any:
        """The newest state, read again if need be; SAME when it is the one that was taken last."""
        with self._taking:
            state = self._newest()
            if state is SAME:
                return SAME
            self._last = state
        return self.view.made(state)

    def look(self) -> Any:
        """(state, what is delivered of it), or SAME: it counts as taken when `took` says that it arrived."""
        with self._taking:
            state = self._newest()
        return SAME if state is SAME else (state, self.view.made(state))

    def took(self, state: Any) -> None:
        """What `look` gave has reached who asked."""
        self._last = state

    def wait(self, timeout_s: float | None) -> bool:
        """Until there may be something new, or it is closed; False when the time is over."""
        with self._changed:
            return self._changed.wait_for(lambda: self._rung or self.closed, timeout_s)

    def listen(self, bell: Bell) -> bool:
        """Call `bell` once when there is something new; the answer is whether there is already, and then it is not."""
        with self._changed:
            if self._rung or self.closed:
                return True
            self._bells.append(bell)
            return False

    def forget(self, bell: Bell) -> None:
        """It waits no more; again is fine."""
        with self._changed, suppress(ValueError):
            self._bells.remove(bell)

    def begin(self) -> None:
        """Read for the first time; what is read waits to be taken."""
        with self._taking:
            self._read()
        with self._changed:
            self._ring()

    # -- inside --------------------------------------------------------------------------------------------

    def _newest(self) -> Any:
        if self._store.holds_still:
            raise e.StoreError("a live query is not read inside a write or a snapshot", hint="let it end first")
        with self._changed:
            self._rung = False
            stale = self._stale
        if stale:
            state = self._read()
        else:
            with self._changed:
                state = self.view.state()
        return SAME if state == self._last else state

    def _follow(self, pairs: Sequence[Pair]) -> bool:
        """Take over the rows of a commit; what cannot be followed is read again, and raises there if it must."""
        try:
            differs = len(pairs) > PAIRS_MAX or self.view.hear(pairs)
            self._stale = self._stale or len(pairs) > PAIRS_MAX or self.view.short
        except Exception:
            differs = self._stale = True
        return differs

    def _ring(self) -> None:
        if self._rung:
            return
        self._rung = True
        self._changed.notify_all()
        bells, self._bells = self._bells, []
        for bell in bells:
            with suppress(RuntimeError):  # an event loop that has ended meanwhile
                bell()

    def _read(self) -> Any:
        """Read the file, and follow what was committed meanwhile; the answer is the state of one commit."""
        feed = self._store.feed
        with feed.gate:
            reading = self._store.read()
            reading.__enter__().pragma("schema_version")  # only what is read holds the snapshot still
            with self._changed:
                self._heard, self._stale = [], False
        try:
            try:
                read = self.view.read()
            finally:
                reading.__exit__(None, None, None)
            with self._changed:
                heard, self._heard = self._heard or [], None
                self.view.put(read)
                state = self.view.state()
                if heard and not self._stale and self._follow(heard) and not self._stale:
                    state = self.view.state()
        except BaseException:
            with self._changed:
                self._heard, self._stale, self._rung = None, True, True  # who asks again reads again
            raise
        return state
