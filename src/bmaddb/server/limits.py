"""How much one request, one client and all of them together may take; every number has a name and a unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bmaddb.schema import json_text

BODY_BYTES_MAX = 16 * 1024 * 1024
# A value may be as deep as a device lets it be, and a push wraps it: body, entries, changes, rows.
ENVELOPE_DEPTH_MAX: Final = 16
JSON_DEPTH_MAX = json_text.JSON_DEPTH_MAX + ENVELOPE_DEPTH_MAX
HEADER_BYTES_MAX = 16 * 1024
QUERY_ARGUMENTS_MAX = 100
REQUESTS_MAX = 256
POOL_CONNECTIONS_MIN = 1
POOL_CONNECTIONS_MAX = 16
POOL_WAIT_MS_MAX = 10_000
STATEMENT_MS_MAX = 15_000
REQUEST_MS_MAX = 60_000
SHUTDOWN_MS_MAX = 10_000
READY_MS_MAX = 2_000
SEND_STALL_MS_MAX = 60_000
DRAIN_BYTES_MAX = 4 * BODY_BYTES_MAX
GZIP_BYTES_MIN = 1_024
STREAMS_MAX = 4
HANDLERS_MAX = 8
STREAM_MS_MAX = 600_000
STREAM_STALL_MS_MAX = 60_000

_TO_SQUARE = bytes.maketrans(b"{}", b"[]")
_NOT_STRUCTURE = bytes(byte for byte in range(256) if byte not in b'[]{}"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits one server keeps; bytes of a body are counted before and after it is inflated."""

    body_bytes_max: int = BODY_BYTES_MAX
    json_depth_max: int = JSON_DEPTH_MAX
    header_bytes_max: int = HEADER_BYTES_MAX
    query_arguments_max: int = QUERY_ARGUMENTS_MAX
    requests_max: int = REQUESTS_MAX
    pool_connections_min: int = POOL_CONNECTIONS_MIN
    pool_connections_max: int = POOL_CONNECTIONS_MAX
    pool_wait_ms_max: int = POOL_WAIT_MS_MAX
    statement_ms_max: int = STATEMENT_MS_MAX
    request_ms_max: int = REQUEST_MS_MAX
    shutdown_ms_max: int = SHUTDOWN_MS_MAX
    ready_ms_max: int = READY_MS_MAX
    """How long `/ready` waits for Postgres."""
    streams_max: int = STREAMS_MAX
    """First syncs at once; each holds a connection and a snapshot. The next one is told to take pages."""
    handlers_max: int = HANDLERS_MAX
    """Python handlers of requests at once; each holds a connection, and may last as long as a request."""
    stream_ms_max: int = STREAM_MS_MAX
    """How long one may last; the device asks again from where it is."""
    stream_stall_ms_max: int = STREAM_STALL_MS_MAX
    """How long a device may take over one frame."""


def deeper_than(body: bytes, depth_max: int) -> bool:
    """Whether brackets of JSON text nest deeper than `depth_max`; no recursion, 3-10 ms a MiB.

    Text that is not JSON gets some answer; the parser refuses it anyway.
    """
    if body.count(b"[") + body.count(b"{") <= depth_max:
        return False
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _NOT_STRUCTURE)
    plain = plain.replace(b'""', b"")  # two quotes in a row: what follows is as much inside a string as before
    rest = b"".join(plain.split(b'"')[::2]).translate(_TO_SQUARE)
    for _ in range(depth_max):
        if not rest:
            return False
        rest = rest.replace(b"[]", b"")  # takes away the innermost level
    return bool(rest)
