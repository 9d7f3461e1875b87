"""An application's merge function, made to fit: wire values in and out, and nothing that the column refuses."""

from __future__ import annotations

from typing import Any

from bmaddb import errors as e
from bmaddb.protocol.merge.rules import Combine
from bmaddb.protocol.values import to_raw, to_wire
from bmaddb.schema.columns import Column
from bmaddb.schema.kinds import from_raw


def combiner(column: Column[Any]) -> Combine | None:
    """`merge_with` of the column on wire values; None when it has none. It raises what the function raises."""
    function = column.spec.merge_with
    if function is None:
        return None

    def combine(base: Any, older: Any, newer: Any) -> Any:
        value = function(*(from_raw(column.kind, to_raw(column.kind, side)) for side in (base, older, newer)))
        if value is None and not column.spec.nullable:
            raise e.RecordInvalid(f"{column.table}.{column.name} may not be null")
        if value is not None and column.spec.enum and value not in column.spec.enum:
            raise e.RecordInvalid(f"{value!r} is not one of its values")
        return to_wire(column.kind, column.bind(value))

    return combine
