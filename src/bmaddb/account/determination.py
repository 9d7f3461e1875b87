"""A determination of type: what follows from its source and scores, and how many answers one takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bmaddb.account.type_codes import AXES, borderline_axes, stack_of

CONFIDENCE_SELF: Final = 0.35
"""About a third of people get another type within weeks, so one that was only said counts this much."""
CONFIDENCE_IMPORTED_MAX: Final = 0.6
"""Nobody here saw how scores that were made elsewhere came about."""
ANSWERED_SHARE_MIN: Final = 0.8
AXIS_SHARE_MIN: Final = 0.75
"""Of a questionnaire so much is answered, and of the items of each axis so much (M5)."""
DECLINED: Final = "declined"
"""The source of a row that says: no type."""


def confidence_of(source: Any, scores: Sequence[float | None]) -> float:
    """How sure a determination is, 0 to 1: the mean distance of its four scores from the middle."""
    known = [abs(score) for score in scores if score is not None]
    if source == DECLINED:
        return 0.0
    if len(known) < len(AXES):
        return CONFIDENCE_SELF
    mean = round(sum(known) / len(known), 6)
    return min(mean, CONFIDENCE_IMPORTED_MAX) if source == "imported" else mean


def following(row: Mapping[str, Any]) -> dict[str, Any]:
    """The derived columns of a row of `mbti_profiles` that follow from the row alone; `is_current` does not."""
    scores: dict[str, float | None] = {column: row[column] for column, _, _ in AXES}
    stack = stack_of(row["type_code"])
    return {
        **dict(zip(("dominant", "auxiliary", "tertiary", "inferior"), stack or (None,) * 4, strict=True)),
        "borderline_axes": borderline_axes(scores),
        "confidence": confidence_of(row["source"], list(scores.values())),
    }
