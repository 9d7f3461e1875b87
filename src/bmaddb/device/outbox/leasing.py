"""Which entries leave next, and as what: obstacles parked, neighbours squashed, bytes made."""

from __future__ import annotations

import apsw
from msgspec.structs import replace

from bmaddb.device.outbox import reasons
from bmaddb.device.outbox.capture import Capture
from bmaddb.device.outbox.entries import Entry, EntryStatus, ParkReason
from bmaddb.device.outbox.made_again import mend_made_again
from bmaddb.device.outbox.parking import Parking
from bmaddb.device.outbox.sending import encode_unit, row_versions
from bmaddb.device.outbox.squash import Unit, unit_of
from bmaddb.device.outbox.waiting import Waiting
from bmaddb.protocol.changes import concerns_server, entry_fault
from bmaddb.schema.catalog import Catalog

ENTRIES_READ_MAX = 5_000
"""By one lease, so that a long run of small edits does not fill the memory."""


class Leasing:
    """One lease: made inside an edit and thrown away."""

    def __init__(self, catalog: Catalog, connection: apsw.Connection, waiting: Waiting, parking: Parking) -> None:
        self._catalog = catalog
        self._connection = connection
        self._waiting = waiting
        self._parking = parking

    def lease(self, capture: Capture, last_number: int, limit_units: int, limit_bytes: int) -> dict[int, bytes]:
        """Number -> bytes of the next units, in the file under their numbers; the first goes however large."""
        units = self._choose(limit_units)
        base = row_versions(self._connection, self._catalog, self._waiting, units)
        encoded: dict[int, bytes] = {}
        size = 0
        for number, unit in enumerate(units, start=last_number + 1):
            stamp = capture.believable(unit.last.hlc)
            body = encode_unit(self._catalog, unit, base[unit.last.position], number, stamp)
            size += len(body)
            if encoded and size > limit_bytes:
                break
            encoded[number] = body
            for entry in unit.entries:
                hlc = stamp if entry is unit.last else entry.hlc
                self._waiting.restate(
                    replace(entry, status=EntryStatus.LEASED, number=number, hlc=hlc, attempts=entry.attempts + 1)
                )
        return encoded

    def _choose(self, limit: int) -> list[Unit]:
        """The next units free to leave, oldest first."""
        units: list[Unit] = []
        for read, entry in enumerate(self._waiting.of_status(EntryStatus.QUEUED)):
            mend_made_again(self._connection, self._catalog, self._waiting, entry)
            reason = self._obstacle(entry)
            if reason is not None:
                self._parking.park(self._waiting, entry, reason)
            elif not concerns_server(self._catalog, entry.changes.values()):
                self._waiting.remove(entry.position)
            elif units and units[-1].takes(self._catalog, entry):
                units[-1].add(entry)
            else:
                self._drop_if_nothing(units)
                if len(units) == limit or read > ENTRIES_READ_MAX:
                    break
                units.append(unit_of([entry]))
        self._drop_if_nothing(units)
        return units

    def _drop_if_nothing(self, units: list[Unit]) -> None:
        """What was made and undone here never concerned the server."""
        if units and not units[-1].changes:
            for entry in units.pop().entries:
                self._waiting.remove(entry.position)

    def _obstacle(self, entry: Entry) -> ParkReason | None:
        holder = self._waiting.cone().holder(entry)
        if holder is not None:
            return reasons.depends_on(holder)
        fault = entry.broken or entry_fault(self._catalog, entry.changes.values())
        return None if fault is None else reasons.unsendable(fault)


def encode_leased(connection: apsw.Connection, catalog: Catalog, waiting: Waiting) -> dict[int, bytes]:
    """The units that are leased, as they left: the same bytes each time, until they are answered."""
    units = leased_units(waiting)
    base = row_versions(connection, catalog, waiting, tuple(units.values()))
    return {
        number: encode_unit(catalog, unit, base[unit.last.position], number, unit.last.hlc)
        for number, unit in units.items()
    }


def leased_units(waiting: Waiting) -> dict[int, Unit]:
    """Number -> unit of everything that is leased."""
    groups: dict[int, list[Entry]] = {}
    for entry in waiting.leased():
        groups.setdefault(entry.number or 0, []).append(entry)
    return {number: unit_of(entries) for number, entries in groups.items()}
