"""A column that follows from others: whatever two devices change, it fits once they have synced.

    python examples/what_follows.py        two devices and a server with this module, in a temporary folder

`total` has the merge rule DRV. Where both devices changed what it follows from, no merge can know what it should be;
the reaction works it out anew, on every device, and they come to the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import bmaddb
from bmaddb.device.store import Store
from bmaddb.device.sync import Arrived
from bmaddb.modules.registry import catalog_with
from bmaddb.schema import MergeRule, Module, UserRecord, integer, text

USER = "0198c0de-0000-7000-8000-000000000001"


class Purchase(UserRecord, table="purchases"):
    """So many of something, and what they cost."""

    what = text()
    pieces = integer(default=1)
    cents = integer(default=0, note="of one piece")
    total = integer(default=0, merge=MergeRule.DRV, note="pieces times cents")


CATALOG = catalog_with(Module(name="purchases", purpose="What is bought.", records=(Purchase,)))


class Totals:
    """After a sync in which purchases came, or were merged."""

    tables = frozenset({"purchases"})
    followers: Mapping[str, frozenset[str]] = {}  # no row of another table follows from one that is gone

    def __call__(self, store: Store, arrived: Arrived, *, partly: bool) -> int:
        """Write what follows, only where it does not fit; the answer is how many rows that was."""
        rows = store.query(Purchase)
        came = arrived.get("purchases", frozenset())
        wrong = [row for row in (rows if came is None else rows.where(Purchase.id.in_(came))).all() if not fits(row)]
        with store.write() as tx:
            for row in wrong:
                tx.update(row, total=row.pieces * row.cents)
        return len(wrong)


def fits(row: Purchase) -> bool:
    """Is the total what follows from the rest?"""
    return row.total == row.pieces * row.cents


def main(folder: Path) -> list[str]:
    """Two devices change one purchase while neither sees the other; the answer is what each holds in the end."""
    serve = [sys.executable, "-m", "bmaddb.cli", "serve", "--port", "0", "--data", str(folder)]
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(Path(__file__).parent), *sys.path)))}
    with subprocess.Popen(
        [*serve, "--catalog", "what_follows:CATALOG"], stdout=subprocess.PIPE, text=True, env=here
    ) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split()[1]
        minted = [sys.executable, "-m", "bmaddb.cli", "token", "--user", USER, "--data", str(folder)]
        token = subprocess.check_output(minted, text=True).strip()
        try:
            return shop(folder, url, token)
        finally:
            server.terminate()


def shop(folder: Path, url: str, token: str) -> list[str]:
    """What the two do, offline, and what comes of it."""
    phone, laptop = (
        bmaddb.open(folder / f"{name}.db", user=USER, catalog=CATALOG, url=url, token=token, reactions=[Totals()])
        for name in ("phone", "laptop")
    )
    with phone, laptop:
        with phone.write() as tx:
            apples = tx.insert(Purchase, what="apples", pieces=4, cents=30, total=120)
        for device in (phone, laptop):
            device.sync()
        with phone.write() as tx:
            tx.update(apples, pieces=10, total=300)
        with laptop.write() as tx:
            tx.update(apples, cents=25, total=100)
        for device in (phone, laptop, phone, laptop):
            device.sync()
        held = [device.query(Purchase).one() for device in (phone, laptop)]
        assert [row.total for row in held] == [250, 250]
        return [f"{row.pieces} {row.what}, {row.cents} cents each: {row.total} cents" for row in held]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        for line in main(Path(place)):
            print(line)
