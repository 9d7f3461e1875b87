"""Stamps: a hybrid logical clock, written so that the order of the text is the order of the stamps.

A stamp is `{milliseconds:012x}-{counter:04x}-{node}`, 30 characters; `node` is the last 12 hex digits of the
device's uuid, so two devices never make the same one.

Rules of this room: no clock is read here, the caller brings the time; a stamp from a clock that runs too far
ahead is never adopted, or one wrong phone would win every conflict until the others catch up.
"""

from __future__ import annotations

import re

from bmaddb import errors as e

STAMP_AHEAD_MS_MAX = 5 * 60 * 1000
STAMP_REFUSED_MS_MAX = 24 * 60 * 60 * 1000  # as bmad_sync.stamp_ahead_ms_max() on the server
NO_STAMP = ""
_COUNTER_MAX = 0xFFFF
_SHAPE = re.compile(r"[0-9a-f]{12}-[0-9a-f]{4}-[0-9a-f]{12}")


class Stamps:
    """Makes the stamps of one device."""

    def __init__(self, device_id: str) -> None:
        self.node = device_id.replace("-", "")[-12:].lower().rjust(12, "0")
        self._made = (NO_STAMP, 0, 0)
        """The stamp that was made last, its milliseconds and its counter."""

    def next(self, now_ms: int, last: str) -> str:
        """A stamp after `last` (the newest this device made or observed) and not before `now_ms`.

        A `last` that the server would refuse is not followed: the clock was wrong then, and is set now.
        """
        made, last_ms, counter = self._made
        if last != made:
            last_ms, counter = _read(last)
        if now_ms > last_ms or last_ms > now_ms + STAMP_REFUSED_MS_MAX:
            return self._write(now_ms, 0)
        if counter == _COUNTER_MAX:
            return self._write(last_ms + 1, 0)
        return self._write(last_ms, counter + 1)

    def following(self, now_ms: int, last: str) -> str:
        """A stamp after `last`, however far ahead that is: for what only this device ever stamps."""
        made = self._write(now_ms, 0)
        if made > last or not is_stamp(last):
            return made
        last_ms, counter = _read(last)
        return self._write(last_ms, counter + 1) if counter < _COUNTER_MAX else self._write(last_ms + 1, 0)

    def observe(self, now_ms: int, last: str, remote: str) -> str:
        """The newest known stamp after seeing `remote`; one too far ahead changes nothing."""
        if not is_stamp(remote) or ahead(remote, now_ms):
            return last
        return max(last, remote)

    def at(self, milliseconds: int) -> str:
        """A stamp of this device for something that was done at that time."""
        return self._write(milliseconds, 0)

    def _write(self, milliseconds: int, counter: int) -> str:
        stamp = f"{milliseconds:012x}-{counter:04x}-{self.node}"
        self._made = (stamp, milliseconds, counter)
        return stamp


def is_stamp(text: str) -> bool:
    """Is `text` written as a stamp?"""
    return _SHAPE.fullmatch(text) is not None


def milliseconds(stamp: str) -> int:
    """The wall time a stamp carries; 0 for no stamp."""
    return _read(stamp)[0]


def ahead(stamp: str, now_ms: int) -> bool:
    """Does the stamp come from a clock more than STAMP_AHEAD_MS_MAX before ours?"""
    return milliseconds(stamp) > now_ms + STAMP_AHEAD_MS_MAX


def refusable(stamp: str, now_ms: int) -> bool:
    """Would a server whose clock is ours refuse the stamp?"""
    return milliseconds(stamp) > now_ms + STAMP_REFUSED_MS_MAX


def trusted(stamp: str, now_ms: int) -> str:
    """The stamp to compare with: one from too far ahead counts as made now, so it cannot win for ever."""
    if not is_stamp(stamp):
        return NO_STAMP
    return f"{now_ms:012x}{stamp[12:]}" if ahead(stamp, now_ms) else stamp


def comparable(mine: str, theirs: str, now_ms: int) -> tuple[str, str]:
    """Both stamps as a merge compares them: one from too far ahead counts as made now, two keep their order."""
    if ahead(mine, now_ms) and is_stamp(theirs) and ahead(theirs, now_ms):
        return mine, theirs
    return trusted(mine, now_ms), trusted(theirs, now_ms)


def _read(stamp: str) -> tuple[int, int]:
    if stamp == NO_STAMP:
        return 0, 0
    if not is_stamp(stamp):
        raise e.LocalProtocolError(f"'{stamp[:40]}' is not a stamp")
    return int(stamp[:12], 16), int(stamp[13:17], 16)
