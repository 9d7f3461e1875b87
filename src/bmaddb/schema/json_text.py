"""JSON as a column holds it: one text for one value, the same in SQLite and in Postgres."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from bmaddb import errors as e
from bmaddb.schema.letters import encodable

JSON_DEPTH_MAX = 64
_ODD_NUMBER = re.compile(r"\de[+-]\d|-0\.0")
_TEXT_OR_NUMBER = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d[\d.]*(?:e[+-]?\d+)?')


def canonical_json(value: Any, depth_max: float = JSON_DEPTH_MAX) -> str:
    """JSON text as jsonb prints it, but for spaces: keys by length, then bytes; nothing escaped in vain.

    RecordInvalid for what is no JSON value, and for one nested deeper than `depth_max` levels (math.inf: as it comes).

    A float is written without an exponent and with its point, so that it comes back from the server as it left:
    jsonb makes 1e23 a whole number, and keeps 100000000000000000000000.0.
    """
    try:
        text = json.dumps(_ordered(value, depth_max), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise e.RecordInvalid(f"not a JSON value: {error}") from None
    if "\\u0000" in text and _holds_nul(value):
        raise e.RecordInvalid("JSON text may not hold U+0000", hint="Postgres cannot store it")
    return encodable(_TEXT_OR_NUMBER.sub(_as_jsonb, text) if _ODD_NUMBER.search(text) else text)


def _as_jsonb(token: re.Match[str]) -> str:
    text = token[0]
    if text == "-0.0":
        return "0.0"
    if text.startswith('"') or "e" not in text:
        return text
    plain = f"{Decimal(text):f}"
    return plain if "." in plain else f"{plain}.0"


def _ordered(value: Any, levels: float) -> Any:
    if levels < 0:
        raise e.RecordInvalid(f"JSON is nested deeper than {JSON_DEPTH_MAX} levels")
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise e.RecordInvalid("JSON object keys must be text")
        keys = sorted(value, key=lambda key: (len(key.encode("utf-8", "surrogatepass")), key))
        return {key: _ordered(value[key], levels - 1) for key in keys}
    if isinstance(value, list | tuple):
        return [_ordered(item, levels - 1) for item in value]
    return value


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any("\0" in key or _holds_nul(item) for key, item in value.items())
    return isinstance(value, list | tuple) and any(map(_holds_nul, value))
