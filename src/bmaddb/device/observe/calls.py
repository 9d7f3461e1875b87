"""Calls a function with each state of a live query: one call at a time, in order.

Rules of this room: a function that is slow gets the newest state next, one that raises is told to the log and called
again with the next. It is held by the subscription alone, so that dropping that is enough.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, Final

from bmaddb import errors as e
from bmaddb.device.observe.observers import Observers
from bmaddb.device.observe.watch import SAME, Watch

_log: Final = logging.getLogger("bmaddb.observe")


class Calls:
    """Calls `callback` on `executor`, or on a thread of the live queries."""

    def __init__(
        self, observers: Observers, watch: Watch, callback: Callable[[Any], object], executor: Executor | None
    ) -> None:
        self._observers = observers
        self._watch = watch
        self._callback = callback
        self._executor = executor
        self._listen()

    def _listen(self) -> None:
        """Be told of the next state; nobody but the subscription keeps this object."""
        bell = _Bell(weakref.ref(self), self._observers, self._executor)
        if self._watch.listen(bell):
            bell()

    def run(self) -> None:
        """Deliver what there is."""
        if self._watch.closed:
            return
        try:
            state = self._watch.take()
        except e.BmadError as error:
            _log.warning("a live query could not be read, and is tried again: %s", error)
            self._observers.put_later(_Bell(weakref.ref(self), self._observers, self._executor))
            return
        if state is not SAME:
            self._call(state)
        self._listen()

    def _call(self, state: Any) -> None:
        try:
            self._callback(state)
        except Exception:
            _log.exception("a callback of a live query failed")


class _Bell:
    """Has the calls run where they are to run, if they are still there."""

    def __init__(self, calls: weakref.ref[Calls], observers: Observers, executor: Executor | None) -> None:
        self._calls = calls
        self._observers = observers
        self._executor = executor

    def __call__(self) -> None:
        if self._executor is None:
            self._observers.put(self._run)
        else:
            self._executor.submit(self._run)

    def _run(self) -> None:
        calls = self._calls()
        if calls is not None:
            calls.run()
