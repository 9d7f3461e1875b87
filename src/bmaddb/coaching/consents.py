"""Which consents are in force for a rule: what is stored, and what its own operation grants."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from bmaddb.account.consents import grant, last_record
from bmaddb.coaching.candidate import Candidate, moment
from bmaddb.device.atomic.rules import RuleContext
from bmaddb.modules.user_management import User
from bmaddb.schema.moments import after_newest

PLANNED_CONSENTS: Final = "planned_consents"
"""The fact that names what the same operation grants: purpose -> policy version."""


def decided_at(context: RuleContext, purpose: str) -> datetime:
    """The moment of a decision about `purpose` that is made now: it comes after the one it replaces."""
    last = last_record(context.reader, purpose)
    return after_newest(moment(context.now_ms), None if last is None else last.acted_at)


def in_force(context: RuleContext, purpose: str) -> bool:
    """Is `purpose` granted, by a stored record or by the operation itself?"""
    return purpose in planned(context) or grant(context.reader, purpose) is not None


def planned(context: RuleContext) -> Mapping[str, str]:
    """What the operation grants itself: purpose -> policy version."""
    found: Mapping[str, str] = context.facts.get(PLANNED_CONSENTS, {})
    return found


def granted_version(context: RuleContext, purpose: str) -> str | None:
    """The policy version of the grant in force."""
    if purpose in planned(context):
        return planned(context)[purpose]
    record = grant(context.reader, purpose)
    return None if record is None else record.policy_version


def zone_of(c: Candidate | RuleContext) -> str:
    """The user's time zone."""
    context = c.context if isinstance(c, Candidate) else c
    user = context.reader.get(User, context.user)
    return "" if user is None else user.timezone
