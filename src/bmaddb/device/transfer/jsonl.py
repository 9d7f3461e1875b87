"""JSON Lines: an object a line, column -> value."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

from bmaddb import errors as e
from bmaddb.device.transfer.files import Opener, digest
from bmaddb.device.transfer.lines import LINE_BYTES_MAX, Line, Row


class JsonLines:
    """A file of JSON Lines; `row_of` makes the row of an object, or raises RecordInvalid."""

    def __init__(self, name: str, open_it: Opener, row_of: Callable[[Mapping[str, Any]], Row]) -> None:
        self.name = name
        self._open = open_it
        self._row_of = row_of

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
            file.seek(at)
            while raw := file.readline(LINE_BYTES_MAX + 1):
                rows: tuple[Row, ...] = ()
                after, problem = at + len(raw), None
                if len(raw) > LINE_BYTES_MAX:
                    while not raw.endswith(b"\n") and (raw := file.readline(LINE_BYTES_MAX)):
                        after += len(raw)
                    problem = f"longer than {LINE_BYTES_MAX} bytes"
                elif raw.strip():
                    rows, problem = self._read(raw)
                yield Line(number, at, after, rows, problem)
                at, number = after, number + 1

    def _read(self, raw: bytes) -> tuple[tuple[Row, ...], str | None]:
        try:
            values = json.loads(raw.decode("utf-8-sig"))
            if not isinstance(values, dict):
                return (), "not a JSON object"
            return (self._row_of(values),), None
        except UnicodeDecodeError as error:
            return (), f"not UTF-8: {error.reason} at byte {error.start + 1}"
        except (ValueError, RecursionError) as error:
            return (), f"not JSON: {error}"
        except e.BmadError as error:
            return (), error.message
