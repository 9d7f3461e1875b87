"""What a live query holds, and how a changed row changes it: one record, a sorted window, a number, or a reading.

Rules of this room: a view is what its query would give, of one commit; where a change cannot be followed exactly it
says that it is `short`, and is read again. A view is used under the lock of its watch; `read` alone is not, for it
goes to the file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from bmaddb.device.observe.index import Interest
from bmaddb.device.query.ends import Ends
from bmaddb.schema.records import Record


class Pair(NamedTuple):
    """A row before and after a commit, as records; None where there is none."""

    old: Any
    new: Any


class View(Protocol):
    """The state of one live query."""

    interest: Interest

    @property
    def short(self) -> bool:
        """Is what it holds no longer all it needs, so that it must be read again?"""
        ...

    def read(self) -> Any:
        """What the file says now; in a snapshot, without any lock."""
        ...

    def put(self, read: Any) -> None:
        """Begin again with what was read."""
        ...

    def hear(self, pairs: Sequence[Pair]) -> bool:
        """Follow the rows of one commit; may the state be another now?"""
        ...

    def state(self) -> Any:
        """What it is now, and stays: equal to another when what is delivered is."""
        ...

    def made(self, state: Any) -> Any:
        """What is delivered of a state; without any lock."""
        ...


class One:
    """One record by its id, or None."""

    def __init__(self, read: Callable[[], Record | None], interest: Interest) -> None:
        self.interest = interest
        self.short = False
        self.read = read
        self._row: Record | None = None

    def put(self, read: Any) -> None:
        self._row = read

    def hear(self, pairs: Sequence[Pair]) -> bool:
        self._row = pairs[-1].new
        return True

    def state(self) -> Any:
        return self._row

    def made(self, state: Any) -> Any:
        return state


class Reading:
    """Whatever only SQL can say: read again when a table it reads has changed."""

    def __init__(self, query: Ends[Any], tables: frozenset[str]) -> None:
        self.interest = Interest(tables=tables)
        self.short = False
        self.read = query.all
        self._rows: list[Any] = []

    def put(self, read: Any) -> None:
        self._rows = read

    def hear(self, pairs: Sequence[Pair]) -> bool:
        raise AssertionError("it hears of tables only")

    def state(self) -> Any:
        return self._rows

    def made(self, state: Any) -> Any:
        return [*state]
