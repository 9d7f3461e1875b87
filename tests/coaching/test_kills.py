"""kill -9 before every step of the two named operations, before the commit and after it, on real files (D2).

Where one transaction holds all steps, after a step is before the next one.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

import bmaddb
from bmaddb.coaching import operations as ops
from bmaddb.coaching.candidate import moment
from bmaddb.coaching.checks import verify_file
from bmaddb.modules.ai_machine_learning import MbtiInsight
from bmaddb.modules.analytics_tracking import InteractionAnalytics
from bmaddb.modules.chat_journal import CoachingSession
from bmaddb.modules.subscription_payment import UsageCounter
from bmaddb.modules.sync_status import OperationJournal, OutboxOperation
from bmaddb.modules.tasks_productivity import UserProgress
from bmaddb.modules.user_management import ConsentRecord, MbtiProfile, User, UserDevice, UserPreferences
from tests.coaching.acts import onboarding, plan
from tests.coaching.ground import grant_sessions
from tests.coaching.killed import SESSION, opened, outers, run_apart

ONBOARDING_STEPS = [step.name for step in ops.user_onboarding(onboarding()).steps]
SESSION_STEPS = [step.name for step in ops.coaching_session(plan(**outers(Path()))).steps]
MARKS = ["before the commit", "after the commit"]
ONBOARDING_TABLES = (User, UserDevice, ConsentRecord, MbtiProfile, UserPreferences, CoachingSession)


def failing(db: bmaddb.Database) -> list[str]:
    return [outcome.name for outcome in verify_file(db.store) if not outcome.ok]


@pytest.mark.parametrize("kill_at", [*(f"before {name}" for name in ONBOARDING_STEPS), *MARKS])
def test_a_killed_onboarding_is_done_or_never_was(tmp_path: Path, kill_at: str) -> None:
    assert run_apart(tmp_path, "onboarding", kill_at) == -signal.SIGKILL
    with opened(tmp_path) as db:
        counts = [db.query(record).count() for record in ONBOARDING_TABLES]
        entries = db.query(OutboxOperation).count()
        if kill_at == "after the commit":
            assert (counts, entries) == ([1, 1, 6, 1, 1, 1], 1)
            assert failing(db) == []
        else:
            assert (counts, entries) == ([0] * 6, 0)


@pytest.mark.parametrize(
    "kill_at", [*(f"before {name}" for name in SESSION_STEPS), "after reserve", "after remind", *MARKS]
)
def test_a_killed_session_is_done_or_undone(tmp_path: Path, kill_at: str) -> None:
    with opened(tmp_path) as db:
        db.execute(ops.user_onboarding(onboarding())).raise_failure()
        grant_sessions(db.store, valid_from=moment(0), valid_until=None)
    assert run_apart(tmp_path, "session", kill_at) == -signal.SIGKILL
    with opened(tmp_path) as db:
        report = db.resume(ops.resumable(**outers(tmp_path)))
        line = db.get(OperationJournal, SESSION)
        held = sorted(path.stem for path in tmp_path.glob("*.held"))
        sessions = db.query(CoachingSession).where(CoachingSession.kind == "regular").count()
        sums = (
            sum(row.value for row in db.query(UserProgress).all()),
            sum(x.used for x in db.query(UsageCounter).all()),
        )
        events = db.query(InteractionAnalytics).count()
        shown = db.query(MbtiInsight).where(MbtiInsight.state == "new").count()
        assert failing(db) == []
        if kill_at == "after the commit":
            assert (held, sessions, sums, events, shown) == (["remind", "reserve"], 1, (3, 1), 1, 1)
            assert line is not None
            assert line.status == "committed"
        else:
            assert (held, sessions, sums, events, shown) == ([], 0, (0, 0), 0, 0)
            assert line is None or line.status == "compensated"
            assert (line is not None) == bool(report.compensated)
