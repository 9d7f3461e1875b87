"""I1 to I10: a statement about patterns, with its evidence."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from bmaddb.account.type_codes import stack_of
from bmaddb.coaching.candidate import Candidate, Flaws, Rule, RuleSet, error, moment, ms, warn
from bmaddb.coaching.rules.coaching_session import type_in_use
from bmaddb.coaching.rules.general import GENERAL
from bmaddb.modules.ai_machine_learning import AiInteraction, MbtiInsight
from bmaddb.modules.user_management import User
from bmaddb.schema.json_text import canonical_json
from bmaddb.schema.natural_keys import natural_id

DAY_MS: Final = 86_400_000
TITLE_LENGTHS: Final = (3, 120)
BODY_LENGTHS: Final = (20, 4_000)
EVIDENCE_MAX, EVIDENCE_PERIOD_MIN, EVIDENCE_FEW = 50, 3, 3
CONFIDENCE_MAX, CONFIDENCE_FEW, CONFIDENCE_TYPE_ONLY = 0.9, 0.5, 0.4
LIFE_MS_MAX: Final = 400 * DAY_MS
MODEL_INSIGHTS_A_DAY_MAX: Final = 5
AI_MARK: Final = {"nl": "Gemaakt met AI", "en": "Made with AI"}
"""The last words of a statement a model made, in the user's language."""
LANGUAGE: Final = "language"
"""The fact that names the language a statement is in; without it, it is the user's."""
UNFIT_WORDING: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(diagnos\w*|stoornis|disorder|depress(ie|ion|ief|ive)|adhd|autis\w+|borderline|burn-?out)\b",
        r"\b(medicatie|medication|medicijn\w*|antidepress\w+|dosering|dosage|pillen|pills)\b",
        r"\b(je|jij) (bent|zult) altijd\b|\byou (are|will) always\b|\b(je|jij) zult nooit\b|\byou will never\b",
        r"\b(je|jouw|your) (partner|man|vrouw|moeder|vader|baas|husband|wife|mother|father|boss) (is|bedoelt|means)\b",
    )
)


def i1_type_is_in_use(c: Candidate) -> Flaws:
    """Accepts the type in use and a function of it, or null; with profiling off, null alone."""
    if c.stored or not (c.changed("type_code") or c.changed("function_code")):
        return
    in_use, code, function = type_in_use(c), c.row["type_code"], c.row["function_code"]
    if code is not None and code != in_use:
        yield error("type_code", "it is the current type or null, and null when profiling is off", in_use)
    if function is not None and function not in (stack_of(in_use) or ()):
        yield error("function_code", "it is a function of the current type or null", list(stack_of(in_use) or ()))


def i2_texts_fit(c: Candidate) -> Flaws:
    """Accepts a title of 3 to 120 and a body of 20 to 4,000 characters, a new one in the user's language."""
    for name, (least, most) in (("title", TITLE_LENGTHS), ("body", BODY_LENGTHS)):
        if not least <= len(c.row[name] or "") <= most:
            yield error(name, f"it has {least} to {most} characters", [least, most])
    if c.is_new and c.fact(LANGUAGE, _language(c)) != _language(c):
        yield error("body", "it is not in the user's language", _language(c))


def i3_evidence_is_there(c: Candidate) -> Flaws:
    """Accepts 1 to 50 references table/id to live rows of the user, of any module; a summary of a period needs 3."""
    evidence = _evidence(c)
    least = EVIDENCE_PERIOD_MIN if c.row["kind"] == "period_summary" else 1
    if not least <= len(evidence) <= EVIDENCE_MAX:
        yield error("evidence", f"it names {least} to {EVIDENCE_MAX} rows", [least, EVIDENCE_MAX])
    for reference in evidence:
        if not _is_of_user(c, reference):
            yield error("evidence", f"there is no row {reference} of this user")


def i4_hash_follows(c: Candidate) -> Flaws:
    """Accepts the hash of kind, evidence and month, and the id that follows from it."""
    if c.is_new:
        wanted = basis_hash(c.row["kind"], _evidence(c), c.row["valid_from"])
        if c.row["basis_hash"] != wanted:
            yield error("basis_hash", "it follows from kind, evidence and period", wanted)
    key = {"user_id": c.row["user_id"], "kind": c.row["kind"] or "", "basis_hash": c.row["basis_hash"] or ""}
    if c.row["id"] != natural_id(MbtiInsight.__table__, key):
        yield error("id", "it follows from kind and basis_hash", natural_id(MbtiInsight.__table__, key))


def i5_confidence_is_modest(c: Candidate) -> Flaws:
    """Accepts at most 0.9, 0.5 with less than 3 references, and 0.4 when nothing but a type speaks for it."""
    evidence = _evidence(c)
    most = CONFIDENCE_FEW if len(evidence) < EVIDENCE_FEW else CONFIDENCE_MAX
    if evidence and all(reference.startswith("mbti_profiles/") for reference in evidence):
        most = CONFIDENCE_TYPE_ONLY
    if (c.row["confidence"] or 0) > most:
        yield error("confidence", f"with this evidence at most {most}", most)


def i6_wording_is_fit(c: Candidate) -> Flaws:
    """Warns of a diagnosis, medication, "you are always" or a verdict on others in what would be shown."""
    hit = unfit_wording(c.row["title"], c.row["body"])
    if hit is not None and c.row["state"] in ("new", "seen"):
        yield warn("state", f"somebody must look at {hit!r} before it is shown", "needs_review")


def i7_it_expires(c: Candidate) -> Flaws:
    """Accepts an end after valid_from, by at most 400 days, or none."""
    start, end = ms(c.row["valid_from"]), ms(c.row["expires_at"])
    if start is not None and end is not None and not start < end <= start + LIFE_MS_MAX:
        yield error("expires_at", "it lies after valid_from, by at most 400 days", LIFE_MS_MAX)


def i8_a_model_says_so(c: Candidate) -> Flaws:
    """Refuses what a model made without a call that went well, or without saying so at the end."""
    if c.row["generated_by"] != "model":
        return
    call = c.get(AiInteraction, c.row["ai_interaction_id"])
    if call is None or call.status != "ok":
        yield error("ai_interaction_id", "it names a call of a model that went well")
    if not any((c.row["body"] or "").rstrip().endswith(mark) for mark in AI_MARK.values()):
        yield error("body", "it ends by saying that a model made it", AI_MARK.get(_language(c)))


def i9_not_too_many_a_day(c: Candidate) -> Flaws:
    """Refuses the sixth insight of a model within 24 hours."""
    if c.is_new and c.row["generated_by"] == "model":
        since = moment(c.now_ms - DAY_MS)
        made = c.query(MbtiInsight).where(MbtiInsight.generated_by == "model", MbtiInsight.valid_from > since).all()
        if sum(row.id != c.row["id"] for row in made) >= MODEL_INSIGHTS_A_DAY_MAX:
            yield error(None, f"a model makes at most {MODEL_INSIGHTS_A_DAY_MAX} a day", MODEL_INSIGHTS_A_DAY_MAX)


def i10_chain_ends(c: Candidate) -> Flaws:
    """Refuses a successor of what is not superseded, and a chain that comes back to itself."""
    successor = c.row["superseded_by_id"]
    if successor is None:
        return
    if c.row["state"] != "superseded":
        yield error("state", "what has a successor is superseded", "superseded")
    if runs_in_a_circle(c, c.row["id"], successor):
        yield error("superseded_by_id", "the chain runs in a circle")


RULES: Final[tuple[Rule, ...]] = (
    i1_type_is_in_use,
    i2_texts_fit,
    i3_evidence_is_there,
    i4_hash_follows,
    i5_confidence_is_modest,
    i6_wording_is_fit,
    i7_it_expires,
    i8_a_model_says_so,
    i9_not_too_many_a_day,
    i10_chain_ends,
)
InsightsValidator: Final = RuleSet(MbtiInsight, (*GENERAL, *RULES))


def basis_hash(kind: str, evidence: Iterable[str], valid_from: datetime | None) -> str:
    """What two devices that saw the same compute alike: kind, sorted evidence, the month (UTC) it holds for."""
    period = None if valid_from is None else f"{moment(ms(valid_from) or 0):%Y-%m}"
    return hashlib.sha256(canonical_json([kind, sorted(evidence), period]).encode()).hexdigest()


def unfit_wording(*texts: str | None) -> str | None:
    """The first words that a person must look at, or None."""
    for text in texts:
        for pattern in UNFIT_WORDING:
            found = pattern.search(text or "")
            if found:
                return found[0]
    return None


def runs_in_a_circle(c: Candidate, start: str, successor: str | None) -> bool:
    """Does the chain of successors come back to a row it left?"""
    seen = {start}
    while successor is not None:
        if successor in seen:
            return True
        seen.add(successor)
        row = c.get(MbtiInsight, successor)
        successor = None if row is None else row.superseded_by_id
    return False


def _evidence(c: Candidate) -> list[str]:
    evidence = c.row["evidence"]
    return [item for item in evidence if isinstance(item, str)] if isinstance(evidence, list) else []


def _is_of_user(c: Candidate, reference: str) -> bool:
    table, _, row_id = reference.partition("/")
    record = c.catalog.records.get(table)
    row: Any = None if record is None else c.get(record, row_id)
    return row is not None and getattr(row, "user_id", None) == c.context.user


def _language(c: Candidate) -> str:
    user = c.get(User, c.context.user)
    return "nl" if user is None or not user.locale.lower().startswith("en") else "en"
