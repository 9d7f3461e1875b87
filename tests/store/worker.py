"""What other processes do in the tests of crashes: run as `python -m tests.store.worker JOB PATH NUMBER`."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

from bmaddb.device.store import Store
from tests.store.conftest import open_store
from tests.store.shelf import Author, Book


def pairs(store: Store, round_number: int) -> None:
    """Write families without end, saying the number of each once it is safe."""
    for number in itertools.count(round_number * 100):
        with store.write() as tx:
            author = tx.insert(Author, name=str(number))
            with tx.savepoint() as inner:
                inner.insert(Book, title="one", author_id=author.id)
            tx.insert_many(Book, [{"title": "two", "author_id": author.id}])
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


def count(store: Store, times: int) -> None:
    """Add one to the counter, `times` times."""
    for _ in range(times):
        with store.write() as tx:
            held = tx.get(Book, "counter")
            assert held is not None
            tx.update(held, pages=held.pages + 1)


if __name__ == "__main__":
    job, place, amount = sys.argv[1:]
    with open_store(Path(place), seed=1000 + int(amount)) as opened:
        {"pairs": pairs, "count": count}[job](opened, int(amount))
