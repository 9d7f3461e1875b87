"""A peer in a Node process of its own: see js/harness.js."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from pathlib import Path
from typing import Any

from tests.clients.install import ClientsMissing, installed

from bench.peers.work import About, Cost, Given, Level, Totals, Work

JS = Path(__file__).with_name("js")
BUILT = ("better-sqlite3",)
CALL_SECONDS_MAX = 120
_MEMORY = "everything in memory and lost with the process; no keys, no checks, nothing waits for a disk"


class NodePeer:
    """A line to the process for every call, a line back; a call that takes too long ends the process."""

    def __init__(self, about: About, script: str, modules: Path) -> None:
        self.about = about
        self._process = subprocess.Popen(
            ["node", "--expose-gc", "--max-old-space-size=4096", str(JS / script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "NODE_PATH": str(modules), "NODE_ENV": "production"},
        )

    def open(self, path: Path, level: Level) -> None:
        self._call("open", path=str(path), level=level)

    def reopen(self) -> None:
        self._call("reopen")

    def measure(self, work: Work, given: Given) -> Cost:
        return Cost(**self._call("work", work=work.value, **given))

    def totals(self) -> Totals:
        return [int(value or 0) for value in self._call("totals")]

    def close(self) -> None:
        self._call("close")

    def end(self) -> None:
        self._process.communicate()

    def _call(self, call: str, **given: Any) -> Any:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        patience = threading.Timer(CALL_SECONDS_MAX, process.kill)
        patience.start()
        try:
            process.stdin.write(json.dumps({"call": call, **given}) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        finally:
            patience.cancel()
        answer = json.loads(line or '{"error": "it ended"}')
        if "error" in answer:
            raise RuntimeError(f"{self.about.name}, {call} {given.get('work', '')}: {answer['error']}")
        return answer["result"]


def node_peers() -> list[NodePeer]:
    """WatermelonDB, RxDB and TinyBase; none of them without Node. Says so, for the page must not look complete."""
    try:
        modules = installed(JS, built=BUILT)
    except ClientsMissing as missing:
        print(f"without the peers in JavaScript: {missing}")
        return []
    held = _versions(modules)
    return [NodePeer(about, script, modules) for about, script in _abouts(held)]


def _versions(modules: Path) -> dict[str, str]:
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    names = ("@nozbe/watermelondb", "better-sqlite3", "rxdb", "tinybase")
    held = {name: str(json.loads((modules / name / "package.json").read_bytes())["version"]) for name in names}
    return {**held, "node": node.lstrip("v")}


def _abouts(held: dict[str, str]) -> list[tuple[About, str]]:
    node = f"Node {held['node']}"
    watermelon = About(
        name="WatermelonDB",
        version=f"{held['@nozbe/watermelondb']} ({node}, better-sqlite3 {held['better-sqlite3']})",
        in_file=True,
        unequal="its SQLite adapter for Node, which is the one of its tests (a query runs twice, no statement is kept),"
        " set to WAL by us: says nothing of it on a phone; its own table of 27 columns with our indexes, no keys, no"
        " checks; finished rows with their ids; notes in each row which columns wait for a server",
    )
    rxdb = About(
        name="RxDB",
        version=f"{held['rxdb']} ({node}, storage in memory)",
        in_file=False,
        unequal=f"{_MEMORY}; our indexes; it puts off its work on them to the next query, so many rows end with one",
    )
    tinybase = About(
        name="TinyBase",
        version=f"{held['tinybase']} ({node})",
        in_file=False,
        unequal=f"{_MEMORY}; one index instead of five (user and state, by day), and the list is read from it by hand",
    )
    return [(watermelon, "watermelon.js"), (rxdb, "rxdb.js"), (tinybase, "tinybase.js")]
