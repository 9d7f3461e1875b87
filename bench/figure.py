"""One comparison of a benchmark run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Microseconds an operation (or a row), ours and the peer's, their ratio, and the ratio promised."""

    name: str
    peer: str
    ours_us: float
    peer_us: float
    ratio: float
    limit: float | None

    @property
    def met(self) -> bool:
        return self.limit is None or self.ratio <= self.limit
