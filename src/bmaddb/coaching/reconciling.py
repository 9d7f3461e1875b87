"""After a sync: what no merge of single columns can see is put right, by ordinary writes.

Rules of this room: what it writes follows from the stored rows alone, so that two devices that hold the same rows write
the same; a file in which everything fits is not touched.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import timedelta
from typing import Any, Final

from bmaddb import statements
from bmaddb.account.consents import PROFILING, grant, last_record
from bmaddb.account.profiling import end_profiling, newest_type
from bmaddb.account.settings import filled
from bmaddb.coaching.alone import Alone
from bmaddb.coaching.archived import ARCHIVED_TABLES
from bmaddb.coaching.candidate import STORED, Candidate, candidate_of, ms
from bmaddb.coaching.concerned import CONCERNED
from bmaddb.coaching.counted_once import TABLES, count_once
from bmaddb.coaching.derived import TAG_COUNTS, derived_values
from bmaddb.coaching.follows import DERIVED, TAGGED, TYPE_AND_CONSENT, Follows
from bmaddb.coaching.rules.coaching_session import SLACK_S, c4_active_time_fits, wall_ms
from bmaddb.coaching.rules.preferences import p3_quiet_hours_are_a_pair
from bmaddb.coaching.rules.progress import counts_of
from bmaddb.coaching.rules.session_prerequisites import is_of_device
from bmaddb.coaching.tallies import share_of
from bmaddb.device.atomic import RuleContext
from bmaddb.device.store import Store, WriteTransaction
from bmaddb.device.sync.arrivals import Arrived
from bmaddb.device.upkeep import stubs
from bmaddb.modules.chat_journal import CoachingSession, Tag
from bmaddb.modules.extensions import ExtensionRecord
from bmaddb.modules.tasks_productivity import Task, UserProgress
from bmaddb.modules.user_management import ConsentRecord, MbtiProfile, UserPreferences
from bmaddb.protocol.merge.counters import counted
from bmaddb.schema.counters import total
from bmaddb.schema.records import Record

RECONCILING: Final = "reconciling"
"""The operation id its rules see."""
_SQL: Final = statements.load("bmaddb.coaching", "derived.sql")
_MILLISECOND: Final = timedelta(milliseconds=1)
_Change = dict[str, Any]


def reconcile(store: Store, arrived: Arrived | None = None, *, partly: bool = False) -> int:
    """Put right what a merge left; the answer is how many rows were written.

    A database with a server does so by itself after a sync. `arrived`: only what these rows concern; else everything.
    `partly`: not yet what follows from a table as a whole, for more of it is looked at later.
    Derived columns are computed anew. Where the consent to profiling was refused or withdrawn, what rests on a type
    goes, and the type is declined; a setting without its consent is off; half a pair of quiet hours goes; of two
    sessions that run on this device the older is paused; a task that two devices counted counts once. A row that
    cannot be put right stays as it is, and the log says so once.
    """
    if store.user is None or not all(store.catalog.declares(record) for record in _RECORDS):
        return 0
    came = dict.fromkeys(CONCERNED) if arrived is None else arrived
    with store.write() as tx:
        context = _context(store, store.user, tx, frozenset() if partly else came.keys())
        written = count_once(tx, context, came) if came.keys() & TABLES else 0
        if came.keys() & TYPE_AND_CONSENT:
            written += _end_without_consent(tx, context)
        for follows in _FOLLOWS:
            for row in follows.rows(tx, came, partly=partly):
                written += _follow(tx, follows, row, context)
        return written + (_pause_older(tx, context) if "coaching_sessions" in came else 0)


def _context(store: Store, user: str, tx: WriteTransaction, whole: Set[str]) -> RuleContext:
    """`whole`: the tables that are looked at as a whole."""
    facts: dict[str, Any] = {STORED: True, ARCHIVED_TABLES: frozenset(stubs.counts(store.writing_connection))}
    countable = not facts[ARCHIVED_TABLES] & TAGGED and tx.query(Tag).exists()
    if countable and whole & {"tags", *TAGGED}:
        facts[TAG_COUNTS] = dict(store.tuples(_SQL["tag_counts"], ()))
    return RuleContext(
        user=user,
        device_id=store.device_id,
        now_ms=store.clock.now_ms(),
        operation_id=RECONCILING,
        reader=tx,
        facts=facts,
    )


def _follow(tx: WriteTransaction, follows: Follows, row: Record, context: RuleContext) -> int:
    with Alone(context, row):
        candidate = candidate_of(follows.record, {}, row, context)
        change = follows.change_of(candidate)
        change = {name: value for name, value in change.items() if candidate.row[name] != value}
        if change:
            tx.update(follows.record, row.id, **change)
            return 1
    return 0


def _end_without_consent(tx: WriteTransaction, context: RuleContext) -> int:
    """What rests on a type goes with the decision against it; without any decision the type is declined, and kept."""
    decision = last_record(tx, PROFILING)
    if decision is None:
        return _decline(tx, context)
    if decision.action != "granted":
        with Alone(context, decision), tx.savepoint():
            return end_profiling(tx, decision, decision.acted_at)
    return 0


def _decline(tx: WriteTransaction, context: RuleContext) -> int:
    newest = newest_type(tx)
    if newest is None or newest.source == "declined":
        return 0
    with Alone(context, newest):
        assessed_at = newest.assessed_at + _MILLISECOND  # of the last there is, none comes after it
        row: _Change = {"id": f"declined-{newest.id}"[:64], "source": "declined", "influence": 0.0}
        row["assessed_at"] = assessed_at
        tx.insert(MbtiProfile, **row, **derived_values(candidate_of(MbtiProfile, row, None, context)))
        return 1
    return 0


def _progress(c: Candidate) -> _Change:
    value, streak = total(c.row["device_counts"]), c.row["streak_current"]
    return {
        "value": value,
        "best_value": max(value, c.row["best_value"]),
        "streak_longest": max(streak, c.row["streak_longest"]),
    }


def _settings(c: Candidate) -> _Change:
    change: _Change = {}
    if any(True for _ in p3_quiet_hours_are_a_pair(c)):
        change |= {"quiet_hours_start": None, "quiet_hours_end": None}
    current = newest_type(c.context.reader)
    declined = current is not None and current.source == "declined"
    if declined or grant(c.context.reader, PROFILING) is None:
        change["mbti_optimisation"] = "off"
    if grant(c.context.reader, "analytics") is None:
        change["analytics_level"] = "none"
    given = c.row["notification_channels"]
    channels = {"notification_channels": given if isinstance(given, dict) else {}}
    return {**change, "notification_channels": filled(channels)["notification_channels"]}


def _session(c: Candidate) -> _Change:
    """Two devices that both counted the whole session: what is too much is taken back once, by who is to give way."""
    lasted_ms = wall_ms(c)
    if lasted_ms is None or not any(True for _ in c4_active_time_fits(c)):
        return {}
    seconds, device = c.row["device_seconds"], c.context.device_id
    less = share_of(counts_of(seconds), total(seconds) - (lasted_ms // 1000 + SLACK_S), device)
    return {"device_seconds": counted(seconds, device, less, c.now_ms)} if less else {}


def _pause_older(tx: WriteTransaction, context: RuleContext) -> int:
    running = tx.query(CoachingSession).where(CoachingSession.status == "in_progress").all()
    ours = [session for session in running if is_of_device(session, context.device_id)]
    ours.sort(key=lambda session: (ms(session.started_at) or 0, session.id))
    for session in ours[:-1]:
        tx.update(session, status="paused")
    return len(ours[:-1])


_FOLLOWS: Final[Sequence[Follows]] = (
    *DERIVED,
    Follows(record=UserProgress, change_of=_progress),
    Follows(record=UserPreferences, change_of=_settings, others=TYPE_AND_CONSENT),
    Follows(record=CoachingSession, change_of=_session),
)
_RECORDS: Final[Sequence[type[Record]]] = (
    *(follows.record for follows in _FOLLOWS),
    *(record for follows in _FOLLOWS for record in follows.parents),
    ConsentRecord,
    ExtensionRecord,
    Task,
)
