"""Bytes and requests of one changed column of one row, beside WatermelonDB's whole row up and down again."""

from __future__ import annotations

from bench import watermelon
from bench.account import SMALL_USER, Account, opened_account
from bench.figure import Figure
from bmaddb.modules.chat_journal import JournalEntry
from bmaddb.service.opening import open_database


def measure(account: Account) -> list[Figure]:
    """Bytes of bodies both ways, uncompressed on both sides; no figure without Node."""
    peer = watermelon.run(account)
    if peer is None:
        return []
    path = account.folder / "wire.db"
    with open_database(path, user=SMALL_USER, url=account.url, token=account.token(SMALL_USER)) as db:
        while db.sync().pushed_rows:
            pass  # what follows from the rows is written a part at each sync, until everything fits
        [row_id] = db.query(JournalEntry).limit(1).ids()
        with db.write() as tx:
            tx.update(JournalEntry, row_id, title="a title of ours")
        report = db.sync()
    if not report.ok or report.pushed_rows != 1:
        raise SystemExit(f"the change was not pushed: {report}")
    ours = report.bytes_up + report.bytes_down
    theirs = peer["change"]["up"] + peer["change"]["down"]
    requests = f"{report.requests} requests, theirs {peer['change']['requests']}"
    return [
        Figure(
            name=f"one changed column to the server, bytes ({requests})",
            peer="WatermelonDB: row up, row down",
            ours_us=ours,
            peer_us=theirs,
            ratio=round(ours / theirs, 2),
            limit=0.25,
        )
    ]


if __name__ == "__main__":
    with opened_account(10_000) as opened:
        for one in measure(opened):
            print(f"{one.name}: {one.ours_us} bytes, {one.peer} {one.peer_us} bytes, ratio {one.ratio}")
