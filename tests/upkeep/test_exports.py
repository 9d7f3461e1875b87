"""An export holds the rows that are archived too, or says how many it does not hold."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from bmaddb.service.exporting import export
from tests.sync.devices import World
from tests.upkeep.acts import clean, letters, packed, upkeep
from tests.upkeep.shelf import PACKED, Letter, Note


def test_packed_rows_are_in_an_export_just_as_they_were(shelf: World, tmp_path: Path) -> None:
    device = shelf.device()
    _, made = letters(device, 250, chain=True)
    shelf.settle(device)
    before = export(device.store, None, tmp_path / "before.zip", None)
    tables = {ending: tmp_path / f"before{ending}" for ending in (".jsonl", ".csv")}
    for path in tables.values():
        export(device.store, None, path, Letter)
    clean(device, PACKED)
    assert packed(device) == 251
    upkeep(device, alone=True).fetch(Letter, [made[100].id])
    assert 0 < packed(device) < 251, "some stand, some are packed"
    with device.store.write() as tx:
        tx.insert(Note, body="not in the tables that are compared")
    after = export(device.store, None, tmp_path / "after.zip", None)
    assert after.only_on_server == {}
    for name in ("tables/letters.jsonl", "tables/rooms.jsonl"):
        assert after.files[name] == before.files[name]
    for ending, path in tables.items():
        export(device.store, None, tmp_path / f"after{ending}", Letter)
        assert (tmp_path / f"after{ending}").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("way", ["no server", "offline", "online"])
def test_what_only_the_server_has_is_fetched_or_named(shelf: World, tmp_path: Path, way: str) -> None:
    device = shelf.device()
    letters(device, 30)
    shelf.settle(device)
    before = export(device.store, None, tmp_path / "before.zip", None)
    clean(device)
    assert packed(device) == 0
    device.transport.offline = way == "offline"
    after = export(device.store, None if way == "no server" else upkeep(device), tmp_path / "after.zip", None)
    with zipfile.ZipFile(tmp_path / "after.zip") as archive:
        manifest = json.loads(archive.read("manifest.json"))
        lines = archive.read("tables/letters.jsonl").splitlines()
    assert manifest["only_on_server"] == after.only_on_server
    if way == "online":
        assert (after.files, after.only_on_server) == (before.files, {})
    else:
        assert (lines, after.only_on_server) == ([], {"letters": 30, "rooms": 1})
        assert export(device.store, None, tmp_path / "letters.csv", Letter).only_on_server == {"letters": 30}
