"""Whatever three devices do, and however they sync: in the end all hold what the server holds (S10)."""

from __future__ import annotations

import itertools
import uuid
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bmaddb.protocol.session import Limits
from bmaddb.protocol.steps import Result
from bmaddb.schema import Record
from bmaddb.testing import Fault
from tests.protocol.things import Job, Label, Note, Token
from tests.sync.devices import Device, World

USERS = (str(uuid.UUID(int=number)) for number in itertools.count(0x5EED))
KINDS: list[type[Record]] = [Note, Job, Token, Label]
WORDS = st.sampled_from(["a", "b", "c", "é\n"])
EDITS: dict[type[Record], st.SearchStrategy[dict[str, Any]]] = {
    Note: st.fixed_dictionaries(
        {},
        optional={
            "title": WORDS,
            "body": st.none() | WORDS,
            "likes": st.integers(0, 9),
            "tags": st.lists(WORDS, unique=True),
        },
    ),
    Job: st.fixed_dictionaries({}, optional={"title": WORDS, "state": st.sampled_from(["todo", "doing", "done"])}),
    Token: st.fixed_dictionaries({}, optional={"name": WORDS, "weight": st.none() | st.sampled_from([0.5, 2.0])}),
    Label: st.fixed_dictionaries({}, optional={"color": WORDS, "uses": st.integers(0, 9)}),
}
NEEDED: dict[type[Record], dict[str, Any]] = {Note: {}, Job: {"title": "job"}, Token: {"name": "token"}, Label: {}}


@st.composite
def actions(draw: st.DrawFn) -> tuple[str, int, Any]:
    """(what, which device, with what)."""
    device = draw(st.integers(0, 2))
    what = draw(
        st.sampled_from(["insert", "insert", "update", "update", "update", "delete", "sync", "lose", "restart"])
    )
    if what == "lose":
        return what, device, draw(st.integers(0, 1))
    if what in ("insert", "update", "delete"):
        kind = draw(st.sampled_from(KINDS))
        return what, device, (kind, draw(st.integers(0, 3)), draw(EDITS[kind]))
    return what, device, None


def act(device: Device, what: str, detail: Any) -> None:
    device.clock.advance(1)
    if what == "sync":
        device.sync()
    elif what == "lose":
        device.transport.plan(*[Fault.NONE] * detail, Fault.LOST_ANSWER)
        device.sync()
        device.transport.plan()
    elif what == "restart":
        device.reopen()
    else:
        write(device, what, *detail)


def write(device: Device, what: str, kind: type[Record], place: int, values: dict[str, Any]) -> None:
    rows = sorted(device.store.query(kind).all(), key=lambda row: row.id)
    with device.store.write() as tx:
        if what == "insert":
            given_values = {**NEEDED[kind], **values}
            if kind is Label:
                given_values["name"] = f"label {place}"
                if any(getattr(row, "name", None) == given_values["name"] for row in rows):
                    return
            if kind is Job:
                notes = sorted(note.id for note in device.store.query(Note).all())
                given_values["note_id"] = notes[place % len(notes)] if notes and place else None
            tx.insert(kind, **given_values)
        elif rows:
            row = rows[place % len(rows)]
            if what == "update":
                tx.update(kind, row.id, **values)
            else:
                tx.delete(kind, row.id)


def settle(devices: list[Device]) -> None:
    """Sync until nobody has news; what the server will never take (a child without parent) is given up."""
    for _ in range(6):
        quiet = True
        for device in devices:
            report = device.sync()
            assert report.result in (Result.OK, Result.PARTIAL), report
            quiet &= report.ok and not (report.pushed_entries or report.pulled_rows or report.pulled_deletes)
            while parked := device.outbox.parked():
                device.outbox.discard(parked[0].id)
        if quiet:
            return
    raise AssertionError("the devices never come to rest")


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(script=st.lists(actions(), min_size=3, max_size=30))
def test_all_devices_end_with_what_the_server_holds(things: World, script: list[tuple[str, int, Any]]) -> None:
    user = next(USERS)
    limits = Limits(attempts=1, page_rows=4, batch_entries=3)
    devices = [things.device(user, limits=limits) for _ in range(3)]
    try:
        for what, number, detail in script:
            act(devices[number], what, detail)
        settle(devices)
        things.assert_equal(*devices)
    finally:
        for device in devices:
            device.close()
            things.devices.remove(device)
