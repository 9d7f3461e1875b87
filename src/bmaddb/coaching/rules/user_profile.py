"""U1 to U10: the users row."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Any, Final

from apsw.unicode import grapheme_length

from bmaddb.coaching.candidate import Candidate, Flaws, Rule, RuleSet, error, warn
from bmaddb.coaching.consents import granted_version
from bmaddb.coaching.local_days import day_of, local_day, zones
from bmaddb.coaching.registries import LANGUAGES
from bmaddb.coaching.rules.general import GENERAL
from bmaddb.modules.onboarding import OnboardingProgress
from bmaddb.modules.user_management import User

POLICIES: Final = "policies"
"""The fact that names the published versions: terms and privacy -> dates (YYYY-MM-DD)."""
SIXTEEN_OR_OLDER: Final = "sixteen_or_older"
NAME_LENGTH_MAX: Final = 80
EMAIL_LENGTH_MAX: Final = 254
EMAIL_LOCAL_LENGTH_MAX: Final = 64
PRONOUNS_LENGTH_MAX: Final = 30
AGE_MIN: Final = 16
BIRTH_YEAR_MIN: Final = 1900
_TAG: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|\d{3}))?(-[A-Za-z0-9]{5,8})*")
_DOMAIN: Final = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9][a-z0-9-]{0,61}[a-z0-9]")
_POLICY_COLUMNS: Final = (("terms", "terms_version"), ("privacy", "privacy_version"))


def u1_id_is_the_subject(c: Candidate) -> Flaws:
    """Accepts the subject of the sign-in as id, and that id as user_id."""
    subject = c.fact("auth_subject", c.context.user)
    if c.row["id"] != subject:
        yield error("id", "it is the subject of the sign-in", subject)
    if c.row["user_id"] != c.row["id"]:
        yield error("user_id", "it is the id of the row", c.row["id"])


def u2_email_is_an_address(c: Candidate) -> Flaws:
    """Accepts null, or one @ with at most 64 characters before it, a domain behind it, 254 in all."""
    email = c.row["email"]
    if email is None:
        return
    local, at, domain = email.rpartition("@")
    if not at or "@" in local or not local or len(email) > EMAIL_LENGTH_MAX or len(local) > EMAIL_LOCAL_LENGTH_MAX:
        yield error("email", "it is no address: one @, at most 64 characters before it and 254 in all")
    elif not _is_domain(domain):
        yield error("email", "what follows the @ is no domain")


def u3_name_says_something(c: Candidate) -> Flaws:
    """Accepts 1 to 80 characters as a person counts them, spaces around left out; refuses punctuation alone."""
    name = (c.row["display_name"] or "").strip()
    if not 1 <= grapheme_length(name) <= NAME_LENGTH_MAX:
        yield error("display_name", f"it has 1 to {NAME_LENGTH_MAX} characters", NAME_LENGTH_MAX)
    elif all(unicodedata.category(char)[0] in "PZC" for char in name):
        yield error("display_name", "it is punctuation only")


def u4_language_is_shipped(c: Candidate) -> Flaws:
    """Warns of a locale that is no language tag, or in a language other than Dutch and English."""
    locale = c.row["locale"] or ""
    if not _TAG.fullmatch(locale) or locale.partition("-")[0].lower() not in LANGUAGES:
        yield warn("locale", "it is no shipped language; texts are shown in Dutch", list(LANGUAGES))


def u5_zone_is_known(c: Candidate) -> Flaws:
    """Refuses a time zone this device has no rules for."""
    if c.row["timezone"] not in zones():
        yield error("timezone", "this device knows no such zone", "an IANA name, as in Europe/Amsterdam")


def u6_old_enough(c: Candidate) -> Flaws:
    """Refuses who turns less than 16 this year, and who turns 16, or gives no year, and does not say "16 or older"."""
    if not (c.stored or c.changed("birth_year")):
        return
    year, answered = c.row["birth_year"], said_sixteen(c)
    if year is None:
        if not answered:
            yield error("birth_year", "AGE: without a year the question of age must be answered", "16 or older")
        return
    if year < BIRTH_YEAR_MIN:
        yield error("birth_year", f"it is not before {BIRTH_YEAR_MIN}", BIRTH_YEAR_MIN)
    turns = local_day(c.now_ms, c.row["timezone"]).year - year
    if turns < AGE_MIN or (turns == AGE_MIN and not answered):
        yield error("birth_year", "AGE: from 16 on, or together with a parent", AGE_MIN)


def u7_new_account_is_open(c: Candidate) -> Flaws:
    """Accepts pending or active for a new account; what the server makes of it later is its own."""
    if c.is_new and c.row["account_status"] not in ("pending", "active"):
        yield error("account_status", "a new account is pending or active", ["pending", "active"])


def u8_policies_are_published(c: Candidate) -> Flaws:
    """Refuses a version that is no date, lies ahead, or is not among those the fact `policies` names."""
    today = local_day(c.now_ms, c.row["timezone"])
    for purpose, column in _POLICY_COLUMNS:
        flaw = _version_flaw(c.row[column], c.fact(POLICIES, {}).get(purpose), today)
        if flaw is not None:
            yield error(column, flaw, c.fact(POLICIES, {}).get(purpose))


def u9_policies_are_agreed_to(c: Candidate) -> Flaws:
    """Refuses a version of terms or privacy that no consent in force was given to."""
    for purpose, column in _POLICY_COLUMNS:
        if granted_version(c.context, purpose) != c.row[column]:
            yield error(column, f"there is no grant of {purpose} of this version")


def u10_pronouns_are_short(c: Candidate) -> Flaws:
    """Accepts at most 30 characters: no room for anything else about a person."""
    if len(c.row["pronouns"] or "") > PRONOUNS_LENGTH_MAX:
        yield error("pronouns", f"at most {PRONOUNS_LENGTH_MAX} characters", PRONOUNS_LENGTH_MAX)


RULES: Final[tuple[Rule, ...]] = (
    u1_id_is_the_subject,
    u2_email_is_an_address,
    u3_name_says_something,
    u4_language_is_shipped,
    u5_zone_is_known,
    u6_old_enough,
    u7_new_account_is_open,
    u8_policies_are_published,
    u9_policies_are_agreed_to,
    u10_pronouns_are_short,
)
UserProfileValidator: Final = RuleSet(User, (*GENERAL, *RULES))


def said_sixteen(c: Candidate) -> bool:
    """Was the question of age answered with yes, in this operation or in the stored flow?"""
    if SIXTEEN_OR_OLDER in c.context.facts:
        return c.fact(SIXTEEN_OR_OLDER) is True
    flows = c.query(OnboardingProgress).all()
    return any(isinstance(flow.answers, dict) and flow.answers.get("age") == "yes" for flow in flows)


def _is_domain(domain: str) -> bool:
    try:
        return bool(_DOMAIN.fullmatch(domain.encode("idna").decode("ascii").lower()))
    except UnicodeError:
        return False


def _version_flaw(version: Any, published: Any, today: date) -> str | None:
    day = day_of(version)
    if day is None:
        return "a version is a date, YYYY-MM-DD"
    if day > today:
        return "the version lies in the future"
    return "no such version is published" if published is not None and version not in published else None
