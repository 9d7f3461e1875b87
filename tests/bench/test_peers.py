"""The comparison with peers: ours does every work, what is unequal gives no figures, the page hides nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from bench.peers.contest import LINES, Results, Unequal, contest
from bench.peers.ours import Ours
from bench.peers.page import page
from bench.peers.work import About, Amounts, Totals, Work

FEW = Amounts(many=300, singly=12, reads=5, updates=12, observed=4, pulled=120, page=50)
OTHER = About(name="other", version="1", in_file=True, unequal="it is made up")


class Twin(Ours):
    """Ours under another name; it may claim a row more than it holds."""

    def __init__(self, more: int = 0) -> None:
        super().__init__()
        self.about = replace(self.about, name="twin")
        self._more = more

    def totals(self) -> Totals:
        rows, *sums = super().totals()
        return [rows + self._more, *sums]


def test_ours_does_every_work_and_a_twin_ends_with_the_same_rows(tmp_path: Path) -> None:
    ours, twin = Ours(), Twin()
    results = contest([ours, twin], FEW, tmp_path, rounds=1, warming=FEW)
    for work, level in LINES:
        times = results.times((work, level), "twin", "bmaddb")
        assert (times is None) == (work in ours.about.lacks)


def test_a_peer_that_holds_other_rows_ends_the_comparison(tmp_path: Path) -> None:
    with pytest.raises(Unequal):
        contest([Ours(), Twin(more=1)], FEW, tmp_path, rounds=1, warming=FEW)


def test_the_page_names_each_line_that_is_lost() -> None:
    results = Results()
    for line in LINES:
        results.note(line, "bmaddb", 10.0)
        if line[0] is not Work.OBSERVE:
            results.note(line, "other", 5.0 if line[0] is Work.PULL else 20.0)
    text = page([replace(OTHER, name="bmaddb"), OTHER], results, FEW)
    assert "| 10.0 | 2.0 (20.0) |" in text
    assert "| 10.0 | **0.50** (5.0) |" in text
    assert "| 10.0 | - |" in text
    assert "- other, pull (NORMAL), 0.50: we know no reason." in text
    assert text.count("- other, ") == 1
