"""Commands on encrypted files: secrets come from a terminal, a descriptor, the environment or the key store."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest

import bmaddb
from bmaddb import keys
from bmaddb.cli.main import main
from bmaddb.modules.tasks_productivity import Task
from tests.support.key_store import MemoryKeyStore

USER = "0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f60"
KEY = bytes(range(32))
NEW_KEY = bytes(range(1, 33))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file under KEY with one task."""
    with bmaddb.open(tmp_path / "a.db", user=USER, key=KEY) as db, db.write() as tx:
        tx.insert(Task, title="one")
    return tmp_path / "a.db"


@pytest.fixture
def key_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryKeyStore]:
    monkeypatch.setenv("HOME", str(tmp_path))
    before, store = keyring.get_keyring(), MemoryKeyStore()
    keyring.set_keyring(store)
    yield store
    keyring.set_keyring(before)


def handed(*lines: str) -> str:
    """A file descriptor to read these lines from."""
    reading, writing = os.pipe()
    os.write(writing, "".join(f"{line}\n" for line in lines).encode())
    os.close(writing)
    return str(reading)


@pytest.mark.parametrize(
    "command", [["outbox"], ["conflicts"], ["upkeep", "--look"], ["integrity"]], ids=lambda words: words[0]
)
def test_a_command_opens_an_encrypted_file(
    file: Path, command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, str(file)]) == 1
    assert "the file is encrypted" in capsys.readouterr().err
    assert main([*command, str(file), "--key-fd", handed(NEW_KEY.hex())]) == 1
    assert "the key is wrong" in capsys.readouterr().err
    assert main([*command, str(file), "--key-fd", handed(KEY.hex())]) == 0
    monkeypatch.setenv("BMADDB_KEY", KEY.hex())
    assert main([*command, str(file)]) == 0


def test_an_encrypted_file_is_exported_and_imported(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    new, everything = tmp_path / "b.db", str(tmp_path / "all.zip")
    assert main(["export", str(file), everything]) == 1
    assert "the file is encrypted" in capsys.readouterr().err
    assert main(["export", str(file), everything, "--key-fd", handed(KEY.hex())]) == 0
    monkeypatch.setenv("BMADDB_PASSPHRASE", "vier woorden")
    assert main(["import", str(new), everything, "--user", USER]) == 0
    with bmaddb.open(new, user=USER, passphrase="vier woorden") as db:
        assert db.query(Task).count() == 1


def test_verify_opens_an_encrypted_file(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = ["--url", "http://127.0.0.1:9", "--token", "t"]
    assert main(["verify", str(file), *nowhere, "--key-fd", handed(KEY.hex())]) == 1
    assert "stopped:" in capsys.readouterr().out, "it got as far as the network"


def test_the_token_is_taken_from_the_environment(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["verify", str(file), "--url", "http://127.0.0.1:9", "--key-fd"]
    assert main([*command, handed(KEY.hex())]) == 1
    assert "BMADDB_TOKEN" in capsys.readouterr().err
    monkeypatch.setenv("BMADDB_TOKEN", "t")
    assert main([*command, handed(KEY.hex())]) == 1
    assert "stopped:" in capsys.readouterr().out, "it got as far as the network"


def test_a_file_is_backed_up_lost_and_restored(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    backup, again = tmp_path / "b.db", tmp_path / "c.db"
    both = handed(KEY.hex(), NEW_KEY.hex())  # one after the other through one descriptor
    assert main(["backup", str(file), str(backup), "--key-fd", both, "--new-key-fd", both]) == 0
    assert main(["restore", str(backup), str(again), "--key-fd", handed(NEW_KEY.hex())]) == 0
    with bmaddb.open(again, key=NEW_KEY) as db:
        assert db.query(Task).count() == 1
    assert main(["restore", str(backup), str(again), "--key-fd", handed(NEW_KEY.hex())]) == 1
    assert "already" in capsys.readouterr().err


def test_a_file_gets_another_key_and_none(
    file: Path, key_store: MemoryKeyStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["key", "create", "anna"]) == 0
    assert main(["rekey", str(file), "--key-fd", handed(KEY.hex())]) == 1
    assert "say what opens the file" in capsys.readouterr().err
    assert main(["rekey", str(file), "--key-fd", handed(KEY.hex()), "--new-keyring", "anna"]) == 0
    with bmaddb.open(file, key=keys.from_keyring("anna")) as db:
        assert db.query(Task).count() == 1
    assert main(["rekey", str(file), "--keyring", "anna", "--plain"]) == 0
    bmaddb.open(file).close()
    monkeypatch.setenv("BMADDB_NEW_KEY", NEW_KEY.hex())
    assert main(["rekey", str(file)]) == 0
    bmaddb.open(file, key=NEW_KEY).close()
    assert len(key_store.kept) == 1


def test_a_key_goes_to_paper_and_back(key_store: MemoryKeyStore, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "create", "anna"]) == 0
    key = keys.from_keyring("anna")
    assert key.hex() not in capsys.readouterr().out
    assert main(["key", "show", "anna"]) == 0
    shown = capsys.readouterr().out.strip()
    assert main(["key", "forget", "anna"]) == 0
    assert key_store.kept == {}
    assert main(["key", "put", "anna"]) == 1
    assert main(["key", "put", "anna", "--key-fd", handed(shown)]) == 0
    assert keys.from_keyring("anna") == key
    assert main(["key", "create", "anna"]) == 1
    assert "keeps another key" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--key-fd", "9999"], ["--passphrase"], ["--keyring", "nobody"]], ids=str)
@pytest.mark.usefixtures("key_store")
def test_a_secret_that_cannot_be_had_is_said(
    file: Path, options: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", open(os.devnull, encoding="utf-8"))  # noqa: SIM115 -- for the length of the test
    assert main(["outbox", str(file), *options]) == 1
    said = capsys.readouterr().err
    assert "nothing can be read" in said or "no terminal" in said or "has no key" in said
    sys.stdin.close()


def test_two_secrets_in_the_environment_are_too_much(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BMADDB_KEY", KEY.hex())
    monkeypatch.setenv("BMADDB_PASSPHRASE", "words")
    assert main(["outbox", str(file)]) == 1
    assert "a key and a passphrase" in capsys.readouterr().err


def test_a_passphrase_is_asked_for_at_a_terminal_and_does_not_show(file: Path) -> None:
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "bmaddb.cli", "rekey", str(file), "--new-passphrase"]
    process = subprocess.Popen(
        words,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={**os.environ, "BMADDB_KEY": KEY.hex()},
    )
    os.close(theirs)
    seen = b""
    for prompt in (b"Passphrase: ", b"Once more: "):
        while prompt not in seen:
            seen += os.read(ours, 1024)
        os.write(ours, b"zeer geheim\n")
    while True:
        try:
            read = os.read(ours, 1024)
        except OSError:  # the other end is closed
            break
        if not read:
            break
        seen += read
    assert process.wait(60) == 0, seen
    os.close(ours)
    assert b"geheim" not in seen
    bmaddb.open(file, passphrase="zeer geheim").close()
