"""A small page that meets nothing is written without ceremony, and to the same end as the careful way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bmaddb.device.outbox.row_index import RowIndex
from bmaddb.device.sync.pages import Pages
from bmaddb.device.sync.plain import Parts, Plain, PlainCounts
from bmaddb.device.sync.walk import Progress
from bmaddb.protocol.messages import PullAnswer, TablePage
from bmaddb.schema import Table
from bmaddb.schema.postgres_ddl_functions import read_columns
from tests.outbox.conftest import CATALOG, Bench
from tests.protocol.things import JOBS, NOTES, TOKENS, Job, Note

STAMP = "018f00000000-0000-0000000000bb"
NEVER = "a state of the future"


class Careful(Plain):
    """Finds no page plain."""

    def write(self, connection: apsw.Connection, index: RowIndex, parts: Parts) -> PlainCounts | None:
        return None


class Desk:
    """A file that pages are written into."""

    def __init__(self, path: Path) -> None:
        self.bench = Bench(path)
        self.bench.open(durability="normal")
        self.pages = Pages(self.bench.store, self.bench.outbox)
        self.versions = 0

    def upsert(self, table: Table, *rows: dict[str, Any], deleted: tuple[str, ...] = ()) -> None:
        """Apply one page with whole rows of a table, and deletes."""
        columns = tuple(read_columns(table))
        listed = [[self._whole(table, row).get(name) for name in columns] for row in rows]
        encoded = msgspec.Raw(msgspec.json.encode(listed))
        part = TablePage(table=table.name, columns=columns, rows=encoded, deleted=deleted)
        self.pages.apply(PullAnswer(cursor=f"1.{self.versions}", tables=(part,)), Progress())

    def _whole(self, table: Table, row: dict[str, Any]) -> dict[str, Any]:
        self.versions += 1
        usual = {c.name: c.spec.default for c in table.columns if c.spec.has_default}
        made = {"created_at": 1, "updated_at": self.versions, "server_seq": self.versions, "hlc": STAMP}
        return {**usual, **made, **row}

    def held(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything in the file, but for what the file itself is called."""
        names = [table.name for table in CATALOG.device_tables]
        kept = {name: self.bench.store.sql(f'select * from "{name}" order by id') for name in names}
        kept["index"] = self.bench.store.sql("select * from _bmad_outbox_rows order by 1, 2, 3, 4")
        kept["stamp"] = self.bench.store.sql("select value from _bmad_meta where key = 'hlc'")
        return kept

    def compiled(self, work: Callable[[], None]) -> int:
        """What SQLite had to ask while it compiled statements for `work()`, after it was done once."""
        asked: list[int] = []

        def authorize(code: int, *_: object) -> int:
            asked.append(code)
            return apsw.SQLITE_OK

        with self.bench.store.apply() as connection:
            connection.authorizer = authorize
        work()
        asked.clear()
        work()
        connection.authorizer = None
        return len(asked)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "desk.db")
    yield made
    made.bench.close()


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Desk]]:
    folder = tmp_path_factory.mktemp("twins")
    plain, careful = Desk(folder / "plain.db"), Desk(folder / "careful.db")
    careful.pages._plain = Careful(careful.bench.store)
    yield plain, careful
    plain.bench.close()
    careful.bench.close()


IDS = st.sampled_from(["a", "b", "c"])
PARENTS = st.sampled_from([None, "a", "b", "c", "nowhere"])
NOTE = {"id": IDS, "title": st.sampled_from(["x", "y"]), "tags": st.just(["é"])}
JOB = {"id": IDS, "title": st.just("j"), "note_id": PARENTS, "state": st.sampled_from(["todo", "done", NEVER])}
TOKEN = {"id": IDS, "name": st.just("t"), "job_id": PARENTS, "weight": st.sampled_from([None, 0.0, -0.0, 1.5])}


def rows_of(values: dict[str, Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(st.fixed_dictionaries(values), min_size=1, max_size=3, unique_by=lambda row: row["id"])


STEPS = st.one_of(
    st.tuples(st.just(NOTES), rows_of(NOTE)),
    st.tuples(st.just(JOBS), rows_of(JOB)),
    st.tuples(st.just(TOKENS), rows_of(TOKEN)),
    st.tuples(st.sampled_from([NOTES, JOBS, TOKENS]), IDS),
    st.tuples(st.just(None), IDS),
)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(script=st.lists(STEPS, min_size=1, max_size=8))
def test_both_ways_lead_to_the_same_file(twins: tuple[Desk, Desk], script: list[tuple[Table | None, Any]]) -> None:
    for table, said in script:
        for desk in twins:
            desk.bench.clock.advance(1)
            if table is None:  # somebody here edits a note, and that waits
                with desk.bench.store.write() as tx:
                    if tx.get(Note, said) is not None:
                        tx.update(Note, said, title=f"mine {desk.versions}")
            elif isinstance(said, str):
                desk.upsert(table, deleted=(said,))
            else:
                desk.upsert(table, *said)
    assert twins[0].held() == twins[1].held()


def test_a_parent_of_older_orphans_comes_beside_a_new_one(desk: Desk) -> None:
    """SQLite takes all three orphans off a count that holds one, and would then refuse the commit."""
    desk.upsert(TOKENS, *({"id": f"t{number}", "name": "t", "job_id": "late"} for number in range(3)))
    desk.upsert(JOBS, {"id": "lost", "title": "x", "note_id": "nowhere"}, {"id": "late", "title": "y"})
    assert len(desk.bench.store.sql("select id from tokens where job_id = 'late'")) == 3
    desk.upsert(JOBS, {"id": "late", "title": "z"})
    assert desk.bench.store.sql("select title from jobs order by id") == [("z",), ("x",)]


def test_a_parent_of_older_orphans_that_lacks_its_own(desk: Desk) -> None:
    desk.upsert(TOKENS, *({"id": f"t{number}", "name": "t", "job_id": "late"} for number in range(3)))
    desk.upsert(JOBS, {"id": "late", "title": "y", "note_id": "nowhere"})
    assert len(desk.bench.store.sql("select id from tokens where job_id = 'late'")) == 3


def test_a_plain_page_compiles_nothing_again(desk: Desk) -> None:
    def pages() -> None:
        for number in range(3):
            desk.upsert(NOTES, {"id": "n", "title": f"t{number}"}, {"id": "gone"})
            desk.upsert(NOTES, deleted=("gone",))
            with desk.bench.store.write() as tx:
                tx.insert(Job, title="mine")

    assert desk.compiled(pages) == 0
    desk.pages._plain = Careful(desk.bench.store)
    assert desk.compiled(pages) > 0, "or this says nothing"


def test_what_is_the_same_is_not_written(desk: Desk) -> None:
    desk.upsert(JOBS, {"id": "j", "title": "t"})
    told: list[tuple[str, ...]] = []
    with desk.bench.store.apply() as connection:
        connection.trace_v2(
            apsw.SQLITE_TRACE_STMT, lambda event: told.append(event["sql"]) if "jobs" in event["sql"] else None, id="t"
        )
    desk.upsert(JOBS, {"id": "j", "title": "u"})
    [update] = [text for text in map(str, told) if text.startswith("UPDATE")]
    assert update == 'UPDATE "jobs" SET "updated_at" = ?2, "server_seq" = ?3, "title" = ?4 WHERE id = ?1'
    job = desk.bench.store.get(Job, "j")
    assert job is not None
    assert (job.title, job.state) == ("u", "todo")
