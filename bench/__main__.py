"""`make bench`: every figure in one run, and docs/figures.md written from it."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import apsw

from bench import bytes_on_wire, cold_open, encryption, first_sync, observe, one_change, operations, store
from bench.account import opened_account
from bench.figure import Figure

PAGE = Path(__file__).resolve().parents[1] / "docs" / "figures.md"
HEAD = """# Figures

Written by `make bench`; do not edit. Both sides of a line run by turns in one run, so a busy machine slows both.
Microseconds are medians; the ratio is the median of the turns' ratios. A first sync is the exception: it is run whole,
twice on each side by turns, and its ratio is that of the medians; WatermelonDB takes its rows once. Lines that wait for
no disk are in processor time. "Promised" is the ratio we hold ourselves to.

| what | ours µs | peer | peer µs | ratio | promised |
|---|---|---|---|---|---|
"""


def main() -> None:
    """Measure, print, write."""
    rooms = (store, observe, encryption, cold_open, operations)
    figures = [figure for room in rooms for figure in room.measure()]
    with opened_account(mixed=True) as account:
        for room in (first_sync, one_change, bytes_on_wire):
            figures += room.measure(account)
    lines = [_line(figure) for figure in figures]
    print("\n".join(lines))
    load = os.getloadavg()[0]
    foot = (
        f"\nPython {platform.python_version()}, SQLite {apsw.sqlite_lib_version()}, {os.cpu_count()} cores,"
        f" load {load:.1f} at the end of the run. A device read or write is one row of `tasks` (25 columns,"
        " 5 indexes); the peer uses the same tables, indexes and pragmas, and has no outbox.\n"
    )
    PAGE.write_text(HEAD + "\n".join(lines) + "\n" + foot, encoding="utf-8")


def _line(figure: Figure) -> str:
    promised = "" if figure.limit is None else f"{figure.limit} {'met' if figure.met else '**missed**'}"
    return (
        f"| {figure.name} | {figure.ours_us:,.1f} | {figure.peer} | {figure.peer_us:,.1f} | {figure.ratio:.2f} |"
        f" {promised} |"
    )


if __name__ == "__main__":
    main()
