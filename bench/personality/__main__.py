"""`make bench-personality`: every part, the pictures, and docs/personality.md written from them.

Lines of traces that were run before are kept in build/personality; remove that folder to run all of them again.
`--report` writes the page from what is there. Everything in turn takes about an hour on one core.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from bench.personality import equal, index_cost, overhead, real, report, run

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "personality"
REAL_USERS = 4


def main() -> None:
    """Measure what is missing, then write."""
    BUILD.mkdir(parents=True, exist_ok=True)
    lines, side = BUILD / "traces.jsonl", BUILD / "side.json"
    if "--report" not in sys.argv:
        run.run_all(lines, run.USERS)
        side.write_text(json.dumps(_side()), encoding="utf-8")
    report.write(lines, json.loads(side.read_text(encoding="utf-8")), ROOT / "docs")


def _side() -> dict[str, Any]:
    return {
        "overhead": overhead.measure(),
        "real": real.measure(REAL_USERS),
        "indexes": index_cost.measure(),
        "equal": {mode: vars(equal.promise(mode, equal.QUERIES)) for mode in equal.MODES},
    }


if __name__ == "__main__":
    main()
