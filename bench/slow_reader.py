"""A device that stalls in the middle of a first sync: what the server and Postgres hold meanwhile.

The limit is one page and what the sockets hold, whatever the account: a tenth or a hundredth of the rows must look the
same. The first of the two accounts is the least here, and the second is ours.
"""

from __future__ import annotations

import socket
import time

import msgspec

from bench.account import SMALL_ROWS, SMALL_USER, USER, Account
from bench.figure import Figure
from bench.memory import Watched
from bmaddb.protocol.messages import WALK_FUNCTION

STALL_S = 3.0
READ_BYTES = 1_000_000


def measure(account: Account) -> list[Figure]:
    """MB the server holds beside a stalled reader: of the small account, and of the large one."""
    small, large = (_stalled(account, user) for user in (SMALL_USER, USER))
    told = f"{small[1]:.0f} and {large[1]:.0f} MB of Postgres"
    return [
        Figure(
            name=f"MB the server holds while a reader of {account.rows:,} rows stalls ({told})",
            peer=f"the same of {SMALL_ROWS:,} rows",
            ours_us=round(large[0], 1),
            peer_us=round(small[0], 1),
            ratio=round(large[0] / small[0], 2),
            limit=1.5,
        )
    ]


def _stalled(account: Account, user: str) -> tuple[float, float]:
    host, _, port = account.url.removeprefix("http://").partition(":")
    body = msgspec.json.encode({"cursor": None, "schema_version": 1, "device_id": "slow", "user": user})
    head = (
        f"POST /rest/v1/rpc/{WALK_FUNCTION} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {account.token(user)}\r\n"
        f"accept-encoding: identity\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    with Watched() as seen, socket.create_connection((host, int(port))) as wire:
        wire.sendall(head.encode() + body)
        got = 0
        while got < READ_BYTES:
            got += len(wire.recv(65_536))
        time.sleep(STALL_S)
    return seen.server.most_mb, seen.backend.most_mb


if __name__ == "__main__":
    from bench.account import opened_account

    with opened_account() as opened:
        for one in measure(opened):
            print(f"{one.name}: {one.ours_us} MB, {one.peer} {one.peer_us} MB, ratio {one.ratio}")
