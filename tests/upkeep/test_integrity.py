"""Files broken by hand: each check finds its damage, repairs are safe, and nothing of the user's goes."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from bmaddb.device.upkeep import CleanUp, Finding, Integrity, IntegrityReport, Status
from bmaddb.service.integrity import check_integrity
from tests.upkeep.files import fill, look, opened
from tests.upkeep.shelf import PACKED, Letter, Note


@pytest.fixture
def path(tmp_path: Path) -> Path:
    fill(tmp_path / "file.db", 30)
    return tmp_path / "file.db"


def break_it(path: Path, *statements: str) -> None:
    """Write to the file as somebody who knows nothing of us."""
    connection = apsw.Connection(str(path))
    for statement in statements:
        connection.execute(statement)
    connection.close()


def check(path: Path, *, full: bool = True, repair: bool = True) -> IntegrityReport:
    with opened(path) as (store, outbox):
        return check_integrity(store, outbox, None, full=full, repair=repair)


def only(report: IntegrityReport, name: str) -> Finding:
    [finding] = report.of(name)
    others = [found for found in report.findings if found.check != name and found.status is not Status.OK]
    assert others == []
    return finding


def test_a_whole_file_is_ok(path: Path) -> None:
    for full in (False, True):
        report = check(path, full=full)
        assert report.ok
        assert {finding.status for finding in report.findings} == {Status.OK}


def test_a_missing_index_is_built(path: Path) -> None:
    before = look(path)
    break_it(path, "drop index ix_letters__room_id")
    assert only(check(path, repair=False), "schema").status is Status.WARN
    assert only(check(path), "schema").repaired
    assert only(check(path), "schema") == Finding(check="schema", status=Status.OK)
    assert look(path) == before


def test_an_index_that_lacks_a_row_is_made_again(path: Path) -> None:
    before = look(path)
    _lose_a_line(path)
    report = check(path, repair=False)
    assert report.of("file")[0].status is Status.FAIL
    assert report.of("file")[0].remedy == "REINDEX"
    assert check(path).of("file")[0].repaired
    assert check(path).ok
    assert look(path) == before


def _lose_a_line(path: Path) -> None:
    """A row of letters gets another room behind the back of the index on it."""
    connection = apsw.Connection(str(path))
    [(root,)] = connection.execute("select rootpage from sqlite_schema where name = 'ix_letters__room_id'")
    connection.execute("drop index if exists other")
    connection.execute("create index other on letters (room_id) where rowid > 3")
    [(partial,)] = connection.execute("select rootpage from sqlite_schema where name = 'other'")
    connection.pragma("writable_schema", True)
    connection.execute("update sqlite_schema set rootpage = ? where name = 'ix_letters__room_id'", (partial,))
    connection.execute("update sqlite_schema set rootpage = ? where name = 'other'", (root,))
    connection.close()
    break_it(path, "drop index other")


def test_orphans_get_an_entry_again(path: Path) -> None:
    before = look(path)
    break_it(path, "delete from outbox_operations", "delete from _bmad_outbox_rows")
    report = check(path, repair=False)
    assert {finding.check for finding in report.findings if finding.status is Status.FAIL} == {"orphans"}
    assert check(path).ok
    with opened(path) as (store, outbox):
        waiting = {key for entry in outbox.entries() for key in entry.changes}
        unsent = {("letters", row.id) for row in store.query(Letter).all() if row.server_seq is None}
        assert unsent | {("notes", row.id) for row in store.query(Note).all()} == waiting
    assert {key: row for key, row in look(path).items() if key.startswith(("letters", "notes"))} == {
        key: row for key, row in before.items() if key.startswith(("letters", "notes"))
    }


def test_the_index_of_the_outbox_is_made_again(path: Path) -> None:
    before = look(path)
    with opened(path) as (_, outbox), outbox.edit():
        pass
    break_it(path, "update _bmad_outbox_rows set position = position + 40")
    assert not check(path, repair=False).ok
    assert check(path).of("outbox index")[0].repaired
    assert check(path).ok
    assert look(path) == before


def test_a_broken_reference_is_named_and_left(path: Path) -> None:
    break_it(path, "pragma foreign_keys = off", "update notes set letter_id = 'nobody'")
    before = look(path)
    assert only(check(path), "references").status is Status.FAIL
    assert look(path) == before


def test_soft_references_are_reported_and_never_touched(path: Path) -> None:
    break_it(path, """update notes set letter_ids = '["nobody", "nobody else"]'""")
    before = look(path)
    finding = only(check(path), "soft references")
    assert (finding.status, finding.count) == (Status.WARN, 2)
    assert look(path) == before


def test_a_strangers_row_and_a_strange_table_are_named(path: Path) -> None:
    break_it(path, "create table somebodys (x)", "update events set user_id = 'x' where rowid = 1")
    report = check(path)
    assert report.of("owner")[0].status is Status.FAIL
    assert report.of("schema")[0].status is Status.WARN


def test_the_archive_is_set_right(path: Path) -> None:
    with opened(path) as (store, outbox):
        CleanUp(store, outbox, PACKED).run()
        with store.read() as connection:
            [(stubs,)] = connection.execute("select count(*) from _bmad_archived")
    before = look(path)
    break_it(
        path,
        "update _bmad_packed set body = x'00ff00' where number = (select min(number) from _bmad_packed)",
        "delete from _bmad_packed where number = (select max(number) from _bmad_packed)",
        "insert into _bmad_packed (number, schema_version, body) values (999999, 1, x'')",
        "insert into _bmad_archived select 'notes', id, 1, 1, null, null from notes limit 1",
    )
    assert len(check(path, repair=False).of("archive")) == 4
    assert all(finding.repaired for finding in check(path).of("archive"))
    assert check(path).ok
    assert look(path) == before
    with opened(path) as (store, _), store.read() as connection:
        assert connection.execute("select count(*) from _bmad_archived").fetchall() == [(stubs,)]


def test_a_damaged_page_is_a_case_for_salvage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    connection = apsw.Connection(str(path))
    [(root,)] = connection.execute("select rootpage from sqlite_schema where name = 'letters'")
    page = int(connection.pragma("page_size"))
    connection.close()
    content[(int(root) - 1) * page : (int(root) - 1) * page + 200] = b"\xff" * 200
    path.write_bytes(bytes(content))
    with opened(path) as (store, outbox):
        found = Integrity(store, outbox).examine(full=True, repair=True)
    [finding] = [finding for finding in found if finding.check == "file"]
    assert finding.status is Status.FAIL
    assert "salvage" in finding.remedy
