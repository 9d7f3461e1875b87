"""Lines cut into transactions: so many, and so large, for a transaction must fit into one push."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from bmaddb.device.transfer.lines import LINE_BYTES_MAX, Line

CHUNK_BYTES: Final = 1024 * 1024
_NUMBER_BYTES: Final = 20
_ESCAPE_BYTES: Final = 6
"""What a letter may take in JSON; only a line that could be too long so is written to see."""


def chunks(lines: Iterable[Line], lines_max: int) -> Iterator[list[Line]]:
    """At most `lines_max` lines and CHUNK_BYTES each; a longer line goes alone, one no push can carry is a problem."""
    chunk: list[Line] = []
    size = 0
    for line in lines:
        line, more = weighed(line)
        if chunk and size + more > CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(line)
        size += more
        if len(chunk) >= lines_max:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def weighed(line: Line) -> tuple[Line, int]:
    """The line, and about how many bytes its values have; one that is too long for a push says so instead of rows.

    A whole row is as long in its line as it is sent: who read it looked at that.
    """
    size = sum(_bytes(value) for row in line.rows for value in row.values.values())
    if size * _ESCAPE_BYTES > LINE_BYTES_MAX and not any(row.whole for row in line.rows):
        texts = (json.dumps(dict(row.values), ensure_ascii=False, default=_named) for row in line.rows)
        size = sum(len(text.encode("utf-8", "replace")) for text in texts)
        if size > LINE_BYTES_MAX:
            return replace(line, rows=(), problem=f"longer than {LINE_BYTES_MAX} bytes as it would be sent"), 0
    return line, size


def _bytes(value: Any) -> int:
    """Of every value in it, however deep: a JSON column may hold most of a row."""
    size, waiting = 0, [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            size += len(one) if one.isascii() else len(one.encode("utf-8", "replace"))
        elif isinstance(one, bytes):
            size += len(one) * 4 // 3
        elif isinstance(one, dict):
            waiting += (*one, *one.values())
        elif isinstance(one, list):
            waiting += one
        else:
            size += _NUMBER_BYTES
    return size


def _named(value: Any) -> str:
    """Bytes go out as base64, moments as numbers."""
    return "x" * (len(value) * 4 // 3) if isinstance(value, bytes) else str(value)
