"""The right to one's data: everything out, everything in, and the same again."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from bmaddb import errors as e
from bmaddb.cli.main import main
from bmaddb.device.transfer import export_archive
from bmaddb.modules.tasks_productivity import Goal, Task
from bmaddb.schema.kinds import Kind
from bmaddb.service import Database
from tests.transfer.conftest import USER, fill, opened, rows, user_tables


def test_an_export_into_an_empty_device_exports_the_same(db: Database, tmp_path: Path) -> None:
    fill(db)
    first = export_archive(db.store, tmp_path / "first.zip")
    for table in user_tables(db):
        assert f"tables/{table.name}.jsonl" in first.files, "a table of the user is not in the export"
    with opened(tmp_path / "other.db") as other:
        report = other.import_from(tmp_path / "first.zip")
        assert (report.added, report.bad) == (2 * len(user_tables(db)), ())
        assert rows(other) == rows(db)
        assert export_archive(other.store, tmp_path / "second.zip") == first
        again = other.import_from(tmp_path / "first.zip")
        assert (again.added, again.updated, again.same, again.bad_lines) == (0, 0, report.added, 0)
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()
    assert (tmp_path / "first.zip").stat().st_mode & 0o077 == 0


def test_what_came_in_is_queued_for_the_server_and_what_it_owns_is_not(db: Database, tmp_path: Path) -> None:
    fill(db)
    db.export(tmp_path / "all.zip")
    with opened(tmp_path / "other.db") as other:
        other.import_from(tmp_path / "all.zip")
        queued = {table for entry in other.outbox.entries() for table, _ in entry.changes}
    assert "journal_entries" in queued
    assert not queued & {"invoices", "payments", "subscriptions", "entitlements"}


def test_a_newer_row_stays_and_an_older_one_is_brought_up(db: Database, tmp_path: Path) -> None:
    with db.write() as tx:
        old, new = tx.insert(Task, title="old"), tx.insert(Task, title="new")
    db.export(tmp_path / "then.zip")
    db.store.clock.advance(1000)  # type: ignore[attr-defined]
    with db.write() as tx:
        tx.update(new, title="newer")
    report = db.import_from(tmp_path / "then.zip")
    assert (report.kept, report.same, report.updated) == (1, 1, 0)
    db.export(tmp_path / "now.zip")
    with opened(tmp_path / "other.db") as other:
        other.import_from(tmp_path / "then.zip")
        report = other.import_from(tmp_path / "now.zip")
        assert (report.updated, report.same) == (1, 1)
        assert {task.title for task in other.query(Task).all()} == {"old", "newer"}
        assert other.get(Task, old.id) is not None


def test_a_row_that_comes_before_what_it_refers_to_waits_for_it(db: Database, tmp_path: Path) -> None:
    with db.write() as tx:
        tx.insert(Task, id="b-parent", title="parent")
        tx.insert(Task, id="a-child", title="child", parent_task_id="b-parent")
    db.export(tmp_path / "all.zip")
    with opened(tmp_path / "other.db") as other:
        assert other.import_from(tmp_path / "all.zip").added == 2


@pytest.mark.parametrize("harm", ["table", "manifest", "cut", "newer", "user", "stranger"])
def test_a_damaged_or_foreign_archive_is_refused_whole(db: Database, tmp_path: Path, harm: str) -> None:
    with db.write() as tx:
        tx.insert(Task, title="a")
    db.export(tmp_path / "good.zip")
    _harmed(tmp_path / "good.zip", tmp_path / "bad.zip", harm)
    with opened(tmp_path / "other.db") as other, pytest.raises(e.BmadError) as refused:
        other.import_from(tmp_path / "bad.zip")
    assert refused.value.hint
    with opened(tmp_path / "other.db") as other:
        assert other.query(Task).count() == 0


def _harmed(good: Path, bad: Path, harm: str) -> None:
    if harm == "cut":
        bad.write_bytes(good.read_bytes()[:-200])
        return
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(bad, "w") as target:
        for name in source.namelist():
            raw = source.read(name)
            if name == "tables/tasks.jsonl" and harm == "table":
                raw = raw.replace(b'"a"', b'"b"')
            if name == "manifest.json":
                manifest = json.loads(raw)
                manifest["schema_version"] += harm == "newer"
                manifest["user"] = USER[:-1] + "9" if harm == "user" else USER
                if harm == "stranger":
                    manifest["files"]["tables/strange.jsonl"] = manifest["files"]["tables/tasks.jsonl"]
                raw = b"{" if harm == "manifest" else json.dumps(manifest).encode()
            target.writestr(name, raw)
        if harm == "stranger":
            target.writestr("tables/strange.jsonl", source.read("tables/tasks.jsonl"))


def test_an_export_that_cannot_be_written_leaves_nothing(db: Database, tmp_path: Path) -> None:
    with pytest.raises(e.StoreError, match="cannot be written"):
        db.export(tmp_path / "no folder" / "x.zip")
    with pytest.raises(e.SettingsError):
        db.export(tmp_path / "x.xml", Task)
    assert not list(tmp_path.glob("x*"))


@pytest.mark.parametrize("way", ["itself", "log", "link", "hard link", "table"])
def test_an_export_never_takes_the_place_of_the_database(db: Database, tmp_path: Path, way: str) -> None:
    file = tmp_path / "device.db"
    with db.write() as tx:
        tx.insert(Task, title="kept")
    target, record = tmp_path / "all.zip", None
    if way == "itself":
        target = file
    elif way == "log":
        target.symlink_to(tmp_path / "device.db-wal")
    elif way == "link":
        target.symlink_to(file)
    elif way == "hard link":
        target.hardlink_to(file)
    else:
        target, record = tmp_path / "tasks.csv", Task
        target.symlink_to(file)
    with pytest.raises(e.SettingsError):
        db.export(target, record)
    with db.write() as tx:
        tx.insert(Task, title="later")
    with opened(file) as again:
        assert again.query(Task).count() == 2


def test_an_export_touches_nothing_but_its_own_file(db: Database, tmp_path: Path) -> None:
    """Not what somebody made ready under a name like it, and not a file of the user's that happens to have one."""
    own, thesis = tmp_path / "tasks.csv.part", tmp_path / "thesis.txt"
    own.write_text("my notes")
    own.chmod(0o666)
    thesis.write_text("kept")
    (tmp_path / "all.zip.part").symlink_to(thesis)
    fill(db)
    db.export(tmp_path / "tasks.csv", Task)
    db.export(tmp_path / "all.zip")
    assert (own.read_text(), thesis.read_text()) == ("my notes", "kept")
    for made in (tmp_path / "tasks.csv", tmp_path / "all.zip"):
        assert not made.is_symlink()
        assert made.stat().st_mode & 0o077 == 0


def test_a_table_that_no_module_declares_is_named(
    db: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert db.export(tmp_path / "before.zip").undeclared == ()
    with db.store.alone() as connection:
        connection.execute("create table books (id text primary key, title text)")
        connection.execute("create virtual table words using fts5(word)")  # which has five tables of its own
        connection.execute('create table "odd\n" (id text)')
    assert db.export(tmp_path / "all.zip").undeclared == ("books", "odd\n", "words")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert json.loads(archive.read("manifest.json"))["undeclared"] == ["books", "odd\n", "words"]
    assert main(["export", str(tmp_path / "device.db"), str(tmp_path / "by_hand.zip")]) == 0
    assert "not in it: books, 'odd\\n', words, which the catalog does not declare" in capsys.readouterr().err


def test_no_name_in_an_archive_leads_out_of_its_folder(db: Database, tmp_path: Path) -> None:
    fill(db)
    with db.store.apply() as connection:
        connection.execute("update journal_entries set entry_date = '../../../d'")
        assert connection.changes()
    db.export(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        notes = [name for name in archive.namelist() if name.endswith(".md")]
    assert notes
    assert all(name.startswith("journal/undated-") for name in notes)


@pytest.mark.parametrize("name", ["a\0.zip", "a\0.csv"])
def test_what_is_no_path_is_refused_with_words(db: Database, tmp_path: Path, name: str) -> None:
    with pytest.raises(e.SettingsError, match="not a path"):
        db.export(tmp_path / name, Task if name.endswith("csv") else None)


def test_everything_goes_into_a_zip_only(db: Database, tmp_path: Path) -> None:
    with pytest.raises(e.SettingsError, match="not the ending"):
        db.export(tmp_path / "all.txt")
    assert not (tmp_path / "all.txt").exists()


def test_the_names_in_an_archive_are_listed_once_however_many(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(db)
    db.export(tmp_path / "all.zip")
    listed, list_names = [], zipfile.ZipFile.namelist

    def counted(archive: zipfile.ZipFile) -> list[str]:
        listed.append(archive)
        return list_names(archive)

    monkeypatch.setattr(zipfile.ZipFile, "namelist", counted)
    db.import_from(tmp_path / "all.zip")
    assert len(listed) <= 2, "once to see what it is, once to check it"


ODD_VALUES = ("[1e999]", '["\\ud800"]', "[\n1e999\r\n]", "[" * 990 + "]" * 990)


@pytest.mark.parametrize("value", ODD_VALUES, ids=["too large", "half a letter", "lines", "deep"])
@pytest.mark.parametrize("ending", [".zip", ".jsonl", ".csv"])
def test_a_value_that_json_cannot_carry_keeps_nothing_else_back(
    db: Database, tmp_path: Path, value: str, ending: str
) -> None:
    with db.write() as tx:
        odd, fine = tx.insert(Goal, title="odd"), tx.insert(Goal, title="fine", metric={"a": 1})
        tx.execute("update goals set metric = ? where id = ?", (value, odd.id))
    record = None if ending == ".zip" else Goal
    report = db.export(tmp_path / f"all{ending}", record)
    assert report.oddities == 1
    assert [(cell.table, cell.id, cell.column) for cell in report.odd] == [("goals", odd.id, "metric")]
    with opened(tmp_path / "other.db") as other:
        found = other.import_from(tmp_path / f"all{ending}", record)
        assert (found.added, found.bad_lines) == (1, 1)
        assert other.query(Goal).one().id == fine.id


def test_a_number_beyond_every_float_keeps_nothing_else_back(db: Database, tmp_path: Path) -> None:
    fill(db)
    reals = [
        (table.name, column.name)
        for table in user_tables(db)
        for column in table.columns
        if column.kind is Kind.REAL and not column.spec.check
    ]
    table, column = reals[0]
    with db.store.apply("remote") as connection:
        connection.execute(f'update "{table}" set "{column}" = -9e999 where id = ?', (f"{table}-2",))
    report = db.export(tmp_path / "all.zip")
    assert [(odd.table, odd.id, odd.column) for odd in report.odd] == [(table, f"{table}-2", column)]
    with opened(tmp_path / "other.db") as other:
        found = other.import_from(tmp_path / "all.zip")
        assert found.added > 0
        assert found.added + found.bad_lines == 2 * len(user_tables(db)), "what refers to it waits in vain, no more"


def test_a_note_that_cannot_be_written_is_named_and_the_others_are_there(db: Database, tmp_path: Path) -> None:
    fill(db)
    with db.store.apply("remote") as connection:
        connection.execute("""update journal_entries set tag_ids = '["\\ud800"]', emotions = '["\\ud800"]'
            where id = 'journal_entries-2'""")
    report = db.export(tmp_path / "all.zip")
    assert {odd.column for odd in report.odd} == {"tag_ids", "emotions", None}
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert len([name for name in archive.namelist() if name.startswith("journal/")]) == 1
        assert json.loads(archive.read("manifest.json"))["oddities"] == 3
