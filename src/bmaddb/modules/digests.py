"""Short names of what the twelve modules make of a device's file, so that opening one needs not make it again.

`make golden` writes the two; a test holds them against the DDL.
"""

from __future__ import annotations

from bmaddb.schema.catalog import Digests

DIGESTS = Digests(
    tables="5563cb51541538fcfc67a2893ce11ccb36134269177b44f712d47ea5c02ae9b9",
    search="62181100b01768a0e3c386059a5ef0bf359b5e899eb42ea1d639d2817969a289",
)
