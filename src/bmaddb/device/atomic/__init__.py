"""Operations: several steps that are one act, with rules before, checks after, and a way back."""

from __future__ import annotations

from bmaddb.device.atomic.operation import Action, Operation, OuterContext, OuterStep, Rollback, Step
from bmaddb.device.atomic.rules import Check, CheckOutcome, Reader, RuleContext, Severity, Validator, Violation

__all__ = [
    "Action",
    "Check",
    "CheckOutcome",
    "Operation",
    "OuterContext",
    "OuterStep",
    "Reader",
    "Rollback",
    "RuleContext",
    "Severity",
    "Step",
    "Validator",
    "Violation",
]
