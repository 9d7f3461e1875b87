"""A type preference as a lens: declared, imported, answered or declined, with how sure it is.

Rules of this room: a preference is a prior and no measurement. A declared one counts as little as studies of repeated
answers allow; axes near their middle are named as such; who declines is treated as everybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Final, Literal, TypeAlias

from bmaddb import errors as e
from bmaddb.account.determination import ANSWERED_SHARE_MIN, AXIS_SHARE_MIN, confidence_of, following
from bmaddb.account.type_codes import BORDERLINE
from bmaddb.modules.seeds.instruments import INSTRUMENTS
from bmaddb.personality.functions import Stack, checked_type, stack_of

Source: TypeAlias = Literal["self_declared", "questionnaire", "coach", "imported", "declined"]
AXES: Final = ("ei", "sn", "tf", "jp")
LETTERS: Final[Mapping[str, str]] = {"ei": "EI", "sn": "NS", "tf": "TF", "jp": "JP"}
"""Of each axis the letter above zero and the one below."""
INFLUENCE_MAX: Final = 0.25
ANSWERS: Final = (1, 2, 3, 4, 5)
_INSTRUMENT: Final = next(one for one in INSTRUMENTS if one["code"] == "preference-sketch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One statement to agree with, from 1 (not at all) to 5 (wholly). Our own wording; validated by nobody."""

    number: int
    axis: str
    sign: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is known of somebody's type preference. `axes`: from -1 to 1; + is E, N, T, J. None: declined or unknown."""

    code: str | None
    source: Source
    confidence: float
    axes: Mapping[str, float] | None = None
    answered: int | None = None
    asked: int | None = None

    @property
    def borderline(self) -> tuple[str, ...]:
        """The axes on which the letter could as well be the other one; of a declared type none is known."""
        return () if self.axes is None else tuple(axis for axis in AXES if abs(self.axes[axis]) < BORDERLINE)

    @property
    def stack(self) -> Stack | None:
        """Dominant, auxiliary, tertiary, inferior; None without a type."""
        return None if self.code is None else stack_of(self.code)

    def weight(self, influence: float = INFLUENCE_MAX) -> float:
        """How much the type counts against the base rates: `influence` (0 to 0.25 of use) x confidence."""
        return 0.0 if self.code is None else min(max(influence, 0.0), INFLUENCE_MAX) * self.confidence


NOBODY: Final = Profile(code=None, source="declined", confidence=0.0)


def declared(code: str, *, source: Source = "self_declared") -> Profile:
    """A type somebody names, or a coach or an import does; RecordInvalid for what is none of the sixteen."""
    if source == "declined":
        return NOBODY
    return Profile(code=checked_type(code), source=source, confidence=confidence_of(source, ()))


def questions(locale: str = "en") -> tuple[Question, ...]:
    """The statements in Dutch (nl) or English (en); another locale gets English."""
    language = "nl" if locale.lower().startswith("nl") else "en"
    return tuple(
        Question(number=number, axis=item["axis"], sign=item["sign"], text=item["text_i18n"][language])
        for number, item in enumerate(_INSTRUMENT["items"], start=1)
    )


def instrument() -> tuple[str, str]:
    """Code and version of the question set."""
    return _INSTRUMENT["code"], _INSTRUMENT["version"]


def answered(answers: Mapping[int, int]) -> Profile:
    """The profile of answers: number of the question -> 1 to 5. One in five may be left out, one in four of an axis.

    RecordInvalid for a number or an answer that is none, and for fewer answers than that (M5).
    """
    asked = questions()
    points: dict[str, list[float]] = {axis: [] for axis in AXES}
    for number, answer in answers.items():
        if not 1 <= number <= len(asked):
            raise e.RecordInvalid(f"there is no question {number}", hint=f"1 to {len(asked)}")
        if answer not in ANSWERS:
            raise e.RecordInvalid(f"{answer!r} is no answer to question {number}", hint="1 to 5")
        question = asked[number - 1]
        points[question.axis].append(question.sign * (answer - 3) / 2)
    _refuse_too_few(len(answers), len(asked))
    for axis, given in points.items():
        _refuse_too_few(len(given), sum(question.axis == axis for question in asked), axis)
    axes = {axis: sum(given) / len(given) for axis, given in points.items()}
    return from_axes(axes, answered=len(answers), asked=len(asked))


def from_axes(
    axes: Mapping[str, float],
    *,
    source: Source = "questionnaire",
    answered: int | None = None,
    asked: int | None = None,
) -> Profile:
    """The profile of four values from -1 to 1; RecordInvalid for others. Exactly 0 takes the letter below zero.

    Confidence is the mean distance from the middle; of axes that were brought in at most 0.6.
    """
    if set(axes) != set(AXES) or not all(-1 <= value <= 1 for value in axes.values()):
        raise e.RecordInvalid("a profile has four axes from -1 to 1", hint="ei, sn, tf, jp; + is E, N, T, J")
    code = "".join(LETTERS[axis][0] if axes[axis] > 0 else LETTERS[axis][1] for axis in AXES)
    confidence = confidence_of(source, [*axes.values()])
    return Profile(code=code, source=source, confidence=confidence, axes=dict(axes), answered=answered, asked=asked)


def columns_of(profile: Profile, *, influence: float = INFLUENCE_MAX) -> dict[str, Any]:
    """The profile as values of a row of `mbti_profiles`, without its moment."""
    axes = profile.axes or {}
    code, version = instrument() if profile.source == "questionnaire" else (None, None)
    said = {
        "type_code": profile.code,
        **{f"axis_{axis}": axes.get(axis) for axis in AXES},
        "source": profile.source,
        "instrument_code": code,
        "instrument_version": version,
        "answered_items": profile.answered,
        "total_items": profile.asked,
        "influence": influence,
    }
    return {**said, **following(said)}


def _refuse_too_few(given: int, asked: int, axis: str | None = None) -> None:
    least = ceil((ANSWERED_SHARE_MIN if axis is None else AXIS_SHARE_MIN) * asked)
    if given < least:
        of = "" if axis is None else f" of {axis}"
        raise e.RecordInvalid(
            f"M5: {given} of {asked} questions{of} are answered",
            hint=f"at least {least}, or declare or decline a type",
        )


def from_row(row: Any) -> Profile:
    """The profile that a row of `mbti_profiles` tells."""
    values = {axis: getattr(row, f"axis_{axis}") for axis in AXES}
    axes = None if any(value is None for value in values.values()) else values
    return Profile(
        code=row.type_code,
        source=row.source,
        confidence=row.confidence,
        axes=axes,
        answered=row.answered_items,
        asked=row.total_items,
    )
