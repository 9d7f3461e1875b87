"""Whatever refers to whatever: no row that stays refers to one that went, and all that may go goes."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from bmaddb.device.upkeep import CleanUp, UpkeepPolicy, stubs
from tests.upkeep.acts import moment
from tests.upkeep.files import CATALOG, opened
from tests.upkeep.shelf import ORDER, YEAR_MS, Letter, Note, Room

COLD, YOUNG, UNSENT = "cold", "young", "unsent"
LETTERS = st.lists(
    st.tuples(st.sampled_from((COLD, COLD, COLD, YOUNG, UNSENT)), st.integers(-1, 11)), min_size=1, max_size=12
)


def expected(letters: list[tuple[str, int]], noted: set[int]) -> set[int]:
    """Cold letters to which, through answers, no letter leads that stays, nor a note."""
    stays = {place for place, (kind, _) in enumerate(letters) if kind != COLD} | noted
    while True:
        held = {letters[place][1] for place in stays if 0 <= letters[place][1] < len(letters)}
        if held <= stays:
            return set(range(len(letters))) - stays
        stays |= held


@settings(max_examples=50, deadline=None)
@given(letters=LETTERS, noted=st.sets(st.integers(0, 11), max_size=2), batch=st.integers(1, 5))
def test_exactly_what_nobody_holds_goes(letters: list[tuple[str, int]], noted: set[int], batch: int) -> None:
    noted = {place for place in noted if place < len(letters)}
    with TemporaryDirectory() as folder, opened(Path(folder) / "f.db") as (store, outbox):
        then, now = moment(store.clock.now_ms() - 2 * YEAR_MS), moment(store.clock.now_ms())
        with store.write() as tx:
            room = tx.insert(Room, title="room")
            for place, (kind, answers) in enumerate(letters):
                at = now if kind == YOUNG else then
                tx.insert(
                    Letter,
                    id=f"l{place:02}",
                    room_id=room.id,
                    answers_id=f"l{answers:02}" if 0 <= answers < len(letters) else None,
                    body="",
                    created_at=at,
                    updated_at=at,
                )
            for place in noted:
                tx.insert(Note, letter_id=f"l{place:02}")
        unsent = [f"l{place:02}" for place, (kind, _) in enumerate(letters) if kind == UNSENT]
        with store.apply("local") as connection:
            connection.execute("delete from outbox_operations")
            connection.execute(
                "update letters set server_seq = 1 where id not in (select value from json_each(?))",
                (stubs.listed(unsent),),
            )
            connection.execute(
                "insert into sync_cursors (id, stream, cursor, schema_version) values ('native', 'native', '9', ?)",
                (CATALOG.version,),
            )
        policy = UpkeepPolicy(budget_bytes=1, order=ORDER, batch_rows_max=batch)
        CleanUp(store, outbox, policy).run()
        with store.read() as connection:
            gone = stubs.among(connection, "letters", [f"l{place:02}" for place in range(len(letters))])
            assert connection.execute("pragma foreign_key_check").fetchall() == []
        assert gone == {f"l{place:02}" for place in expected(letters, noted)}
