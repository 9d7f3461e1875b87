"""What stands between `---` lines at the top of a note: read as people and their programs write it, written as JSON.

Rules of this room: JSON values are YAML too. Read is what notes hold of YAML: scalars, and lists in a line or a
line each. What is deeper is named, not guessed at; and what does not look like front matter is text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_RULE: Final = "---"
_BLOCK: Final = re.compile(r"---[ \t]*\n((?:.*\n)*?)---[ \t]*(?:\n|\Z)")
_FIELD: Final = re.compile(r"([^\s#:-][^:]*):(.*)")
_ITEM: Final = re.compile(r"\s*-(?:\s+(.*))?")
_LISTED: Final = re.compile(r"\s*(\"[^\"]*\"|'[^']*'|[^,\s][^,]*)")
_COMMENT: Final = re.compile(r"\s+#.*$")
_PAIR: Final = re.compile(r"[\w-]+:(?:\s|$)")
_SPACE: Final = (" ", "\t")
_QUOTES: Final = ('"', "'")
_LINES_FOLLOW: Final = ("|", ">")
_NULLS: Final = ("null", "Null", "NULL", "~")


@dataclass(slots=True)
class _Field:
    text: str
    items: list[str] = field(default_factory=list)
    deeper: bool = False
    """It holds what is not read here: a mapping, or a text of many lines."""

    @property
    def readable(self) -> bool:
        listed = not any(_PAIR.match(item) for item in self.items)
        return not self.deeper and listed and not (self.text and self.items) and self.text[:1] not in _LINES_FOLLOW


def read(text: str) -> tuple[dict[str, Any], str, list[str]]:
    """The fields of a note, its text as it stands after them, and the names of fields that cannot be read.

    A name with nothing behind it says nothing, and is in neither.
    """
    block = _BLOCK.match(text)
    fields = None if block is None else _fields(block[1])
    if block is None or fields is None:
        return {}, text, []
    front = {name: _value(found) for name, found in fields.items() if found.readable and (found.text or found.items)}
    return front, text[block.end() :], [name for name, found in fields.items() if not found.readable]


def written(front: Mapping[str, Any]) -> str:
    """The block, with the rules around it."""
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in front.items()]
    return "\n".join([_RULE, *lines, _RULE, ""])


def _fields(head: str) -> dict[str, _Field] | None:
    """None: a line says something else, so that this is text between two rules."""
    fields: dict[str, _Field] = {}
    last: _Field | None = None
    for line in head.split("\n"):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        item, named = _ITEM.fullmatch(line), _FIELD.fullmatch(line)
        if last is not None and item is not None:
            last.items.append((item[1] or "").strip())
        elif last is not None and line.startswith(_SPACE):
            last.deeper = True
        elif named is not None:
            last = fields[named[1].strip()] = _Field(named[2].strip())
        else:
            return None
    return fields


def _value(found: _Field) -> Any:
    return [_scalar(item) for item in found.items] if found.items else _scalar(found.text)


def _scalar(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        text = _without_comment(text)
    if text.startswith("[") and text.endswith("]"):
        return [_unquoted(item.strip()) for item in _LISTED.findall(text[1:-1])]
    return None if text in _NULLS else _unquoted(text)


def _no_number(text: str) -> Any:
    raise ValueError(text)  # NaN is no JSON


def _without_comment(text: str) -> str:
    """A hash that begins the value is a tag of people who do not know YAML."""
    whole = text.startswith(_QUOTES) and text.endswith(text[0])
    return text if whole or text.startswith("#") else _COMMENT.sub("", text)


def _unquoted(text: str) -> str:
    if len(text) < 2 or text[0] not in _QUOTES or text[-1] != text[0]:
        return text
    return text[1:-1].replace("''", "'") if text[0] == "'" else text[1:-1]
