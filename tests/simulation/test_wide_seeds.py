"""What a kept seed met is not changed by what was added later; what the power took back did not happen."""

from __future__ import annotations

from pathlib import Path

from bmaddb.testing.simulation.device import words_sent
from bmaddb.testing.simulation.history import Act, Deed, History
from bmaddb.testing.simulation.storms import WIDE_FROM, Storms

SEEDS = Path(__file__).with_name("seeds.txt")
KEY = ("user", "notes", "note")


def wide(storms: Storms) -> tuple[bool, bool, bool]:
    return storms.cards, storms.late_syncs, storms.walks


def test_no_seed_that_was_kept_before_meets_what_was_added_later() -> None:
    lines = SEEDS.read_text(encoding="utf-8").splitlines()
    kept = [int(line.partition("#")[0]) for line in lines if line.partition("#")[0].strip()]
    narrow = [seed for seed in kept if seed < WIDE_FROM]
    assert len(narrow) >= 36
    assert {wide(Storms.of(seed)) for seed in (*narrow, *range(1_000), WIDE_FROM - 1)} == {(False, False, False)}


def test_wide_seeds_meet_every_new_thing_beside_every_old_one() -> None:
    storms = [Storms.of(seed) for seed in range(WIDE_FROM, WIDE_FROM + 2_000)]
    assert {wide(each) for each in storms} == {(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)}
    for old in ("restores", "again", "upgrades", "twins"):
        met = {wide(each) for each in storms if getattr(each, old)}
        assert len(met) == 8, old


def act(deed: Deed, column: str | None = None, new: object = None) -> Act:
    return Act(by="d0", key=KEY, deed=deed, column=column, new=new)


def test_what_the_power_took_back_did_not_happen() -> None:
    history = History()
    made, first, second = act(Deed.INSERT, new={}), act(Deed.SET, "title", "x"), act(Deed.SET, "title", "x")
    history.tell([made], entry="e1")
    history.tell([first], entry="e2")
    history.tell([second], entry="e3")
    history.undo([second])
    assert history.rows[KEY].acts == [made, first], "the later of two that look alike"
    assert history.of_entry("e3") == []
    history.undo([first, made])
    assert KEY not in history.rows


def test_a_word_that_left_before_the_power_went_is_found_in_what_was_sent() -> None:
    acts = [
        act(Deed.INSERT, new={"folder_id": "018b-7e", "title": "d0xn1", "body": "d0yn2\n"}),
        act(Deed.SET, "folder_id", "018b-7e"),
        act(Deed.REMOVE, "labels", "d0zn3"),
        act(Deed.ADD, "likes", 5),
    ]
    assert words_sent(acts, "d0", [b'{"rows":["018b-7e","d0zn3",5]}']) == []
    assert words_sent(acts, "d0", [b"{}", b'{"rows":["d0xn1","d0yn2\\n"]}']) == ["d0xn1", "d0yn2"]
