"""Day One: a journal as JSON, an object with `entries`; each has its own `uuid`, which makes the id here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from bmaddb import errors as e
from bmaddb.device.transfer.files import Opener, digest
from bmaddb.device.transfer.identity import id_from
from bmaddb.device.transfer.journal_entries import Entry, journal_id, rows_of
from bmaddb.device.transfer.json_array import BrokenJson, Reader
from bmaddb.device.transfer.lines import Line, Row

SOURCE: Final = "dayone"
_PLACES: Final = ("placeName", "localityName", "administrativeArea", "country")
_DECIMALS: Final = 2
"""About a kilometre: what the journal keeps of a place."""


class DayOne:
    """One journal of an export; `name` is the journal's."""

    def __init__(self, name: str, open_it: Opener, user: str | None) -> None:
        self.name = name
        self._open = open_it
        self._user = user

    @cached_property
    def _digest(self) -> tuple[str, int]:
        return digest(self._open)

    @property
    def identity(self) -> str:
        return self._digest[0]

    @property
    def total(self) -> int:
        return self._digest[1]

    def lines(self, at: int, number: int) -> Iterator[Line]:
        with self._open() as file:
            reader = Reader(file, at)
            place = at
            try:
                for element in reader.elements() if at else reader.elements_of("entries"):
                    rows, problem = self._read(element.value)
                    yield Line(number, element.at, element.after, rows, problem)
                    place, number = element.after, number + 1
            except BrokenJson as error:
                yield Line(number, place, self.total, problem=str(error))

    def _read(self, value: Any) -> tuple[tuple[Row, ...], str | None]:
        try:
            return rows_of(self._entry(value), self._user), None
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            return (), f"not an entry of Day One: {type(error).__name__} {error}"
        except e.BmadError as error:
            return (), error.message

    def _entry(self, value: Mapping[str, Any]) -> Entry:
        made = datetime.fromisoformat(value["creationDate"])
        return Entry(
            id=id_from(SOURCE, str(value["uuid"])),
            journal_id=journal_id(SOURCE, self.name),
            journal=self.name,
            text=str(value.get("text") or ""),
            occurred_at=made,
            updated_at=datetime.fromisoformat(value.get("modifiedDate") or value["creationDate"]),
            tz=str(value.get("timeZone") or "UTC").replace("\\/", "/"),
            tags=[str(tag) for tag in value.get("tags") or ()],
            starred=bool(value.get("starred")),
            location=_location(value.get("location")),
            weather=_weather(value.get("weather")),
        )


def _location(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not given:
        return None
    place = {name: str(given[name]) for name in _PLACES if given.get(name)}
    numbers = {name: round(float(given[name]), _DECIMALS) for name in ("latitude", "longitude") if name in given}
    return {**place, **numbers} or None


def _weather(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not given:
        return None
    known = {"conditions": given.get("conditionsDescription"), "celsius": given.get("temperatureCelsius")}
    return {name: value for name, value in known.items() if value is not None} or None
