"""Import and export: what is in the file for people and other programs, and what they have into the file."""

from __future__ import annotations

from bmaddb.device.transfer.archive import export_archive
from bmaddb.device.transfer.export_report import ExportReport, Oddity
from bmaddb.device.transfer.report import BadLine, ImportReport, LeftAside, Progress, TellProgress
from bmaddb.device.transfer.sources import import_from
from bmaddb.device.transfer.tables_out import export_table

__all__ = [
    "BadLine",
    "ExportReport",
    "ImportReport",
    "LeftAside",
    "Oddity",
    "Progress",
    "TellProgress",
    "export_archive",
    "export_table",
    "import_from",
]
