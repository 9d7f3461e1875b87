"""What a type may suggest, and the sentence that says why."""

from __future__ import annotations

import pytest

from bmaddb import errors as e
from bmaddb.modules.user_management import UserPreferences
from bmaddb.personality import FUNCTIONS, TYPES, VIEWS, UseModel, of_function, of_profile, of_type, policies, profile
from bmaddb.personality.model import prior_shares
from bmaddb.personality.presentation import NEUTRAL, suggested_order, why


@pytest.mark.parametrize(
    ("code", "first"),
    [
        ("ESTJ", ("tasks", "goals", "stats", "reminders", "habits", "life_wheel")),
        ("ENFP", ("journal_recent", "content", "links", "insights", "goals", "life_wheel")),
        ("INTJ", ("goals", "tasks", "insights", "journal_recent", "life_wheel", "sessions")),
        ("INFJ", ("insights", "chat", "sessions", "content", "journal_recent", "domains")),
    ],
)
def test_the_views_a_type_is_suggested_first_are_those_of_the_study(code: str, first: tuple[str, ...]) -> None:
    assert set(of_type(code).sections) == set(first)


@pytest.mark.parametrize("about", [*FUNCTIONS, *TYPES])
def test_what_is_suggested_keeps_its_bounds_and_can_be_rendered(about: str) -> None:
    shown = of_function(about) if about in FUNCTIONS else of_type(about)
    assert set(shown.sections) <= set(VIEWS)
    assert 0 <= shown.nudges_per_day_max <= 3
    assert shown.tone in (UserPreferences.coach_tone.spec.enum or ())
    features = shown.features
    assert features.chronological + features.associative + features.priority == pytest.approx(1)
    assert {type(value) for value in shown.render().values()} <= {str, int, float, list}


def test_who_declines_sees_what_everybody_sees() -> None:
    assert of_profile(profile.NOBODY) is NEUTRAL
    assert of_profile(profile.declared("ISFP")).about == "ISFP"
    with pytest.raises(e.SettingsError):
        of_function("Xx")


def test_sections_are_only_put_in_an_order_never_added_or_left_out() -> None:
    sections = ["account", "tasks", "moods", "journal_recent"]
    for code in TYPES:
        ordered = suggested_order(sections, prior_shares(code, 0.25))
        assert sorted(ordered) == sorted(sections)
    assert suggested_order(sections, [0.05] * len(VIEWS)) == sections
    with pytest.raises(e.SettingsError):
        suggested_order(["nowhere"], prior_shares(None, 0))


def test_why_says_what_part_is_use_everybody_and_the_type() -> None:
    model = UseModel(len(VIEWS))
    before = why("links", model, "ENTP", 0.25)
    assert before.from_use == 0
    assert before.from_type > 0
    assert "the lens ENTP" in before.text
    for _ in range(60):
        model.note(VIEWS.index("links"), 0)
    after = why("links", model, "ENTP", 0.25)
    assert after.place == 1
    assert after.share == pytest.approx(after.from_use + after.from_everybody + after.from_type)
    assert after.from_type < 0.02 < 0.75 < after.from_use
    alone = why("links", model, None, 0.25)
    assert alone.from_type == 0
    assert "lens" not in alone.text
    with pytest.raises(e.SettingsError):
        why("nowhere", model, None, 0)


def test_the_fixed_policies_are_those_of_the_vision() -> None:
    broad, focused = policies.fixed_policy("ESTP"), policies.fixed_policy("INFJ")
    assert (broad.scope, broad.duration_s, broad.preload) == ("broad", 1800, policies.SOCIAL_DATA)
    assert (focused.scope, focused.duration_s, focused.preload) == ("focused", 14400, policies.PERSONAL_DATA)
    assert (focused.lookahead_days, broad.lookahead_days) == (7, 2)
    for code in TYPES:
        policy, views = policies.fixed_policy(code), policies.fixed_views(code)
        assert views[: len(policy.preload)] == policy.preload
        assert len(views) == len(set(views)) == policy.breadth
        assert len(policies.fixed_places(code, 32)) == 32, "every type has the same budget"
