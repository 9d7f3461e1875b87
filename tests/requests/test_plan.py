"""The order of a run, against a model that looks through everything each time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bmaddb.device.outbox.retry import is_due
from bmaddb.device.requests.plan import Plan, Waiting
from bmaddb.device.requests.policy import PUT_OFF_MS_MAX

NOW_MS = 1_000
ENTRIES = ("entry-1", "entry-2")


@st.composite
def queues(draw: st.DrawFn) -> list[Waiting]:
    made: list[Waiting] = []
    for position in range(draw(st.integers(0, 12))):
        older = [item.id for item in made] + list(ENTRIES) + ["long done"]
        made.append(
            Waiting(
                id=f"r{position}",
                position=position,
                priority=draw(st.integers(0, 2)),
                needs=tuple(draw(st.lists(st.sampled_from(older), max_size=3))),
                due_at_ms=draw(st.sampled_from([None, None, NOW_MS - 1, NOW_MS + 1])),
                withdrawn=draw(st.integers(0, 9)) == 0,
            )
        )
    return draw(st.permutations(made))


def model(queue: list[Waiting], unsettled: set[str], failing: set[str]) -> list[str]:
    """Look for the best of all that may leave, until there is none."""
    left = {item.id: item for item in queue}
    gone: list[str] = []
    while True:
        ready = [
            item
            for item in left.values()
            if item.id not in gone and is_due(item.due_at_ms, NOW_MS, PUT_OFF_MS_MAX)
            if item.withdrawn or not any(need in left or need in unsettled for need in item.needs)
        ]
        if not ready:
            return gone
        best = min(ready, key=lambda item: (-1 if item.withdrawn else item.priority, item.position))
        gone.append(best.id)
        if best.id not in failing:
            del left[best.id]


@given(queues(), st.sets(st.sampled_from(ENTRIES)), st.sets(st.sampled_from([f"r{n}" for n in range(12)])))
def test_the_plan_is_the_models(queue: list[Waiting], unsettled: set[str], failing: set[str]) -> None:
    plan = Plan(queue, unsettled, NOW_MS)
    order: list[str] = []
    while (taken := plan.take()) is not None:
        order.append(taken)
        if taken not in failing:
            plan.done(taken)
    assert order == model(queue, unsettled, failing)
    assert len(plan) == 0


def test_a_clock_that_was_far_ahead_puts_nothing_off_for_longer_than_a_day() -> None:
    assert is_due(None, NOW_MS, PUT_OFF_MS_MAX)
    assert is_due(NOW_MS, NOW_MS, PUT_OFF_MS_MAX)
    assert not is_due(NOW_MS + 1, NOW_MS, PUT_OFF_MS_MAX)
    assert not is_due(NOW_MS + PUT_OFF_MS_MAX, NOW_MS, PUT_OFF_MS_MAX)
    assert is_due(NOW_MS + PUT_OFF_MS_MAX + 1, NOW_MS, PUT_OFF_MS_MAX)
