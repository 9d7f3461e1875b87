"""A file whose outbox still has its own index for ids, positions and states is brought up with all that waits."""

from __future__ import annotations

import apsw
import pytest

from bmaddb import errors as e
from bmaddb.device.outbox import EntryStatus, ParkReason
from bmaddb.device.store import meta
from bmaddb.protocol.steps import Settlement
from tests.outbox.conftest import Bench
from tests.protocol.things import Note

BEFORE = """
alter table outbox_operations rename to now;
drop index ix__bmad_outbox__set_aside;
create table outbox_operations (
  id text not null primary key, position integer not null, changeset blob, changes text,
  schema_version integer not null, layout text, hlc text not null, priority integer not null default 5,
  depends_on text not null default '[]', status text not null default 'queued', number integer,
  attempts integer not null default 0, next_attempt_at integer, reason text,
  byte_size integer not null default 0, created_at integer not null
) strict;
create unique index ix_outbox_operations__position on outbox_operations (position);
create index ix__bmad_outbox__status on outbox_operations (status, position);
insert into outbox_operations
  select id, position, changeset, changes, schema_version, layout, hlc, priority, depends_on, status, number,
    attempts, next_attempt_at, reason, byte_size, created_at from now;
drop table now;
"""
INDEXES = "select name from sqlite_schema where type = 'index' and tbl_name = 'outbox_operations' order by 1"


def filled(bench: Bench) -> list[str]:
    """A parked entry, one in flight and one that is queued, and one before all of them; their ids in order."""
    for title in ("parked", "leased"):
        with bench.store.write() as tx:
            tx.insert(Note, title=title)
    with bench.outbox.edit() as (connection, waiting):
        bench.outbox.park(connection, waiting, next(iter(waiting)), ParkReason(code="x", message="no"))
        given = bench.outbox.entries()[1].changes.values()
        bench.outbox.give_back(connection, waiting, [(bench.outbox.capture.last_stamp, tuple(given))])
    assert bench.outbox.lease(1, 1) == (1,)
    with bench.store.write() as tx:
        tx.insert(Note, title="queued")
    return [entry.id for entry in bench.outbox.entries()]


def made_old(bench: Bench, before: str = BEFORE) -> None:
    bench.close()
    connection = apsw.Connection(str(bench.path))
    connection.execute("begin")
    connection.execute(before)
    meta.put(connection, meta.SCHEMA_DIGEST, "of before")
    connection.execute("commit")
    connection.close()


def test_what_waits_in_a_file_of_before_goes_on(bench: Bench) -> None:
    ids = filled(bench)
    told = bench.outbox.entries()
    made_old(bench)
    bench.open()
    assert bench.outbox.entries() == told
    assert bench.store.sql(INDEXES) == [("ix__bmad_outbox__set_aside",)]
    assert bench.outbox.in_flight() == (1,)
    with bench.outbox.edit() as (connection, waiting):
        bench.outbox.settle(connection, waiting, [Settlement(number=1, version=7)])
        bench.outbox.know_number(connection, 1)
    [parked] = bench.outbox.parked()
    bench.outbox.retry(parked.id)
    with bench.store.write() as tx:
        tx.insert(Note, title="new")
    left = [entry.id for entry in bench.outbox.entries()]
    assert left[:-1] == ids[1:]
    assert {entry.status for entry in bench.outbox.entries()} == {EntryStatus.QUEUED}
    assert len(bench.outbox.lease(10, 1_000_000)) == 4


def test_a_file_of_before_that_cannot_be_brought_up_stays_as_it_is(bench: Bench) -> None:
    filled(bench)
    made_old(bench, BEFORE.replace("hlc text not null", "hlc text"))
    connection = apsw.Connection(str(bench.path))
    connection.execute("update outbox_operations set hlc = null")
    connection.close()
    before = bench.path.read_bytes()
    with pytest.raises(e.MigrationError, match="could not be brought up"):
        bench.open()
    assert bench.path.read_bytes() == before
