"""What a type may change of what is shown: the order of *suggested* sections, detail, tone, nudges. And why.

Rules of this room: suggestions only. An order that a user or a query asked for, and which rows are shown, are never
touched; the user's own settings and quiet hours rule over every bound given here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from bmaddb import errors as e
from bmaddb.personality.functions import FUNCTIONS, stack_of
from bmaddb.personality.model import PRIOR_ACCESSES, UseModel
from bmaddb.personality.profile import Profile
from bmaddb.personality.tables import (
    BASE_SHARES,
    FUNCTION_FEATURES,
    VIEW_NUMBERS,
    VIEWS,
    Features,
    function_shares,
    type_features,
    type_shares,
)

Grain: TypeAlias = Literal["overview", "balanced", "detail"]
Order: TypeAlias = Literal["chronological", "association", "priority"]
FIRST_VIEWS: Final = 6
OVERVIEW_BELOW: Final = 0.45
DETAIL_FROM: Final = 0.6
_IN_SHORT: Final[Mapping[str, str]] = {
    "Te": "results, plans, deadlines",
    "Ti": "models, consistency",
    "Fe": "people, the mood between people",
    "Fi": "values, the own mood",
    "Ne": "possibilities, links",
    "Ni": "pattern, direction",
    "Se": "here and now",
    "Si": "what was, routine",
}
_TONES: Final[Mapping[str, str]] = {
    "Te": "direct",
    "Ti": "socratic",
    "Fe": "warm",
    "Fi": "warm",
    "Ne": "playful",
    "Ni": "socratic",
    "Se": "direct",
    "Si": "neutral",
}
"""Words of `user_preferences.coach_tone`; what is set there rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """Plain values an application can render. `sections`: the views suggested first; `tone`: of `coach_tone`."""

    about: str
    in_short: str
    sections: tuple[str, ...]
    order: Order
    grain: Grain
    features: Features
    tone: str
    nudges_per_day_max: int
    ahead_days: int

    def render(self) -> dict[str, str | int | float | list[str]]:
        """The same as JSON values."""
        return {
            "about": self.about,
            "in_short": self.in_short,
            "sections": list(self.sections),
            "order": self.order,
            "grain": self.grain,
            "detail": round(self.features.grain, 2),
            "views": round(self.features.breadth),
            "rows_per_view": round(self.features.depth),
            "ahead_days": self.ahead_days,
            "tone": self.tone,
            "nudges_per_day_max": self.nudges_per_day_max,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a view is suggested where it is. `text`: one sentence to show; shares are of 1, of what is expected next.

    `from_use` + `from_everybody` + `from_type` = `share`.
    """

    view: str
    place: int
    share: float
    from_use: float
    from_everybody: float
    from_type: float
    text: str


def of_function(function: str) -> Presentation:
    """What one function would look at, and how; SettingsError for what is none of the eight."""
    if function not in FUNCTIONS:
        raise e.SettingsError(f"{function!r} is no function", hint=", ".join(FUNCTIONS))
    return _presented(function, function, function_shares(function), FUNCTION_FEATURES[function])


def of_type(code: str) -> Presentation:
    """What a type would look at, and how; RecordInvalid for what is none of the sixteen."""
    return _presented(code, stack_of(code)[0], type_shares(code), type_features(code))


NEUTRAL: Final = Presentation(
    about="everybody",
    in_short="the recent, of everything",
    sections=tuple(sorted(VIEWS, key=lambda view: -BASE_SHARES[VIEW_NUMBERS[view]])[:FIRST_VIEWS]),
    order="chronological",
    grain="balanced",
    features=Features(0.6, 0.2, 0.2, 0.5, 0.4, 7, 5, 3, 2),
    tone="neutral",
    nudges_per_day_max=2,
    ahead_days=3,
)


def of_profile(profile: Profile) -> Presentation:
    """What the type of a profile would look at; without one, what everybody does."""
    return NEUTRAL if profile.code is None else of_type(profile.code)


def suggested_order(sections: Sequence[str], shares: Sequence[float]) -> list[str]:
    """The same sections, those expected next first; equal ones as they came. SettingsError for an unknown section."""
    unknown = [section for section in sections if section not in VIEW_NUMBERS]
    if unknown:
        raise e.SettingsError(f"no such view: {', '.join(unknown)}", hint=", ".join(VIEWS))
    return sorted(sections, key=lambda section: -shares[VIEW_NUMBERS[section]])


def why(view: str, model: UseModel, code: str | None, weight: float) -> Reason:
    """Why `view` stands where it does among all views; `code` None or `weight` 0: the type has no part in it."""
    if view not in VIEW_NUMBERS:
        raise e.SettingsError(f"no such view: {view}", hint=", ".join(VIEWS))
    number = VIEW_NUMBERS[view]
    weight = 0.0 if code is None else weight
    pseudo = PRIOR_ACCESSES * model.weight
    total = pseudo + model.total
    prior = [(1 - weight) * base for base in BASE_SHARES]
    typed = [0.0] * len(VIEWS) if code is None else [weight * share for share in type_shares(code)]
    shares = model.shares([a + b for a, b in zip(prior, typed, strict=True)])
    place = sum(share > shares[number] for share in shares) + 1
    from_type = pseudo * typed[number] / total
    from_use = model.counts[number] / total
    share = shares[number]
    return Reason(
        view=view,
        place=place,
        share=share,
        from_use=from_use,
        from_everybody=pseudo * prior[number] / total,
        from_type=from_type,
        text=_sentence(view, place, share, from_use, from_type, code),
    )


def _sentence(view: str, place: int, share: float, from_use: float, from_type: float, code: str | None) -> str:
    own = f"{from_use / share:.0%} of that is what you opened"
    lens = f", {from_type / share:.0%} the lens {code}" if code is not None and from_type > 0 else ""
    return f"{view} stands at place {place}: {own}{lens}, the rest what most people open. You can turn this off."


def _presented(about: str, leading: str, shares: Sequence[float], features: Features) -> Presentation:
    orders: dict[Order, float] = {
        "chronological": features.chronological,
        "association": features.associative,
        "priority": features.priority,
    }
    grain: Grain = "overview" if features.grain < OVERVIEW_BELOW else "balanced"
    return Presentation(
        about=about,
        in_short=_IN_SHORT[leading],
        sections=tuple(suggested_order(VIEWS, shares)[:FIRST_VIEWS]),
        order=max(orders, key=lambda order: orders[order]),
        grain="detail" if features.grain >= DETAIL_FROM else grain,
        features=features,
        tone=_TONES[leading],
        nudges_per_day_max=round(features.nudges_per_day_max),
        ahead_days=round(features.ahead_days),
    )
