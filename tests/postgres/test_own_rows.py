"""What a request wrote itself takes no room in its answer, however much it was: what others changed comes (S12)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bmaddb import statements
from tests.postgres.caller import ALICE, Caller, insert, rows_of, update
from tests.support.postgres import Database

MANY_ROWS = 12_000
PAGE_ROWS = 4
SEEDS = range(12)
ROUNDS = 6
_SQL = statements.load("tests.postgres", "own_rows.sql")


def many(prefix: str, count: int, title: str = "t") -> dict[str, Any]:
    return insert("boxes", *({"id": f"{prefix}{number}", "title": title} for number in range(count)))


def test_more_own_rows_than_a_page_holds_do_not_come_back(alice: Caller) -> None:
    cursor = alice.pull()["cursor"]
    page = alice.push(alice.entry(many("a", MANY_ROWS)), cursor=cursor)["pull"]
    assert (page["tables"], page["more"]) == ([], False)
    assert alice.pull(page["cursor"])["tables"] == []


def test_many_entries_that_are_more_than_a_page_together_do_not_come_back(alice: Caller) -> None:
    cursor = alice.pull()["cursor"]
    entries = [alice.entry(many(f"a{number}.", 120)) for number in range(60)]
    page = alice.push(*entries, cursor=cursor)["pull"]
    assert (page["tables"], page["more"]) == ([], False)
    assert alice.pull(page["cursor"])["tables"] == []


def test_their_weight_is_left_out_too(alice: Caller, device: Callable[..., Caller]) -> None:
    """Many foreign rows are weighed; what is not sent has no weight."""
    cursor = alice.pull()["cursor"]
    device(device="device-2").write(many("theirs", 150))
    fat = [alice.entry(many(f"a{number}.", 5000, "x" * 100)) for number in range(12)]
    page = alice.push(*fat, cursor=cursor)["pull"]
    assert set(rows_of(page, "boxes")) == {f"theirs{number}" for number in range(150)}
    assert page["more"] is False
    assert alice.pull(page["cursor"])["tables"] == []


def test_a_catalogue_that_fills_the_page_leaves_the_cursor_past_own_rows(small: Database, alice: Caller) -> None:
    cursor = alice.pull()["cursor"]
    with small.connect() as connection:
        for number in range(20):
            connection.execute(_SQL["add_colour"], {"id": f"c{number}"})
    page = alice.push(alice.entry(many("a", 10)), cursor=cursor, limit_rows=PAGE_ROWS)["pull"]
    assert page["more"] is True
    seen = [page, *pages_after(alice, page)]
    assert [key for one in seen for key in rows_of(one, "boxes")] == []
    assert sum(len(rows_of(one, "colours")) for one in seen) == 20


def pages_after(one: Caller, page: Any) -> Iterator[Any]:
    """The pages that follow, up to the last."""
    while page["more"]:
        page = one.pull(page["cursor"], limit_rows=PAGE_ROWS)
        yield page


def foreign_writes(chance: random.Random, small: Database, other: Caller, mark: str) -> dict[str, str]:
    """What others do between two pushes: another device, and plain SQL; id -> title."""
    written: dict[str, str] = {}
    for number in range(chance.randrange(4)):
        rows = [{"id": f"{mark}.{number}.{place}", "title": mark} for place in range(chance.randrange(1, 7))]
        written |= {row["id"]: row["title"] for row in rows}
        if chance.random() < 0.5:
            other.write(insert("boxes", *rows))
        else:
            with small.connect() as connection:
                for row in rows:
                    connection.execute(_SQL["add"], {"user": ALICE, **row})
    return written


@pytest.mark.parametrize("seed", SEEDS)
def test_no_foreign_row_is_skipped_and_no_own_row_comes_in_the_answer(
    small: Database, alice: Caller, device: Callable[..., Caller], seed: int
) -> None:
    """Pages end before, between and behind foreign versions; own rows come later only if a page ended before them."""
    chance = random.Random(seed)
    other = device(device="device-2")
    small.run(_SQL["echo"])  # a trigger of an operator: half of what is pushed drags a row along, in between
    cursor = alice.pull()["cursor"]
    for turn in range(ROUNDS):
        expected = foreign_writes(chance, small, other, f"f{turn}")
        entries, own = [], set()
        for number in range(chance.randrange(1, 5)):
            ids = [f"own{turn}.{number}.{place}" for place in range(chance.randrange(1, 9))]
            own |= set(ids)
            expected |= {f"{id}.echo": "echo" for id in ids if id.endswith((".1", ".3", ".5"))}
            entries.append(alice.entry(insert("boxes", *({"id": id, "title": "mine"} for id in ids))))
        answer = alice.push(*entries, cursor=cursor, limit_rows=PAGE_ROWS)
        assert all(one["status"] == "applied" for one in answer["answers"])
        first = answer["pull"]
        assert not own & set(rows_of(first, "boxes"))
        later = list(pages_after(alice, first))
        got = {key: row["title"] for page in (first, *later) for key, row in rows_of(page, "boxes").items()}
        assert {key: title for key, title in got.items() if key not in own} == expected, f"seed {seed}, turn {turn}"
        if len(expected) <= PAGE_ROWS:
            assert (later, own & set(got)) == ([], set()), f"seed {seed}, turn {turn}"
        cursor = (later[-1] if later else first)["cursor"]
        assert alice.pull(cursor)["tables"] == []


def test_an_update_of_own_rows_of_an_earlier_request_stays_away(alice: Caller) -> None:
    cursor = alice.pull()["cursor"]
    alice.write(many("a", 10))
    entries = [alice.entry(update("boxes", f"a{number}", 10**9, title="new")) for number in range(10)]
    page = alice.push(*entries, cursor=cursor, limit_rows=PAGE_ROWS)["pull"]
    assert (page["tables"], page["more"]) == ([], False)
