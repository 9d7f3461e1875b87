"""Why a peer is ahead, where it is; the page says so beside the figure.

Statements, syncs and bytes were counted for one transaction, processor time for 300 in a row, on an otherwise idle run.
"""

from __future__ import annotations

from bench.peers.work import About, Level, Work

UNKNOWN = "we know no reason"
_DISK = (
    "all wait for exactly one sync of the disk, which is most of the time and as long for each; besides the row, ours"
    " writes its entry of the outbox ({more}), and what it saves in processor time is too little to show"
)
_DURABLE: dict[Work, str] = {
    Work.INSERT_SINGLY: _DISK.format(more="39 KB go into the log, the Python peers' 34"),
    Work.UPDATE: _DISK.format(more="20 KB go into the log, the Python peers' 17"),
}
_REASONS: dict[tuple[str, Work], str] = {
    ("peewee", Work.UPDATE): "its `save(only=...)` is one UPDATE; ours reads the row to know what differs, captures"
    " the change, marks it for the text index and writes an entry of the outbox: five statements, in as much processor"
    " time",
    (
        "RxDB",
        Work.INSERT_MANY,
    ): "it keeps the objects it is given, in sorted arrays; ours writes a file with five indexes",
    ("RxDB", Work.INSERT_SINGLY): "no file, no commit",
    (
        "RxDB",
        Work.LISTING,
    ): "it walks a sorted array and gives out objects that are there already; ours makes 50"
    " records of 25 columns out of a file",
    ("RxDB", Work.UPDATE): "no file, no commit",
    ("RxDB", Work.OBSERVE): "no file, no commit",
    ("TinyBase", Work.READ): "it copies an object in memory; ours asks SQLite and makes a record",
    ("TinyBase", Work.UPDATE): "no file, no commit, and one index instead of five",
}


def reason(peer: About, work: Work, level: Level) -> str:
    """What makes `peer` faster than ours at `work`."""
    if level == "FULL" and work in _DURABLE:
        return _DURABLE[work]
    return _REASONS.get((peer.name, work), UNKNOWN)
