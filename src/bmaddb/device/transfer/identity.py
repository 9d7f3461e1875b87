"""Ids of what came from elsewhere: the same source row has the same id, however often it is imported.

UUID version 5 of `source U+001F part U+001F ...` in the namespace of natural ids.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from bmaddb.schema.natural_keys import NAMESPACE, SEPARATOR
from bmaddb.schema.tables import Table


def id_from(source: str, *parts: str) -> str:
    """The id of what `source` calls by `parts`."""
    return str(uuid.uuid5(NAMESPACE, SEPARATOR.join((source, *parts))))


def id_of_content(table: Table, plain: Mapping[str, Any]) -> str:
    """The id of a row that has no name: its content, so that an equal row is the same row."""
    content = json.dumps(plain, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return id_from("import", table.name, content)
