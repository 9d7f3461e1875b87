"""Short names of what the twelve modules make of a device's file, so that opening one needs not make it again.

`make golden` writes the two; a test holds them against the DDL.
"""

from __future__ import annotations

from bmaddb.schema.catalog import Digests

DIGESTS = Digests(
    tables="5563cb51541538fcfc67a2893ce11ccb36134269177b44f712d47ea5c02ae9b9",
    search="76e3d886605552b46bf28e6eae77149769df2a4de4c5a376c344d81944645d69",
)
