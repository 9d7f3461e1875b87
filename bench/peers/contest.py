"""Rounds: every peer in turn, each work, the order rotating; after each round all must hold the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import TypeVar

from bench.peers.rows import write_pages
from bench.peers.work import IN_PARTS, ON_FILLED, PARTS, WRITES, Amounts, Given, Level, Peer, Pulled, Work

ROUNDS = 4
ROUNDS_OF_PULLS = 2
WARMING = Amounts(many=2_000, singly=100, reads=100, updates=100, observed=40, pulled=10_000)
Line = tuple[Work, Level]
LINES: tuple[Line, ...] = (
    (Work.INSERT_MANY, "FULL"),
    (Work.INSERT_MANY, "NORMAL"),
    (Work.INSERT_SINGLY, "FULL"),
    (Work.INSERT_SINGLY, "NORMAL"),
    (Work.READ, "NORMAL"),
    (Work.LISTING, "NORMAL"),
    (Work.UPDATE, "FULL"),
    (Work.UPDATE, "NORMAL"),
    (Work.OBSERVE, "NORMAL"),
    (Work.PULL, "NORMAL"),
)
T = TypeVar("T")


class Unequal(Exception):
    """Peers that were given the same work hold different rows: none of the figures would mean anything."""


class Results:
    """Microseconds an operation of each line and peer, a figure for each of its turns."""

    def __init__(self) -> None:
        self._us: dict[tuple[Line, str], list[float]] = defaultdict(list)

    def note(self, line: Line, peer: str, us: float) -> None:
        self._us[line, peer].append(us)

    def us(self, line: Line, peer: str) -> float | None:
        """The median of its turns; None for what was not measured."""
        figures = self._us.get((line, peer))
        return median(figures) if figures else None

    def times(self, line: Line, peer: str, ours: str) -> float | None:
        """How many times as long as ours: the median of the turns' ratios."""
        theirs, mine = self._us.get((line, peer)), self._us.get((line, ours))
        if not theirs or not mine:
            return None
        return median(a / b for a, b in zip(theirs, mine, strict=True))


def contest(
    peers: Sequence[Peer], amounts: Amounts, folder: Path, rounds: int = ROUNDS, warming: Amounts = WARMING
) -> Results:
    """One round that does not count, then those that do."""
    _round(peers, warming, write_pages(warming, folder), folder / "warming", 0, Results())
    results, pages = Results(), write_pages(amounts, folder)
    for turn in range(rounds):
        print(f"round {turn + 1} of {rounds}", flush=True)
        with_pull = pages if turn < ROUNDS_OF_PULLS else None
        _round(peers, amounts, with_pull, folder / str(turn), turn, results)
    return results


def _round(
    peers: Sequence[Peer], amounts: Amounts, pages: Pulled | None, folder: Path, turn: int, results: Results
) -> None:
    folder.mkdir()
    _filled(peers, amounts, "FULL", WRITES, folder, turn, results)
    _filled(peers, amounts, "NORMAL", ON_FILLED, folder, turn, results)
    if pages is not None:
        _pulled(peers, amounts, pages, folder, turn, results)
    for path in folder.iterdir():
        path.unlink()


def _filled(
    peers: Sequence[Peer],
    amounts: Amounts,
    level: Level,
    works: Sequence[Work],
    folder: Path,
    turn: int,
    results: Results,
) -> None:
    """All peers at once have a database, and do one work after the other."""
    entrants = [peer for peer in peers if peer.about.in_file or level == "NORMAL"]
    for number, peer in enumerate(entrants):
        peer.open(folder / f"{level}-{number}.db", level)
    for place, work in enumerate(works):
        if work is Work.READ:
            for peer in entrants:
                peer.reopen()
        for part in range(PARTS if work in IN_PARTS else 1):
            given = amounts.given(work, None, part)
            for peer in _rotated(entrants, turn + place + part):
                _measure(peer, work, level, given, results)
    _compare(entrants)
    for peer in entrants:
        peer.close()


def _pulled(peers: Sequence[Peer], amounts: Amounts, pages: Pulled, folder: Path, turn: int, results: Results) -> None:
    """One peer after the other, into an empty database."""
    held = []
    for number, peer in enumerate(_rotated(peers, turn)):
        peer.open(folder / f"pull-{number}.db", "NORMAL")
        _measure(peer, Work.PULL, "NORMAL", amounts.given(Work.PULL, pages), results)
        held.append((peer.about.name, peer.totals()))
        peer.close()
    if any(totals != held[0][1] for _, totals in held):
        raise Unequal(f"after a pull: {held}")


def _measure(peer: Peer, work: Work, level: Level, given: Given, results: Results) -> None:
    if work not in peer.about.lacks:
        results.note((work, level), peer.about.name, peer.measure(work, given).us(work))


def _compare(peers: Sequence[Peer]) -> None:
    """Rows and sums alike. How many titles say `changed` differs where a live list was written to as well."""
    held = [(peer.about.name, peer.totals()[:3]) for peer in peers]
    if any(totals != held[0][1] for _, totals in held):
        raise Unequal(f"after the same work: {held}")


def _rotated(peers: Sequence[T], by: int) -> Iterator[T]:
    """The same peers, beginning with another one each time."""
    start = by % len(peers)
    yield from (*peers[start:], *peers[:start])
