"""How two histories of one row become one: a rule per column, a rule per table for deletes."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bmaddb.protocol.merge.rows import combined, merge_row
    from bmaddb.protocol.merge.shapes import Action, Pending, RemoteRow, RowMerge, Verdict

__all__ = [
    "Action",
    "Pending",
    "RemoteRow",
    "RowMerge",
    "Verdict",
    "combined",
    "merge_row",
]
_HOMES = {
    "combined": "bmaddb.protocol.merge.rows",
    "merge_row": "bmaddb.protocol.merge.rows",
    "Action": "bmaddb.protocol.merge.shapes",
    "Pending": "bmaddb.protocol.merge.shapes",
    "RemoteRow": "bmaddb.protocol.merge.shapes",
    "RowMerge": "bmaddb.protocol.merge.shapes",
    "Verdict": "bmaddb.protocol.merge.shapes",
}


def __getattr__(name: str) -> Any:
    """Load the part that is asked for, and no other: who only opens a file waits for nothing else."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
