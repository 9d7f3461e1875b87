"""Upkeep: the file kept within its budget, and checked. What leaves it is on the server, or can be computed again."""

from bmaddb.device.upkeep.cleanup import CleanUp
from bmaddb.device.upkeep.findings import Finding, IntegrityReport, Status
from bmaddb.device.upkeep.integrity import Integrity
from bmaddb.device.upkeep.keeper import Keeper
from bmaddb.device.upkeep.policy import UpkeepPolicy
from bmaddb.device.upkeep.report import Ended, StepReport, UpkeepReport, Usage
from bmaddb.device.upkeep.usage import measure
from bmaddb.device.upkeep.vacuum import rebuild

__all__ = [
    "CleanUp",
    "Ended",
    "Finding",
    "Integrity",
    "IntegrityReport",
    "Keeper",
    "Status",
    "StepReport",
    "UpkeepPolicy",
    "UpkeepReport",
    "Usage",
    "measure",
    "rebuild",
]
