"""A Node process that obeys commands, one JSON object a line each way (see js/lines.js)."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.clients.install import JS

ANSWER_SECONDS_MAX = 120


class DriverGone(Exception):
    """The Node process ended, or fell silent."""


class JsError(Exception):
    """The command failed inside JavaScript; `name`, `status` and `body` are what its error carried."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(f"{error['name']}: {error['message']}")
        self.name: str = error["name"]
        self.message: str = error["message"]
        self.status: int | None = error.get("status")
        self.body: Any = error.get("body")


class Driver:
    """Starts `script` and talks to it. Not thread-safe: one test at a time."""

    def __init__(self, script: str, node_modules: Path) -> None:
        self._process = subprocess.Popen(
            ["node", str(JS / script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(node_modules),
        )
        self._last_id = 0
        self._heard: dict[int, list[dict[str, Any]]] = {}
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name=script, daemon=True)
        self._reader.start()

    def call(self, command: str, **arguments: Any) -> Any:
        """The result of `command`; raises JsError with what the library threw."""
        return self.result_of(self.begin(command, **arguments))

    def begin(self, command: str, **arguments: Any) -> int:
        """Starts `command` and answers its number at once."""
        self._last_id += 1
        line = json.dumps({"id": self._last_id, "command": command, **arguments})  # escaped: one ASCII line
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise DriverGone(f"node ended with {self._process.wait()}") from None
        return self._last_id

    def wait_for_pause(self, number: int) -> str:
        """Until command `number` waits to be resumed; answers where it waits."""
        said = self._next_of(number)
        if "waiting" not in said:
            raise AssertionError(f"the command never paused: {said}")
        return str(said["waiting"])

    def result_of(self, number: int) -> Any:
        """Until command `number` is done."""
        said = self._next_of(number)
        if "error" in said:
            raise JsError(said["error"])
        return said["result"]

    def close(self) -> None:
        """End the process: it leaves when its input ends."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(ANSWER_SECONDS_MAX)
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _next_of(self, number: int) -> dict[str, Any]:
        while not self._heard.get(number):
            try:
                line = self._lines.get(timeout=ANSWER_SECONDS_MAX)
            except queue.Empty:
                raise DriverGone(f"no answer within {ANSWER_SECONDS_MAX} s") from None
            if not line:
                raise DriverGone(f"node ended with {self._process.wait()}")
            said = json.loads(line)
            self._heard.setdefault(said["id"], []).append(said)
        return self._heard[number].pop(0)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(b"")


def _environment(node_modules: Path) -> dict[str, str]:
    return {**os.environ, "NODE_PATH": str(node_modules), "NODE_ENV": "development"}
