"""M1 to M10: a determination of type."""

from __future__ import annotations

from typing import Any, Final

from bmaddb.account.consents import PROFILING
from bmaddb.account.determination import ANSWERED_SHARE_MIN, AXIS_SHARE_MIN
from bmaddb.account.type_codes import AXES, TYPE_CODE, letters_apart
from bmaddb.coaching.candidate import Candidate, Flaws, Rule, RuleSet, error, ms, warn
from bmaddb.coaching.consents import in_force
from bmaddb.coaching.derived import derived_values
from bmaddb.coaching.registries import INSTRUMENT
from bmaddb.coaching.rules.general import GENERAL
from bmaddb.modules.chat_journal import Contact
from bmaddb.modules.user_management import MbtiProfile
from bmaddb.schema.kinds import milliseconds
from bmaddb.schema.moments import after_newest

AXIS_SHARES: Final = "axis_shares"
"""The fact that says which share (0 to 1) of each axis's items was answered: ei, sn, tf, jp."""
RETEST_MS: Final = 35 * 86_400_000
LETTERS_NOISE: Final = 2
_ROUNDING: Final = 1e-4
_FUNCTIONS: Final = ("dominant", "auxiliary", "tertiary", "inferior")


def m1_code_or_declined(c: Candidate) -> Flaws:
    """Accepts one of the sixteen codes in capitals, and null exactly when the source is declined."""
    code, declined = c.row["type_code"], c.row["source"] == "declined"
    if (code is None) != declined:
        yield error("type_code", "it is null when the type is declined, and only then")
    elif code is not None and not TYPE_CODE.fullmatch(code):
        yield error("type_code", "it is one of the sixteen, in capitals", TYPE_CODE.pattern)


def m2_scores_agree_with_letters(c: Candidate) -> Flaws:
    """Refuses one score without the others, and a sign that says another letter, unless it is borderline."""
    scores = [c.row[column] for column, _, _ in AXES]
    given = [score for score in scores if score is not None]
    if given and len(given) < len(AXES):
        yield error(None, "all four axes have a score, or none")
    code = c.row["type_code"] or ""
    if len(code) != len(AXES):
        return
    for (column, plus, minus), score, letter in zip(AXES, scores, code, strict=True):
        if score is None or column.removeprefix("axis_") in derived_values(c)["borderline_axes"]:
            continue
        if letter != (plus if score > 0 else minus):
            yield error(column, f"its sign says another letter than {letter}", plus if score > 0 else minus)


def m3_confidence_follows(c: Candidate) -> Flaws:
    """Accepts the confidence that follows from source and scores, up to rounding."""
    wanted = derived_values(c)["confidence"]
    if abs((c.row["confidence"] or 0.0) - wanted) > _ROUNDING:
        yield error("confidence", "it follows from source and scores", wanted)


def m4_stack_is_that_of_the_type(c: Candidate) -> Flaws:
    """Refuses a function in a place where the type has another."""
    wanted = derived_values(c)
    for name in _FUNCTIONS:
        if c.row[name] != wanted[name]:
            yield error(name, "the type has another function here", wanted[name])


def m5_source_is_sound(c: Candidate) -> Flaws:
    """Refuses a questionnaire that is unknown or answered too thinly, and a coach who is no contact."""
    if c.row["source"] == "questionnaire":
        yield from _questionnaire_flaws(c)
    elif c.row["source"] == "coach" and not c.query(Contact).where(Contact.is_coach == True).exists():  # noqa: E712
        yield error("source", "there is no contact who is a coach")


def m6_influence_in_range(c: Candidate) -> Flaws:
    """Accepts 0 to 1, and only 0 for a declined type."""
    influence = c.row["influence"]
    if influence is None or not 0 <= influence <= 1:
        yield error("influence", "it lies from 0 to 1", [0, 1])
    elif c.row["source"] == "declined" and influence != 0:
        yield error("influence", "a declined type has none", 0)


def m7_profiling_is_consented(c: Candidate) -> Flaws:
    """Refuses any type but a declined one while personality_profiling is not granted."""
    if c.row["source"] != "declined" and not in_force(c.context, PROFILING):
        yield error(None, "consent personality_profiling is not in force")


def m8_assessed_in_the_past(c: Candidate) -> Flaws:
    """Refuses a determination dated after now, unless it comes right after another that a clock dated ahead."""
    newest = max((other.assessed_at for other in c.others(MbtiProfile)), default=None)
    if (ms(c.row["assessed_at"]) or 0) > milliseconds(after_newest(c.now, newest)):
        yield error("assessed_at", "it lies in the future")


def m9_newest_is_current(c: Candidate) -> Flaws:
    """Accepts is_current for the newest profile, and for no other."""
    wanted = derived_values(c)["is_current"]
    if c.row["is_current"] != wanted:
        yield error("is_current", "the newest profile is the current one, and only it", wanted)


def m10_types_change_slowly(c: Candidate) -> Flaws:
    """Warns when two letters or more changed within 35 days."""
    code, at_ms = c.row["type_code"], ms(c.row["assessed_at"])
    if not c.is_new or at_ms is None or len(code or "") != len(AXES):
        return
    for other in c.others(MbtiProfile):
        recent = abs(at_ms - (ms(other.assessed_at) or 0)) <= RETEST_MS
        if recent and other.type_code and letters_apart(code, other.type_code) >= LETTERS_NOISE:
            yield warn("type_code", f"it was {other.type_code} within 35 days: show both", other.type_code)


RULES: Final[tuple[Rule, ...]] = (
    m1_code_or_declined,
    m2_scores_agree_with_letters,
    m3_confidence_follows,
    m4_stack_is_that_of_the_type,
    m5_source_is_sound,
    m6_influence_in_range,
    m7_profiling_is_consented,
    m8_assessed_in_the_past,
    m9_newest_is_current,
    m10_types_change_slowly,
)
MBTIProfileValidator: Final = RuleSet(MbtiProfile, (*GENERAL, *RULES))


def _questionnaire_flaws(c: Candidate) -> Flaws:
    instrument: Any = INSTRUMENT.get(c.row["instrument_code"] or "")
    if instrument is None:
        yield error("instrument_code", "it is no instrument that may be used", sorted(INSTRUMENT))
    elif c.row["instrument_version"] is None:
        yield error("instrument_version", "a questionnaire has a version", instrument["version"])
    answered, total = c.row["answered_items"] or 0, c.row["total_items"] or 0
    if total <= 0:
        yield error("total_items", "a questionnaire has items")
    elif not ANSWERED_SHARE_MIN * total <= answered <= total:
        yield error("answered_items", "at least 80 % of the items are answered", ANSWERED_SHARE_MIN)
    for axis, share in c.fact(AXIS_SHARES, {}).items():
        if share < AXIS_SHARE_MIN:
            yield error("answered_items", f"at least 75 % of the items of axis {axis} are answered", AXIS_SHARE_MIN)
