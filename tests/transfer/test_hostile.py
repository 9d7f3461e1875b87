"""What a file may hold that no program writes: each is a bad line or a clear refusal, and the rest goes in."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from bmaddb import errors as e
from bmaddb.device.transfer import csv_text
from bmaddb.device.transfer.lines import LINE_BYTES_MAX
from bmaddb.modules.chat_journal import JournalEntry, Tag
from bmaddb.modules.subscription_payment import Subscription
from bmaddb.modules.tasks_productivity import Task
from bmaddb.schema import Record
from bmaddb.service import Database
from tests.transfer.conftest import opened

LINES: list[tuple[type[Record], str]] = [
    (Task, '{"id": "\\ud800", "title": "x"}'),
    (Task, '{"title": "x", "parent_task_id": "\\ud800"}'),
    (Tag, '{"name": "\\ud800", "label": "x"}'),
    (Task, '{"id": "there", "title": "x", "updated_at": 1.5}'),
    (Task, '{"id": "there", "title": "x", "updated_at": true}'),
    (Task, '{"id": "there", "title": "x", "updated_at": []}'),
    (Task, '{"id": "there", "title": "x", "updated_at": "2024-01-01T00:00:00"}'),
]


@pytest.mark.parametrize(("record", "bad"), LINES)
def test_a_strange_value_is_a_bad_line(db: Database, tmp_path: Path, record: type[Record], bad: str) -> None:
    with db.write() as tx:
        tx.insert(Task, id="there", title="there")
    good = '{"name": "good", "label": "good"}' if record is Tag else '{"title": "good"}'
    (tmp_path / "x.jsonl").write_text(f"{bad}\n{good}\n")
    report = db.import_from(tmp_path / "x.jsonl", record)
    assert (report.added, [line.line for line in report.bad]) == (1, [1])
    assert record.__table__.name in report.bad[0].reason


@pytest.mark.parametrize("name", ["x.jsonl", "x.csv"])
def test_a_table_the_server_writes_is_refused_at_once(db: Database, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("")
    with pytest.raises(e.ReadOnlyTable, match="subscriptions"):
        db.import_from(tmp_path / name, Subscription)


def test_entries_of_day_one_that_are_none(db: Database, tmp_path: Path) -> None:
    made: dict[str, Any] = {"creationDate": "2024-01-01T12:00:00Z", "text": "x"}
    entries = [
        made | {"uuid": None},
        made | {"uuid": ""},
        made | {"uuid": "1", "creationDate": "0001-01-01T00:00:00Z", "timeZone": "America/New_York"},
        made | {"uuid": "2"},
    ]
    (tmp_path / "d.json").write_text(json.dumps({"entries": entries}))
    report = db.import_from(tmp_path / "d.json")
    assert [bad.line for bad in report.bad] == [1, 2, 3]
    assert "uuid is empty" in report.bad[0].reason
    assert db.query(JournalEntry).count() == 1


def test_a_note_that_names_its_journal_by_no_text(db: Database, tmp_path: Path) -> None:
    (tmp_path / "n").mkdir()
    (tmp_path / "n" / "a.md").write_text('---\nbmaddb: 1\nid: "e1"\njournal_id: "\\ud800"\n---\n\nx\n')
    (tmp_path / "n" / "b.md").write_text("y")
    report = db.import_from(tmp_path / "n")
    assert [bad.line for bad in report.bad] == [1]
    assert db.query(JournalEntry).count() == 1


def test_a_tag_of_ours_keeps_its_sign(db: Database, tmp_path: Path) -> None:
    (tmp_path / "n").mkdir()
    (tmp_path / "n" / "a.md").write_text('---\nbmaddb: 1\nid: "e1"\ntags: ["#e", " two  words"]\n---\n\nx\n')
    db.import_from(tmp_path / "n")
    assert sorted((tag.name, tag.label) for tag in db.query(Tag).all()) == [("#e", "#e"), ("two words", "two words")]
    entry = db.query(JournalEntry).one()
    db.export(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        archive.extractall(tmp_path / "out", [name for name in archive.namelist() if name.endswith(".md")])
    with opened(tmp_path / "other.db") as other:
        other.import_from(tmp_path / "out")
        assert other.query(JournalEntry).one().tag_ids == entry.tag_ids


def test_an_encrypted_zip_is_refused_with_what_to_do(db: Database, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("J.json", '{"entries": []}')
    raw = bytearray((tmp_path / "x.zip").read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1  # the flag in the list at the end
    raw[6] |= 1
    (tmp_path / "x.zip").write_bytes(raw)
    with pytest.raises(e.StoreError, match="is encrypted") as refused:
        db.import_from(tmp_path / "x.zip")
    assert "unpack" in str(refused.value.hint)


# -- CSV ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title,title\na,b\n", "names title more than once"),
        ("title\ra\rb\r", "has no header"),
        ('"title\n', "has no column"),
    ],
)
def test_a_header_that_cannot_be_one_is_refused(db: Database, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.csv").write_bytes(text.encode())
    with pytest.raises(e.RecordInvalid, match=message) as refused:
        db.import_from(tmp_path / "x.csv", Task)
    assert refused.value.hint
    assert db.query(Task).count() == 0


def test_a_quote_that_is_not_closed_is_named(db: Database, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text('title,notes\na,b\nc,"open\nd,e\nf,g\n')
    report = db.import_from(tmp_path / "x.csv", Task)
    assert (report.added, [bad.line for bad in report.bad]) == (1, [3])
    assert "a quote in it is not closed, and all that follows was read as part of it" in report.bad[0].reason


@pytest.mark.parametrize("length", [40, 41, 400])
def test_a_line_of_csv_is_whole_or_refused(
    db: Database, tmp_path: Path, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_text, "LINE_BYTES_MAX", 40)
    line = "long," + "y" * (length - len("long,") - 1)
    (tmp_path / "x.csv").write_text(f"title,notes\n{line}\nb,ok\n")
    try:
        report = db.import_from(tmp_path / "x.csv", Task)
    finally:
        csv.field_size_limit(LINE_BYTES_MAX)
    found = {task.title: task.notes for task in db.query(Task).all()}
    if length <= 40:
        assert found == {"long": line[5:], "b": "ok"}
    else:
        assert found == {"b": "ok"}
        assert [(bad.line, bad.reason) for bad in report.bad] == [(2, "not CSV: a line is longer than 40 bytes")]


@pytest.mark.parametrize("version", ["1e999", "[" * 100_000, '"' + "9" * 5_000 + '"'], ids=["inf", "deep", "long"])
def test_a_manifest_nobody_can_read_is_refused_with_words(db: Database, tmp_path: Path, version: str) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(
            "manifest.json", f'{{"format": "bmaddb export 1", "files": {{}}, "schema_version": {version}}}'
        )
    with pytest.raises(e.StoreError, match="manifest"):
        db.import_from(tmp_path / "x.zip")


def test_a_zip_of_a_kind_that_python_cannot_unpack_is_refused_with_words(db: Database, tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", "{}")
    content = bytearray(path.read_bytes())
    deflate64, central = (9).to_bytes(2, "little"), content.index(b"PK\1\2")
    content[8:10] = content[central + 10 : central + 12] = deflate64
    path.write_bytes(content)
    with pytest.raises(e.StoreError, match="cannot be unpacked here"):
        db.import_from(path)
