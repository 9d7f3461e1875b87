"""Day One: a journal as JSON, an object with `entries`; each has its own `uuid`, which makes the id here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from bmaddb import errors as e
from bmaddb.device.transfer.files import Opener, digest
from bmaddb.device.transfer.identity import id_from
from bmaddb.device.transfer.journal_entries import TAGS_MAX, Entry, journal_id, rows_of, titled, zone
from bmaddb.device.transfer.json_array import BrokenJson, Reader
from bmaddb.device.transfer.lines import Aside, Line, Row

SOURCE: Final = "dayone"
_PLACES: Final = ("placeName", "localityName", "administrativeArea", "country")
_READ: Final = frozenset(
    ("uuid", "creationDate", "modifiedDate", "timeZone", "text", "tags", "starred", "location", "weather")
)
_MEDIA: Final = {"photos": "photos", "videos": "videos", "audios": "audios", "pdfAttachments": "PDFs"}
MEDIA_FOLDERS: Final = ("photos", "videos", "audios", "pdfs")
"""Beside the journals in a ZIP; what is in them is named by the entries that show it."""
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
                    yield Line(number, element.at, element.after, *self._read(element.value))
                    place, number = element.after, number + 1
            except BrokenJson as error:
                yield Line(number, place, self.total, problem=str(error))

    def _read(self, value: Any) -> tuple[tuple[Row, ...], str | None, tuple[Aside, ...]]:
        try:
            return rows_of(self._entry(value), self._user), None, tuple(_aside(value))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            return (), f"not an entry of Day One: {type(error).__name__} {error}", ()
        except e.BmadError as error:
            return (), error.message, ()

    def _entry(self, value: Mapping[str, Any]) -> Entry:
        if value["uuid"] in (None, ""):
            raise ValueError("its uuid is empty")
        made, tz = datetime.fromisoformat(value["creationDate"]), _zone_name(value.get("timeZone"))
        title, body = titled(str(value.get("text") or ""))
        stated = {
            "entry_date": made.astimezone(zone(tz)).date().isoformat(),
            "title": title,
            "starred": bool(value["starred"]) if "starred" in value else None,
            "location": _location(value.get("location")),
            "weather": _weather(value.get("weather")),
        }
        return Entry(
            id=id_from(SOURCE, str(value["uuid"])),
            journal_id=journal_id(SOURCE, self.name),
            journal=self.name,
            text=body,
            occurred_at=made,
            updated_at=datetime.fromisoformat(value.get("modifiedDate") or value["creationDate"]),
            tz=tz,
            tags=[str(tag) for tag in value["tags"]] if value.get("tags") else None,
            stated={name: said for name, said in stated.items() if said is not None},
        )


def _aside(value: Mapping[str, Any]) -> Iterator[Aside]:
    """Photos and what else an entry holds for which there is no place here."""
    for name, held in value.items():
        if name in _MEDIA and isinstance(held, list):
            yield from (Aside(_MEDIA[name], _file_name(medium)) for medium in held)
        elif name not in _READ and held not in (None, False, "", [], {}):
            yield Aside("fields", name)
    yield from (Aside("tags", str(tag)) for tag in (value.get("tags") or ())[TAGS_MAX:])


def _file_name(medium: Any) -> str:
    """As it is called in the export: by the MD5 of its bytes."""
    if not isinstance(medium, dict):
        return str(medium)
    name = str(medium.get("md5") or medium.get("identifier") or "")
    return f"{name}.{medium['type']}" if medium.get("type") and medium.get("md5") else name


def _zone_name(given: Any) -> str:
    return str(given or "UTC").replace("\\/", "/")


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
