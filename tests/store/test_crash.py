"""Other processes: one that is killed in the middle, and several that write at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bmaddb.device.store import Store
from tests.store.conftest import open_store
from tests.store.shelf import Author, Book

ROOT = Path(__file__).resolve().parents[2]
WAIT_S_MAX = 120


def worker(*arguments: object) -> subprocess.Popen[str]:
    """Start `tests/store/worker.py` in a process of its own."""
    command = [sys.executable, "-m", "tests.store.worker", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def intact(store: Store) -> bool:
    return store.sql("select integrity_check from pragma_integrity_check") == [("ok",)]


def test_a_killed_process_loses_nothing_it_acknowledged(path: Path) -> None:
    """Each write makes an author and two books; the worker says its number once the write has returned."""
    acknowledged = -1
    for round_number in range(4):
        process = worker("pairs", path, round_number)
        assert process.stdout is not None
        for line in process.stdout:
            acknowledged = int(line)
            if acknowledged % 100 >= 10 + 7 * round_number:
                process.kill()
                break
        process.wait(WAIT_S_MAX)
        process.stdout.close()
        with open_store(path) as store:
            names = {int(author.name) for author in store.query(Author).all()}
            assert {number for number in names if number <= acknowledged} >= {acknowledged}
            counts = store.query(Book).group_by(Book.author_id).rows(Book.author_id)
            assert len(counts) == len(names)
            assert store.query(Book).count() == 2 * len(names), "no half transaction"
            with store.read() as connection:
                assert connection.execute("pragma integrity_check").get == "ok"
    assert acknowledged >= 300


def test_several_processes_write_at_once_without_being_refused(path: Path) -> None:
    with open_store(path) as store:
        with store.write() as tx:
            tx.insert(Book, id="counter", title="counter")
        processes = [worker("count", path, 60) for _ in range(2)]
        for _ in range(60):
            with store.write() as tx:
                held = tx.get(Book, "counter")
                assert held is not None
                tx.update(held, pages=held.pages + 1)
        for process in processes:
            assert process.wait(WAIT_S_MAX) == 0
            assert process.stdout is not None
            process.stdout.close()
        held = store.get(Book, "counter")
        assert held is not None
        assert held.pages == 180
