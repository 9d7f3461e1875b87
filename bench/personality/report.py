"""docs/personality.md: the prose of page.md with the tables and figures of a run put into it."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.personality.evictions import EVICTIONS
from bench.personality.paired import difference
from bench.personality.plots import draw
from bench.personality.replay import PREFETCHES
from bench.personality.run import BUDGET, GRID, REPORT_SEED, SIZE, THRESHOLDS
from bench.personality.summary import (
    GUARDED,
    NEUTRAL,
    ORACLE,
    STATIC,
    TYPED,
    Evidence,
    Line,
    against,
    by_type,
    interval,
    lines_of,
    pick,
    points,
    share,
    targets,
)
from bench.personality.traces import FAMILIES, MEANING

PAGE = Path(__file__).with_name("page.md")


def write(lines: Path, side: dict[str, Any], docs: Path) -> None:
    """Write the page and its pictures."""
    seen = Evidence(lines_of([lines]), side)
    draw(seen.lines, docs / "personality")
    makers: dict[str, Callable[[Evidence], str]] = {
        "targets": _targets,
        "families": _families,
        "first": _first,
        "types": _types,
        "plain": _plain,
        "cross": _cross,
        "sizes": _sizes,
        "thresholds": _thresholds,
        "guard": _guard,
        "real": _real,
        "overhead": _overhead,
        "run": _run,
    }
    text = PAGE.read_text(encoding="utf-8")
    for name, make in makers.items():
        text = text.replace("{{" + name + "}}", make(seen))
    (docs / "personality.md").write_text(text, encoding="utf-8")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """As Markdown."""
    lines = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines)


def _main(seen: Evidence, family: str) -> list[Line]:
    return pick(seen.lines, kind="main", family=family)


def _targets(seen: Evidence) -> str:
    rows = [(str(t.number), t.promise, t.measured, "met" if t.met else "**missed**") for t in targets(seen)]
    return table(("#", "target", "measured", ""), rows)


def _families(seen: Evidence) -> str:
    arms = ("SLRU+none", "ARC+none", STATIC, TYPED, GUARDED, ORACLE)
    rows = [
        (
            f"{family}: {MEANING[family]}",
            str(len(_main(seen, family))),
            f"{100 * share(_main(seen, family), NEUTRAL):.1f} %",
            *(interval(against(_main(seen, family), arm)) for arm in arms),
        )
        for family in FAMILIES
    ]
    head = (
        "family",
        "users",
        "neutral",
        "SLRU alone",
        "ARC alone",
        "fixed by type",
        "typed prior",
        "guarded",
        "oracle",
    )
    return table(head, rows)


def _first(seen: Evidence) -> str:
    rows = [
        (
            family,
            f"{100 * share(_main(seen, family), 'SLRU+none', 'first'):.1f} %",
            f"{100 * share(_main(seen, family), NEUTRAL, 'first'):.1f} %",
            *(interval(against(_main(seen, family), arm, metric="first")) for arm in (STATIC, TYPED, GUARDED, ORACLE)),
        )
        for family in FAMILIES
    ]
    return table(("family", "SLRU alone", "neutral", "fixed by type", "typed prior", "guarded", "oracle"), rows)


def _types(seen: Evidence) -> str:
    main = pick(seen.lines, kind="main")
    typed = {code: (one, sure) for code, one, sure in by_type(main, TYPED)}
    rows = [
        (code, interval(one), "yes" if sure else "no", interval(typed[code][0]), "yes" if typed[code][1] else "no")
        for code, one, sure in by_type(main, GUARDED)
    ]
    return table(("type", "guarded", "significant", "typed prior", "significant"), rows)


def _plain(seen: Evidence) -> str:
    main = [line for line in pick(seen.lines, kind="main") if line["family"] != "H"]
    names = [*(f"{name}+none" for name in EVICTIONS), "MIN+none", NEUTRAL]
    ranked = sorted(names, key=lambda arm: share(main, arm))
    rows = [
        (arm.replace("+none", ""), f"{100 * share(main, arm):.1f} %", interval(against(main, arm))) for arm in ranked
    ]
    return table(("policy", "hit ratio", "minus neutral"), rows)


def _cross(seen: Evidence) -> str:
    lines = pick(seen.lines, kind="cross")
    rows = [
        (name, *(f"{100 * share(lines, f'{name}+{prefetch}'):.1f}" for prefetch in PREFETCHES)) for name in EVICTIONS
    ]
    return table(("keeps by", *PREFETCHES), rows)


def _sizes(seen: Evidence) -> str:
    rows = []
    for size, budget in GRID:
        lines = pick(seen.lines, kind="grid", size=size, budget=budget)
        if not lines:
            continue
        rows.append(
            (
                f"C = {size}, B = {budget}",
                f"{100 * share(lines, NEUTRAL):.1f} %",
                *(interval(against(lines, arm)) for arm in ("SLRU+none", STATIC, GUARDED)),
            )
        )
    return table(("sizes", "neutral", "SLRU alone", "fixed by type", "guarded"), rows)


def _thresholds(seen: Evidence) -> str:
    lines = pick(seen.lines, kind="worth")
    rows = []
    for worth in map(str, THRESHOLDS):
        fetched = sum(line["arms"][worth]["fetched"] for line in lines)
        used = sum(line["arms"][worth]["used"] for line in lines)
        rows.append(
            (
                worth,
                f"{100 * share(lines, worth):.1f} %",
                f"{100 * share(lines, worth, 'first'):.1f} %",
                f"{fetched / len(lines) / 120:.1f}",
                f"{100 * used / max(fetched, 1):.1f} %",
            )
        )
    return table(("least worth", "hit ratio", "first session", "rows a session", "used in it"), rows)


def _guard(seen: Evidence) -> str:
    main = [line for line in pick(seen.lines, kind="main") if line["family"] != "H"]
    stops, switches = share(main, GUARDED, "stops"), share(main, GUARDED, "switches")
    rows = []
    for arm, label in ((STATIC, "fixed by type"), (TYPED, "typed prior"), (GUARDED, "guarded")):
        one = difference([line["arms"][arm]["all"] - line["arms"][NEUTRAL]["all"] for line in main])
        window = min(line["arms"][arm]["worst_window"] for line in main)
        rows.append((label, points(one.mean), points(one.fifth), points(one.worst), points(window)))
    text = table(("policy", "mean", "5th percentile of users", "worst user", "worst 500 accesses"), rows)
    return f"{text}\n\nThe guard changed its mind {switches:.1f} times a user, and stopped the type {stops:.2f} times."


def _real(seen: Evidence) -> str:
    found: dict[str, dict[str, float]] = seen.side["real"]
    rows = [(name.replace("_", " "), *(f"{found[mode][name]:.1f}" for mode in found)) for name in found["off"]]
    return table(("what", *found), rows)


def _overhead(seen: Evidence) -> str:
    cost: dict[str, float] = seen.side["overhead"]
    return table(("figure", "measured"), [(name, f"{value:,.2f}") for name, value in cost.items()])


def _run(seen: Evidence) -> str:
    main = pick(seen.lines, kind="main")
    accesses = sum(line["arms"][NEUTRAL]["accesses"] for line in main)
    when = seen.side["run"]
    return (
        f"{len(main)} traces (and {len(seen.lines) - len(main)} for sizes and thresholds) with {accesses:,.0f} accesses"
        f" at C = {SIZE}, B = {BUDGET}, of seed {REPORT_SEED}; one run,"
        f" from {when['began']} to {when['ended']} UTC; Python {platform.python_version()}, {os.cpu_count()} cores"
    )
