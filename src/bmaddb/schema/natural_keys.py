"""Ids that follow from what a row is about, so that two devices that create "the same" row create one id.

The formula, for clients in other languages: UUID version 5 (RFC 9562) of the UTF-8 bytes of

    table U+001F value U+001F value ...

in the namespace below, with the values in the order of the table's `natural_key`; text as it is, whole
numbers in decimal. A folded key (`key_folded`) takes each text in Unicode NFC, case-folded, in NFC again.
"""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Mapping
from typing import Any, Final

from bmaddb import errors as e
from bmaddb.schema.tables import Table

NAMESPACE: Final = uuid.UUID("6d5b1c52-2f0e-5a43-9b1d-0f6c7f1f0a14")
SEPARATOR: Final = "\x1f"


def natural_id(table: Table, values: Mapping[str, Any]) -> str:
    """The id of the row of `table` that has these `values` (column -> value; more than the key is fine).

    RecordInvalid when a value of the key is missing, null, neither text nor a whole number, or holds U+001F;
    SchemaError when the table has no natural key.
    """
    if not table.options.natural_key:
        raise e.SchemaError(f"{table.name} has no natural key")
    parts = [_written(table, name, values.get(name)) for name in table.options.natural_key]
    return str(uuid.uuid5(NAMESPACE, SEPARATOR.join((table.name, *parts))))


def _written(table: Table, name: str, value: Any) -> str:
    where = f"{table.name}.{name}"
    if value is None:
        raise e.RecordInvalid(f"{where} makes the id of the row and may not be null")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise e.RecordInvalid(f"{where} makes the id of the row: text or a whole number")
    if SEPARATOR in value:
        raise e.RecordInvalid(f"{where} makes the id of the row and may not hold U+001F")
    return folded(value) if table.options.key_folded else value


def folded(text: str) -> str:
    """`text` without case, composed: "CAFE\\u0301" and "caf\\u00e9" become one."""
    nfc = unicodedata.normalize("NFC", text)
    return unicodedata.normalize("NFC", nfc.casefold())
