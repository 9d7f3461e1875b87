"""A clock ran ahead and was set right: what the user does after that counts at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bmaddb.coaching import operations as ops
from bmaddb.coaching.candidate import moment
from bmaddb.coaching.consents import grant
from bmaddb.coaching.reconciling import reconcile
from bmaddb.device.atomic import Status
from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Store
from bmaddb.modules.user_management import ConsentRecord, MbtiProfile, UserPreferences
from bmaddb.testing import ManualClock
from tests.coaching.acts import all_hold, done, plan, rules, run
from tests.coaching.ground import NOW_MS, POLICY, open_store, settle

DAY_MS = 86_400_000


@pytest.fixture
def ada(tmp_path: Path) -> Iterator[Store]:
    made = open_store(tmp_path / "user.db")
    Outbox(made)
    settle(made)
    yield made
    made.close()


@contextmanager
def ahead(store: Store, days: int) -> Iterator[None]:
    """Within, the clock of the device runs ahead; behind it, it is a minute later."""
    clock = store.clock
    assert isinstance(clock, ManualClock)
    right_ms = clock.now_ms()
    clock.set_wall(right_ms + days * DAY_MS)
    yield
    clock.set_wall(right_ms + 60_000)


def consent(purpose: str, action: str) -> ops.Consent:
    return ops.Consent(purpose, POLICY, "0" * 64, action=action, method="settings")


@pytest.mark.parametrize("purpose", ["ai_processing", "analytics", "personality_profiling"])
@pytest.mark.parametrize("action", ["withdrawn", "refused"])
def test_a_consent_is_withdrawn_and_granted_again_at_once(ada: Store, purpose: str, action: str) -> None:
    with ahead(ada, 30):
        done(ada, ops.record_consent(consent(purpose, "granted")))
    for _ in range(2):
        done(ada, ops.record_consent(consent(purpose, action)))
        assert grant(ada, purpose) is None
        done(ada, ops.record_consent(consent(purpose, "granted")))
        assert grant(ada, purpose) is not None
    done(ada, ops.record_consent(consent(purpose, action)))
    reconcile(ada)
    assert grant(ada, purpose) is None
    said = ada.query(ConsentRecord).where(ConsentRecord.purpose == purpose).all()
    assert len({record.acted_at for record in said}) == len(said)


def test_no_model_coaches_once_the_consent_is_withdrawn(ada: Store) -> None:
    with ahead(ada, 30):
        done(ada, ops.record_consent(consent("ai_processing", "granted")))
    done(ada, ops.record_consent(consent("ai_processing", "withdrawn")))
    guided = plan(session={"kind": "regular", "coach_kind": "ai"})
    assert {"S3"} <= rules(run(ada, ops.coaching_session(guided)))


def test_a_decision_with_a_right_clock_has_the_moment_it_was_made(ada: Store) -> None:
    done(ada, ops.record_consent(consent("analytics", "withdrawn")))
    last = ada.query(ConsentRecord).order_by(ConsentRecord.acted_at.desc()).first()
    assert last is not None
    assert last.acted_at.timestamp() * 1000 == NOW_MS + 1_000


def test_a_type_that_is_dated_ahead_is_followed_by_the_next(ada: Store) -> None:
    with ahead(ada, 30):
        done(ada, ops.switch_type({"type_code": "ENTP", "source": "self_declared"}))
    for code in ("ISTJ", "ESFP"):
        done(ada, ops.switch_type({"type_code": code, "source": "self_declared"}))
        reconcile(ada)
        assert [row.type_code for row in ada.query(MbtiProfile).where(MbtiProfile.is_current == True).all()] == [code]  # noqa: E712 -- SQL
    done(ada, ops.switch_type(None))
    assert ada.query(MbtiProfile).where(MbtiProfile.is_current == True).one().source == "declined"  # noqa: E712 -- SQL
    all_hold(ada)


def test_consent_to_profiling_is_withdrawn_also_of_a_type_that_is_dated_ahead(ada: Store) -> None:
    with ahead(ada, 30):
        done(ada, ops.switch_type({"type_code": "ENTP", "source": "self_declared"}))
    done(ada, ops.record_consent(consent("personality_profiling", "withdrawn")))
    assert grant(ada, "personality_profiling") is None
    assert ada.query(UserPreferences).one().mbti_optimisation == "off"
    assert ada.query(MbtiProfile).where(MbtiProfile.is_current == True).one().source == "declined"  # noqa: E712 -- SQL
    assert reconcile(ada) == 0
    all_hold(ada)


def test_a_type_far_ahead_of_a_right_clock_is_still_refused(ada: Store) -> None:
    dated = ops.switch_type(
        {"type_code": "ISTJ", "source": "self_declared", "assessed_at": moment(NOW_MS + 2 * DAY_MS)}
    )
    refused = run(ada, dated)
    assert refused.status is Status.ROLLED_BACK
    assert "M8" in rules(refused)
