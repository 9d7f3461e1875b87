"""A damaged file is set aside; a new one gets what was not sent yet, and the server gives the rest."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from bmaddb import errors as e
from bmaddb.entropy import SeededEntropy
from bmaddb.service import salvage
from tests.chaos.scripted import CATALOG
from tests.protocol.things import Job, Note
from tests.support.server import USER
from tests.sync.devices import Device, World

SENT = 60
UNSENT = 30
PAGE_BYTES = 4096


def filled(world: World) -> tuple[Device, Device]:
    """Rows the server has, then rows and an edit that wait; and a second device that brings more."""
    here, there = world.device(), world.device()
    with here.store.write() as tx:
        for number in range(SENT):
            tx.insert(Note, title=f"sent {number}", body="s" * 300)
    world.settle(here, there)
    for number in range(UNSENT):
        with here.store.write() as tx:
            note = tx.insert(Note, title=f"unsent {number}", body="u" * 300)
            tx.insert(Job, title=f"job {number}", note_id=note.id)
    with there.store.write() as tx:
        tx.insert(Note, title="theirs")
        first = tx.query(Note).where(Note.title == "sent 1").first()
        assert first is not None
        tx.delete(first)
    there.sync()
    here.close()
    return here, there


def pages(path: Path, name: str, kind: str) -> list[int]:
    """The numbers of the pages of a table or an index."""
    connection = apsw.Connection(str(path))
    try:
        found = connection.execute("select pageno from dbstat where name = ? and pagetype = ?", (name, kind))
        return [number for (number,) in found]
    finally:
        connection.close()


def damage(path: Path, numbers: list[int]) -> None:
    content = bytearray(path.read_bytes())
    for number in numbers:
        start = (number - 1) * PAGE_BYTES
        content[start : start + PAGE_BYTES] = SeededEntropy(number).random_bytes(PAGE_BYTES)
    path.write_bytes(content)


def begin_anew(here: Device) -> None:
    here.transport = type(here.transport)(here.connect())
    here._open()


@pytest.mark.parametrize(
    ("name", "kind", "which", "whole"),
    [
        ("notes", "leaf", slice(1, 2), True),
        ("notes", "leaf", slice(2, 5), True),
        ("notes", "internal", slice(0, 1), True),
        ("sqlite_autoindex_notes_1", "leaf", slice(0, 1), True),
        ("jobs", "leaf", slice(0, 99), True),
        ("outbox_operations", "leaf", slice(1, 3), True),
        ("outbox_operations", "internal", slice(0, 1), True),
        ("_bmad_meta", "leaf", slice(0, 1), True),
        ("sqlite_schema", "internal", slice(0, 1), False),
    ],
)
def test_what_can_be_read_is_kept_and_sent(world: World, name: str, kind: str, which: slice, whole: bool) -> None:
    """Where a row or its entry can be read, nothing is lost; without the schema only the server's rows come back."""
    here, there = filled(world)
    hit = pages(here.path, name, kind)[which]
    assert hit
    damage(here.path, hit)
    damaged = here.path.read_bytes()
    found = salvage(here.path, catalog=CATALOG, user=USER)
    assert found.aside.read_bytes() == damaged
    assert name.startswith("sqlite_autoindex") or found.unread
    begin_anew(here)
    world.settle(here, there)
    world.assert_equal(here, there)
    titles = {note.title for note in there.store.query(Note).all()}
    expected = {f"sent {number}" for number in range(SENT) if number != 1} | {"theirs"}
    unsent = {f"unsent {number}" for number in range(UNSENT)}
    assert titles == expected | (unsent if whole else set())
    if whole:
        assert {job.title for job in there.store.query(Job).all()} == {f"job {n}" for n in range(UNSENT)}


def test_a_sound_file_comes_through_whole(world: World) -> None:
    here, there = filled(world)
    found = salvage(here.path, catalog=CATALOG, user=USER)
    assert (found.unread, found.entries) == ((), UNSENT)
    begin_anew(here)
    assert here.outbox.counts().queued == UNSENT
    world.settle(here, there)
    world.assert_equal(here, there)


def test_a_second_damage_is_set_aside_beside_the_first(tmp_path: Path) -> None:
    path = tmp_path / "device.db"
    for number in (1, 2):
        path.write_bytes(b"SQLite format 3\0" + b"Dear diary, " * 500)
        found = salvage(path, catalog=CATALOG, user=USER)
        assert found.aside == tmp_path / f"device.db.damaged-{number}"
        assert found.rows == 0
    with pytest.raises(e.StoreError, match="there is no file"):
        salvage(tmp_path / "missing.db", catalog=CATALOG)
