"""The body of an answer as it comes, unpacked in pieces of a bounded size: a few kilobytes may stand for gigabytes."""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator
from typing import Final

import httpx

from bmaddb import errors as e

PACKING: Final = "gzip"
"""The only one we ask for, and read."""
PIECE_BYTES_MAX: Final = 256 * 1024
_GZIP_WINDOW: Final = 31  # zlib's way to say: gzip, largest window


async def unpacked(response: httpx.Response) -> AsyncGenerator[bytes]:
    """The pieces of the body, none empty, none that was packed larger than PIECE_BYTES_MAX.

    RemoteProtocolError for a packing nobody asked for, packed twice included; TransportError for one that is cut.
    """
    if response.is_stream_consumed:  # by a transport that hands over whole answers, as those for tests do
        if response.content:
            yield response.content
        return
    packing = response.headers.get("content-encoding", "identity").strip().lower()
    if packing == "identity":
        async for piece in response.aiter_raw():
            yield piece
        return
    if packing != PACKING:
        raise e.RemoteProtocolError(f"the answer is packed as {packing[:40]!r}, and not as {PACKING}")
    unpacker = zlib.decompressobj(_GZIP_WINDOW)
    async for packed in response.aiter_raw():
        more = True
        while more:
            piece = _piece(unpacker, packed)
            packed = unpacker.unconsumed_tail
            more = bool(packed) or len(piece) == PIECE_BYTES_MAX
            if piece:
                yield piece
    if not unpacker.eof:
        raise e.TransportError("the packed answer ends in the middle")


def _piece(unpacker: zlib._Decompress, packed: bytes) -> bytes:
    try:
        return unpacker.decompress(packed, PIECE_BYTES_MAX)
    except zlib.error as error:
        raise e.TransportError(f"the packed answer is broken: {error}") from error
