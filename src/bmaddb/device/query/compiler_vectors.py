"""The statement that looks for the vectors nearest to one. Every vector is compared: the answer is exact."""

from __future__ import annotations

from bmaddb.device.query.plan import Statement
from bmaddb.schema.columns import Column


def nearest(column: Column[bytes], distance: str, vector: bytes, among: Statement | None, limit: int) -> Statement:
    """(id, distance) of the rows whose vector is nearest, by the function `distance`; other lengths fall away."""
    only = "" if among is None else f' and "id" in ({among.text})'
    text = (
        f'select "id", {distance}("{column.name}", ?) as far from "{column.table}" '
        f'where length("{column.name}") = ?{only} and far is not null order by far, "id" limit ? + 0'
    )
    return Statement(text, (vector, len(vector), *(among.arguments if among else ()), limit))
