"""Day One and Markdown into the journal."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from bmaddb import errors as e
from bmaddb.cli.main import main
from bmaddb.device.transfer import json_array
from bmaddb.modules.chat_journal import Journal, JournalEntry, Tag
from bmaddb.service import Database
from tests.transfer.conftest import USER, opened

ENTRY: dict[str, Any] = {
    "uuid": "8C6E3D5A0B5F4F5E9D5B1F0A7C2D9E11",
    "creationDate": "2024-12-31T23:30:00Z",
    "modifiedDate": "2025-01-02T08:00:00Z",
    "timeZone": "Europe/Amsterdam",
    "text": "# Oudjaar\n\nVuurwerk \\- en oliebollen.",
    "tags": ["Familie", "familie ", "winter"],
    "starred": True,
    "location": {"latitude": 52.370216, "longitude": 4.895168, "localityName": "Amsterdam"},
    "weather": {"conditionsDescription": "Fog", "temperatureCelsius": 3.5},
    "photos": [{"identifier": "x"}],
}


def export(path: Path, *entries: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"metadata": {"version": "1.0"}, "entries": entries}, indent=2))
    return path


def test_an_entry_of_day_one_is_an_entry(db: Database, tmp_path: Path) -> None:
    report = db.import_from(export(tmp_path / "Dagboek.json", ENTRY))
    assert (report.added, report.bad) == (4, ())
    entry, journal = db.query(JournalEntry).one(), db.query(Journal).one()
    assert (entry.title, entry.body) == ("Oudjaar", "Vuurwerk \\- en oliebollen.")
    assert (entry.entry_date, entry.tz, entry.starred) == ("2025-01-01", "Europe/Amsterdam", True)
    assert entry.location == {"latitude": 52.37, "longitude": 4.9, "localityName": "Amsterdam"}
    assert (journal.name, entry.journal_id) == ("Dagboek", journal.id)
    assert sorted(entry.tag_ids) == sorted(tag.id for tag in db.query(Tag).all())
    assert {tag.label for tag in db.query(Tag).all()} == {"Familie", "winter"}
    assert db.query(JournalEntry).search("oliebol").count() == 1


def test_again_adds_nothing_and_changes_are_followed_unless_we_are_newer(db: Database, tmp_path: Path) -> None:
    path = export(tmp_path / "d.json", ENTRY)
    db.import_from(path)
    report = db.import_from(path)
    assert (report.added, report.updated, report.same) == (0, 0, 1)
    export(path, ENTRY | {"text": "anders", "modifiedDate": "2025-02-01T00:00:00Z"})
    assert db.import_from(path).updated == 1
    assert db.query(JournalEntry).one().body == "anders"
    with db.write() as tx:
        tx.update(db.query(JournalEntry).one(), body="van mij")  # the manual clock says 2023; the row knows better
    export(path, ENTRY)
    assert db.import_from(path).kept == 1
    assert db.query(JournalEntry).one().body == "van mij"


def test_what_is_no_entry_is_reported(db: Database, tmp_path: Path) -> None:
    path = export(tmp_path / "d.json", {"uuid": "1"}, ENTRY, ENTRY | {"uuid": "2", "text": "\0"})
    report = db.import_from(path)
    assert [(bad.source, bad.line) for bad in report.bad] == [("d", 1), ("d", 3)]
    path.write_text(path.read_text()[:-30])
    assert "not JSON at byte" in db.import_from(path).bad[-1].reason
    path.write_text('{"metadata": {}}')
    assert "no 'entries'" in db.import_from(path).bad[0].reason
    path.write_bytes(b'{"entries": [{"text": "\xff"}]}')
    assert "UTF-8" in db.import_from(path).bad[0].reason


def test_a_zip_of_day_one_holds_journals(db: Database, tmp_path: Path) -> None:
    export(tmp_path / "d.json", ENTRY)
    with zipfile.ZipFile(tmp_path / "dayone.zip", "w") as archive:
        archive.write(tmp_path / "d.json", "Werk.json")
        archive.writestr("photos/x.jpeg", b"-")
    assert db.import_from(tmp_path / "dayone.zip").bad == ()
    assert db.query(Journal).one().name == "Werk"
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    with pytest.raises(e.StoreError, match="no journal"):
        db.import_from(tmp_path / "empty.zip")


@pytest.mark.parametrize("block", [1, 7, 65536])
def test_elements_are_found_wherever_a_block_ends(tmp_path: Path, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_array, "_BLOCK_BYTES", block)
    wanted = [{"a": "é😀]"}, [1, [2]], -12.5, "x,y", None, 10]
    raw = json.dumps({"m": {"entries": [0]}, "n": 1, "entries": wanted}, ensure_ascii=False, indent=1).encode()
    (tmp_path / "x.json").write_bytes(raw)
    with (tmp_path / "x.json").open("rb") as file:
        found = list(json_array.Reader(file, 0).elements_of("entries"))
    assert [element.value for element in found] == wanted
    for place, element in enumerate(found):
        assert json.loads(raw[element.at : element.after]) == wanted[place]
        with (tmp_path / "x.json").open("rb") as file:
            assert [later.value for later in json_array.Reader(file, element.after).elements()] == wanted[place + 1 :]


def test_a_folder_of_markdown_is_a_journal(db: Database, tmp_path: Path) -> None:
    notes = tmp_path / "Notities"
    (notes / "Reis").mkdir(parents=True)
    (notes / "2024-05-06 lente.md").write_text("# Lente\n\nEerste zwaluw.")
    (notes / "Reis" / "a.md").write_text(
        '---\ntitle: "Rome"\ndate: 2023-07-01T10:00:00+02:00\ntags: [zon, "zee"]\n---\n\nDag 1'
    )
    (notes / "Reis" / "broken.md").write_bytes(b"\xff\xfe")
    (notes / "Reis" / "when.md").write_text("---\ndate: soon\n---\nx")
    report = db.import_from(notes)
    assert sorted(bad.reason.split(":")[0] for bad in report.bad) == ["Reis/broken.md", "Reis/when.md"]
    lente, rome = db.query(JournalEntry).order_by(JournalEntry.entry_date.desc()).all()
    assert (lente.title, lente.body, lente.entry_date) == ("Lente", "Eerste zwaluw.", "2024-05-06")
    assert (rome.title, rome.body, len(rome.tag_ids)) == ("Rome", "Dag 1", 2)
    assert {journal.name for journal in db.query(Journal).all()} == {"Notities", "Reis"}
    assert db.import_from(notes).added == 0
    os.utime(notes / "Reis" / "a.md", (4e9, 4e9))
    (notes / "Reis" / "a.md").write_text((notes / "Reis" / "a.md").read_text().replace("Dag 1", "Dag 2"))
    os.utime(notes / "Reis" / "a.md", (4e9, 4e9))
    assert db.import_from(notes).updated >= 1
    assert db.query(JournalEntry).where(JournalEntry.title == "Rome").one().body == "Dag 2"


def test_the_notes_of_an_export_come_back_as_the_same_entries(db: Database, tmp_path: Path) -> None:
    db.import_from(export(tmp_path / "d.json", ENTRY))
    db.export(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        archive.extractall(tmp_path / "out", [name for name in archive.namelist() if name.endswith(".md")])
    before = db.query(JournalEntry).one()
    with opened(tmp_path / "other.db") as other:
        other.import_from(tmp_path / "out")
        entry = other.query(JournalEntry).one()
    assert (entry.id, entry.title, entry.body) == (before.id, before.title, before.body)
    assert (entry.occurred_at, entry.entry_date) == (before.occurred_at, before.entry_date)


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    export(tmp_path / "d.json", ENTRY, {"uuid": 1})
    device = str(tmp_path / "d.db")
    assert main(["import", device, str(tmp_path / "d.json"), "--user", USER]) == 1
    said = capsys.readouterr()
    assert said.out == "4 added, 0 updated, 0 the same, 0 newer or archived here, 1 refused\nleft aside: 1 photos (x)\n"
    assert said.err.startswith("d, line 2: not an entry of Day One")
    assert main(["export", device, str(tmp_path / "all.zip")]) == 0
    assert main(["export", device, str(tmp_path / "tags.csv"), "--table", "tags"]) == 0
    assert (tmp_path / "tags.csv").read_text().count("\n") == 3
    assert main(["import", device, str(tmp_path / "tags.csv"), "--table", "tags"]) == 0
    assert main(["import", device, str(tmp_path / "all.zip")]) == 0
    assert main(["export", str(tmp_path / "none.db"), str(tmp_path / "x.zip")]) == 1
    assert "there is no file" in capsys.readouterr().err
    assert not (tmp_path / "none.db").exists()
