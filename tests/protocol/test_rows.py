"""Three-way merge of a row: what the local row becomes, what must still be pushed, what was decided."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from bmaddb.protocol.changes import Change, Op
from bmaddb.protocol.merge import Action, Pending, RemoteRow, RowMerge, merge_row
from bmaddb.schema import Catalog, Table
from tests.protocol.lab import NOW_MS, PAGES, START
from tests.protocol.lab import stamp as lab_stamp
from tests.protocol.things import JOBS, NOTES, TOKENS
from tests.sync.desk import MODULE

NOW = 1_800_000_000_000
NODE = "0000000000aa"


def stamp(at: int, node: str = NODE) -> str:
    return f"{NOW - 1000 + at:012x}-0000-{node}"


BASE: dict[str, Any] = {
    "id": "n1", "user_id": "u", "created_at": 1, "updated_at": 1, "server_seq": 5,
    "title": "a", "body": None, "likes": 1, "tags": [], "kind": "plain", "checked": False, "opened": 3,
}  # fmt: skip


def local(**values: Any) -> dict[str, Any]:
    return {**BASE, **values}


def remote(at: int = 0, **values: Any) -> RemoteRow:
    sent = {name: value for name, value in BASE.items() if name not in ("id", "user_id", "server_seq", "opened")}
    return RemoteRow(table="notes", id="n1", server_seq=9, values={**sent, **values}, hlc=stamp(at, "0000000000bb"))


GONE = RemoteRow(table="notes", id="n1", server_seq=None, values=None)


def update(position: int, at: int, old: dict[str, Any], new: dict[str, Any]) -> Pending:
    change = Change(table="notes", op=Op.UPDATE, id="n1", old=old, new=new)
    return Pending(position=position, stamp=stamp(at), change=change)


def insert(position: int, at: int, **values: Any) -> Pending:
    change = Change(table="notes", op=Op.INSERT, id="n1", new=local(server_seq=None, **values))
    return Pending(position=position, stamp=stamp(at), change=change)


def delete(position: int, at: int, **values: Any) -> Pending:
    change = Change(table="notes", op=Op.DELETE, id="n1", old=local(**values))
    return Pending(position=position, stamp=stamp(at), change=change)


def merged(chain: list[Pending], mine: dict[str, Any] | None, theirs: RemoteRow, table: Table = NOTES) -> RowMerge:
    return merge_row(table, chain, mine, theirs, NOW)


def told(outcome: RowMerge) -> list[tuple[str | None, Any]]:
    return [(verdict.column, verdict.resolved) for verdict in outcome.verdicts]


def test_different_columns_need_no_rule() -> None:
    chain = [update(1, 1, {"title": "a", "updated_at": 1}, {"title": "b", "updated_at": 2})]
    outcome = merged(chain, local(title="b", updated_at=2), remote(body="new", updated_at=3))
    assert outcome.values == {"body": "new", "updated_at": 3, "server_seq": 9}
    change = outcome.changes[1]
    assert change is not None
    assert (change.old, change.new) == ({"title": "a"}, {"title": "b"})
    assert outcome.verdicts == ()


def test_the_newer_stamp_wins_and_the_loser_is_not_pushed() -> None:
    chain = [update(1, 1, {"title": "a"}, {"title": "mine"})]
    outcome = merged(chain, local(title="mine"), remote(at=2, title="theirs"))
    assert outcome.values == {"title": "theirs", "server_seq": 9}
    assert outcome.changes == {1: None}
    assert told(outcome) == [("title", "theirs")]


def test_mine_wins_and_waits_on_top_of_theirs() -> None:
    chain = [update(1, 3, {"title": "a"}, {"title": "mine"})]
    outcome = merged(chain, local(title="mine"), remote(at=2, title="theirs"))
    assert outcome.values == {"server_seq": 9}
    change = outcome.changes[1]
    assert change is not None
    assert (change.old, change.new) == ({"title": "theirs"}, {"title": "mine"})
    assert told(outcome) == [("title", "mine")]
    again = merged([Pending(position=1, stamp=stamp(3), change=change)], local(title="mine"), remote(title="theirs"))
    assert again.verdicts == (), "a decided dispute does not come back"


def test_a_column_stamp_counts_for_its_column_alone() -> None:
    chain = [update(1, 3, {"title": "a", "body": None}, {"title": "mine", "body": "mine"})]
    theirs = remote(at=1, title="theirs", body="theirs")
    theirs = RemoteRow(
        table="notes", id="n1", server_seq=9, values=theirs.values, hlc=theirs.hlc, stamps={"body": stamp(9, "b" * 12)}
    )
    outcome = merged(chain, local(title="mine", body="mine"), theirs)
    assert told(outcome) == [("title", "mine"), ("body", "theirs")]


def test_a_stamp_from_the_future_beats_no_later_edit() -> None:
    future = RemoteRow(
        table="notes", id="n1", server_seq=9, values=remote(title="theirs").values,
        hlc=f"{NOW * 2:012x}-0000-{'b' * 12}",
    )  # fmt: skip
    chain = [update(1, 2000, {"title": "a"}, {"title": "mine"})]
    assert told(merged(chain, local(title="mine"), future)) == [("title", "mine")]


def test_both_came_to_the_same_value() -> None:
    chain = [update(1, 1, {"title": "a"}, {"title": "same"})]
    outcome = merged(chain, local(title="same"), remote(title="same"))
    assert outcome.changes == {1: None}
    assert outcome.verdicts == ()


def test_a_value_that_was_changed_back_gives_way() -> None:
    chain = [
        update(1, 1, {"title": "a"}, {"title": "b"}),
        update(2, 2, {"title": "b"}, {"title": "a"}),
    ]
    outcome = merged(chain, local(title="a"), remote(title="theirs"))
    assert outcome.values["title"] == "theirs"
    assert outcome.changes == {1: None, 2: None}


def test_the_base_is_that_of_the_first_entry_and_the_stamp_of_the_last() -> None:
    chain = [
        update(1, 1, {"title": "a"}, {"title": "b"}),
        update(2, 5, {"title": "b"}, {"title": "c"}),
    ]
    outcome = merged(chain, local(title="c"), remote(at=3, title="theirs"))
    assert told(outcome) == [("title", "c")]
    first, second = outcome.changes[1], outcome.changes[2]
    assert first is not None
    assert second is not None
    assert (first.old, first.new) == ({"title": "theirs"}, {"title": "b"})
    assert (second.old, second.new) == ({"title": "b"}, {"title": "c"})


def test_each_entry_adds_its_own_part_to_what_the_server_holds() -> None:
    chain = [
        update(1, 1, {"tags": []}, {"tags": ["x"]}),
        update(2, 2, {"tags": ["x"]}, {"tags": ["x", "y"]}),
    ]
    outcome = merged(chain, local(tags=["x", "y"]), remote(tags=["z"]))
    assert outcome.values["tags"] == ["x", "y", "z"]
    first, last = outcome.changes[1], outcome.changes[2]
    assert first is not None
    assert last is not None
    assert (first.old, first.new) == ({"tags": ["z"]}, {"tags": ["x", "z"]})
    assert (last.old, last.new) == ({"tags": ["x", "z"]}, {"tags": ["x", "y", "z"]})


@pytest.mark.parametrize(
    ("column", "values", "theirs", "expected"),
    [
        (
            "words",
            ["a\nb\nc\nd\ne\n", "first\nb\nc\nd\ne\n", "first\nb\nthen\nd\ne\n"],
            "a\nb\nc\nd\ntheirs\n",
            ["first\nb\nc\nd\ntheirs\n", "first\nb\nthen\nd\ntheirs\n"],
        ),
        ("sums", [1, 11, 111], 3, [13, 113]),
        ("top", [0, 2, 5], 3, [None, 5]),
        ("low", [9, 6, 1], 4, [None, 1]),
        ("members", [[], ["y"], ["x", "y"]], ["x"], [["x", "y"], None]),
    ],
)
def test_so_do_entries_of_every_rule_that_merges_parts(
    column: str, values: list[Any], theirs: Any, expected: list[Any]
) -> None:
    """Giving the later one up would otherwise take the earlier one's part along."""
    first, second = itertools.pairwise(values)
    chain = [page_update(1, 1, column, *first), page_update(2, 2, column, *second)]
    sent = {**START, column: theirs}
    row = RemoteRow(table="pages", id="p", server_seq=9, values=sent, hlc=lab_stamp(0, 7))
    outcome = merge_row(PAGES, chain, {**START, column: values[-1]}, row, NOW_MS)
    waits = [outcome.changes[position] for position in (1, 2)]
    assert [change and change.new[column] for change in waits] == expected, "None: it has nothing to add"
    olds = [change.old[column] for change in waits if change is not None]
    assert olds == [theirs, *[value for value in expected if value is not None][:-1]]


def test_a_part_that_is_joined_is_said_by_the_last_entry() -> None:
    """On top of 90 the first one's 60 makes 150; in the end it is 60."""
    sheets = Catalog([MODULE]).table("sheets")
    start = {column.name: column.spec.default for column in sheets.columns if column.spec.has_default}
    start |= {"created_at": 1, "updated_at": 1, "folder_id": None, "shelf_id": None}
    sides = [(0, 60), (60, -30)]
    chain = [
        Pending(
            position=place,
            stamp=lab_stamp(place),
            change=Change(table="sheets", op=Op.UPDATE, id="p", old={"total": old}, new={"total": new}),
        )
        for place, (old, new) in enumerate(sides, start=1)
    ]
    row = RemoteRow(table="sheets", id="p", server_seq=9, values={**start, "total": 90}, hlc=lab_stamp(0, 7))
    merge = partial(merge_row, sheets, chain, {**start, "total": -30}, row, NOW_MS)

    def said(outcome: RowMerge) -> list[tuple[int, int] | None]:
        return [
            None if change is None else (change.old["total"], change.new["total"])
            for change in outcome.changes.values()
        ]

    assert said(merge()) == [(90, 150), (150, 60)]
    assert said(merge(joined={(1, "total")})) == [None, (90, 60)]
    assert said(merge(joined={(1, "words"), (2, "total")})) == [(90, 150), (150, 60)], "the last one is never joined"
    assert said(merge(plain={"total"})) == [(90, 60), (60, -30)]


def page_update(position: int, at: int, column: str, old: Any, new: Any) -> Pending:
    change = Change(table="pages", op=Op.UPDATE, id="p", old={column: old}, new={column: new})
    return Pending(position=position, stamp=lab_stamp(at), change=change)


def test_a_moment_alone_is_not_worth_a_push() -> None:
    chain = [update(1, 1, {"title": "a", "updated_at": 1}, {"title": "mine", "updated_at": 9})]
    outcome = merged(chain, local(title="mine", updated_at=9), remote(at=5, title="theirs", updated_at=3))
    assert outcome.changes == {1: None}
    assert outcome.values["updated_at"] == 3


@pytest.mark.parametrize(("column", "value"), [("kind", "special"), ("checked", True)])
def test_immutable_and_server_columns_are_the_servers(column: str, value: Any) -> None:
    mine = "mine" if column == "kind" else False
    chain = [update(1, 9, {column: BASE[column]}, {column: mine})]
    outcome = merged(chain, local(**{column: mine}), remote(**{column: value}))
    assert outcome.values[column] == value
    assert outcome.changes == {1: None}


def test_what_is_set_at_insert_is_the_servers_though_it_holds_the_default() -> None:
    """Both made the row; theirs got there first, with the default. The server takes no other value any more."""
    outcome = merged(
        [insert(1, 3, kind="fancy", title="mine")], local(server_seq=None, kind="fancy", title="mine"), remote()
    )
    assert outcome.values["kind"] == "plain"
    assert outcome.changes[1] is not None
    assert "kind" not in outcome.changes[1].new
    assert ("kind", "plain") in told(outcome)


def test_local_columns_stay_out_of_it() -> None:
    chain = [update(1, 1, {"title": "a", "opened": 3}, {"title": "b", "opened": 4})]
    outcome = merged(chain, local(title="b", opened=4), remote(body="x"))
    assert "opened" not in outcome.values
    assert outcome.changes[1] is not None
    assert outcome.changes[1].new == {"title": "b"}


def test_a_column_an_older_server_does_not_know_goes_on_waiting() -> None:
    chain = [update(1, 1, {"body": None, "title": "a"}, {"body": "new", "title": "b"})]
    theirs = remote(at=5, title="theirs")
    values = {name: value for name, value in (theirs.values or {}).items() if name != "body"}
    outcome = merged(
        chain,
        local(body="new", title="b"),
        RemoteRow(table="notes", id="n1", server_seq=9, values=values, hlc=stamp(5)),
    )
    assert outcome.changes[1] is not None
    assert outcome.changes[1].new == {"body": "new"}


def test_what_an_older_server_does_not_know_of_a_row_it_holds_was_a_default_before() -> None:
    """The row was to be made there, and stands there already: what waits becomes an edit, and can be given up."""
    values = {name: value for name, value in (remote().values or {}).items() if name != "likes"}
    theirs = RemoteRow(table="notes", id="n1", server_seq=9, values=values, hlc=stamp(5))
    outcome = merged([insert(1, 1, likes=4)], local(server_seq=None, likes=4), theirs)
    assert outcome.changes[1] is not None
    assert (outcome.changes[1].op, outcome.changes[1].old) == (Op.UPDATE, {"likes": 0})


def test_two_devices_made_the_same_row() -> None:
    outcome = merged(
        [insert(1, 3, title="mine", likes=4)],
        local(server_seq=None, title="mine", likes=4),
        remote(at=1, title="theirs", body="words", likes=2),
    )
    assert outcome.values["body"] == "words", "my default gives way to what they wrote"
    change = outcome.changes[1]
    assert change is not None
    assert change.op is Op.UPDATE
    assert change.new == {"title": "mine", "likes": 4}
    assert change.old == {"title": "theirs", "likes": 2}


def test_an_insert_equal_to_theirs_needs_no_push() -> None:
    outcome = merged([insert(1, 3)], local(server_seq=None), remote())
    assert outcome.changes == {1: None}
    assert outcome.values == {"server_seq": 9}


def test_made_again_after_a_delete_starts_from_the_row_that_was() -> None:
    chain = [delete(1, 1), insert(2, 9, title="again")]
    outcome = merged(chain, local(server_seq=None, title="again"), remote(at=5, body="theirs"))
    assert outcome.changes[1] is None
    assert outcome.changes[2] is not None
    assert outcome.changes[2].new == {"title": "again"}
    assert outcome.values["body"] == "theirs"


def test_each_entry_of_a_chain_keeps_its_own_step_of_a_set() -> None:
    """Giving the last one up must not give up what the second took away."""
    chain = [
        update(1, 1, {"tags": []}, {"tags": ["mine"]}),
        update(2, 2, {"tags": ["mine"]}, {"tags": []}),
        update(3, 3, {"tags": []}, {"tags": ["late"]}),
    ]
    outcome = merged(chain, local(tags=["late"]), remote(tags=["theirs"]))
    steps = [(change.old["tags"], change.new["tags"]) for change in outcome.changes.values() if change is not None]
    assert [(set(old), set(new)) for old, new in steps] == [
        ({"theirs"}, {"theirs", "mine"}),
        ({"theirs", "mine"}, {"theirs"}),
        ({"theirs"}, {"theirs", "late"}),
    ]


def test_a_step_that_is_on_the_server_already_is_not_sent() -> None:
    chain = [update(1, 1, {"tags": []}, {"tags": ["mine"]}), update(2, 2, {"tags": ["mine"]}, {"tags": ["mine", "b"]})]
    outcome = merged(chain, local(tags=["mine", "b"]), remote(tags=["mine", "theirs"]))
    assert outcome.changes[1] is None
    assert outcome.changes[2] is not None
    assert set(outcome.changes[2].new["tags"]) == {"mine", "b", "theirs"}


# --- deletes ---


def test_an_edit_there_brings_a_row_back_that_was_deleted_here() -> None:
    outcome = merged([delete(1, 9)], None, remote(title="edited"))
    assert outcome.action is Action.PUT
    assert outcome.values["title"] == "edited"
    assert outcome.changes == {1: None}
    assert outcome.verdicts[0].column is None


def test_a_delete_wins_where_the_table_says_so() -> None:
    outcome = merge_row(TOKENS, [delete(1, 1)], None, remote(at=9, title="edited"), NOW)
    assert outcome.action is Action.KEEP
    kept = outcome.changes[1]
    assert kept is not None
    assert kept.old["server_seq"] == 9
    assert kept.old["title"] == "edited"
    assert outcome.verdicts[0].theirs["title"] == "edited"


def test_a_new_version_without_an_edit_is_no_conflict() -> None:
    outcome = merged([delete(1, 1)], None, remote(updated_at=77))
    assert outcome.action is Action.KEEP
    assert outcome.verdicts == ()
    assert outcome.changes[1] is not None


@pytest.mark.parametrize(("state", "action"), [("todo", Action.PUT), ("done", Action.KEEP)])
def test_open_work_survives_a_delete_here(state: str, action: Action) -> None:
    assert merge_row(JOBS, [delete(1, 1)], None, remote(state=state, title="x"), NOW).action is action


@pytest.mark.parametrize(("state", "action"), [("doing", Action.SET), ("done", Action.DROP)])
def test_open_work_survives_a_delete_there(state: str, action: Action) -> None:
    chain = [update(1, 1, {"state": "todo"}, {"state": state})]
    assert merge_row(JOBS, chain, local(state=state), GONE, NOW).action is action


def test_an_edit_here_makes_the_row_again_that_was_deleted_there() -> None:
    chain = [
        update(1, 1, {"title": "a"}, {"title": "b"}),
        update(2, 2, {"body": None, "title": "b"}, {"body": "words", "title": "c"}),
    ]
    outcome = merged(chain, local(title="c", body="words"), GONE)
    assert outcome.values == {"server_seq": None}
    first, second = outcome.changes[1], outcome.changes[2]
    assert first is not None
    assert first.op is Op.INSERT
    assert (first.new["title"], first.new["body"]) == ("b", None), "as the first entry left it"
    assert second == chain[1].change
    assert outcome.verdicts[0].resolved["title"] == "c"


def test_a_delete_there_wins_over_an_edit_here_and_the_words_are_kept() -> None:
    outcome = merge_row(TOKENS, [update(1, 1, {"title": "a"}, {"title": "b"})], local(title="b"), GONE, NOW)
    assert outcome.action is Action.DROP
    assert outcome.changes == {1: None}
    assert outcome.verdicts[0].mine["title"] == "b"
    assert outcome.verdicts[0].needs_attention


def test_deleted_on_both_sides() -> None:
    outcome = merged([update(1, 1, {"title": "a"}, {"title": "b"}), delete(2, 2)], None, GONE)
    assert outcome.action is Action.KEEP
    assert outcome.changes == {1: None, 2: None}
    assert outcome.verdicts == ()


def test_a_row_made_here_knows_nothing_of_a_delete_there() -> None:
    outcome = merged([insert(1, 1)], local(server_seq=None), GONE)
    assert outcome.action is Action.SET
    assert outcome.changes[1] is not None
    assert outcome.changes[1].op is Op.INSERT


def test_made_and_deleted_here_leaves_theirs_alone() -> None:
    outcome = merged([insert(1, 1), delete(2, 2)], None, remote(title="theirs"))
    assert outcome.action is Action.PUT
    assert outcome.changes == {1: None, 2: None}


class Counted(dict[str, Any]):
    """The values of a change, which count how often somebody goes through them."""

    times = 0

    def __iter__(self) -> Iterator[str]:
        Counted.times += 1
        return super().__iter__()

    def items(self) -> Any:
        Counted.times += 1
        return super().items()


def passes(count: int) -> int:
    """How often the changes are gone through in the merge of a row that so many wait for."""
    chain = [
        update(place, place, Counted(title=f"t{place - 1}"), Counted(title=f"t{place}", updated_at=place))
        for place in range(1, count + 1)
    ]
    Counted.times = 0
    outcome = merged(chain, local(title=f"t{count}", updated_at=count), remote(body="theirs"))
    assert len(outcome.changes) == count
    return Counted.times


def test_a_merge_goes_through_each_change_that_waits_a_fixed_number_of_times() -> None:
    assert 0 < passes(400) <= 4 * passes(100) + 4
