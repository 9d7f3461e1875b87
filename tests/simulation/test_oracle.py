"""The oracle must be able to fail: each promise, broken in a history of a few lines, is reported in words."""

from __future__ import annotations

from typing import Any

import pytest

from bmaddb.testing.simulation.history import Act, Certainty, Deed, History
from bmaddb.testing.simulation.oracle import Oracle
from bmaddb.testing.simulation.tables import catalog, summary_of

USER, NOTE, CARD = "user", "note", "card"
CATALOG = catalog()
MADE = {"title": "first", "body": "word\n", "author": "me", "folder_id": None}


def row(**values: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {
        "likes": {},
        "labels": [],
        "marks": {},
        "highest": 0,
        "lowest": 0,
        "first_reader": None,
        "state": "draft",
    }
    return {"id": NOTE, **MADE, **empty, "created_at": 0, "updated_at": 0, "pinned_here": 0, **values}


def act(deed: Deed, column: str | None = None, *, by: str = "d0", **sides: Any) -> Act:
    return Act(by=by, key=(USER, "notes", NOTE), deed=deed, column=column, **sides)


def judged(acts: list[Act], *rows: dict[str, Any], kept: str = "", true_clocks: bool = False) -> list[str]:
    history = History()
    history.clocks_are_true = true_clocks
    history.tell([act(Deed.INSERT, new=MADE), *acts])
    lines = Oracle(history, CATALOG.tables, lambda _: kept).judge(USER, {"notes": list(rows)})
    return [line for line in lines if not line.startswith("  ")]


def test_a_row_as_it_was_made_is_fine() -> None:
    assert judged([], row()) == []


BROKEN: dict[str, tuple[list[Act], dict[str, Any] | None]] = {
    "it was made, nobody deleted it, and it is gone": ([], None),
    "it was deleted, nobody else touched it, and it stands": ([act(Deed.DELETE)], row()),
    "nobody wrote that": ([], row(title="from nowhere")),
    "state is 'done': nobody wrote that": ([act(Deed.SET, "state", new="open")], row(state="done")),
    "folder_id is 'f': nobody wrote that": ([], row(folder_id="f")),
    "saw it and wrote": ([act(Deed.SET, "title", prev="first", new="second")], row()),
    "its increments sum up to 5": ([act(Deed.ADD, "likes", new=5)], row(likes={"d0": [4, "1"]})),
    "nobody added": ([], row(labels=["x"])),
    "and it is gone": ([act(Deed.ADD, "labels", new="x")], row()),
    "and it is back": ([act(Deed.ADD, "labels", new="x"), act(Deed.REMOVE, "labels", new="x")], row(labels=["x"])),
    "wrote the word": ([act(Deed.ADD, "body", new="more")], row()),
    "marks.size was set, and is gone": ([act(Deed.SET, "marks.size", new="x")], row()),
    "9 was written": ([act(Deed.SET, "highest", prev=0, new=9)], row()),
    "-9 was written": ([act(Deed.SET, "lowest", prev=0, new=-9)], row()),
    "it was written, and is gone": ([act(Deed.SET, "first_reader", new="x")], row()),
    "it was made with": ([], row(author="you")),
}


@pytest.mark.parametrize("words", BROKEN)
def test_each_broken_promise_is_reported(words: str) -> None:
    acts, stands = BROKEN[words]
    lines = judged(acts, *([] if stands is None else [stands]))
    assert len(lines) == 1
    assert words in lines[0]


Told = tuple[Deed, str | None, dict[str, Any]]
CARD_MADE = {"place": "m", "summary": summary_of("m", 0)}


def card(place: str = "m", amount: int = 0, **values: Any) -> dict[str, Any]:
    follows = {"summary": summary_of(place, amount), "created_at": 0, "updated_at": 0}
    return {"id": CARD, "place": place, "amount": amount, **follows, **values}


def judged_card(acts: list[Told], stands: dict[str, Any], **told: bool) -> list[str]:
    history = History()
    history.clocks_are_true = told.get("true_clocks", False)
    history.restored = told.get("restored", False)
    key = (USER, "cards", CARD)
    history.tell([Act(by="d0", key=key, deed=Deed.INSERT, new=CARD_MADE, at_ms=0)])
    history.tell(Act(by="d0", key=key, deed=deed, column=column, **sides) for deed, column, sides in acts)
    lines = Oracle(history, CATALOG.tables, lambda _: "").judge(USER, {"cards": [stands]})
    return [line for line in lines if not line.startswith("  ")]


MOVED: Told = (Deed.SET, "place", {"prev": "m", "new": "q", "at_ms": 2})
MOVED_BEFORE: Told = (Deed.SET, "place", {"prev": "m", "new": "c", "at_ms": 1})
ADDED: Told = (Deed.ADD, "amount", {"new": 5})


def test_a_card_as_its_people_left_it_is_fine() -> None:
    assert judged_card([], card()) == []
    assert judged_card([MOVED, ADDED], card("q", 5)) == []
    assert judged_card([MOVED_BEFORE, MOVED], card("q"), true_clocks=True) == []


@pytest.mark.parametrize(
    ("acts", "stands", "words"),
    [
        ([], card("z"), "nobody wrote that"),
        ([MOVED], card("m"), "saw it and wrote"),
        ([ADDED, ADDED], card(amount=5), "its increments sum up to 10"),
        ([ADDED], card(amount=10), "its increments sum up to 5"),
        ([MOVED, ADDED], card("q", 5, summary=summary_of("m", 5)), "does not follow from 5, q"),
    ],
)
def test_each_broken_promise_about_a_card_is_reported(acts: list[Told], stands: dict[str, Any], words: str) -> None:
    [line] = judged_card(acts, stands)
    assert words in line


def test_with_true_clocks_a_card_is_where_it_was_put_last() -> None:
    acts = [MOVED_BEFORE, MOVED]
    assert judged_card(acts, card("c")) == []
    [line] = judged_card(acts, card("c"), true_clocks=True)
    assert "wrote 'q' later" in line


def test_after_a_restore_a_sum_is_a_guess_and_what_follows_is_none() -> None:
    assert judged_card([ADDED, ADDED], card(amount=5), restored=True) == []
    [line] = judged_card([], card(amount=5, summary="spoiled"), restored=True)
    assert "does not follow" in line


def test_a_row_nobody_made_is_reported() -> None:
    history = History()
    lines = Oracle(history, CATALOG.tables, lambda _: "").judge(USER, {"notes": [row()]})
    assert lines == ["notes note stands on the server, and nobody made it"]


def test_a_word_that_a_verdict_keeps_is_not_lost() -> None:
    assert judged([act(Deed.ADD, "body", new="more")], row(), kept="...more...") == []


def test_what_is_uncertain_may_be_there_or_not() -> None:
    maybe = act(Deed.ADD, "likes", new=5, certainty=Certainty.MAYBE)
    assert judged([maybe], row()) == []
    assert judged([maybe], row(likes={"d0": [5, "1"]})) == []
    assert judged([maybe], row(likes={"d0": [4, "1"]})) != []


def test_with_true_clocks_the_last_writer_is_who_wrote_last() -> None:
    early = act(Deed.SET, "title", prev="first", new="early", at_ms=1)
    late = act(Deed.SET, "title", by="d1", prev="first", new="late", at_ms=2)
    made = act(Deed.INSERT, new=MADE, at_ms=0)
    for clocks, faults in ((False, 0), (True, 1)):
        history = History()
        history.clocks_are_true = clocks
        history.tell([made, early, late])
        lines = Oracle(history, CATALOG.tables, lambda _: "").judge(USER, {"notes": [row(title="early")]})
        assert len([line for line in lines if not line.startswith("  ")]) == faults
