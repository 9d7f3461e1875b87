"""What SQLite says of how it would run a statement, as facts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec

_ACCESS: Final = re.compile(r"(SEARCH|SCAN) (.+?)(?: EXISTS)?(?: USING (.+?))?(?: LEFT-JOIN)?")
_INDEX: Final = re.compile(r"(?P<made>AUTOMATIC )?(?:PARTIAL )?(?P<covering>COVERING )?INDEX ?(?P<name>[^( ]*)")
_WITHIN: Final = re.compile(r"\((.*)\)")
_ALIAS: Final = re.compile(r" \d+$")
_VIRTUAL: Final = re.compile(r"(.+?) VIRTUAL TABLE INDEX .*")
_SORT: Final = "USE TEMP B-TREE FOR "


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """How one table is read: through an index, by its rowid, or from its first row to its last."""

    table: str
    index: str | None = None
    """The index that is used; '(automatic)' is one that SQLite makes for this statement alone."""
    by: str = ""
    """What is looked up in it, such as `state=? AND due_on>?`."""
    full_scan: bool = False
    """Are all rows, or all entries of the index, gone through?"""
    covering: bool = False
    """Does the index hold all that is needed, so that the table is not touched?"""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """How a statement is run. `str()` of it is for people."""

    sql: str
    accesses: tuple[Access, ...]
    """In the order SQLite goes, the outermost loop first; subqueries where they stand."""
    sorts: tuple[str, ...]
    """What needs a sort of its own (`ORDER BY`, `GROUP BY`, `DISTINCT`), because no index has the order."""
    lines: tuple[str, ...]
    """SQLite's own words, indented."""

    @property
    def full_scans(self) -> tuple[str, ...]:
        """The tables that are read from first to last row."""
        return tuple(access.table for access in self.accesses if access.full_scan)

    @property
    def indexes(self) -> tuple[str, ...]:
        """The indexes that are used, of the tables in the order of `accesses`."""
        return tuple(access.index for access in self.accesses if access.index is not None)

    def __str__(self) -> str:
        return "\n".join(self.lines)


def explained(sql: str, rows: Iterable[tuple[Any, ...]]) -> Explanation:
    """Facts out of the rows (id, parent, unused, detail) of EXPLAIN QUERY PLAN."""
    depths, lines, details = {0: -1}, [], []
    for number, parent, _, detail in rows:
        depths[number] = depth = depths.get(parent, -1) + 1
        lines.append("  " * depth + detail)
        details.append(detail)
    return Explanation(
        sql=sql,
        accesses=tuple(access for detail in details if (access := _access(detail)) is not None),
        sorts=tuple(detail.removeprefix(_SORT) for detail in details if detail.startswith(_SORT)),
        lines=tuple(lines),
    )


def _access(detail: str) -> Access | None:
    found = _ACCESS.fullmatch(detail)
    if found is None:
        return None
    verb, table, using = found.groups()
    virtual = _VIRTUAL.fullmatch(table)
    if virtual is not None:
        return Access(table=virtual[1])
    table = _ALIAS.sub("", table)
    if using is None:
        return Access(table=table, full_scan=verb == "SCAN")
    within, index = _WITHIN.search(using), _INDEX.match(using)
    return Access(
        table=table,
        index=None if index is None else "(automatic)" if index["made"] else index["name"],
        by=within[1] if within else "",
        full_scan=verb == "SCAN",
        covering=index is not None and index["covering"] is not None,
    )
