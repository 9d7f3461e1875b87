"""Folders of Markdown: which note is which entry, what an update writes, and what is left aside."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bmaddb.device.transfer import front_matter
from bmaddb.device.transfer.identity import id_from
from bmaddb.device.transfer.note import read_note
from bmaddb.device.transfer.report import ImportReport
from bmaddb.modules.chat_journal import Journal, JournalEntry, JournalRevision, Tag
from bmaddb.service import Database
from tests.transfer.conftest import opened

LATER_S = 4_000_000_000
"""After every clock of these tests: the note is newer than the row."""
EVERY_COLUMN: dict[str, Any] = {
    "entry_date": "2024-02-28",
    "tz": "America/New_York",
    "entry_type": "dream",
    "title": 'A "title": é\u2028',
    "body": "\n# Not a title\r\n\n---\nbody \x85 \u2028\n\n",
    "body_format": "plain",
    "mood": 2,
    "energy": 5,
    "emotions": ["calm", "odd, still"],
    "starred": True,
    "location": {"localityName": "Delft", "latitude": 52.01},
    "weather": {"celsius": -3.5},
}
NOT_CARRIED = {
    *("user_id", "created_at", "updated_at", "server_seq", "body_hash", "word_count", "archived_at"),
    *("user_life_area_ids", "met24_domain_ids", "prompt_content_id", "coaching_session_id"),
}


def note(path: Path, text: str, modified_s: int = LATER_S) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    os.utime(path, (modified_s, modified_s))
    return path


def unpacked(db: Database, folder: Path) -> Path:
    """The notes of an export of everything."""
    db.export(folder.with_suffix(".zip"))
    with zipfile.ZipFile(folder.with_suffix(".zip")) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if name.endswith(".md")])
    return folder / "journal"


def full_entry(db: Database) -> JournalEntry:
    with db.write() as tx:
        tags = [tx.insert(Tag, name=name, label=label).id for name, label in (("zee", "Zee"), ("a, b", "A, b"))]
        journal = tx.insert(Journal, name="Dagboek: nacht")
        return tx.insert(
            JournalEntry,
            journal_id=journal.id,
            occurred_at=db.query(Journal).one().created_at,
            body_hash=hashlib.sha256(EVERY_COLUMN["body"].encode()).hexdigest(),
            tag_ids=tags,
            **EVERY_COLUMN,
        )


def aside(report: ImportReport) -> Mapping[str, tuple[int, tuple[str, ...]]]:
    return {left.what: (left.count, left.names) for left in report.left_aside}


def bodies(db: Database) -> list[str]:
    return sorted(entry.body for entry in db.query(JournalEntry).all())


# -- which note is which entry ---------------------------------------------------------------------------------


def test_two_folders_of_one_name_are_two(db: Database, tmp_path: Path) -> None:
    note(tmp_path / "a" / "Journal" / "2024-01-01.md", "of A", 1_000_000_000)
    note(tmp_path / "b" / "Journal" / "2024-01-01.md", "of B")
    assert db.import_from(tmp_path / "a" / "Journal").added == 2  # the journal and its entry
    report = db.import_from(tmp_path / "b" / "Journal")
    assert (report.added, report.updated) == (1, 0)
    assert bodies(db) == ["of A", "of B"]
    for name in "ab":
        assert db.import_from(tmp_path / name / "Journal").same == 1
    note(tmp_path / "b" / "Journal" / "2024-01-01.md", "of B, later", LATER_S + 1)
    assert db.import_from(tmp_path / "b" / "Journal").updated == 1
    assert bodies(db) == ["of A", "of B, later"]


def test_a_folder_that_moved_is_the_same_while_half_of_it_is(db: Database, tmp_path: Path) -> None:
    for day in (1, 2, 3, 4):
        note(tmp_path / "old" / "Notes" / f"2024-01-0{day}.md", f"day {day}")
    db.import_from(tmp_path / "old" / "Notes")
    (tmp_path / "old").rename(tmp_path / "new")
    note(tmp_path / "new" / "Notes" / "2024-01-01.md", "day one", LATER_S + 1)
    note(tmp_path / "new" / "Notes" / "2024-01-02.md", "day two", LATER_S + 1)
    report = db.import_from(tmp_path / "new" / "Notes")
    assert (report.added, report.updated, report.same) == (0, 2, 2)
    (tmp_path / "new").rename(tmp_path / "newest")
    for day in (1, 2, 3):
        note(tmp_path / "newest" / "Notes" / f"2024-01-0{day}.md", f"other {day}", LATER_S + 2)
    report = db.import_from(tmp_path / "newest" / "Notes")
    assert (report.added, report.updated) == (4, 0)  # doubt keeps both
    assert db.query(JournalEntry).count() == 8


def test_another_device_finds_the_same_ids_for_the_same_folder(db: Database, tmp_path: Path) -> None:
    note(tmp_path / "laptop" / "Notes" / "a.md", "one")
    note(tmp_path / "phone" / "Notes" / "a.md", "one", LATER_S + 1)
    db.import_from(tmp_path / "laptop" / "Notes")
    with opened(tmp_path / "other.db") as other:
        other.import_from(tmp_path / "phone" / "Notes")
        assert other.query(JournalEntry).one().id == db.query(JournalEntry).one().id


def test_a_folder_that_was_imported_by_its_name_is_recognised(db: Database, tmp_path: Path) -> None:
    note(tmp_path / "Notes" / "2024-01-01.md", "then")
    with db.write() as tx:
        journal = tx.insert(Journal, id=id_from("markdown", "journal", "Notes"), name="Notes")
        told = {"entry_date": "2024-01-01", "tz": "UTC", "body": "then", "body_hash": "x"}
        old_id = id_from("markdown", "Notes", "2024-01-01.md")
        tx.insert(JournalEntry, id=old_id, journal_id=journal.id, occurred_at=journal.created_at, **told)
    db.import_from(tmp_path / "Notes")
    assert db.query(JournalEntry).one().id == old_id


def test_an_id_that_is_not_ours_names_no_entry(db: Database, tmp_path: Path) -> None:
    for name in "ab":
        note(tmp_path / name / "docs" / "intro.md", f"---\nid: intro\n---\n{name}")
        report = db.import_from(tmp_path / name / "docs")
        assert aside(report) == {"front matter": (1, ("id",))}
    assert bodies(db) == ["a", "b"]


def test_a_copy_of_a_note_does_not_replace_it(db: Database, tmp_path: Path) -> None:
    entry = full_entry(db)
    notes = unpacked(db, tmp_path / "out")
    [original] = notes.iterdir()
    note(notes / f"{original.stem}~copy.md", original.read_text().replace("body", "another"))
    report = db.import_from(notes)
    assert [bad.reason.partition(": ")[2] for bad in report.bad] == [
        f"the entry of {original.name} too; give it another id, or none"
    ]
    assert bodies(db) == [entry.body]


# -- nothing is lost -------------------------------------------------------------------------------------------


def test_what_an_import_replaces_is_kept_as_a_revision(db: Database, tmp_path: Path) -> None:
    notes = tmp_path / "Notes"
    note(notes / "a.md", "first")
    db.import_from(notes)
    note(notes / "a.md", "second", LATER_S + 1)
    db.import_from(notes)
    assert db.import_from(notes).same == 1
    revision, entry = db.query(JournalRevision).one(), db.query(JournalEntry).one()
    assert (entry.body, revision.body_delta, revision.is_full) == ("second", "first", True)
    assert (revision.entry_id, revision.reason) == (entry.id, "import")
    assert revision.content_hash == hashlib.sha256(b"first").hexdigest()


def test_a_note_that_did_not_change_is_no_news_whatever_its_time(db: Database, tmp_path: Path) -> None:
    text = "---\ntitle: Old\nmood: 3\ntags: [x]\n---\nold text\n"
    path = note(tmp_path / "Notes" / "a.md", text, 1_600_000_000)
    db.import_from(path.parent)
    with db.write() as tx:
        tx.update(db.query(JournalEntry).one(), title="Mine", mood=5, body="my text", tag_ids=[])
    note(path, text)  # copied again, or checked out
    report = db.import_from(path.parent)
    assert (report.kept, report.updated) == (1, 0)
    entry = db.query(JournalEntry).one()
    assert (entry.title, entry.mood, entry.body, entry.tag_ids) == ("Mine", 5, "my text", [])
    note(path, text.replace("old text", "new text"))
    assert db.import_from(path.parent).updated == 1
    assert db.query(JournalEntry).one().body == "new text"
    note(path, text)  # back to what it said first: that is a change
    os.utime(path, (LATER_S + 9, LATER_S + 9))
    assert db.import_from(path.parent).updated == 1


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".zip"])
def test_a_table_or_an_archive_that_replaces_a_body_keeps_it_too(db: Database, tmp_path: Path, ending: str) -> None:
    full_entry(db)
    with opened(tmp_path / "other.db") as other:
        db.export(tmp_path / "all.zip")
        other.import_from(tmp_path / "all.zip")
        with other.write() as tx:
            row = other.query(JournalEntry).one()
            tx.update(row, body="newer", updated_at=row.updated_at.replace(year=2090))
        other.export(tmp_path / f"x{ending}", None if ending == ".zip" else JournalEntry)
    report = db.import_from(tmp_path / f"x{ending}", None if ending == ".zip" else JournalEntry)
    assert (report.updated, report.bad) == (1, ())
    assert bodies(db) == ["newer"]
    assert db.query(JournalRevision).one().body_delta == EVERY_COLUMN["body"]


def test_an_undated_note_can_be_edited_and_imported_again(db: Database, tmp_path: Path) -> None:
    notes = tmp_path / "Notes"
    path = note(notes / "idea.md", "first", 1_700_000_000)
    db.import_from(notes)
    before = db.query(JournalEntry).one()
    note(path, "second", LATER_S)
    report = db.import_from(notes)
    assert (report.updated, report.bad) == (1, ())
    entry = db.query(JournalEntry).one()
    assert (entry.body, entry.occurred_at, entry.entry_date) == ("second", before.occurred_at, before.entry_date)


def test_a_changed_date_brings_up_the_day_and_leaves_the_moment(db: Database, tmp_path: Path) -> None:
    notes = tmp_path / "Notes"
    path = note(notes / "idea.md", "---\ndate: 2024-05-06\ntz: America/New_York\n---\nx")
    db.import_from(notes)
    before = db.query(JournalEntry).one()
    assert (before.entry_date, before.occurred_at.isoformat()) == ("2024-05-06", "2024-05-06T04:00:00+00:00")
    note(path, "---\ndate: 2024-05-07\ntz: America/New_York\n---\nx", LATER_S + 1)
    assert db.import_from(notes).bad == ()
    entry = db.query(JournalEntry).one()
    assert (entry.entry_date, entry.occurred_at) == ("2024-05-07", before.occurred_at)


# -- our own export --------------------------------------------------------------------------------------------


def test_every_column_a_note_carries_comes_back(db: Database, tmp_path: Path) -> None:
    before = full_entry(db)
    notes = unpacked(db, tmp_path / "out")
    assert db.import_from(notes).same == 1
    with opened(tmp_path / "other.db") as other:
        report = other.import_from(notes)
        assert (report.bad, report.left_aside) == ((), ())
        after = other.query(JournalEntry).one()
        assert [tag.label for tag in other.query(Tag).order_by(Tag.label).all()] == ["A, b", "Zee"]
        assert other.query(Journal).one().name == "Dagboek: nacht"
    for column in JournalEntry.__table__.columns:
        if column.name not in NOT_CARRIED:
            assert getattr(after, column.name) == getattr(before, column.name), column.name
    assert set(EVERY_COLUMN) | NOT_CARRIED | {"id", "journal_id", "occurred_at", "tag_ids"} == set(
        JournalEntry.__table__.by_name
    )


def test_an_edited_note_of_our_export_changes_what_it_says_and_nothing_else(db: Database, tmp_path: Path) -> None:
    before = full_entry(db)
    [path] = unpacked(db, tmp_path / "out").iterdir()
    kept = [line for line in path.read_text().split("\n") if not line.startswith(("mood:", "journal", "location:"))]
    text = "\n".join(kept).replace("energy: 5", "energy: null").replace("body", "edited").replace('"Zee"', '"Meer"')
    note(path, text)
    with db.write() as tx:
        tx.update(before, journal_id=tx.insert(Journal, name="Moved here").id)
    moved = db.query(JournalEntry).one()
    report = db.import_from(path.parent)
    assert (report.updated, report.bad) == (1, ())
    after = db.query(JournalEntry).one()
    assert after.body == EVERY_COLUMN["body"].replace("body", "edited").replace("\r\n", "\n")  # read_text, above
    assert (after.mood, after.energy, after.location) == (2, None, before.location)
    assert (after.journal_id, after.title, after.starred) == (moved.journal_id, before.title, True)
    assert len(after.tag_ids) == 2
    assert after.tag_ids != before.tag_ids
    assert db.query(Journal).count() == 2  # a journal of the name of the folder is not needed


def test_a_note_of_an_older_export_is_read_to_the_letter(db: Database, tmp_path: Path) -> None:
    entry = full_entry(db)
    with db.write() as tx:
        tx.update(entry, title=None)
    head = f'---\nid: "{entry.id}"\ndate: "{entry.occurred_at.isoformat()}"\ntz: "America/New_York"\nmood: 2\n---\n'
    note(tmp_path / "old" / "x.md", f"{head}\n{entry.body}\n")
    assert db.import_from(tmp_path / "old").same == 1


def test_an_impossible_value_of_ours_is_refused_and_a_strange_one_of_others_left_aside(
    db: Database, tmp_path: Path
) -> None:
    note(tmp_path / "n" / "a.md", "---\nmood: happy\nenergy: 9\nlocation: Delft\nday: Monday\ntype: note\n---\nx")
    report = db.import_from(tmp_path / "n")
    assert aside(report) == {"front matter": (4, ("mood", "energy", "day", "type"))}
    assert db.query(JournalEntry).one().location == {"placeName": "Delft"}
    note(tmp_path / "u" / "a.md", "---\nid: 0198c0de-0000-7000-8000-00000000000a\nmood: happy\ntz: ~\n---\nx")
    assert aside(db.import_from(tmp_path / "u")) == {"front matter": (1, ("mood",))}
    note(tmp_path / "o" / "a.md", '---\nbmaddb: 1\nid: "e1"\nmood: 9\n---\nx')
    assert "mood" in db.import_from(tmp_path / "o").bad[0].reason


# -- front matter, and files ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines",
    [
        "tags:\n  - Zee\n  - 'wind, mee'",
        'tags:\n- Zee\n- "wind, mee"  # of the coast',
        "tags: [Zee, 'wind, mee']",
        'tags: ["Zee", "wind, mee"]',
        "# mine\ntags:\n\n  - '#Zee'\n  # second\n  - wind, mee",
    ],
)
def test_tags_however_yaml_lists_them(db: Database, tmp_path: Path, lines: str) -> None:
    note(tmp_path / "n" / "a.md", f"---\ntitle: T\n{lines}\n---\nx")
    report = db.import_from(tmp_path / "n")
    assert (report.bad, report.left_aside) == ((), ())
    assert [tag.label for tag in db.query(Tag).order_by(Tag.label).all()] == ["Zee", "wind, mee"]


@pytest.mark.parametrize("text", ["zon, zee", "#zon #zee", "zon,#zee"])
def test_tags_in_one_line(db: Database, tmp_path: Path, text: str) -> None:
    note(tmp_path / "n" / "a.md", f"---\ntags: {text}\n---\nx")
    db.import_from(tmp_path / "n")
    assert {tag.label for tag in db.query(Tag).all()} == {"zon", "zee"}


def test_front_matter_that_cannot_be_carried_is_named(db: Database, tmp_path: Path) -> None:
    note(tmp_path / "n" / "a.md", "---\naliases: [x]\nplan:\n  when: soon\nquote: |\n  two\n  lines\n---\nx")
    assert aside(db.import_from(tmp_path / "n")) == {"front matter": (3, ("plan", "quote", "aliases"))}
    note(tmp_path / "n" / "b.md", "---\ntags: [" + ", ".join(f"t{n}" for n in range(202)) + "]\n---\nx")
    assert aside(db.import_from(tmp_path / "n"))["tags"] == (2, ("t200", "t201"))


def test_a_rule_is_no_front_matter(db: Database, tmp_path: Path) -> None:
    text = "---\nA line of the diary\n---\nand more"
    note(tmp_path / "n" / "a.md", text)
    note(tmp_path / "n" / "b.md", "---\r\ntitle: T\r\n---\r\none\r\ntwo\r\n")
    note(tmp_path / "n" / "c.md", "---\ntitle: only this\n---")
    db.import_from(tmp_path / "n")
    assert bodies(db) == ["", text, "one\ntwo"]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(front=st.dictionaries(st.sampled_from(("id", "title", "a b", "tags")), values), body=st.text(max_size=30))
@example(front={"title": "---\n"}, body="---\na: b\n---\r\n")
def test_what_is_written_is_read_to_the_letter(front: dict[str, Any], body: str) -> None:
    note = read_note("x.md", f"{front_matter.written({'bmaddb': 1, **front, 'id': 'e'})}\n{body}\n")
    assert note.front == {"bmaddb": 1, **front, "id": "e"}
    assert (note.body, note.title, note.strays) == (body, None, [])


def test_values_of_yaml() -> None:
    front, body, strays = front_matter.read("---\na: 'it''s'\nb: \"q\" # c\nc: plain # c\nd: ~\ne:\nf: [1, x]\n---\nz")
    assert (front, body, strays) == ({"a": "it's", "b": "q", "c": "plain", "d": None, "f": ["1", "x"]}, "z", [])


def test_what_is_no_note_is_left_aside_and_named(db: Database, tmp_path: Path) -> None:
    notes = tmp_path / "Notes"
    for name in (".hidden.md", ".trash/old.md", ".obsidian/a.json", "sub/.trash/b.md", "pic.png", "sub/c.txt"):
        note(notes / name, "no")
    for name in ("UP.MD", "long.markdown", "plain.md"):
        note(notes / name, name)
    (notes / "loop").symlink_to(notes, target_is_directory=True)
    (notes / "out.md").symlink_to(note(tmp_path / "secret.txt", "of nobody's journal"))
    (notes / "gone.md").symlink_to(notes / "nowhere.md")
    os.mkfifo(notes / "pipe.md")
    report = db.import_from(notes)
    assert bodies(db) == ["UP.MD", "long.markdown", "plain.md"]
    assert aside(report) == {
        "hidden": (4, (".hidden.md", ".obsidian/", ".trash/", "sub/.trash/")),
        "linked folder": (1, ("loop/",)),
        "linked file": (2, ("gone.md", "out.md")),
        "no file": (1, ("pipe.md",)),
        "no Markdown": (2, ("pic.png", "sub/c.txt")),
    }


def test_a_name_that_is_no_text_is_refused_or_left_aside_and_the_rest_goes_in(db: Database, tmp_path: Path) -> None:
    note(tmp_path / "n" / "a.md", "a")
    for name in (b"\xff.md", b"\xff.png"):
        try:
            Path(os.fsdecode(os.fsencode(tmp_path / "n") + b"/" + name)).write_text("x")
        except OSError:
            pytest.skip("this file system wants names to be text")
    report = db.import_from(tmp_path / "n")
    assert bodies(db) == ["a"]
    assert (report.bad_lines, aside(report)) == (1, {"no Markdown": (1, ("?.png",))})


def test_what_is_left_aside_is_counted_to_the_end_and_named_to_a_limit(db: Database, tmp_path: Path) -> None:
    for number in range(30):
        note(tmp_path / "n" / f"{number:02}.png", "-")
    report = db.import_from(tmp_path / "n")
    assert report.left_aside[0].count == 30
    assert len(report.left_aside[0].names) == 20


def test_photos_of_day_one_are_named(db: Database, tmp_path: Path) -> None:
    entries = [
        {
            "uuid": "1",
            "creationDate": "2024-01-01T00:00:00Z",
            "photos": [{"identifier": "p1"}, {"md5": "m", "type": "png"}],
        },
        {"uuid": "2", "creationDate": "2024-01-01T00:00:00Z", "videos": [{"identifier": "v"}], "richText": "{}"},
        {"uuid": "4", "creationDate": "2024-01-01T00:00:00Z", "tags": {"x": 1}, "starred": 1, "isPinned": False},
        {"uuid": "3", "creationDate": "soon", "photos": [{"identifier": "refused with its entry"}]},
    ]
    (tmp_path / "d.json").write_text(json.dumps({"entries": entries}))
    wanted = {"photos": (2, ("p1", "m.png")), "videos": (1, ("v",)), "fields": (1, ("richText",))}
    assert aside(db.import_from(tmp_path / "d.json")) == wanted
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        archive.write(tmp_path / "d.json", "Werk.json")
        for name in ("photos/m.png", "deeper/Reis.json", "readme.txt"):
            archive.writestr(name, b"-")
    report = db.import_from(tmp_path / "d.zip")
    assert aside(report) == wanted | {"files of the ZIP": (2, ("deeper/Reis.json", "readme.txt"))}


def test_a_changed_date_in_day_one_does_not_refuse_the_entry(db: Database, tmp_path: Path) -> None:
    entry = {"uuid": "1", "creationDate": "2024-01-01T12:00:00Z", "text": "a", "tags": ["x"], "starred": True}
    (tmp_path / "d.json").write_text(json.dumps({"entries": [entry]}))
    db.import_from(tmp_path / "d.json")
    changed = {"creationDate": "2024-01-02T12:00:00Z", "modifiedDate": "2090-01-01T00:00:00Z", "text": "b"}
    (tmp_path / "d.json").write_text(json.dumps({"entries": [{"uuid": "1"} | changed]}))
    report = db.import_from(tmp_path / "d.json")
    assert (report.updated, report.bad) == (1, ())
    after = db.query(JournalEntry).one()
    assert (after.body, after.entry_date, after.starred, len(after.tag_ids)) == ("b", "2024-01-02", True, 1)
