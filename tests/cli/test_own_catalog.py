"""`bmaddb serve --catalog`: an application's own tables on a server."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import bmaddb
from bmaddb.clock import SystemClock
from bmaddb.server.auth import TokenKeeper
from tests.support.server import USER

ROOT = Path(__file__).resolve().parents[2]
SECRET = "a secret of tests, long enough for HS256"


def test_a_module_of_ones_own_reaches_another_device(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    own = importlib.import_module("own_module")
    command = [sys.executable, "-m", "bmaddb.cli", "serve", "--port", "0", "--data", str(data_dir)]
    command += ["--catalog", "own_module:CATALOG"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "examples"), "BMADDB_JWT_SECRET": SECRET}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[1]
        token = TokenKeeper(SECRET.encode(), SystemClock()).mint(USER, expires_in_s=600)
        phone = bmaddb.open(tmp_path / "phone.db", user=USER, catalog=own.CATALOG, url=url, token=token)
        laptop = bmaddb.open(tmp_path / "laptop.db", user=USER, catalog=own.CATALOG, url=url, token=token)
        with phone, laptop:
            with phone.write() as tx:
                tx.insert(own.Book, isbn="9789028204287", title="Oblomow")
            assert phone.sync().ok
            assert laptop.sync().ok
            assert laptop.query(own.Book).one().title == "Oblomow"
        process.terminate()
        assert process.wait(30) == 0
