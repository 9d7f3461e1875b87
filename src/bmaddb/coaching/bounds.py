"""The CHECKs of columns, read without SQL: `x >= 1 and x <= 5`, `x between -1 and 1`, `length(x) <= 80`, `x in (1, 2)`.

Rules of this room: what it does not understand it lets pass; the file looks again.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any, Final

_BETWEEN: Final = re.compile(r"(\S+) between (\S+) and (\S+)")
_COMPARED: Final = re.compile(r"(length\(\w+\)|\w+) (>=|<=|=|>|<) (-?\d+(?:\.\d+)?)")
_LISTED: Final = re.compile(r"\w+ in \(([-\d., ]+)\)")
_OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}


def fits(check: str, value: Any) -> bool:
    """Does `value` pass the column's `check`? A null passes, as in SQL."""
    if value is None:
        return True
    plain = _BETWEEN.sub(r"\1 >= \2 and \1 <= \3", check)
    return all(_clause_fits(clause.strip(), value) for clause in plain.split(" and "))


def _clause_fits(clause: str, value: Any) -> bool:
    listed = _LISTED.fullmatch(clause)
    if listed:
        return value in [float(item) for item in listed[1].split(",")]
    compared = _COMPARED.fullmatch(clause)
    if not compared:
        return True
    subject = len(value) if compared[1].startswith("length(") else value
    return _OPERATORS[compared[2]](subject, float(compared[3]))
