"""`make bench-peers`: all peers in one run, and docs/peers.md written from it."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bench.peers.contest import ROUNDS, contest
from bench.peers.django_orm import Django
from bench.peers.node import node_peers
from bench.peers.ours import Ours
from bench.peers.page import PAGE, page
from bench.peers.peewee_orm import Peewee
from bench.peers.sqlalchemy_orm import SqlAlchemyOrm
from bench.peers.work import Amounts, Peer


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--rows", type=int, default=Amounts().pulled, help="of the pull")
    parser.add_argument("--print", action="store_true", help="leave docs/peers.md as it is")
    asked = parser.parse_args()
    amounts = Amounts(pulled=asked.rows)
    peers: list[Peer] = [Ours(), SqlAlchemyOrm(), Peewee(), Django(), *node_peers()]
    try:
        with tempfile.TemporaryDirectory(prefix="bmaddb-peers-") as folder:
            results = contest(peers, amounts, Path(folder), asked.rounds)
    finally:
        for peer in peers:
            peer.end()
    text = page([peer.about for peer in peers], results, amounts)
    print(text)
    if not asked.print:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
