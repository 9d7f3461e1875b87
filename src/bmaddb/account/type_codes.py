"""The sixteen types: how a code is written, and the order of its four functions."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

TYPE_CODE: Final = re.compile(r"[EI][NS][TF][JP]")
AXES: Final = (("axis_ei", "E", "I"), ("axis_sn", "N", "S"), ("axis_tf", "T", "F"), ("axis_jp", "J", "P"))
"""Column, the letter of a positive score, the letter of a negative one; in the order of the letters."""
BORDERLINE: Final = 0.15
_OPPOSITE: Final = {"T": "F", "F": "T", "N": "S", "S": "N"}
_TURNED: Final = {"e": "i", "i": "e"}


class Stack(NamedTuple):
    """The functions of a type, the leading one first."""

    dominant: str
    auxiliary: str
    tertiary: str
    inferior: str


def stack_of(type_code: Any) -> Stack | None:
    """The stack of a type; None for what is no type."""
    if not isinstance(type_code, str) or not TYPE_CODE.fullmatch(type_code):
        return None
    attitude, perceiving, judging, lifestyle = tuple(type_code)
    outward, inward = (judging, perceiving) if lifestyle == "J" else (perceiving, judging)
    first, second = (outward, inward) if attitude == "E" else (inward, outward)
    way = "e" if attitude == "E" else "i"
    return Stack(
        f"{first}{way}", f"{second}{_TURNED[way]}", f"{_OPPOSITE[second]}{way}", f"{_OPPOSITE[first]}{_TURNED[way]}"
    )


def borderline_axes(scores: dict[str, float | None]) -> list[str]:
    """The axes (ei, sn, tf, jp) whose score says little, in order of their names."""
    return sorted(
        column.removeprefix("axis_")
        for column, score in scores.items()
        if score is not None and abs(score) < BORDERLINE
    )


def letters_apart(one: str, other: str) -> int:
    """In how many letters two types differ."""
    return sum(a != b for a, b in zip(one, other, strict=True))
