"""The stage of the demo: Postgres, the server and a cuttable wire, each a real process or socket."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bmaddb import errors as e
from bmaddb.server.embedded import EmbeddedPostgres
from bmaddb.testing.proxy import CuttingProxy

SERVER_STOP_SECONDS = 20
READY = "ready http://127.0.0.1:"


@dataclass(frozen=True, slots=True)
class Stage:
    """What the story plays on. `proxy.url` is where the devices think the server is."""

    folder: Path
    conninfo: str
    server_url: str
    secret: str
    proxy: CuttingProxy


@contextlib.contextmanager
def raised(folder: Path, secret: str) -> Iterator[Stage]:
    """Postgres in `folder`, `bmaddb serve` on it as a process, and a proxy in front; all ended afterwards."""
    with (
        EmbeddedPostgres(folder / "server") as postgres,
        serving(postgres.conninfo, secret) as port,
        CuttingProxy(port) as proxy,
    ):
        yield Stage(folder, postgres.conninfo, f"http://127.0.0.1:{port}", secret, proxy)


@contextlib.contextmanager
def serving(conninfo: str, secret: str) -> Iterator[int]:
    command = [sys.executable, "-m", "bmaddb.cli", "serve", "--port", "0", "--database-url", conninfo]
    environment = {**os.environ, "BMADDB_JWT_SECRET": secret}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        yield _port_of(process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(SERVER_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _port_of(process: subprocess.Popen[str]) -> int:
    line = process.stdout.readline().strip() if process.stdout is not None else ""
    if not line.startswith(READY):
        raise e.ServerError(f"the server did not start: {line or 'it ended without a word'}")
    return int(line.removeprefix(READY))
