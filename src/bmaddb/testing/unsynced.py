"""What a file may hold after a power cut: what was synced, and of the rest any part, in any order.

Rules of this room: bytes in, bytes out, no I/O; chance comes from the caller, so an outcome can be repeated.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, TypeVar

from bmaddb.entropy import Entropy

T = TypeVar("T")
BLOCK_BYTES: Final = 4096
"""In such pieces the synced content is set aside before it is written over."""
_GARBAGE_SHARE: Final = 0.25
_TORN_SHARE: Final = 0.1


class Fate(enum.Enum):
    """What a power cut does with unsynced writes; chosen anew for each file and cut."""

    DROPPED = "none of them arrived"
    KEPT = "all of them arrived"
    IN_ORDER = "they arrived up to some point"
    SCATTERED = "each sector arrived up to some write, torn perhaps, later ones before earlier ones"


class Write(NamedTuple):
    """One operation on a file since its last sync; `data` None cuts the file off (or lengthens it) at `at`."""

    at: int
    data: bytes | None


class Unsynced:
    """The operations on one file since it was last synced, and what they wrote over."""

    __slots__ = ("images", "log", "size", "synced_size")

    def __init__(self, size: int) -> None:
        self.size = self.synced_size = size
        self.log: list[Write] = []
        self.images: dict[int, bytes] = {}

    def write(self, at: int, data: bytes, read: Callable[[int, int], bytes]) -> None:
        """Note a write that comes now; `read(count, offset)` reads what stands there still."""
        end = at + len(data)
        if at < self.synced_size:
            self._set_aside(at, min(end, self.synced_size), read)
        self.log.append(Write(at, data))
        self.size = max(self.size, end)

    def truncate(self, size: int, read: Callable[[int, int], bytes]) -> None:
        """Note that the file gets `size` bytes now."""
        if size < self.synced_size:
            self._set_aside(size, self.synced_size, read)
        self.log.append(Write(size, None))
        self.size = size

    def synced(self) -> None:
        """Everything noted so far is durable."""
        self.log.clear()
        self.images.clear()
        self.synced_size = self.size

    def durable(self, now: bytes) -> bytearray:
        """The file as it was last synced; `now` is what can be read at this moment."""
        content = bytearray(now[: self.synced_size].ljust(self.synced_size, b"\0"))
        for block, image in self.images.items():
            content[block * BLOCK_BYTES : block * BLOCK_BYTES + len(image)] = image
        return content

    def outcome(self, now: bytes, entropy: Entropy, sector_bytes: int) -> bytes:
        """One of the states the file may be found in after a power cut."""
        fate = _one_of(tuple(Fate), entropy)
        if fate is Fate.KEPT or not self.log:
            return bytes(now)
        if fate is Fate.DROPPED:
            return bytes(self.durable(now))
        if fate is Fate.IN_ORDER:
            log = self.log[: int(entropy.fraction() * (len(self.log) + 1))]
            return bytes(_played(self.durable(now), log))
        return self._scattered(self.durable(now), entropy, sector_bytes)

    def _scattered(self, durable: bytearray, entropy: Entropy, sector_bytes: int) -> bytes:
        """Each sector has taken some of its writes; the file has one of the sizes it had."""
        sizes = list(_sizes(self.synced_size, self.log))
        largest = max(*sizes, self.synced_size)
        content = durable.ljust(largest, b"\0")
        if entropy.fraction() < _GARBAGE_SHARE:  # space that was added, and never written
            content[self.synced_size :] = entropy.random_bytes(largest - self.synced_size)
        sectors: dict[int, list[tuple[int, bytes]]] = {}
        for operation in self.log:
            for at, data in _pieces(operation, largest, sector_bytes):
                sectors.setdefault(at // sector_bytes, []).append((at, data))
        for pieces in sectors.values():
            arrived = int(entropy.fraction() * (len(pieces) + 1))
            for at, data in pieces[:arrived]:
                content[at : at + len(data)] = data
            if arrived < len(pieces) and entropy.fraction() < _TORN_SHARE:
                at, data = pieces[arrived]
                torn = data[: int(entropy.fraction() * len(data))]
                content[at : at + len(torn)] = torn
        return bytes(content[: _one_of([self.synced_size, *sizes], entropy)])

    def _set_aside(self, start: int, end: int, read: Callable[[int, int], bytes]) -> None:
        for block in range(start // BLOCK_BYTES, (end - 1) // BLOCK_BYTES + 1):
            if block not in self.images:
                at = block * BLOCK_BYTES
                count = min(BLOCK_BYTES, self.synced_size - at)
                self.images[block] = read(count, at).ljust(count, b"\0")


def _played(content: bytearray, log: list[Write]) -> bytearray:
    for at, data in log:
        if data is None:
            content = content[:at].ljust(at, b"\0")
        else:
            content = content.ljust(at + len(data), b"\0")
            content[at : at + len(data)] = data
    return content


def _sizes(size: int, log: list[Write]) -> Iterator[int]:
    for at, data in log:
        size = at if data is None else max(size, at + len(data))
        yield size


def _pieces(operation: Write, largest: int, sector_bytes: int) -> Iterator[tuple[int, bytes]]:
    """The operation, sector by sector; what is cut off reads as zeros."""
    at, data = operation
    content = bytes(largest - at) if data is None else data
    done = 0
    while done < len(content):
        count = min(sector_bytes - (at + done) % sector_bytes, len(content) - done)
        yield at + done, content[done : done + count]
        done += count


def _one_of(choices: Sequence[T], entropy: Entropy) -> T:
    return choices[int(entropy.fraction() * len(choices))]
