"""R1 to R8: a metric of progress over a period."""

from __future__ import annotations

from typing import Any, Final

from bmaddb.coaching.candidate import Candidate, Flaws, Rule, RuleSet, error
from bmaddb.coaching.consents import zone_of
from bmaddb.coaching.derived import derived_values
from bmaddb.coaching.local_days import day_after, day_of, fits_period, local_day
from bmaddb.coaching.registries import METRIC
from bmaddb.coaching.rules.general import GENERAL
from bmaddb.modules.tasks_productivity import UserProgress
from bmaddb.schema.counters import total
from bmaddb.schema.natural_keys import natural_id

SESSION_ID: Final = "session_id"
"""The fact that names the session which drives the change."""
COUNTED_MAX: Final = 64


def r1_metric_is_known(c: Candidate) -> Flaws:
    """Refuses a metric that is not in the registry, and a period it is not counted in."""
    metric = METRIC.get(c.row["metric_code"] or "")
    if metric is None:
        yield error("metric_code", "there is no such metric", sorted(METRIC))
    elif not fits_period(c.row["period_key"], metric["periods"]):
        yield error("period_key", "it is no period of this metric", metric["periods"])


def r2_id_follows(c: Candidate) -> Flaws:
    """Accepts only the id that follows from user, metric and period."""
    key = {name: c.row[name] for name in ("user_id", "metric_code", "period_key")}
    if all(isinstance(value, str) for value in key.values()):
        wanted = natural_id(UserProgress.__table__, key)
        if c.row["id"] != wanted:
            yield error("id", "it follows from user, metric and period", wanted)


def r3_only_our_own_count_moves(c: Candidate) -> Flaws:
    """Refuses to touch other devices' counts, to count too many at once, or to take back what was not there."""
    if c.stored or not c.changed("device_counts"):
        return
    before, after = counts_of(c.old("device_counts")), counts_of(c.row["device_counts"])
    ours = c.context.device_id
    if {name: n for name, n in before.items() if name != ours} != {n: v for n, v in after.items() if n != ours}:
        yield error("device_counts", "the counts of other devices are theirs")
    delta = after.get(ours, 0) - before.get(ours, 0)
    metric = METRIC.get(c.row["metric_code"] or "")
    if metric is None or delta == 0:
        return
    if abs(delta) > metric["max_delta"]:
        yield error("device_counts", "too much for one operation", metric["max_delta"])
    if delta < 0 and not metric["reversible"]:
        yield error("device_counts", "this metric is never taken back")
    elif delta < 0 and sum(after.values()) < 0:
        yield error("device_counts", "more is taken back than there was", 0)


def r4_value_is_the_sum(c: Candidate) -> Flaws:
    """Accepts as value the sum over the devices, and a best that is no less."""
    wanted = total(c.row["device_counts"])
    if c.row["value"] != wanted:
        yield error("value", "it is the sum of device_counts", wanted)
    if (c.row["best_value"] or 0) < (c.row["value"] or 0):
        yield error("best_value", "the best is at least the value", c.row["value"])


def r5_levels_and_records_never_fall(c: Candidate) -> Flaws:
    """Refuses a level or record that falls, and a streak that does not follow from the days before."""
    for name in ("level", "streak_longest"):
        if (c.row[name] or 0) < (c.old(name) or 0):
            yield error(name, "it never falls", c.old(name))
    if (c.row["streak_current"] or 0) > (c.row["streak_longest"] or 0):
        yield error("streak_longest", "the longest is at least the current", c.row["streak_current"])
    if not c.stored and c.row["streak_current"] != derived_values(c)["streak_current"]:
        yield error("streak_current", "a streak counts days in a row", derived_values(c)["streak_current"])


def r6_activity_is_not_ahead(c: Candidate) -> Flaws:
    """Accepts a day YYYY-MM-DD up to tomorrow, where the user lives; one that a wrong clock left ahead may stand."""
    text = c.row["last_activity_on"]
    day = day_of(text)
    if text is not None and day is None:
        yield error("last_activity_on", "it is a day, YYYY-MM-DD")
    elif day is not None and c.changed("last_activity_on") and day > day_after(local_day(c.now_ms, zone_of(c))):
        yield error("last_activity_on", "it lies in the future")


def r7_a_session_counts_once(c: Candidate) -> Flaws:
    """Refuses to count a session a second time, or without its name; the last 64 are remembered."""
    session = c.fact(SESSION_ID)
    if session is None or c.stored:
        return
    if session in _listed(c.old("counted_sessions")):
        if c.changed("device_counts"):
            yield error("counted_sessions", "the session is counted already: nothing changes", session)
        return
    if c.row["last_session_id"] != session:
        yield error("last_session_id", "it names the session that is counted", session)
    if session not in _listed(c.row["counted_sessions"]):
        yield error("counted_sessions", "the session that is counted is among them", session)
    if len(_listed(c.row["counted_sessions"])) > COUNTED_MAX:
        yield error("counted_sessions", f"the last {COUNTED_MAX} are kept", COUNTED_MAX)


def r8_milestones_are_added(c: Candidate) -> Flaws:
    """Refuses an unknown milestone, and one that is taken away."""
    known = METRIC.get(c.row["metric_code"] or "", {}).get("milestones", ())
    now, before = set(_listed(c.row["milestones"])), set(_listed(c.old("milestones")))
    for name in sorted(now - set(known)):
        yield error("milestones", f"{name} is no milestone of this metric", list(known))
    if before - now:
        yield error("milestones", "a milestone is never taken away", sorted(before))


RULES: Final[tuple[Rule, ...]] = (
    r1_metric_is_known,
    r2_id_follows,
    r3_only_our_own_count_moves,
    r4_value_is_the_sum,
    r5_levels_and_records_never_fall,
    r6_activity_is_not_ahead,
    r7_a_session_counts_once,
    r8_milestones_are_added,
)
ProgressValidator: Final = RuleSet(UserProgress, (*GENERAL, *RULES))


def counts_of(counter: Any) -> dict[str, int]:
    """Device -> how many it counted."""
    entries = counter if isinstance(counter, dict) else {}
    return {device: total({device: entry}) for device, entry in entries.items()}


def _listed(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
