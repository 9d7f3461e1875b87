"""What is given back leaves in an order the server's references allow, whatever refers to whatever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bmaddb.device.sync.giveback import ROWS_PER_ENTRY_MAX, LostRow, grouped
from bmaddb.protocol.changes import Change, Op, RowKey

graphs = st.dictionaries(
    st.integers(0, 12), st.tuples(st.integers(0, 2), st.sets(st.integers(0, 12), max_size=4)), max_size=13
)


def rows_of(graph: dict[int, tuple[int, set[int]]]) -> dict[RowKey, LostRow]:
    return {
        ("t", str(number)): LostRow(
            Change(table="t", op=Op.INSERT, id=str(number)), moment, frozenset(("t", str(need)) for need in needs)
        )
        for number, (moment, needs) in graph.items()
    }


def reachable(rows: dict[RowKey, LostRow], start: RowKey) -> set[RowKey]:
    found: set[RowKey] = set()
    todo = [start]
    while todo:
        for key in rows[todo.pop()].needs & rows.keys():
            if key not in found:
                found.add(key)
                todo.append(key)
    return found


@given(graphs)
def test_parents_leave_before_children_and_circles_together(graph: dict[int, tuple[int, set[int]]]) -> None:
    rows = rows_of(graph)
    place = {row.change.key: number for number, group in enumerate(grouped(rows)) for row in group}
    assert place.keys() == rows.keys()
    for key, row in rows.items():
        for parent in row.needs & rows.keys():
            assert place[parent] <= place[key]
            if key in reachable(rows, parent):
                assert place[parent] == place[key]


def test_rows_of_one_moment_leave_together_but_not_without_end() -> None:
    rows = rows_of({number: (1, set()) for number in range(ROWS_PER_ENTRY_MAX + 1)})
    assert [len(group) for group in grouped(rows)] == [ROWS_PER_ENTRY_MAX, 1]


def test_rows_of_many_moments_leave_alone() -> None:
    rows = rows_of({number: (number, set()) for number in range(5)})
    assert [len(group) for group in grouped(rows)] == [1] * 5
