"""U1 to U10, one row that is accepted and one that is rejected each."""

from __future__ import annotations

from typing import Any

import pytest

from bmaddb.coaching.rules.user_profile import UserProfileValidator
from bmaddb.device.atomic import Severity
from bmaddb.device.store import Store, WriteTransaction
from tests.coaching.cases import Case, Look, check_accepts, check_rejects, named, said
from tests.coaching.ground import POLICY, at, consent, user_row

CASES = (
    Case(rule="U1", column="id", good=Look(), bad=Look(change={"id": "somebody-else"})),
    Case(
        rule="U2",
        column="email",
        good=Look(change={"email": None}),
        bad=Look(change={"email": "ada@@localhost"}),
    ),
    Case(
        rule="U3",
        column="display_name",
        good=Look(change={"display_name": "👨‍👩‍👧 É"}),
        bad=Look(change={"display_name": " -!? "}),
    ),
    Case(
        rule="U4",
        column="locale",
        severity=Severity.WARN,
        good=Look(change={"locale": "en-GB"}),
        bad=Look(change={"locale": "fr-FR"}),
    ),
    Case(
        rule="U5",
        column="timezone",
        good=Look(change={"timezone": "Pacific/Auckland"}),
        bad=Look(change={"timezone": "Mars/Olympus"}),
    ),
    Case(
        rule="U6",
        column="birth_year",
        good=Look(change={"birth_year": 2010}, facts={"sixteen_or_older": True}),
        bad=Look(change={"birth_year": 2011}, facts={"sixteen_or_older": True}),
    ),
    Case(
        rule="U7",
        column="account_status",
        good=Look(change={"account_status": "active"}),
        bad=Look(change={"account_status": "suspended"}),
    ),
    Case(
        rule="U8",
        column="terms_version",
        good=Look(),
        bad=Look(change={"terms_version": "2027-01-01"}),
    ),
    Case(
        rule="U9",
        column="privacy_version",
        good=Look(facts={"planned_consents": {"privacy": POLICY}}),
        bad=Look(prepare=lambda tx: consent(tx, "privacy", "withdrawn", acted_at=at(minutes=1))),
    ),
    Case(
        rule="U10",
        column="pronouns",
        good=Look(change={"pronouns": "zij/haar"}),
        bad=Look(change={"pronouns": "x" * 31}),
    ),
)


def make(store: Store, tx: WriteTransaction) -> dict[str, Any]:
    return user_row()


@pytest.mark.parametrize("case", named(CASES))
def test_accepts(shared_store: Store, case: Case) -> None:
    check_accepts(shared_store, UserProfileValidator, make, case)


@pytest.mark.parametrize("case", named(CASES))
def test_rejects(shared_store: Store, case: Case) -> None:
    check_rejects(shared_store, UserProfileValidator, make, case)


@pytest.mark.parametrize("email", ["ada@example.org", "A.D+a@bücher.example", "x" * 64 + "@a.nl"])
def test_an_address_may_be_of_any_script(shared_store: Store, email: str) -> None:
    assert "U2" not in {x.rule for x in said(shared_store, UserProfileValidator, make, Look(change={"email": email}))}


@pytest.mark.parametrize("answer", [None, False])
def test_without_a_year_the_question_of_age_must_be_answered(shared_store: Store, answer: bool | None) -> None:
    facts = {} if answer is None else {"sixteen_or_older": answer}
    look = Look(change={"birth_year": None}, facts=facts)
    assert "U6" in {x.rule for x in said(shared_store, UserProfileValidator, make, look)}
