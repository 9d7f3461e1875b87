"""No file of an encrypted database holds a word of it, at any moment; and none is lost when it is killed (C5)."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from pathlib import Path

import pytest

from bmaddb import errors as e
from bmaddb.device.store import Secret, Store
from bmaddb.entropy import SeededEntropy
from bmaddb.testing import ManualClock
from tests.store.shelf import USER, Author, library
from tests.store.vault import PER_PART, Other, die_in_rekey, leave_canaries

CANARIES = 1_000
KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))
ROWS = 400
DEATHS_MAX = 200
_CANARY = re.compile(rb"zq[0-9a-f]{22}")


def canaries() -> list[str]:
    chance = SeededEntropy(11)
    return [f"zq{chance.random_bytes(11).hex()}" for _ in range(CANARIES)]


def found_in(files: list[Path], wanted: set[bytes]) -> dict[str, int]:
    """How many of the wanted words each file holds; files that hold none are not named."""
    counts = {}
    for file in files:
        if file.is_file():  # a socket or a device among the handles is none
            count = len(wanted.intersection(_CANARY.findall(file.read_bytes())))
            if count:
                counts[file.name] = count
    return counts


def seen(folder: Path, key: bytes | None) -> tuple[dict[str, dict[str, int]], set[str]]:
    """Stage -> file -> canaries, with what the process has open and no name any more; and every file there was."""
    words = canaries()
    wanted = {word.encode() for word in words}
    assert len(wanted) == CANARIES
    assert CANARIES % PER_PART == 0
    other = Other(leave_canaries, str(folder), key, words)
    told: dict[str, dict[str, int]] = {}
    names: set[str] = set()
    while (stage := other.hear()) is not None:
        handles = [Path(entry.path) for entry in os.scandir(f"/proc/{other.process.pid}/fd")]
        files = [file for file in folder.iterdir() if not file.name.endswith("-sync")]
        names |= {file.name for file in files}
        told[stage] = found_in([*files, *handles], wanted)
        if stage == "a transaction with a journal":
            break
        other.go_on()
    assert other.end(kill=True) == -9
    told["left behind"] = found_in(list(folder.iterdir()), wanted)
    return told, names


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="looks at what a process has open")
def test_no_file_holds_a_canary(tmp_path: Path) -> None:
    plain, sealed = tmp_path / "plain", tmp_path / "sealed"
    plain.mkdir()
    sealed.mkdir()
    told, names = seen(plain, None)
    kinds: dict[str, int] = defaultdict(int)
    for files in told.values():
        for name, count in files.items():
            kinds[re.sub(r"-part-\w+", "-part", name)] += count
    expected = {"device.db", "device.db-wal", "device.db-journal", "backup.db", "backup.db-part"}
    assert expected <= set(kinds), "each kind of file must be one a canary could have been in"
    assert told["left behind"]["backup.db"] == CANARIES
    told, sealed_names = seen(sealed, KEY)
    assert {name for name in names if "-part" not in name} <= sealed_names
    assert "device.db-rekeyed" in sealed_names
    assert {stage: files for stage, files in told.items() if files} == {}


@pytest.mark.parametrize(
    ("before", "after"), [(KEY, OTHER_KEY), (None, KEY), (KEY, None)], ids=["rekey", "encrypt", "decrypt"]
)
def test_killed_anywhere_in_a_rekey_a_file_opens_with_exactly_one_key(
    path: Path, before: Secret | None, after: Secret | None
) -> None:
    """At every 1,000 steps of the copy, and before each name that is made, changed or removed."""
    with opened(path, before) as store, store.write() as tx:
        tx.insert_many(Author, [{"name": f"{number} " * 50} for number in range(ROWS)])
    done, ends = False, []
    for step in range(DEATHS_MAX):
        other = Other(die_in_rekey, str(path), before, after, step)
        done = other.hear() == "done"
        assert other.end() == (0 if done else -9)
        opens = [secret for secret in (before, after) if is_whole(path, secret)]
        assert len(opens) == 1
        assert {file.name for file in path.parent.iterdir()} == {path.name}
        ends.append(opens[0] == after)
        if done:
            break
        if opens[0] == after:
            with opened(path, after) as store:
                store.rekey(before)
    assert done
    assert ends[-1]
    assert ends.count(False) > 10
    assert ends.count(True) > 1, "it must have been killed after the change of names too"


def opened(path: Path, secret: Secret | None) -> Store:
    return Store(path, library(), clock=ManualClock(), entropy=SeededEntropy(2), user=USER, key=secret)


def is_whole(path: Path, secret: Secret | None) -> bool:
    """Does it open with this secret? Then everything must be there."""
    try:
        with opened(path, secret) as store:
            assert store.query(Author).count() == ROWS
            with store.read() as connection:
                assert connection.pragma("integrity_check") == "ok"
    except e.WrongKey:
        return False
    return True
