"""The model, the guard, and the cache that fetches ahead."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmaddb.personality import TYPES, VIEWS, AdaptiveCache, Guard, Mode, UseModel, prior_shares
from bmaddb.personality.guard import PAUSE_MS
from bmaddb.personality.model import HEAT_KEYS_MAX, RANKS_MAX
from bmaddb.personality.tables import BASE_SHARES, type_shares

Key = tuple[int, int]


def place(view: int, rank: int) -> Key | None:
    return (view, rank) if rank < 40 else None


def never() -> int:
    return 0


def cache_of(mode: Mode, now_ms: Callable[[], int] = lambda: 0, code: str = "ISTJ") -> AdaptiveCache:
    return AdaptiveCache(now_ms=now_ms, mode=mode, typed_prior=prior_shares(code, 0.25))


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 60)), max_size=300))
def test_shares_stay_shares(accesses: list[Key]) -> None:
    model = UseModel(len(VIEWS))
    for view, rank in accesses:
        model.note(view, rank, (view, rank))
    shares = model.shares(BASE_SHARES)
    assert sum(shares) == pytest.approx(1)
    assert min(shares) > 0
    assert all(sum(model.rank_shares(view)) <= 1 + 1e-9 for view in range(len(VIEWS)))


def test_use_outvotes_the_type() -> None:
    model = UseModel(len(VIEWS))
    prior = prior_shares("ESTJ", 0.25)
    links = VIEWS.index("links")
    assert model.shares(prior) == pytest.approx(prior)
    for _ in range(200):
        model.note(links, 0)
    shares, neutral = model.shares(prior), model.shares(BASE_SHARES)
    assert shares[links] > 0.8
    assert max(abs(a - b) for a, b in zip(shares, neutral, strict=True)) < 0.005


def test_what_was_done_long_ago_is_forgotten_and_nothing_overflows() -> None:
    model = UseModel(len(VIEWS))
    for step in range(6000):
        model.note(0 if step < 3000 else 1, step % RANKS_MAX, step)
    shares = model.shares(BASE_SHARES)
    assert shares[1] > 0.8
    assert shares[0] < 0.02
    assert len(model.heat) <= HEAT_KEYS_MAX
    assert model.warmth(5999) > model.warmth(5900) > model.warmth(1) == 0


def test_the_prior_of_a_type_is_a_part_of_it_and_of_everybody() -> None:
    assert prior_shares(None, 0.25) == prior_shares("INFJ", 0.0) == BASE_SHARES
    mixed = prior_shares("INFJ", 0.25)
    for value, base, own in zip(mixed, BASE_SHARES, type_shares("INFJ"), strict=True):
        assert min(base, own) <= value <= max(base, own)


def test_a_session_begins_with_what_is_used() -> None:
    cache = cache_of("neutral")
    for _ in range(50):
        cache.access(4, 7, (4, 7))
    cache.forget([(4, 7)])
    wishes = cache.begin_session(place)
    assert wishes[0].key == (4, 7)
    assert [wish.worth for wish in wishes] == sorted((wish.worth for wish in wishes), reverse=True)
    assert cache.access(4, 7, (4, 7)), "it was fetched ahead"


def test_the_budget_is_one_session_s_and_the_same_for_every_type() -> None:
    for code in TYPES:
        cache = cache_of("typed", code=code)
        assert len(cache.begin_session(place)) <= 24
        assert cache.real.left >= 8, "a part is kept for what the first views say"
        fetched = 32 - cache.real.left
        for view in range(20):
            cache.access(view, None, (view, 99))
            fetched += len(cache.idle(place))
        assert 24 < fetched <= 32
    with pytest.raises(ValueError, match="third"):
        AdaptiveCache(now_ms=lambda: 0, size=30, budget=11)


def test_what_follows_a_view_is_fetched_when_it_is_opened() -> None:
    cache = cache_of("neutral")
    for _ in range(20):
        cache.begin_session(lambda view, rank: None)
        cache.access(3, 0, (3, 0))
        cache.access(17, 5, (17, 5))
    cache.forget([(17, 5)])
    cache.begin_session(lambda view, rank: None)
    cache.access(3, 0, (3, 0))
    assert cache.idle(place)[0].key == (17, 5)


def test_nothing_warm_goes_for_what_is_colder() -> None:
    cache = AdaptiveCache(now_ms=lambda: 0, size=9, budget=3)
    for _ in range(40):
        for rank in range(9):
            cache.access(19, rank, (19, rank))
    assert cache.begin_session(place) == []
    assert all((19, rank) in cache.real.cache for rank in range(9))


def test_the_guard_follows_the_better_and_stays_neutral_on_a_tie() -> None:
    guard = Guard()
    assert not guard.typed_leads(0)
    guard.session(0.5, 0.5)
    assert not guard.typed_leads(0)
    guard.session(0.6, 0.5)
    assert guard.typed_leads(0)
    for _ in range(3):
        guard.session(0.5, 0.6)
    assert not guard.typed_leads(0)
    assert guard.switches == 2


def test_the_hard_stop_ends_the_type_for_thirty_days() -> None:
    guard = Guard()
    guard.session(0.9, 0.1)
    assert guard.typed_leads(1)
    stopped = [guard.record(False, True, lambda: 1) for _ in range(3)]
    assert stopped == [False, False, True]
    assert not guard.typed_leads(1)
    assert guard.stopped(PAUSE_MS)
    assert guard.typed_leads(1 + PAUSE_MS)


def stopped_cache() -> AdaptiveCache:
    """A guarded cache whose type was acted on and has just been stopped."""
    cache = cache_of("guarded", code="ESTJ")
    cache.guard.session(0.9, 0.1)
    cache.begin_session(place)
    lost = [key for key in cache._neutral.cache.held() if key not in cache.real.cache]
    for view, rank in cast("list[Key]", lost[:3]):
        cache.access(view, rank, (view, rank))
    assert cache.guard.stopped(0), "three hits less than without the type, or the test proves nothing"
    return cache


def test_a_stopped_type_leaves_nothing_behind_in_the_cache() -> None:
    cache = stopped_cache()
    cache.begin_session(place)
    assert list(cache.real.cache.held()) == list(cache._neutral.cache.held())
    for view in range(20):
        cache.access(view, 30, (view, 30))
        cache.idle(place)
    assert list(cache.real.cache.held()) == list(cache._neutral.cache.held())


@pytest.mark.parametrize("left", [0, 1, 3])
def test_the_session_in_which_the_type_is_stopped_keeps_its_budget(left: int) -> None:
    cache = stopped_cache()
    for rank in range(30, 36):
        cache._neutral.access((19, rank))
    cache.real.left = left
    before = set(cache.real.cache.held())
    missing = [key for key in cache._neutral.cache.held() if key not in before]
    assert len(missing) > 3, "or the budget would not be in the way"
    wishes = cache.idle(place)
    assert len(wishes) == left
    assert cache.real.left == 0
    assert {wish.key for wish in wishes} <= set(missing)
    held = set(cache.real.cache.held())
    assert held <= set(cache._neutral.cache.held()), "nothing of the type is left"
    assert held - before == {wish.key for wish in wishes}, "and nothing is thought to be held that was not fetched"
    cache.begin_session(place)
    assert list(cache.real.cache.held()) == list(cache._neutral.cache.held()), "the next session makes up for the rest"
    assert cache.real.left >= 0


def test_hits_won_are_no_excuse_for_more_that_are_lost_later() -> None:
    guard = Guard()
    assert not any(guard.record(True, False, never) for _ in range(40))
    assert [guard.record(False, True, never) for _ in range(3)] == [False, False, True]


def test_what_was_lost_five_hundred_accesses_ago_is_forgiven() -> None:
    guard = Guard()
    for _ in range(2):
        assert not guard.record(False, True, never)
        for _ in range(500):
            assert not guard.record(True, True, never)
    assert not guard.record(False, True, never)
    assert not guard.record(False, True, never)
    assert guard.record(False, True, never)


@given(st.lists(st.integers(-1, 1), max_size=1500))
def test_the_guard_stops_at_the_first_stretch_that_lost_too_much(balance: list[int]) -> None:
    guard, sums = Guard(), [0]
    for number, won in enumerate(balance, start=1):
        sums.append(sums[-1] + won)
        lost = max(sums[max(0, number - 500) :]) - sums[-1]
        assert guard.record(won >= 0, won <= 0, never) == (lost > 2.5)
        if lost > 2.5:
            return


def test_a_guarded_cache_of_a_wrong_type_loses_next_to_nothing() -> None:
    """The worst that can be: a user who opens exactly what their type would not."""
    chance = random.Random(6)
    opposite = [1 / (share + 0.01) for share in type_shares("ESTJ")]
    caches = {mode: cache_of(mode, code="ESTJ") for mode in ("neutral", "typed", "guarded")}
    hits = dict.fromkeys(caches, 0)
    for _ in range(120):
        for cache in caches.values():
            cache.begin_session(place)
        for _ in range(17):
            view = chance.choices(range(len(VIEWS)), opposite)[0]
            rank = min(int(chance.expovariate(0.12)), 39)
            for mode, cache in caches.items():
                hits[mode] += cache.access(view, rank, (view, rank))
    assert hits["guarded"] >= hits["neutral"] - 0.005 * 120 * 17
