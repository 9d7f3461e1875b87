"""The tables of docs/protocol.md that say which test holds which duty: whole, and of tests that are there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "protocol.md"
ROW = re.compile(r"^\| ([ST]\d+) \| ([^|]+) \| (?:([^|]+) \| )?([^|]+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/\S+\.py)::(test_\w+)`")
TESTS_MAX = 6
Row = tuple[str, tuple[str, ...], str]


def rows() -> list[Row]:
    """(id, its words, the cell of its tests), in the order of the page."""
    found = []
    for match in ROW.finditer(PAGE.read_text(encoding="utf-8")):
        words = tuple(text.strip() for text in match.group(2, 3) if text)
        found.append((match[1], words, match[4]))
    return found


@cache
def functions(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_duty_and_every_trap_has_its_row() -> None:
    wanted = [f"S{number}" for number in range(1, 19)] + [f"T{number}" for number in range(1, 15)]
    assert [row[0] for row in rows()] == wanted


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_the_tests_of_a_row_are_there(row: Row) -> None:
    name, words, cell = row
    named = TEST.findall(cell)
    assert all(words), name
    assert 1 <= len(named) <= TESTS_MAX
    assert len(set(named)) == len(named), "a name stands twice"
    assert TEST.sub("", cell).strip(" ,") == "", "only names of tests stand here"
    missing = [f"{path}::{test}" for path, test in named if not (ROOT / path).is_file() or test not in functions(path)]
    assert missing == []
