"""Short names of what the twelve modules make of a device's file, so that opening one needs not make it again.

`make golden` writes the two; a test holds them against the DDL.
"""

from __future__ import annotations

from bmaddb.schema.catalog import Digests

DIGESTS = Digests(
    tables="5563cb51541538fcfc67a2893ce11ccb36134269177b44f712d47ea5c02ae9b9",
    search="2f1125356edc5212f6b072fdf88c5b0939b079980f578c1862673f8246b2cfac",
)
