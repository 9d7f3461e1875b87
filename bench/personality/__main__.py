"""`make bench-personality`: every part, the pictures, and docs/personality.md written from them.

Lines that were made before are kept in build/personality, so a run that was cut goes on; remove that folder before a
run for the page, which says that it is one.
`--report` writes the page from what is there. What takes time beside other work is measured last, alone.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.personality import equal, index_cost, overhead, real, report, run, summary
from bmaddb.personality.functions import TYPES

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "personality"
REAL_USERS = 4


def main() -> None:
    """Measure what is missing, then write."""
    BUILD.mkdir(parents=True, exist_ok=True)
    lines, side = BUILD / "traces.jsonl", BUILD / "side.json"
    if "--report" not in sys.argv:
        side.write_text(json.dumps(_measure(lines)), encoding="utf-8")
    report.write(lines, json.loads(side.read_text(encoding="utf-8")), ROOT / "docs")


def _measure(lines: Path) -> dict[str, Any]:
    """Run every trace into `lines`; the answer is what the other benches say."""
    began = datetime.now(UTC)
    asked = lines.with_name("equal.jsonl")
    both = ((f"{code}/{mode}", {"code": code, "mode": mode}) for code in TYPES for mode in equal.MODES)
    run.complete(asked, both, _equal)
    run.run_all(lines, run.USERS)
    return {
        "equal": {line["key"]: line for line in summary.lines_of([asked])},
        "overhead": overhead.measure(),
        "real": real.measure(REAL_USERS),
        "indexes": index_cost.measure(),
        "run": {"began": f"{began:%Y-%m-%d %H:%M}", "ended": f"{datetime.now(UTC):%Y-%m-%d %H:%M}"},
    }


def _equal(job: dict[str, Any]) -> dict[str, Any]:
    return vars(equal.of_type(job["code"], job["mode"], equal.QUERIES))


if __name__ == "__main__":
    main()
