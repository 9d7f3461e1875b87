"""`python -m bench.requests [COUNT]`: so many server operations with random needs under a server that fails.

The storm of tests/requests/storm.py, at the size that was promised: of ten attempts two die before their effect and
two after it, of ten calls two are lost, and with `deadly` the device dies on the way. Ends with an error unless every
effect happened once and in order and every dead letter is named.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.requests.office import opened
from tests.requests.storm import Storm
from tests.support.postgres import Clusters, scratch_folder

COUNT = 10_000


def main() -> None:
    """Run it and print how it went."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    clusters = Clusters()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="bmaddb-bench-", dir=scratch_folder()) as folder,
            opened(Path(folder), clusters, 18) as (office, _),
        ):
            began = time.perf_counter()
            storm = Storm(office, "dicey", count, seed=1)
            asked_s = time.perf_counter() - began
            storm.weather(deadly=True)
            passed_s = time.perf_counter() - began - asked_s
            storm.check()
            counts = storm.device.engine.requests.counts()
            calls = sum(tries for _, tries in office.answers().values())
            print(
                f"{count} requests made in {asked_s:.1f} s, over in {passed_s:.1f} s: {counts.done} done once each,"
                f" {counts.dead} dead and named, {storm.syncs} syncs, {storm.deaths} deaths,"
                f" {calls} attempts that ended in an answer"
            )
    finally:
        clusters.close()


if __name__ == "__main__":
    main()
