"""The pictures of the report, as PNG and SVG. Needs matplotlib, which only `make bench-personality` installs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.personality.paired import difference
from bench.personality.summary import (
    GUARDED,
    NEUTRAL,
    ORACLE,
    STATIC,
    TYPED,
    Line,
    against,
    differences,
    pick,
    share,
)
from bench.personality.traces import FAMILIES, MEANING

ARMS = (
    ("SLRU+none", "SLRU alone", "#8c8c8c"),
    ("ARC+none", "ARC alone", "#4d4d4d"),
    (STATIC, "fixed by type", "#d1495b"),
    (TYPED, "typed prior", "#edae49"),
    (GUARDED, "typed, guarded", "#00798c"),
)

_CROWDED = 0.01  # points below this lie on each other and share a label


def draw(lines: Sequence[Line], folder: Path) -> list[str]:
    """Draw all; the answer is their names, each there as .png and .svg."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update(
        {"font.size": 11, "axes.spines.top": False, "axes.spines.right": False, "svg.hashsalt": "bmaddb"}
    )
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {"families": _families, "first-session": _first, "users": _users, "threshold": _threshold}
    for name, make in pictures.items():
        figure = make(lines)
        figure.savefig(folder / f"{name}.png", dpi=110, bbox_inches="tight")
        figure.savefig(folder / f"{name}.svg", bbox_inches="tight", metadata={"Date": None})
    return list(pictures)


def _axes(width: float, height: float, columns: int = 1) -> Any:
    import matplotlib.pyplot as plt

    return plt.subplots(1, columns, figsize=(width, height), squeeze=False)


def _families(lines: Sequence[Line]) -> Any:
    """Two panels: everything, and the two typed policies alone on a scale on which they can be seen."""
    figure, panels = _axes(13, 6, 2)
    for axis, arms in zip(panels[0], (ARMS, ARMS[3:]), strict=True):
        shown = [family for family in FAMILIES if family != "H"]
        for shift, (arm, label, colour) in enumerate(arms):
            found = [against(pick(lines, kind="main", family=family), arm) for family in shown]
            places = [row + (shift - len(arms) / 2) * 0.15 for row in range(len(shown))]
            means = [100 * one.mean for one in found]
            bars = [[100 * (one.mean - one.low) for one in found], [100 * (one.high - one.mean) for one in found]]
            axis.errorbar(means, places, xerr=bars, fmt="o", color=colour, label=label, capsize=3)
        axis.axvline(0, color="black", linewidth=1)
        axis.set_yticks(range(len(shown)), [f"{family}: {MEANING[family]}" for family in shown])
        axis.invert_yaxis()
        axis.set_xlabel("points of hit ratio against neutral (95 %)")
    panels[0][1].set_yticklabels([])
    panels[0][1].locator_params(axis="x", nbins=5)
    panels[0][1].axvline(-0.1, color="#d1495b", linewidth=1, linestyle="--")
    panels[0][1].text(-0.1, -0.75, "bound -0.1", color="#d1495b", ha="left")
    panels[0][0].set_title("all policies", loc="left", fontsize=11)
    panels[0][1].set_title("the typed ones, enlarged", loc="right", fontsize=11)
    figure.tight_layout()
    figure.legend(
        *panels[0][0].get_legend_handles_labels(), loc="upper center", ncols=5, frameon=False, bbox_to_anchor=(0.5, 0)
    )
    return figure


def _first(lines: Sequence[Line]) -> Any:
    figure, panels = _axes(12, 5)
    axis = panels[0][0]
    arms = (
        *ARMS[:1],
        ARMS[2],
        (NEUTRAL, "neutral adaptive", "#30638e"),
        ARMS[3],
        (ORACLE, "knows the user's shares", "#003d5b"),
    )
    width = 0.8 / len(arms)
    for shift, (arm, label, colour) in enumerate(arms):
        found = [
            difference([line["arms"][arm]["first"] for line in pick(lines, kind="main", family=family)])
            for family in FAMILIES
        ]
        places = [row + (shift - 2) * width for row in range(len(FAMILIES))]
        bars = [[100 * (one.mean - one.low) for one in found], [100 * (one.high - one.mean) for one in found]]
        means = [100 * one.mean for one in found]
        axis.bar(places, means, width, color=colour, label=label)
        axis.errorbar(places, means, yerr=bars, fmt="none", ecolor="#222222", elinewidth=0.8, capsize=1.5)
    axis.set_xticks(range(len(FAMILIES)), FAMILIES)
    axis.set_ylabel("hit ratio of the first session, % (95 %)")
    axis.set_xlabel("family of traces")
    axis.legend(frameon=False, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.18))
    return figure


def _users(lines: Sequence[Line]) -> Any:
    figure, panels = _axes(9, 5)
    axis = panels[0][0]
    main = [line for line in pick(lines, kind="main") if line["family"] != "H"]
    for arm, label, colour in ARMS[2:]:
        ordered = sorted(100 * value for value in differences(main, arm))
        axis.plot(
            ordered, [(place + 1) / len(ordered) for place in range(len(ordered))], color=colour, label=label, lw=2
        )
    axis.axvline(0, color="black", linewidth=1)
    axis.axvline(-0.5, color="#d1495b", linewidth=1, linestyle="--")
    axis.text(-0.6, 0.12, "bound of the\nworst user", color="#d1495b", ha="right")
    axis.set_xlabel("hit ratio minus that of the neutral adaptive policy, points")
    axis.set_ylabel(f"share of {len(main)} users")
    axis.legend(frameon=False, loc="center left")
    return figure


def _threshold(lines: Sequence[Line]) -> Any:
    figure, panels = _axes(9, 5)
    axis = panels[0][0]
    rows = pick(lines, kind="worth")
    names = sorted(rows[0]["arms"], key=float)
    hits = [100 * share(rows, name) for name in names]
    precise = [
        100 * sum(r["arms"][n]["used"] for r in rows) / max(sum(r["arms"][n]["fetched"] for r in rows), 1)
        for n in names
    ]
    axis.plot(precise, hits, "o-", color="#00798c")
    low = [name for name in names if float(name) < _CROWDED]
    labels = [("worth >= " + ", ".join(f"{float(name):g}" for name in low), len(low) - 1, (12, -14))]
    labels += [(f">= {float(name):g}", place, (10, 4)) for place, name in enumerate(names) if name not in low]
    for label, place, shift in labels:
        axis.annotate(label, (precise[place], hits[place]), textcoords="offset points", xytext=shift)
    axis.axvline(35, color="#d1495b", linewidth=1, linestyle="--")
    axis.text(35, max(hits), " target 35 %", color="#d1495b", va="top")
    axis.set_xlim(0, 48)
    axis.set_xlabel("share of the rows fetched ahead that are used in their session, %")
    axis.set_ylabel("hit ratio, %")
    return figure
