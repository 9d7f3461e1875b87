"""A plan and a quota are asked for offline; what the server decided comes back by sync, as rows and as an answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bmaddb
from bmaddb.coaching import operations as ops
from bmaddb.modules.subscription_payment import Entitlement, Subscription, UsageCounter
from bmaddb.modules.sync_status import ServerRequest
from tests.coaching.acts import onboarding
from tests.support.server import USER, RunningServer


@pytest.fixture
def db(server: RunningServer, tmp_path: Path) -> Iterator[bmaddb.Database]:
    """A device whose user did her onboarding offline, and never synced."""
    with bmaddb.open(tmp_path / "phone.db", user=USER, url=server.url, token=server.token(), seed=True) as made:
        made.execute(ops.user_onboarding(onboarding())).raise_failure()
        yield made


def answer(db: bmaddb.Database, kind: str) -> Any:
    asked = db.query(ServerRequest).where(ServerRequest.kind == kind).order_by(ServerRequest.position.desc()).first()
    assert asked is not None
    assert asked.status == "done", asked.reason
    return asked.answer


def test_what_was_asked_for_offline_is_there_after_one_sync(db: bmaddb.Database) -> None:
    plan = ops.SessionPlan(session={"kind": "regular", "coach_kind": "self"})
    refused = db.execute(ops.coaching_session(plan))
    assert refused.failure is not None
    assert {found.rule for found in refused.failure.violations} == {"S5"}
    db.execute(ops.request_subscription("free@1")).raise_failure()
    assert db.requests.counts().waiting == 1
    report = db.sync()
    assert (report.ok, report.carried) == (True, 1)
    subscription = db.query(Subscription).one()
    assert (subscription.id, subscription.status) == (answer(db, "subscribe")["subscription"], "active")
    assert db.query(Entitlement).where(Entitlement.feature_code == "coaching.session").one().limit_value == 8
    db.execute(ops.coaching_session(plan)).raise_failure()
    assert db.sync().ok


def test_a_reservation_is_the_servers_to_count(db: bmaddb.Database) -> None:
    db.execute(ops.request_subscription("free@1")).raise_failure()
    db.execute(ops.reserve_quota("ai.reply", 2)).raise_failure()
    db.execute(ops.reserve_quota("ai.reply", 59)).raise_failure()
    assert db.sync().carried == 3
    [dead] = db.requests.dead()
    reason: Any = dead.reason
    assert (dead.payload, reason["hint"]) == (
        {"feature": "ai.reply", "amount": 59},
        "they are new with the next period",
    )
    assert db.query(UsageCounter).one().used == 2


def test_a_subscription_is_ended_by_asking(db: bmaddb.Database) -> None:
    db.execute(ops.request_subscription("free@1")).raise_failure()
    assert db.sync().ok
    subscription = db.query(Subscription).one()
    db.execute(ops.cancel_subscription(subscription.id)).raise_failure()
    assert db.sync().carried == 1
    assert db.query(Subscription).one().status == "canceled"
    again = db.execute(ops.cancel_subscription(subscription.id))
    assert again.failure is not None
    assert [found.rule for found in again.failure.violations] == ["SUBSCRIPTION"]
