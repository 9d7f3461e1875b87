"""Operations: several steps that are one act, with rules before, checks after, and a way back."""

from __future__ import annotations

from bmaddb.device.atomic.bounds import Bounds, Cancellation
from bmaddb.device.atomic.operation import Action, Operation, OuterContext, OuterStep, Rollback, Step
from bmaddb.device.atomic.operations import Operations
from bmaddb.device.atomic.result import BatchResult, Failure, OperationResult, Status
from bmaddb.device.atomic.resuming import ResumeReport
from bmaddb.device.atomic.rules import Check, CheckOutcome, Reader, RuleContext, Severity, Validator, Violation

__all__ = [
    "Action",
    "BatchResult",
    "Bounds",
    "Cancellation",
    "Check",
    "CheckOutcome",
    "Failure",
    "Operation",
    "OperationResult",
    "Operations",
    "OuterContext",
    "OuterStep",
    "Reader",
    "ResumeReport",
    "Rollback",
    "RuleContext",
    "Severity",
    "Status",
    "Step",
    "Validator",
    "Violation",
]
