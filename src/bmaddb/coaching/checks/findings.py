"""What a check collects before it says how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from msgspec.structs import replace

from bmaddb.coaching.candidate import STORED, Candidate, Rule, candidate_of, code_of
from bmaddb.device.atomic import CheckOutcome, RuleContext, Severity
from bmaddb.schema.records import Record

NOTES: Final = "notes"
"""The fact that holds what the steps of an operation noted for its checks: a mapping they fill."""


@dataclass(slots=True)
class Findings:
    """What is wrong, row by row, and what is only worth saying."""

    rows: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def wrong(self, row: Record | str, message: str) -> None:
        """This row is why the check fails; of a row that is missing, the name it would have."""
        name = row if isinstance(row, str) else f"{row.__table__.name}/{row.id}"
        if name not in self.rows:
            self.rows.append(name)
        self.messages.append(message)

    def remark(self, message: str) -> None:
        """Worth saying; the check does not fail for it."""
        self.remarks.append(message)

    def judge(self, row: Record, rules: Iterable[Rule], context: RuleContext) -> None:
        """Those of the rules' errors that the stored row has."""
        candidate = stored_candidate(row, context)
        for rule in rules:
            for flaw in rule(candidate):
                if flaw.severity is Severity.ERROR:
                    self.wrong(row, f"{code_of(rule)}: {flaw.message}")

    def outcome(self, check: Callable[[RuleContext], CheckOutcome]) -> CheckOutcome:
        """How the check ended."""
        said = self.messages or self.remarks
        return CheckOutcome(name=check.__name__, ok=not self.messages, rows=tuple(self.rows), message="; ".join(said))


def stored_candidate(row: Record, context: RuleContext) -> Candidate:
    """A row as it stands in the file, for rules that can judge it there."""
    facts = {**context.facts, STORED: True}
    return candidate_of(type(row), {}, row, replace(context, facts=facts))


def written(context: RuleContext, step: str) -> tuple[str, ...] | None:
    """The ids of the rows that a step of the operation wrote; None when it has no such step."""
    rows: Mapping[str, tuple[str, ...]] = context.facts.get("rows", {})
    return rows.get(step)


def notes(context: RuleContext) -> dict[str, Any]:
    """What the operation's steps noted; empty without an operation."""
    found: dict[str, Any] = context.facts.get(NOTES, {})
    return found
