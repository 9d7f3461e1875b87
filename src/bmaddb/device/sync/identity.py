"""A restored file becomes a device of its own.

The device it is a copy of went on after the copy was made: it used numbers, and counted in its entry of every
counter. Were the copy to go on as that device, its new entries would carry numbers whose answers the server
holds, and its counts would start from old ones. Under an identity of its own, everything that waits in it is simply
sent; what the other had sent already is recognised by its rows. The cursor stays: it says what this file has seen.
"""

from __future__ import annotations

import uuid
from typing import Final

import apsw

from bmaddb import statements
from bmaddb.device.store import meta
from bmaddb.entropy import Entropy

_SQL: Final = statements.load("bmaddb.device.sync", "sql/identity.sql")


def become_another_device(copy: apsw.Connection, entropy: Entropy) -> None:
    """Give the file behind `copy` an identity nobody has; it is no backup any more. In a transaction of its own."""
    with copy:
        for block in _SQL.values():
            copy.execute(block)
        meta.put(copy, meta.DEVICE_ID, str(uuid.UUID(bytes=entropy.random_bytes(16), version=4)))
        copy.pragma("application_id", meta.APPLICATION_ID)
