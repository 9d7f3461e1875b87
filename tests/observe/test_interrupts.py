"""Ctrl-C at any moment of a write: it stands or it does not, the next one is stored, and nothing that is read is old.

Python runs the handler of a signal when a function begins, and when one that is written in C has ended; the test
interrupts at each of these places in turn.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, Final

import pytest

from bmaddb import errors as e
from bmaddb.device.store.record_cache import READS_BEFORE
from bmaddb.service import Database
from tests.observe.conftest import open_database
from tests.store.shelf import Author

PLACES_MAX: Final = 1_000
UNGUARDED: Final = {("acquire", "c_return"), ("__exit__", "call"), ("write_no_more", "call")}
"""Nothing in Python stands around these: the lock is taken, and the `with` block ends, before they can be guarded."""


class Interrupt:
    """Raises KeyboardInterrupt at one of the places that are reached; `met` says at which, once it has."""

    def __init__(self, place: int) -> None:
        self._left = place
        self.met: tuple[str, str] | None = None

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        name = frame.f_code.co_name
        if event not in ("call", "c_return") or "bmaddb" not in frame.f_code.co_filename or (name, event) in UNGUARDED:
            return
        self._left -= 1
        if self._left < 0 and self.met is None:
            self.met = (name, event)
            raise KeyboardInterrupt


def write(db: Database, number: int) -> None:
    with db.write() as tx:
        tx.insert(Author, id=f"n{number}", name="new")
        tx.update(Author, "a", motto=f"m{number}")


def interrupted(db: Database, place: int) -> tuple[str, str] | None:
    """Where the write was interrupted; None when it ended before."""
    interrupt = Interrupt(place)
    sys.setprofile(interrupt)
    try:
        write(db, place)
    except KeyboardInterrupt:
        pass
    finally:
        sys.setprofile(None)
    return interrupt.met


def test_an_interrupted_write_leaves_nothing_open_and_nothing_old(tmp_path: Path) -> None:
    path = tmp_path / "device.db"
    with open_database(path) as db, open_database(path, seed=2) as other:
        with db.write() as tx:
            tx.insert(Author, id="a", name="first")
        for _ in range(2 * READS_BEFORE):
            db.get(Author, "a")
        with db.observe(db.query(Author).order_by(Author.id)) as live:
            said = live.wait()
            for place in range(PLACES_MAX):
                db.get(Author, "a")
                met = interrupted(db, place)
                assert not db.store.writer_busy, met
                there = other.query(Author).order_by(Author.id).all()
                assert db.get(Author, "a") == there[0], met
                with suppress(e.Unchanged):
                    said = live.wait(0)
                assert said == there, met
                if met is None:
                    break
                write(db, place + PLACES_MAX)  # what it stores, others see
                assert other.get(Author, f"n{place + PLACES_MAX}") is not None, met
                said = live.wait(0)
    assert place > 100


@pytest.mark.parametrize("again", [False, True])
def test_a_transaction_is_entered_once(db: Database, again: bool) -> None:
    write = db.write()
    with write as tx:
        tx.insert(Author, id="a", name="n")
        if again:
            with pytest.raises(e.StoreError, match="open already"):
                write.__enter__()
    assert not db.store.writer_busy
    assert db.get(Author, "a") is not None
