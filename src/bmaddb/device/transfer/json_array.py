"""The elements of an array in a JSON file of any size, one at a time, each with its place."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import IO, Any, Final, NamedTuple

from bmaddb.device.transfer.lines import LINE_BYTES_MAX

_BLOCK_BYTES: Final = 1 << 16
_SPACE: Final = " \t\r\n"
_AFTER: Final = frozenset(" \t\r\n,:]}")
"""A value is whole when one of these follows: `12` may be the beginning of `12.5`."""
_decoder: Final = json.JSONDecoder()


class Element(NamedTuple):
    """An element, where it begins and where it ends, in bytes."""

    at: int
    after: int
    value: Any


class BrokenJson(ValueError):
    """The file is not JSON from here on."""


class Reader:
    """Reads JSON values from a file, holding little more than the value it is at."""

    def __init__(self, file: IO[bytes], at: int) -> None:
        file.seek(at)
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8")("strict").decode
        self._text = ""
        self._at = at
        self._ended = False

    def elements_of(self, name: str) -> Iterator[Element]:
        """The elements of the array that the object of the file has under `name`."""
        if self._peek() == "\ufeff":
            self._drop(1)
        self._expect("{")
        while self._peek() != "}":
            key = self._value()
            self._expect(":")
            if key == name and self._peek() == "[":
                self._drop(1)
                yield from self.elements()
                return
            self._value()
            self._comma("}")
        raise BrokenJson(f"there is no '{name}' in it")

    def elements(self) -> Iterator[Element]:
        """Those of an array that has begun, from here to its end."""
        while self._peek() != "]":
            if self._peek() == ",":
                self._drop(1)
            self._peek()
            at, value = self._at, self._value()
            yield Element(at, self._at, value)

    def _value(self) -> Any:
        self._peek()
        while True:
            try:
                value, end = _decoder.raw_decode(self._text)
                if self._ended or self._text[end : end + 1] in _AFTER:
                    self._drop(end)
                    return value
            except (ValueError, RecursionError) as error:
                if self._ended:
                    raise BrokenJson(f"not JSON at byte {self._at + 1}: {error}") from None
            if len(self._text) > LINE_BYTES_MAX:
                raise BrokenJson(f"what begins at byte {self._at + 1} is longer than {LINE_BYTES_MAX} bytes")
            self._fill(len(self._text))

    def _peek(self) -> str:
        """The next letter that is no space; empty at the end."""
        while True:
            stripped = self._text.lstrip(_SPACE)
            self._drop(len(self._text) - len(stripped))
            if self._text or self._ended:
                return self._text[:1]
            self._fill(0)

    def _expect(self, letter: str) -> None:
        found = self._peek()
        if found != letter:
            raise BrokenJson(f"'{letter}' was expected at byte {self._at + 1}, not {found!r}")
        self._drop(1)

    def _comma(self, end: str) -> None:
        if self._peek() != end:
            self._expect(",")

    def _drop(self, letters: int) -> None:
        self._at += len(self._text[:letters].encode())
        self._text = self._text[letters:]

    def _fill(self, held: int) -> None:
        """Twice as much at a time, or a long value would be parsed again and again."""
        raw = self._file.read(max(_BLOCK_BYTES, held))
        self._ended = not raw
        try:
            self._text += self._decode(raw, self._ended)
        except UnicodeDecodeError as error:
            raise BrokenJson(f"not UTF-8: {error.reason}") from None
