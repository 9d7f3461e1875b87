"""The columns that follow from others (DRV): how each is computed.

Rules of this room: pure of the row and of what is stored; the same rows give the same values on every device. What is
counted over rows some of which this device has archived is left as it is: it cannot count them, another one can. An
operation adds what it does itself.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from bmaddb.account.determination import following
from bmaddb.coaching.archived import is_any_archived, is_archived
from bmaddb.coaching.candidate import Candidate, ms
from bmaddb.coaching.consents import zone_of
from bmaddb.coaching.local_days import day_after, day_of, local_day
from bmaddb.coaching.streaks import Run, run_of
from bmaddb.modules.chat_journal import Journal, Message
from bmaddb.modules.levensgebieden import LifeAreaAssessment, LifeAreaScore, UserLifeArea
from bmaddb.modules.tasks_productivity import HabitLog, Task
from bmaddb.modules.user_management import MbtiProfile
from bmaddb.schema.counters import total
from bmaddb.schema.natural_keys import natural_id

SPREAD_MAX: Final = 50.0
"""The standard deviation of scores (0 to 100) at which a wheel counts as out of balance."""
TAG_COUNTS: Final = "tag_counts"
"""The fact that says how often each tag is named: id -> count."""
DAYS_AHEAD_MAX: Final = 400
"""After the last log that is here, an archived one is not looked for further on."""
KEPT_NOW: Final = "kept_now"
"""The fact that names the habits an operation has kept for today, with logs that did not say done before."""


def derived_values(c: Candidate) -> Mapping[str, Any]:
    """Column -> what it must be, for the derived columns of the row; what no rule derives is left out."""
    derive = _DERIVATIONS.get(c.record.__table__.name)
    return {} if derive is None else derive(c)


def _profile(c: Candidate) -> dict[str, Any]:
    return {**following(c.row), "is_current": _is_newest(c)}


def _is_newest(c: Candidate) -> bool:
    mine = (ms(c.row["assessed_at"]) or 0, c.row["id"] or "\uffff")
    return all(mine > (ms(other.assessed_at), other.id) for other in c.others(MbtiProfile))


def _progress(c: Candidate) -> dict[str, Any]:
    return {"value": total(c.row["device_counts"]), "streak_current": _streak(c)}


def _streak(c: Candidate) -> int:
    today, last = day_of(c.row["last_activity_on"]), day_of(c.old("last_activity_on"))
    before = int(c.old("streak_current") or 0)
    if today is None:
        return before
    if today == last:  # none is left of a day that was taken back; it may be counted anew
        return before or int(total(c.row["device_counts"]) > total(c.old("device_counts")))
    return before + 1 if last is not None and today == day_after(last) else 1


def _habit_log(c: Candidate) -> dict[str, Any]:
    return {"total": total(c.row["device_counts"])}


def _usage(c: Candidate) -> dict[str, Any]:
    return {"used": total(c.row["device_counts"])}


def _habit(c: Candidate) -> dict[str, Any]:
    """Counted from the day the habit was made, in the user's zone, over its logs that say done."""
    logs = c.query(HabitLog).where(HabitLog.habit_id == c.row["id"], HabitLog.state == "done").all()
    done = [day for log in logs if (day := day_of(log.log_date)) is not None]
    start = local_day(ms(c.row["created_at"]) or 0, zone_of(c))
    run = run_of(c.row["rrule"] or "", start, done)
    if run is None:
        return {}
    if not is_archived(c, HabitLog) or not _goes_on(c, done, run):
        return {"streak_current": run.length}
    before, gained = int(c.old("streak_current") or 0), 0
    if c.row["id"] in c.fact(KEPT_NOW, ()):
        without = run_of(c.row["rrule"] or "", start, {*done} - {local_day(c.now_ms, zone_of(c))})
        gained = run.length - (0 if without is None else without.length)
    return {"streak_current": max(run.length, before + max(gained, 0))}


def _goes_on(c: Candidate, done: Sequence[date], run: Run) -> bool:
    """May the run be longer than the logs say that are here: is one archived of a day that would lengthen it?"""
    if not done:
        return True
    last = max(done)
    ahead = min(DAYS_AHEAD_MAX, date.max.toordinal() - last.toordinal())
    days = (*run.missed, *(last + timedelta(days=number) for number in range(1, ahead + 1)))
    keys = ({"habit_id": c.row["id"], "log_date": day.isoformat()} for day in days)
    return is_any_archived(c, HabitLog, (natural_id(HabitLog.__table__, key) for key in keys))


def _goal(c: Candidate) -> dict[str, Any]:
    """The share of its tasks that are done. What has a metric is measured by the application, and left alone."""
    if c.row["state"] == "achieved":
        return {"progress_pct": 100}
    if c.row["metric"] is not None or is_archived(c, Task):
        return {}
    tasks = c.query(Task).where(Task.goal_id == c.row["id"], Task.state != "cancelled").all()
    done = sum(task.state == "done" for task in tasks)
    return {"progress_pct": done * 100 // len(tasks)} if tasks else {}


def _entry(c: Candidate) -> dict[str, Any]:
    body = c.row["body"]
    if not isinstance(body, str):
        return {}
    counts = {"word_count": len(body.split())}
    journal = c.get(Journal, c.row["journal_id"])
    if journal is None or journal.e2ee_state != "off":
        return counts  # the hash is made with a key, which rules do not have
    return {**counts, "body_hash": hashlib.sha256(body.encode("utf-8", "replace")).hexdigest()}


def _tag(c: Candidate) -> dict[str, Any]:
    """As often as rows name it; nobody counts them for one tag alone, so without the fact nothing is said."""
    counts = c.fact(TAG_COUNTS)
    return {} if counts is None else {"use_count": counts.get(c.row["id"], 0)}


def _conversation(c: Candidate) -> dict[str, Any]:
    if is_archived(c, Message):
        return {}
    return {"message_count": c.query(Message).where(Message.conversation_id == c.row["id"]).count()}


def _score(c: Candidate) -> dict[str, Any]:
    assessment = c.get(LifeAreaAssessment, c.row["assessment_id"])
    if assessment is None or c.row["raw_score"] is None:
        return {}
    return {"score_pct": score_pct(c.row["raw_score"], assessment.scoring_version)}


def score_pct(raw_score: float, scoring_version: int) -> float:
    """A score from 0 to 100: version 1 of a slider 1 to 10, version 2 of a mean of answers 1 to 5.

    One that lies off its scale is the end of the scale it lies beyond.
    """
    pct = raw_score * 20 if scoring_version == 2 else (raw_score - 1) / 9 * 100
    return round(min(max(pct, 0.0), 100.0), 4)


def _assessment(c: Candidate) -> dict[str, Any]:
    if c.row["state"] != "submitted" or (c.stored and is_archived(c, LifeAreaScore, UserLifeArea)):
        return {}
    scores = c.query(LifeAreaScore).where(LifeAreaScore.assessment_id == c.row["id"]).order_by(LifeAreaScore.id).all()
    if not scores:
        return {}
    weights = [_weight(c, score.user_life_area_id) for score in scores]
    values = [score.score_pct for score in scores]
    mean = sum(values) / len(values)
    spread = math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))
    weighted = sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)
    return {"overall_pct": round(weighted, 4), "balance_index": round(max(0.0, 1 - spread / SPREAD_MAX), 4)}


def _weight(c: Candidate, area_id: str) -> int:
    area = c.get(UserLifeArea, area_id)
    return 5 if area is None or area.importance is None else area.importance


def _life_area(c: Candidate) -> dict[str, Any]:
    """The score of the newest submitted wheel that has this area."""
    of_area = c.query(LifeAreaScore).where(LifeAreaScore.user_life_area_id == c.row["id"]).all()
    found = [
        (assessment.taken_at, assessment.id, score.score_pct)
        for score in of_area
        if (assessment := c.get(LifeAreaAssessment, score.assessment_id)) is not None
        and assessment.state == "submitted"
    ]
    if (c.stored or not found) and is_archived(c, LifeAreaScore, LifeAreaAssessment):
        return {}
    return {"current_score": max(found)[2] if found else None}


_DERIVATIONS: Final[Mapping[str, Callable[[Candidate], dict[str, Any]]]] = {
    "mbti_profiles": _profile,
    "user_progress": _progress,
    "habit_logs": _habit_log,
    "habits": _habit,
    "goals": _goal,
    "journal_entries": _entry,
    "tags": _tag,
    "usage_counters": _usage,
    "conversations": _conversation,
    "life_area_scores": _score,
    "life_area_assessments": _assessment,
    "user_life_areas": _life_area,
}
