"""What happens in the demo: two people, three devices, much of it without a network."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from bmaddb.modules.chat_journal import CoachingSession, Journal, JournalEntry, MoodCheckin
from bmaddb.modules.levensgebieden import LifeArea, UserLifeArea
from bmaddb.modules.onboarding import OnboardingProgress
from bmaddb.modules.tasks_productivity import Goal, Task
from bmaddb.modules.user_management import ConsentRecord, User, UserPreferences
from bmaddb.service.database import Database

POLICY = "2026-10-01"
MORNING = datetime(2026, 11, 22, 7, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Device:
    """A person's device: a name for the screen, and its database."""

    name: str
    db: Database


def onboard(device: Device, user: str, display_name: str) -> None:
    """Sign-up without a network: profile, consents, preferences and progress, in one transaction."""
    with device.db.write() as tx:
        tx.insert(User, id=user, display_name=display_name, terms_version=POLICY, privacy_version=POLICY)
        for purpose in ("terms", "privacy", "special_category"):
            tx.insert(
                ConsentRecord,
                purpose=purpose,
                action="granted",
                policy_version=POLICY,
                policy_sha256=sha256(f"{purpose} {POLICY}".encode()).hexdigest(),
                shown_locale="nl-NL",
                method="onboarding",
                acted_at=MORNING,
            )
        tx.insert(UserPreferences, coach_tone="warm", daily_focus_minutes=15)
        tx.insert(OnboardingProgress, flow_code="start", flow_version=1)


def choose_life_areas(device: Device, *codes: str) -> int:
    """The areas to work on; known from the catalogue if it has arrived, else as areas of one's own."""
    with device.db.write() as tx:
        for place, code in enumerate(codes):
            known = tx.get(LifeArea, code)
            tx.insert(
                UserLifeArea,
                code=code,
                life_area_id=known and known.id,
                position=f"a{place}",
                importance=8 - place,
            )
    return len(codes)


def keep_a_journal(device: Device, *bodies: str) -> list[JournalEntry]:
    """A journal with one entry per text."""
    with device.db.write() as tx:
        journal = tx.insert(Journal, name="Dagboek")
        return [
            tx.insert(
                JournalEntry,
                journal_id=journal.id,
                entry_date=MORNING.date().isoformat(),
                occurred_at=MORNING,
                tz="Europe/Amsterdam",
                body=body,
                body_hash=sha256(body.encode()).hexdigest(),
            )
            for body in bodies
        ]


def plan(device: Device, goal: str, *titles: str) -> list[Task]:
    """A goal and the tasks that serve it."""
    with device.db.write() as tx:
        aim = tx.insert(Goal, title=goal, state="active", horizon="month")
        return [tx.insert(Task, title=title, goal_id=aim.id) for title in titles]


def talk_to_the_coach(device: Device) -> CoachingSession:
    """A guided session with oneself, and how it felt afterwards, in one transaction with a nested part."""
    with device.db.write() as tx:
        session = tx.insert(
            CoachingSession,
            kind="intake",
            coach_kind="self",
            txn_id="demo-intake",
            intention="Rust in de ochtend",
        )
        with device.db.write() as inner:
            inner.insert(MoodCheckin, measured_at=MORNING, mood=4, coaching_session_id=session.id)
    return session


def change_ones_mind(device: Device) -> bool:
    """A transaction that fails in the middle leaves no trace, in the file or in memory."""
    before = device.db.query(Task).count()
    try:
        with device.db.write() as tx:
            tx.insert(Task, title="never")
            raise InterruptedError("the app was closed")
    except InterruptedError:
        return device.db.query(Task).count() == before


def edit_task(device: Device, task_id: str, **values: object) -> None:
    """Change some columns of one task."""
    with device.db.write() as tx:
        tx.update(Task, task_id, **values)


def merged_task(device: Device, task_id: str) -> str:
    """What became of the columns that both edited, in words; `repr` of the record would hide them."""
    task = device.db.query(Task).where(Task.id == task_id).one()
    return f"title {task.title!r}, notes {task.notes!r}, priority {task.priority}"
