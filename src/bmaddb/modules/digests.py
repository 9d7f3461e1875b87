"""Short names of what the twelve modules make of a device's file, so that opening one needs not make it again.

`make golden` writes the two; a test holds them against the DDL.
"""

from __future__ import annotations

from bmaddb.schema.catalog import Digests

DIGESTS = Digests(
    tables="ed93555a3bffa3d86cbde4ceb5aa4435ce9473310608ced2ae361025cab31a05",
    search="2f1125356edc5212f6b072fdf88c5b0939b079980f578c1862673f8246b2cfac",
)
