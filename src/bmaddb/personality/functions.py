"""The eight functions and the order of four of them in each of the sixteen types, made by rule.

The alternating model: the attitude of the first function is the first letter's, and attitudes alternate down the
stack. The theory is disputed and so is the attitude of the third function; this room only needs one fixed reading.
"""

from __future__ import annotations

from functools import cache
from typing import Final, TypeAlias

from bmaddb import errors as e

Stack: TypeAlias = tuple[str, str, str, str]
"""Dominant, auxiliary, tertiary, inferior."""

FUNCTIONS: Final = ("Te", "Ti", "Fe", "Fi", "Ne", "Ni", "Se", "Si")
TYPES: Final = tuple(f"{a}{b}{c}{d}" for a in "EI" for b in "SN" for c in "TF" for d in "JP")
STACK_WEIGHTS: Final = (0.40, 0.30, 0.18, 0.12)
"""How much each place of the stack counts in what is derived from a type."""

_OPPOSITES: Final = {"T": "F", "F": "T", "N": "S", "S": "N"}
_OTHER_ATTITUDE: Final = {"e": "i", "i": "e"}


def checked_type(code: str) -> str:
    """`code` as one of the sixteen, in capitals; RecordInvalid for anything else."""
    found = code.strip().upper()
    if found not in TYPES:
        raise e.RecordInvalid(f"{code!r} is no type preference", hint="four letters: E or I, S or N, T or F, J or P")
    return found


@cache
def stack_of(code: str) -> Stack:
    """The four functions of the type `code`, the dominant first.

    J says that the judging function is turned outward, P the perceiving one; E that the one turned outward leads.
    """
    attitude, perceiving, judging, outward = list(checked_type(code))
    turned_out, turned_in = (judging, perceiving) if outward == "J" else (perceiving, judging)
    first, second = (f"{turned_out}e", f"{turned_in}i") if attitude == "E" else (f"{turned_in}i", f"{turned_out}e")
    return first, second, _opposite(second), _opposite(first)


def _opposite(function: str) -> str:
    letter, attitude = list(function)
    return _OPPOSITES[letter] + _OTHER_ATTITUDE[attitude]
