"""A stream of pages as it arrives: JSON texts, each between a record separator and a line feed (RFC 7464)."""

from __future__ import annotations

from typing import Final

from bmaddb import errors as e

SEPARATOR: Final = b"\x1e"
END: Final = b"\n"


class FrameReader:
    """Pieces of any size in, whole frames out; what is not whole yet is kept, up to `bytes_max`."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """The frames this piece completes; RemoteProtocolError for what is no such stream."""
        frames: list[bytes] = []
        texts = piece.split(SEPARATOR)
        self._keep(texts[0])
        for text in texts[1:]:
            frames += self._whole()
            self._parts.append(SEPARATOR)
            self._keep(text)
        if piece.endswith(END):
            frames += self._whole()
        return frames

    def end(self) -> None:
        """The stream is over; RemoteProtocolError in the middle of a frame."""
        if self._parts:
            raise e.RemoteProtocolError("the stream ends in the middle of a page")

    def _keep(self, text: bytes) -> None:
        self._size += len(text)
        if self._size > self._bytes_max:
            raise e.RemoteProtocolError(f"a page of the stream is larger than {self._bytes_max} bytes")
        if text:
            self._parts.append(text)

    def _whole(self) -> list[bytes]:
        if not self._parts:
            return []
        frame = b"".join(self._parts)
        self._parts, self._size = [], 0
        if not frame.startswith(SEPARATOR) or not frame.endswith(END):
            raise e.RemoteProtocolError("the answer is no stream of pages")
        return [frame[1:-1]]
