"""What the shipped handlers decide of plans and quotas: from the catalogue and the user's own rows, and no other's."""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.conninfo import make_conninfo

from bmaddb import statements
from bmaddb.coaching.local_days import local_day, period_key
from bmaddb.modules.registry import default_catalog
from bmaddb.modules.seeds.plans import PLANS
from bmaddb.modules.subscription_payment import Entitlement, UsageCounter
from bmaddb.schema.kinds import milliseconds
from bmaddb.schema.natural_keys import natural_id
from bmaddb.server import migrator
from tests.postgres.caller import ALICE, BOB, Caller, caller
from tests.support.postgres import Database

SQL = statements.load("tests.postgres", "billing.sql")
FREE: Any = PLANS[0]
WAIT_S_MAX = 20
keys = (f"key-{number}" for number in range(1_000_000))


class Desk:
    """Two users with accounts, a plan that costs something, and one with a trial."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.alice, self.bob = caller(database, ALICE), caller(database, BOB)
        for user in (ALICE, BOB):
            self.put("user", {"user": user})
        self.put("plan", {"id": "plus@1", "amount": 900, "trial": 0})
        self.put("plan", {"id": "pro@1", "amount": 1900, "trial": 14})

    def put(self, block: str, values: Any = None) -> list[tuple[Any, ...]]:
        with self.database.connect() as connection:
            cursor = connection.execute(SQL[block], values)
            return cursor.fetchall() if cursor.description else []

    def ask(self, who: Caller, kind: str, key: str | None = None, **payload: Any) -> dict[str, Any]:
        body = {"kind": kind, "key": key or next(keys), "payload": payload}
        answer: dict[str, Any] = who.run(SQL["ask"], [json.dumps(body)])[0][0]
        return answer

    def done(self, who: Caller, kind: str, **payload: Any) -> dict[str, Any]:
        answer = self.ask(who, kind, **payload)
        assert answer["status"] == "done", answer
        result: dict[str, Any] = answer["result"]
        return result

    def refused(self, who: Caller, kind: str, **payload: Any) -> str:
        before = self.put("subscriptions"), self.put("counters", [who.user])
        answer = self.ask(who, kind, **payload)
        assert answer["status"] == "rejected", answer
        assert answer["error"]["hint"]
        assert before == (self.put("subscriptions"), self.put("counters", [who.user]))
        return str(answer["error"]["message"])

    def statuses(self) -> list[tuple[str, str]]:
        return [(plan, status) for plan, status, *_ in self.put("subscriptions")]

    def granted(self, user: str = ALICE) -> dict[tuple[str, str], bool]:
        """(feature, source) -> is it valid now."""
        return {(feature, source): valid for _, feature, source, _, _, valid in self.put("entitlements", [user])}


@pytest.fixture
def desk(postgres_installed: Database) -> Iterator[Desk]:
    made = Desk(postgres_installed)
    yield made
    made.alice.connection.close()
    made.bob.connection.close()


# -- subscribing -----------------------------------------------------------------------------------------------


def test_a_free_plan_is_active_at_once_and_gives_what_it_says(desk: Desk) -> None:
    answer = desk.done(desk.alice, "subscribe", plan_id="free@1")
    assert (answer["status"], answer["plan"]) == ("active", "free@1")
    rows = {
        feature: (row_id, limit, period) for row_id, feature, _, limit, period, _ in desk.put("entitlements", [ALICE])
    }
    assert {f: (limit, period) for f, (_, limit, period) in rows.items()} == {
        item["feature"]: (item["limit"], item["period"]) for item in FREE["entitlements"]
    }
    key = {"user_id": ALICE, "source": "plan"}
    assert all(row[0] == natural_id(Entitlement.__table__, {**key, "feature_code": f}) for f, row in rows.items())
    assert desk.granted(BOB) == {}
    assert desk.done(desk.alice, "subscribe", plan_id="free@1") == answer, "asked again it is the same one"
    assert desk.statuses() == [("free@1", "active")]


def test_a_plan_that_costs_something_waits_for_its_payment(desk: Desk) -> None:
    desk.done(desk.alice, "subscribe", plan_id="free@1")
    answer = desk.done(desk.alice, "subscribe", plan_id="plus@1")
    assert answer["status"] == "incomplete"
    assert desk.statuses() == [("free@1", "active"), ("plus@1", "incomplete")]
    assert {limit for _, feature, _, limit, *_ in desk.put("entitlements", [ALICE]) if feature == "ai.reply"} == {60}
    assert "plus@1 runs" in desk.refused(desk.alice, "subscribe", plan_id="pro@1")


def test_a_trial_is_given_once(desk: Desk) -> None:
    first = desk.done(desk.alice, "subscribe", plan_id="pro@1")
    assert first["status"] == "trialing"
    assert desk.granted() == {("ai.reply", "trial"): True}
    assert desk.done(desk.alice, "cancel_subscription", subscription_id=first["subscription"])["status"] == "canceled"
    assert desk.granted() == {("ai.reply", "trial"): False}
    assert desk.done(desk.alice, "subscribe", plan_id="pro@1")["status"] == "incomplete"


def test_what_is_not_on_offer_is_refused(desk: Desk) -> None:
    assert "no plan" in desk.refused(desk.alice, "subscribe", plan_id="gold@9")
    assert "no plan" in desk.refused(desk.alice, "subscribe")
    desk.database.run("update bmad.plans set active_until = now() where id = 'plus@1'")
    assert "no plan" in desk.refused(desk.alice, "subscribe", plan_id="plus@1")
    desk.database.run(f"update bmad.users set account_status = 'suspended' where user_id = '{ALICE}'")
    assert "not active" in desk.refused(desk.alice, "subscribe", plan_id="free@1")
    assert desk.put("subscriptions") == []


def test_two_devices_that_ask_at_once_get_one_subscription(desk: Desk) -> None:
    answers: list[dict[str, Any]] = []
    begun = threading.Barrier(2)

    def ask() -> None:
        mine = caller(desk.database, ALICE)
        begun.wait(WAIT_S_MAX)
        answers.append(desk.done(mine, "subscribe", plan_id="free@1"))
        mine.connection.close()

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S_MAX)
    assert len(answers) == 2
    assert answers[0] == answers[1]
    assert desk.statuses() == [("free@1", "active")]


# -- cancelling ------------------------------------------------------------------------------------------------


def test_a_free_one_ends_now(desk: Desk) -> None:
    made = desk.done(desk.alice, "subscribe", plan_id="free@1")["subscription"]
    assert desk.done(desk.alice, "cancel_subscription", subscription_id=made)["status"] == "canceled"
    assert set(desk.granted().values()) == {False}
    assert "no such" in desk.refused(desk.alice, "cancel_subscription", subscription_id=made)


def test_a_paid_one_runs_to_the_end_of_its_period(desk: Desk) -> None:
    made = desk.done(desk.alice, "subscribe", plan_id="plus@1")["subscription"]
    desk.put("pay", ["manual"])
    with desk.database.connect() as connection:
        connection.execute("set role service_role")
        connection.execute(SQL["grant"])
    answer = desk.done(desk.alice, "cancel_subscription", subscription_id=made)
    assert answer["status"] == "active"
    assert answer["ends_at"] is not None
    [row] = desk.put("subscriptions")
    assert row[:3] == ("plus@1", "active", True)
    assert desk.granted() == {("ai.reply", "plan"): True}


def test_one_at_a_provider_is_not_ours_to_cancel(desk: Desk) -> None:
    made = desk.done(desk.alice, "subscribe", plan_id="plus@1")["subscription"]
    desk.put("pay", ["stripe"])
    assert "with stripe" in desk.refused(desk.alice, "cancel_subscription", subscription_id=made)


def test_nobody_cancels_for_another(desk: Desk) -> None:
    made = desk.done(desk.alice, "subscribe", plan_id="free@1")["subscription"]
    assert "no such" in desk.refused(desk.bob, "cancel_subscription", subscription_id=made)
    assert desk.statuses() == [("free@1", "active")]


# -- quotas ----------------------------------------------------------------------------------------------------


def test_a_quota_is_counted_and_never_above_its_limit(desk: Desk) -> None:
    assert "nothing gives the right" in desk.refused(desk.alice, "reserve_quota", feature="ai.reply")
    desk.done(desk.alice, "subscribe", plan_id="free@1")
    first = desk.done(desk.alice, "reserve_quota", feature="ai.reply")
    assert (first["used"], first["limit"]) == (1, 60)
    assert desk.done(desk.alice, "reserve_quota", feature="ai.reply", amount=59)["used"] == 60
    assert "60 of 60" in desk.refused(desk.alice, "reserve_quota", feature="ai.reply")
    [(row_id, _, period, counts, used, limit)] = desk.put("counters", [ALICE])
    key = {"user_id": ALICE, "feature_code": "ai.reply", "period_key": period}
    assert row_id == natural_id(UsageCounter.__table__, key), "the row a device would make"
    assert (used, limit, [entry[0] for entry in counts.values()]) == (60, 60, [60])
    assert desk.put("counters", [BOB]) == []


def test_what_devices_counted_counts_and_stays(desk: Desk) -> None:
    desk.done(desk.alice, "subscribe", plan_id="free@1")
    period = desk.done(desk.alice, "reserve_quota", feature="ai.reply")["period"]
    desk.database.run("""update bmad.usage_counters set device_counts = device_counts || '{"phone": [58, "018f"]}'""")
    assert desk.done(desk.alice, "reserve_quota", feature="ai.reply")["used"] == 60
    assert "60 of 60" in desk.refused(desk.alice, "reserve_quota", feature="ai.reply")
    [(_, _, kept, counts, *_)] = desk.put("counters", [ALICE])
    assert (kept, counts["phone"], counts["server"][0]) == (period, [58, "018f"], 2)


def test_one_key_counts_once(desk: Desk) -> None:
    desk.done(desk.alice, "subscribe", plan_id="free@1")
    answers = [desk.ask(desk.alice, "reserve_quota", "one", feature="ai.reply") for _ in range(3)]
    assert [answer["result"]["used"] for answer in answers] == [1, 1, 1]


@pytest.mark.parametrize("amount", [0, -1, 1.5, "many", 10**9])
def test_an_amount_is_a_number_of_them(desk: Desk, amount: Any) -> None:
    desk.done(desk.alice, "subscribe", plan_id="free@1")
    answer = desk.ask(desk.alice, "reserve_quota", feature="ai.reply", amount=amount)
    assert answer["status"] == "rejected"
    assert desk.put("counters", [ALICE]) == []


# -- whose rows, and whose handlers ----------------------------------------------------------------------------


def test_a_user_writes_no_subscription_and_grants_nothing(desk: Desk) -> None:
    for block, values in (("forge", [ALICE]), ("grant", None)):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            desk.alice.run(SQL[block], values)


@pytest.fixture
def plain(postgres: Database) -> Iterator[tuple[Database, str]]:
    """A database that was made and installed by a role which is no superuser and bypasses nothing."""
    name = f"plain_{uuid.uuid4().hex[:8]}"
    with postgres.connect() as connection:
        connection.execute(f"create role {name} login createrole nosuperuser nobypassrls".encode())
        connection.execute(f"create database {name} owner {name}".encode())
    as_super, as_owner, as_server = (
        make_conninfo(conninfo, dbname=name, **user)
        for conninfo, user in ((postgres.conninfo, {}), (postgres.conninfo, {"user": name}), (postgres.login, {}))
    )
    with psycopg.connect(as_owner) as connection:
        migrator.install(connection, default_catalog())
    yield Database(version=postgres.version, name=name, conninfo=as_super, login=as_server), as_owner
    with postgres.connect() as connection:
        connection.execute(f"drop database {name} with (force)".encode())
        connection.execute(f"drop role {name}".encode())


def test_an_owner_without_more_rights_sees_the_callers_rows_alone(plain: tuple[Database, str]) -> None:
    """The functions run as it, and row-level security holds for it too."""
    database, as_owner = plain
    desk = Desk(database)
    made = desk.done(desk.alice, "subscribe", plan_id="free@1")["subscription"]
    desk.done(desk.bob, "subscribe", plan_id="free@1")
    assert desk.done(desk.alice, "reserve_quota", feature="ai.reply")["used"] == 1
    assert desk.done(desk.bob, "reserve_quota", feature="ai.reply")["used"] == 1
    assert "no such" in desk.refused(desk.bob, "cancel_subscription", subscription_id=made)
    with psycopg.connect(as_owner) as owner:
        assert owner.execute("select id from bmad.subscriptions").fetchall() == []
        claims = json.dumps({"sub": ALICE, "role": "authenticated"})
        owner.execute("select set_config('request.jwt.claims', %s, true)", [claims])
        assert owner.execute("select id from bmad.subscriptions").fetchall() == [(made,)]
    desk.alice.connection.close()
    desk.bob.connection.close()


def test_an_application_may_decide_itself_and_an_upgrade_leaves_it_so(desk: Desk) -> None:
    desk.database.run(SQL["own_handler"])
    assert desk.ask(desk.alice, "subscribe", plan_id="free@1")["result"] == "ours"
    desk.database.run("update bmad_sync.state set fingerprint = ''")
    with psycopg.connect(desk.database.conninfo) as connection:
        migrator.install(connection, default_catalog())
    assert desk.ask(desk.alice, "subscribe", plan_id="free@1")["result"] == "ours"
    assert desk.put("subscriptions") == []


# -- the same ids and periods as on a device -------------------------------------------------------------------


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(message=st.binary(max_size=200))
def test_the_digest_is_sha_1(pg18_installed: Database, message: bytes) -> None:
    digest: Mapping[str, Any] | str = pg18_installed.value(SQL["sha1"], message)
    assert digest == hashlib.sha1(message, usedforsecurity=False).hexdigest()


def test_ids_and_periods_are_those_of_a_device(pg18_installed: Database) -> None:
    key = {"user_id": ALICE, "feature_code": "caf\u00e9", "period_key": "2026-W48"}
    made = pg18_installed.value(SQL["natural_id"], "usage_counters", list(key.values()))
    assert made == natural_id(UsageCounter.__table__, key)
    for zone in ("Europe/Amsterdam", "Pacific/Auckland", "nowhere"):
        for period in ("none", "day", "week", "month", "year"):
            query = "select bmad_sync.period_key(%s, %s), clock_timestamp()"
            with pg18_installed.connect() as connection:
                [(theirs, moment)] = connection.execute(query, [period, zone]).fetchall()
            assert theirs == period_key(period, local_day(milliseconds(moment), zone))
