"""Files beside the database: only what is uploaded, unchanged and waited for by nobody goes."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bmaddb.device.upkeep import UpkeepPolicy, measure
from tests.sync.devices import Device, World
from tests.upkeep.acts import clean
from tests.upkeep.shelf import NOTHING_LEFT, ORDER, Picture

CONTENT = b"p" * 3_000


def picture(device: Device, folder: Path, name: str, *, uploaded: bool = True, content: bytes = CONTENT) -> Picture:
    path = folder / name
    path.write_bytes(content)
    with device.store.write() as tx:
        return tx.insert(
            Picture,
            byte_size=len(CONTENT),
            sha256=hashlib.sha256(CONTENT).hexdigest(),
            upload_state="uploaded" if uploaded else "local",
            local_path=str(path),
        )


def paths(device: Device) -> dict[str, str | None]:
    return {row.id: row.local_path for row in device.store.query(Picture).all()}


def test_only_what_is_uploaded_and_unchanged_goes(shelf: World, tmp_path: Path) -> None:
    device = shelf.device()
    gone = picture(device, tmp_path, "gone")
    local = picture(device, tmp_path, "local", uploaded=False)
    changed = picture(device, tmp_path, "changed", content=CONTENT[:-1] + b"x")
    longer = picture(device, tmp_path, "longer", content=CONTENT + b"x")
    linked = picture(device, tmp_path, "linked")
    (tmp_path / "linked").rename(tmp_path / "target")
    (tmp_path / "linked").symlink_to(tmp_path / "target")
    missing = picture(device, tmp_path, "missing")
    (tmp_path / "missing").unlink()
    shelf.settle(device)
    unsynced = picture(device, tmp_path, "unsynced")
    usage = measure(device.store, NOTHING_LEFT)
    assert usage.attachment_bytes >= 5 * len(CONTENT)
    report = clean(device)
    assert not (tmp_path / "gone").exists()
    for kept in ("local", "changed", "longer", "target", "unsynced"):
        assert (tmp_path / kept).exists(), kept
    held = paths(device)
    assert [held[row.id] for row in (gone, missing)] == [None, None]
    assert all(held[row.id] for row in (local, changed, longer, linked, unsynced))
    assert any("byte for byte" in step.kept for step in report.steps)
    assert device.outbox.counts().total == 1, "forgetting a path is nothing to push"
    assert clean(device).rows == 0


def test_it_ends_when_it_is_enough(shelf: World, tmp_path: Path) -> None:
    device = shelf.device()
    for number in range(6):
        picture(device, tmp_path, str(number))
    shelf.settle(device)
    used = measure(device.store, NOTHING_LEFT).used_bytes
    policy = UpkeepPolicy(budget_bytes=used + 4 * len(CONTENT), begin_share=1.0, end_share=1.0, order=ORDER)
    report = clean(device, policy)
    assert report.after.attachment_bytes <= 4 * len(CONTENT) + 4_096
    assert report.after.counted_bytes <= policy.end_bytes
    assert sum(path is not None for path in paths(device).values()) >= 3


@pytest.mark.parametrize("way", ["same path", "linked folder"])
def test_a_file_that_another_row_has_still_to_upload_stays(shelf: World, tmp_path: Path, way: str) -> None:
    device = shelf.device()
    (tmp_path / "linked").symlink_to(tmp_path, target_is_directory=True)
    picture(device, tmp_path, "shared")
    shelf.settle(device)
    waiting = picture(device, tmp_path / "linked" if way == "linked folder" else tmp_path, "shared", uploaded=False)
    report = clean(device)
    assert (tmp_path / "shared").read_bytes() == CONTENT
    assert any("another row" in step.kept for step in report.steps)
    shelf.settle(device)
    clean(device)
    assert (tmp_path / "shared").exists(), "its row is on the server, its bytes are not"
    with device.store.write() as tx:
        tx.update(Picture, waiting.id, upload_state="uploaded")
    clean(device)
    assert (tmp_path / "shared").exists(), "that it is uploaded is not sent yet"
    shelf.settle(device)
    clean(device)
    assert not (tmp_path / "shared").exists()
    assert set(paths(device).values()) == {None}


def test_a_file_that_is_written_while_the_lock_is_waited_for_stays(shelf: World, tmp_path: Path) -> None:
    device = shelf.device()
    picture(device, tmp_path, "drawn")
    shelf.settle(device)
    edit = device.outbox.edit

    @contextmanager
    def edit_later() -> Iterator[Any]:
        """Another thread had the lock, and drew meanwhile."""
        (tmp_path / "drawn").write_bytes(CONTENT[:-1] + b"x")
        with edit() as held:
            yield held

    device.outbox.edit = edit_later  # type: ignore[method-assign, assignment]
    report = clean(device)
    assert (tmp_path / "drawn").read_bytes().endswith(b"x")
    assert any("byte for byte" in step.kept for step in report.steps)


def refuse(monkeypatch: pytest.MonkeyPatch, owner: Any, function: str, name: str) -> None:
    """What a system does about one file that it holds: a folder that may not be written, another program's handle."""
    real = getattr(owner, function)

    def refused(path: Any, *args: Any, **options: Any) -> Any:
        if str(path).endswith(name):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return real(path, *args, **options)

    monkeypatch.setattr(owner, function, refused)


@pytest.mark.parametrize(
    ("owner", "function", "told"),
    [(os, "unlink", "does not let"), (Path, "open", "cannot be read")],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_the_system_holds_stays_and_holds_up_no_other(
    shelf: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: Any, function: str, told: str
) -> None:
    device = shelf.device()
    held = picture(device, tmp_path, "held")
    free = picture(device, tmp_path, "free")
    shelf.settle(device)
    with monkeypatch.context() as refusing:
        refuse(refusing, owner, function, "held")
        report = clean(device)
    assert (tmp_path / "held").read_bytes() == CONTENT
    assert paths(device) == {held.id: str(tmp_path / "held"), free.id: None}
    assert not (tmp_path / "free").exists()
    assert any(told in step.kept for step in report.steps)
    clean(device)
    assert paths(device) == {held.id: None, free.id: None}
    assert not (tmp_path / "held").exists()
