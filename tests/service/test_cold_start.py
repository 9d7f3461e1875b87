"""Opening a file loads what reading needs, and nothing of the network: a cold start is mostly imports (C6)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

NOT_TO_READ = {
    "asyncio",
    "httpx",
    "ssl",
    "ctypes",
    "logging",
    "difflib",
    "importlib.resources",
    "bmaddb.device.sync.engine",
    "bmaddb.protocol.session",
    "bmaddb.protocol.steps",
    "bmaddb.schema.evolution",
    "bmaddb.schema.postgres_ddl",
}
SCRIPT = """
import sys, bmaddb
from bmaddb.modules.tasks_productivity import Task
db = bmaddb.open(sys.argv[1])
db.get(Task, "x"), db.query(Task).where(Task.state == "todo").limit(5).all()
print(*sys.modules)
"""


def test_who_only_reads_loads_nothing_of_the_network(tmp_path: Path) -> None:
    words = [sys.executable, "-c", SCRIPT, str(tmp_path / "a.db")]
    # A new file is written to. So is one that is opened the second time: the text index takes the tables that the
    # outbox made after it for a VACUUM, and notes its rows anew, once. From then on opening only reads.
    for known in ({"ctypes"}, {"ctypes"}, set()):
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        loaded = set(done.stdout.split())
        assert "bmaddb.device.store" in loaded
        assert loaded & NOT_TO_READ <= known


def test_what_is_loaded_late_is_the_same_for_everybody() -> None:
    """A module and what it is loaded for must not share a name: whoever came second would get the other."""
    script = (
        "import bmaddb.service.salvaging, bmaddb.service as s, bmaddb.device.sync as d, bmaddb.protocol.merge as m\n"
        "for room in (s, d, m):\n"
        "    for _ in range(2):\n"
        "        assert all(type(getattr(room, name)).__name__ != 'module' for name in room.__all__), room\n"
        "    assert not hasattr(room, 'nothing_of_this_name')\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
