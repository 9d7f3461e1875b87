"""Which lines refer to each other in a circle? They can only be taken together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Final, TypeAlias

Spot: TypeAlias = tuple[int, int]
"""Where a line is: (part, place)."""
NOBODY: Final[Spot] = (-1, -1)
"""Needed, and in no line."""


def circles(needs: Mapping[Spot, Collection[Spot]]) -> list[list[Spot]]:
    """The circles in `needs` (line -> the other lines it needs); circles that are tied to each other are one.

    A line that needs NOBODY, however far away, is in none; nor is one that none of them needs.
    """
    users: dict[Spot, list[Spot]] = defaultdict(list)
    for spot, needed in needs.items():
        for other in needed:
            users[other].append(spot)
    hopeless = _reached((NOBODY,), users)
    rest = {spot: needed for spot, needed in needs.items() if spot not in hopeless}
    uses = {spot: sum(user in rest for user in users[spot]) for spot in rest}
    idle = [spot for spot, count in uses.items() if not count]
    while idle:
        for other in rest.pop(idle.pop()):
            uses[other] -= 1
            if not uses[other]:
                idle.append(other)
    beside = {spot: [*needed, *(user for user in users[spot] if user in rest)] for spot, needed in rest.items()}
    found: list[list[Spot]] = []
    seen: set[Spot] = set()
    for spot in rest:
        if spot not in seen:
            found.append(sorted(_reached((spot,), beside)))
            seen.update(found[-1])
    return found


def _reached(begin: Iterable[Spot], ways: Mapping[Spot, Collection[Spot]]) -> set[Spot]:
    reached = set(begin)
    waiting = list(reached)
    while waiting:
        for other in ways.get(waiting.pop(), ()):
            if other not in reached:
                reached.add(other)
                waiting.append(other)
    return reached
