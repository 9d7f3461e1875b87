"""What the columns of a selection are called where each needs a name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, Final

from bmaddb.device.query.aggregates import Aggregate
from bmaddb.schema.columns import Column
from bmaddb.schema.expressions import Derived, JsonPath, Operand

_SIGNS: Final = {"+": "plus", "-": "minus", "*": "times"}
_NAMELESS: Final = "value"


def unlike(operands: Sequence[Operand[Any]]) -> list[str]:
    """A name for each of `operands`, no two alike."""
    plain = [_name(operand) for operand in operands]
    often = Counter(plain)
    taken: set[str] = set()
    made = []
    for name, operand in zip(plain, operands, strict=True):
        wanted = f"{operand.table}_{name}" if often[name] > 1 and isinstance(operand, Column) else name
        made.append(next(one for one in _numbered(wanted) if one not in taken))
        taken.add(made[-1])
    return made


def _numbered(name: str) -> Iterator[str]:
    yield name
    for number in count(2):
        yield f"{name}_{number}"


def _name(operand: object) -> str:
    match operand:
        case Column():
            return operand.name
        case Aggregate(operand=None):
            return str(operand.function)
        case Aggregate():
            distinct = "_distinct" if operand.distinct else ""
            return f"{operand.function}{distinct}_{_name(operand.operand)}"
        case Derived():
            names = [_name(argument) for argument in operand.arguments if isinstance(argument, Operand)]
            word = str(operand.function)
            return f"_{_SIGNS[word]}_".join(names) if word in _SIGNS else f"{word}_{names[0]}"
        case JsonPath():
            return "_".join((_name(operand.document), *map(str, operand.steps)))
        case _:
            return _NAMELESS
