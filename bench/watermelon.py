"""The WatermelonDB npm client as a peer: see watermelon.js."""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from tests.clients.install import ClientsMissing, installed

from bench.account import SMALL_USER, Account
from bmaddb.modules.registry import default_catalog
from bmaddb.schema.watermelon import watermelon_schema

SECONDS_MAX = 120


@cache
def run(account: Account) -> dict[str, Any] | None:
    """First sync and one change of the small account; None without Node."""
    try:
        modules = installed()
    except ClientsMissing:
        return None
    given = {"url": account.url, "token": account.token(SMALL_USER), "schema": watermelon_schema(default_catalog())}
    done = subprocess.run(
        ["node", str(Path(__file__).with_name("watermelon.js"))],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS_MAX,
        env={**os.environ, "NODE_PATH": str(modules)},
    )
    if done.returncode != 0:
        raise SystemExit(f"WatermelonDB failed: {done.stderr[-1000:]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
