"""A parked entry with its cone among thousands: all else arrives; a person mends it, and the cone follows (B7)."""

from __future__ import annotations

import pytest

from bmaddb.cli.main import main
from bmaddb.modules.registry import catalog_with
from bmaddb.protocol.steps import Result
from tests.protocol.things import MODULE, Job, Note
from tests.sync.devices import Device, World

THINGS = catalog_with(MODULE, include_defaults=False)
OTHERS = 9_949
DEPENDENTS = 50


def write_all(device: Device) -> str:
    """A job the server refuses, fifty entries behind it, and all the others around them; the bad job's id."""
    with device.store.write() as tx:
        first = tx.insert(Note, title="first")
    with device.store.write() as tx:
        bad = tx.insert(Job, title="bad", note_id=first.id)
        tx.execute("update jobs set title = 'a' || char(0) where id = ?", (bad.id,))
    step = OTHERS // DEPENDENTS
    for number in range(OTHERS - 1):
        with device.store.write() as tx:
            tx.insert(Note, title=f"n{number}")
        if number % step == 0 and number // step < DEPENDENTS:
            with device.store.write() as tx:
                tx.execute("update jobs set state = ? where id = ?", (("doing", "todo")[number // step % 2], bad.id))
    return bad.id


def test_the_cone_waits_the_rest_arrives_and_an_edit_frees_it(
    things: World, capsys: pytest.CaptureFixture[str]
) -> None:
    here = things.device()
    job_id = write_all(here)
    assert here.outbox.counts().queued == OTHERS + DEPENDENTS + 1
    report = here.sync()
    assert report.result is Result.PARTIAL
    assert (report.pushed_entries, report.parked) == (OTHERS, DEPENDENTS + 1)
    assert len(things.server_rows()["notes"]) == OTHERS

    here.close()
    file = [str(here.path), "--catalog", "tests.sync.test_cone:THINGS"]
    assert main(["outbox", *file]) == 0
    told = capsys.readouterr().out
    assert "0 queued, 0 on their way, 51 parked" in told
    assert "50 entries wait behind it" in told
    assert "jobs.title holds U+0000, which Postgres cannot store" in told
    assert "what to do: change the value (`edit`)" in told
    entry_id = told.splitlines()[2].split()[0]

    assert main(["outbox", file[0], "edit", entry_id, "--set", f'jobs.{job_id}.title="good"', *file[1:]]) == 0
    here.reopen()
    report = here.sync()
    assert report.ok
    things.assert_equal(here)
    found = here.store.get(Job, job_id)
    assert found is not None
    assert (found.title, found.state) == ("good", "todo")
