"""The shape of a statement: its text without values, so that nothing of anybody's data is in it."""

from __future__ import annotations

import re
from typing import Final

SHAPE_CHARS_MAX: Final = 1_000
_TOKENS: Final = re.compile(
    r"""
      (?P<name>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])
    | (?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))
    | (?P<text>[xX]?'(?:[^']|'')*(?:'|\Z))
    | (?P<word>[?:@$]?[^\W\d][\w$]*|[?:@$]\w+)
    | (?P<number>0[xX][0-9a-fA-F]+|(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    """,
    re.VERBOSE | re.DOTALL,
)
_NAMES: Final = re.compile(r'("[^"]+"(?:\."[^"]+")?)((?:,\s*"[^"]+"(?:\."[^"]+")?){4,})')
_LISTS: Final = re.compile(r"\?(?:\s*,\s*\?)+")
_ROWS: Final = re.compile(r"(\([^()]*\))(?:\s*,\s*\1)+")


def shape_of(text: str) -> str:
    """The statement on one line: literals and bound places are `?`, long lists are short, comments gone."""
    bare = " ".join(_TOKENS.sub(_bare, text).split()).rstrip("; ")
    listed = _NAMES.sub(lambda names: f"{names[1]}, … {names[2].count(',')} more", bare)
    short = _ROWS.sub(r"\1, …", _LISTS.sub("?, …", listed))
    return short if len(short) <= SHAPE_CHARS_MAX else f"{short[: SHAPE_CHARS_MAX - 1]}…"


def _bare(found: re.Match[str]) -> str:
    kind = found.lastgroup
    if kind == "comment":
        return " "
    if kind in ("name", "word"):
        return "?" if kind == "word" and found[0][0] in "?:@$" else found[0]
    return "?"
