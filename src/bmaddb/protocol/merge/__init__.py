"""How two histories of one row become one: a rule per column, a rule per table for deletes."""

from __future__ import annotations

from bmaddb.protocol.merge.rows import combined, merge_row
from bmaddb.protocol.merge.shapes import Action, Pending, RemoteRow, RowMerge, Verdict

__all__ = ["Action", "Pending", "RemoteRow", "RowMerge", "Verdict", "combined", "merge_row"]
