"""docs/peers.md out of the results."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path

from bench.peers.contest import LINES, Line, Results
from bench.peers.reasons import reason
from bench.peers.work import READS, About, Amounts, Work

PAGE = Path(__file__).resolve().parents[2] / "docs" / "peers.md"
HEAD = """# Beside others

Written by `make bench-peers`; do not edit. Everybody does the same work on the same rows, one round after the other in
changing order; a cell says how many times as long as ours the peer takes (the median of its turns' ratios), and its
microseconds an operation or row. Above 1 we are ahead; **bold** is where we are not. After every round all hold
the same rows, or there are no figures. `-`: it has no such thing (in memory, nothing is durable).

Single writes at `FULL` mostly wait for the disk, and who is ahead there changes from run to run: a peer that takes 1.2
times as long in one has taken 0.9 in another. Call those lines a draw.
"""
TELL: dict[Work, str] = {
    Work.INSERT_MANY: "insert of {many:,} rows in one transaction, a row",
    Work.INSERT_SINGLY: "insert of {singly} rows, each in its transaction",
    Work.READ: "read of {reads} rows by id, each the first time",
    Work.LISTING: "filtered and sorted list, the first 50 of {many:,}, as objects",
    Work.UPDATE: "change of {updates} rows, each in its transaction",
    Work.OBSERVE: "change of a row in a live list of 50, until the observer has the new list",
    Work.PULL: "{pulled:,} pulled rows, from JSON into an empty database, a row",
}


def page(abouts: Sequence[About], results: Results, amounts: Amounts) -> str:
    """The whole page; the first of `abouts` is ours."""
    ours, peers = abouts[0], abouts[1:]
    head = f"| work | durable | ours, us | {' | '.join(_title(peer) for peer in peers)} |"
    rule = "|---" * (3 + len(peers)) + "|"
    lines = [_line(line, ours, peers, results, amounts) for line in LINES]
    return "\n".join([HEAD, head, rule, *lines, "", *_notes(ours, peers), "", *_lost(ours, peers, results), ""])


def _title(peer: About) -> str:
    return peer.name if peer.in_file else f"{peer.name} (in memory)"


def _line(line: Line, ours: About, peers: Sequence[About], results: Results, amounts: Amounts) -> str:
    work, level = line
    told = TELL[work].format(
        many=amounts.many, singly=amounts.singly, reads=amounts.reads, updates=amounts.updates, pulled=amounts.pulled
    )
    us = results.us(line, ours.name)
    cells = [_cell(line, ours, peer, results) for peer in peers]
    durable = "processor time" if work in READS else f"synchronous={level}"
    return f"| {told} | {durable} | {'-' if us is None else f'{us:,.1f}'} | {' | '.join(cells)} |"


def _cell(line: Line, ours: About, peer: About, results: Results) -> str:
    us, times = results.us(line, peer.name), results.times(line, peer.name, ours.name)
    if us is None:
        return "-"
    if times is None:
        return f"({us:,.1f})"
    ratio = f"**{times:.2f}**" if _behind(times) else f"{times:.1f}"
    return f"{ratio} ({us:,.1f})"


def _notes(ours: About, peers: Sequence[About]) -> list[str]:
    load = os.getloadavg()[0]
    return [
        "A row is one of `tasks`: 25 columns, 5 indexes, WAL, 16 MB of cache. `FULL` keeps every commit through a"
        " power cut, `NORMAL` may lose the last ones. Reads are processor time, the rest is time by the clock. Pages of"
        " a pull have 5,000 rows and are committed one by one.",
        "",
        f"Ours is {ours.version}: it makes the ids, checks every value, notes every change for the server and queues it"
        " in the same transaction. None of the others that keep a file does all of that.",
        "",
        *[f"- {peer.name} {peer.version}: {peer.unequal}." for peer in peers],
        "",
        f"{platform.system()}, {os.cpu_count()} cores, load {load:.1f} at the end of the run.",
    ]


def _lost(ours: About, peers: Sequence[About], results: Results) -> list[str]:
    told = []
    for work, level in LINES:
        for peer in peers:
            times = results.times((work, level), peer.name, ours.name)
            if times is not None and _behind(times):
                said = f"{work.replace('_', ' ')} ({level})"
                told.append(f"- {peer.name}, {said}, {times:.2f}: {reason(peer, work, level)}.")
    return ["## Where we are not ahead", "", *(told or ["Nowhere in this run."])]


def _behind(times: float) -> bool:
    """As it is printed: 1.00 is a draw."""
    return round(times, 2) < 1
