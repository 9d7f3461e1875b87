"""The bench can be believed: its statistics, its reference policies against plain ones, its traces out of a seed."""

from __future__ import annotations

import random
from collections import OrderedDict
from pathlib import Path

import pytest
from bench.personality.evictions import EVICTIONS
from bench.personality.paired import difference, holm
from bench.personality.replay import PREFETCHES, arm_of, belady, replay
from bench.personality.run import REPORT_SEED, TUNE_SEED, figures, jobs, run, run_all, worst_window
from bench.personality.summary import NEUTRAL, against, lines_of, pick
from bench.personality.traces import FAMILIES, SESSIONS, trace_of


def test_a_trace_is_the_same_out_of_the_same_seed_and_another_out_of_another() -> None:
    assert trace_of("A.5", "INFJ", 0, 25.0) == trace_of("A.5", "INFJ", 0, 25.0)
    assert trace_of("A.5", "INFJ", 0, 25.0).events != trace_of("A.5", "INFJ", 1, 25.0).events
    assert trace_of("A.5", "INFJ", 0, 25.0, seed=2).events != trace_of("A.5", "INFJ", 0, 25.0).events


@pytest.mark.parametrize("family", FAMILIES)
def test_a_trace_opens_only_rows_that_are_there(family: str) -> None:
    trace = trace_of(family, "ENTP", 3, 100.0)
    counts = list(trace.rows_at_first)
    for event in trace.events:
        if event.op == "w":
            assert event.row == counts[event.view]
            counts[event.view] += 1
        assert 0 <= event.row < counts[event.view]
    assert sum(trace.shares) == pytest.approx(1)
    assert trace.events[-1].session == (3 if family == "H" else SESSIONS) - 1
    assert sorted(trace.declared) == ([0, 60] if family == "G" else [0])


def test_behaviour_follows_the_type_where_the_family_says_so() -> None:
    def links(family: str) -> float:
        return sum(trace_of(family, "ENTP", user, 100.0).shares[13] for user in range(40)) / 40

    assert links("A1") > 2 * links("C") > 2 * links("B")


@pytest.mark.parametrize("name", EVICTIONS)
def test_a_policy_never_holds_more_and_never_beats_the_optimum(name: str) -> None:
    trace = trace_of("A.25", "ISTJ", 1, 25.0)
    arm = arm_of(trace, name, "none", 48, 16)
    outcome = replay(trace, arm)
    assert len(arm.cache) <= 48  # type: ignore[attr-defined]
    assert 0.1 < outcome.share() <= belady(trace, 48).share()


def test_lru_is_lru() -> None:
    trace = trace_of("E", "ISTJ", 0, 25.0)
    held: OrderedDict[object, None] = OrderedDict()
    hits = []
    for event in trace.events:
        key = (event.view, event.row)
        if event.op == "r":
            hits.append(key in held)
        if key not in held or event.op == "r":
            held[key] = None
            held.move_to_end(key)
        while len(held) > 96:
            held.popitem(last=False)
    assert hits == [bool(hit) for hit in replay(trace, arm_of(trace, "LRU", "none", 96, 32)).hits]


def test_the_optimum_is_the_optimum_of_a_case_that_can_be_counted() -> None:
    """A cyclic scan of four rows in a cache of three: LRU hits nothing, MIN two of three."""
    trace = trace_of("B", "ISTJ", 0, 25.0)
    event = trace.events[0]
    trace.events[:] = [event._replace(session=0, view=0, row=step % 4, op="r") for step in range(400)]
    assert replay(trace, arm_of(trace, "LRU", "none", 3, 1)).share() == 0
    assert belady(trace, 3).share() > 0.6


@pytest.mark.parametrize("prefetch", PREFETCHES[1:])
def test_fetching_ahead_keeps_its_budget(prefetch: str) -> None:
    trace = trace_of("C", "ESFP", 0, 25.0)
    outcome = replay(trace, arm_of(trace, "SLRU", prefetch, 96, 32))
    assert outcome.used <= outcome.fetched
    assert outcome.fetched_most <= 32
    assert outcome.share() > replay(trace, arm_of(trace, "SLRU", "none", 96, 32)).share()


def test_the_guarded_policy_loses_no_more_than_it_promises() -> None:
    for code in ("ESTJ", "INFP"):
        trace = trace_of("C", code, 0, 25.0)
        neutral = replay(trace, arm_of(trace, "SLRU", "neutral", 96, 32))
        guarded = replay(trace, arm_of(trace, "SLRU", "guarded", 96, 32))
        assert worst_window(guarded.hits, neutral.hits) >= -0.01
        assert guarded.share() - neutral.share() >= -0.005


def test_an_interval_holds_the_mean_it_was_drawn_from() -> None:
    held = 0
    for seed in range(60):
        chance = random.Random(seed)
        one = difference([chance.gauss(0.3, 1.0) for _ in range(40)], resamples=400, seed=seed)
        held += one.low <= 0.3 <= one.high
    assert 50 <= held <= 60
    same = difference([0.25, 0.25])
    assert (same.mean, same.low, same.high, same.worst) == (0.25, 0.25, 0.25, 0.25)


def test_holm_is_stricter_than_each_test_and_looser_than_bonferroni() -> None:
    assert holm([0.01, 0.04, 0.03]) == [True, False, False]
    assert holm([0.01, 0.02, 0.04]) == [True, True, True]
    assert holm([0.2]) == [False]


def test_the_worst_window_is_the_worst() -> None:
    ours, others = bytearray(1500), bytearray(1500)
    others[600:610] = b"\x01" * 10
    ours[590:594] = b"\x01" * 4
    assert worst_window(ours, others) == pytest.approx(-10 / 500)


def test_a_run_that_was_cut_goes_on_and_its_lines_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = [("a", {"kind": "main", "family": "H", "code": "INFJ", "user": 0, "spread": 25.0})]
    few.append(("b", {**few[0][1], "code": "ESTP"}))
    monkeypatch.setattr("bench.personality.run.jobs", lambda users: iter(few))
    out = tmp_path / "lines.jsonl"
    run_all(out, 1, TUNE_SEED)
    whole = out.read_text(encoding="utf-8").splitlines()
    out.write_text(whole[1] + "\n", encoding="utf-8")
    run_all(out, 1, TUNE_SEED)
    assert sorted(out.read_text(encoding="utf-8").splitlines()) == sorted(whole)
    lines = lines_of([out])
    assert [line["key"] for line in lines] == ["0/b", "0/a"]
    assert against(pick(lines, family="H"), "SLRU+none").mean < 0
    assert lines[0]["arms"][NEUTRAL]["accesses"] == lines[0]["arms"]["MIN+none"]["accesses"]


def test_every_job_has_a_name_of_its_own() -> None:
    names = [name for name, _ in jobs(2)]
    assert len(names) == len(set(names)) > 700
    job = {"kind": "grid", "family": "H", "code": "INFJ", "user": 0, "spread": 25.0, "size": 48, "budget": 16}
    found = [run({"seed": seed, **job})["arms"] for seed in (TUNE_SEED, REPORT_SEED)]
    assert found[0] != found[1], "what is reported is not what was tuned on"
    assert figures(
        replay(trace_of("H", "INFJ", 0, 25.0), arm_of(trace_of("H", "INFJ", 0, 25.0), "LRU", "none", 48, 16))
    )
