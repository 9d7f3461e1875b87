"""The moment of a row of which the newest counts, on a device whose clock may be behind that of the one before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_MILLISECOND: Final = timedelta(milliseconds=1)
_LAST: Final = datetime.max.replace(tzinfo=UTC)


def after_newest(now: datetime, newest: datetime | None) -> datetime:
    """`now`, or a millisecond after `newest`, whichever is later: what is said last counts, whatever a clock once said.

    Both aware. At the end of time there is nothing later, and the ids decide.
    """
    if newest is None:
        return now
    return max(now, newest + _MILLISECOND if newest <= _LAST - _MILLISECOND else newest)
