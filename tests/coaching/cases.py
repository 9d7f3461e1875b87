"""What the tests of rules are made of: for a rule one row that it accepts, and one that it rejects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from bmaddb.coaching.candidate import RuleSet, code_of
from bmaddb.device.atomic import Severity, Violation
from bmaddb.device.store import Store, WriteTransaction
from bmaddb.schema.records import Record
from tests.coaching.ground import NOW_MS, context_of, undone

Prepare = Callable[[WriteTransaction], Any]
Make = Callable[[Store, WriteTransaction], dict[str, Any]]


def nothing(tx: WriteTransaction) -> None:
    """No preparation."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """One look at a row: `row` makes it, `change` is laid over it, `before` names the stored row it replaces."""

    row: Make | None = None
    change: Mapping[str, Any] = field(default_factory=dict)
    before: Callable[[WriteTransaction], Record] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    prepare: Prepare = nothing
    later_ms: int = 0


@dataclass(frozen=True, kw_only=True)
class Case:
    """`rule` accepts `good` and rejects `bad`, with `severity`; `column` is the one that is named."""

    rule: str
    good: Look
    bad: Look
    column: str | None = None
    severity: Severity = Severity.ERROR


def said(store: Store, validator: RuleSet, make: Make, look: Look) -> list[Violation]:
    """All that the validator says of the row."""
    with undone(store) as tx:
        look.prepare(tx)
        before = look.before(tx) if look.before is not None else None
        base = (look.row or make)(store, tx) if before is None or look.row is not None else {"id": before.id}
        context = context_of(store, tx, NOW_MS + look.later_ms, **look.facts)
        return validator({**base, **look.change}, before, context)
    raise AssertionError


def check_accepts(store: Store, validator: RuleSet, make: Make, case: Case) -> None:
    found = said(store, validator, make, case.good)
    assert [x for x in found if x.severity is Severity.ERROR] == []
    assert [x for x in found if x.rule == case.rule] == []


def check_rejects(store: Store, validator: RuleSet, make: Make, case: Case) -> None:
    found = [x for x in said(store, validator, make, case.bad) if x.rule == case.rule]
    assert [x.severity for x in found[:1]] == [case.severity]
    assert case.column in {x.column for x in found}
    assert all(x.message for x in found)


def named(cases: Iterable[Case]) -> list[Any]:
    """The cases as parameters, each with the name of its rule."""
    return [pytest.param(case, id=case.rule) for case in cases]


def rules_of(validator: RuleSet) -> list[str]:
    return [code_of(rule) for rule in validator.rules]
