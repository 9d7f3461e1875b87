"""`make bench-personality`: every part, the pictures, and docs/personality.md written from them.

Lines of traces that were run before are kept in build/personality; remove that folder to run all of them again.
`--report` writes the page from what is there. What takes time beside other work is measured last, alone.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.personality import equal, index_cost, overhead, real, report, run
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
    with ProcessPoolExecutor(run.PROCESSES) as pool:
        asked = [(code, mode) for code in TYPES for mode in equal.MODES]
        told = list(pool.map(equal.of_type, *zip(*asked, strict=True), [equal.QUERIES] * len(asked)))
    run.run_all(lines, run.USERS)
    return {
        "equal": {f"{code}/{mode}": vars(tally) for (code, mode), tally in zip(asked, told, strict=True)},
        "overhead": overhead.measure(),
        "real": real.measure(REAL_USERS),
        "indexes": index_cost.measure(),
        "run": {"began": f"{began:%Y-%m-%d %H:%M}", "ended": f"{datetime.now(UTC):%Y-%m-%d %H:%M}"},
    }


if __name__ == "__main__":
    main()
