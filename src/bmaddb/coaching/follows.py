"""Of which rows it follows what is in which columns: what is looked at again when rows came.

Rules of this room: when it cannot be said which rows follow from one that came, all of them are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from bmaddb.coaching.candidate import Candidate
from bmaddb.coaching.derived import derived_values
from bmaddb.device.store import WriteTransaction
from bmaddb.device.sync.arrivals import Arrived
from bmaddb.modules.chat_journal import Conversation, JournalEntry, Message, Tag
from bmaddb.modules.levensgebieden import LifeAreaAssessment, LifeAreaScore, UserLifeArea
from bmaddb.modules.subscription_payment import UsageCounter
from bmaddb.modules.tasks_productivity import Goal, Habit, HabitLog
from bmaddb.modules.user_management import MbtiProfile
from bmaddb.schema.records import Record

Change: TypeAlias = dict[str, Any]
Parents: TypeAlias = Callable[[WriteTransaction, Any], Iterable[str]]
"""Of a row that came, the ids of those that follow from it."""
TYPE_AND_CONSENT: Final = frozenset({"mbti_profiles", "consent_records"})
TAGGED: Final = frozenset({"conversations", "journal_entries", "tasks"})
_NOTHING: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Follows:
    """What its rows must be, and the rows of other tables that this follows from.

    `others`: a row of these concerns every row of this table. `parents`: a record's row concerns those it names.
    """

    record: type[Record]
    change_of: Callable[[Candidate], Change]
    others: frozenset[str] = _NOTHING
    parents: Mapping[type[Record], Parents] = field(default_factory=dict)

    @property
    def tables(self) -> frozenset[str]:
        """The tables whose rows it looks at or follows from."""
        return frozenset({_name(self.record), *self.others, *map(_name, self.parents)})

    def rows(self, tx: WriteTransaction, arrived: Arrived, *, partly: bool) -> Iterator[Record]:
        """The rows to look at again; those that follow from a whole table only when not `partly`."""
        ids = None if self.others & arrived.keys() and not partly else self._ids(tx, arrived)
        if ids is None:
            yield from tx.query(self.record).all()
            return
        for row_id in sorted(ids):
            row = tx.get(self.record, row_id)
            if row is not None:
                yield row

    def _ids(self, tx: WriteTransaction, arrived: Arrived) -> set[str] | None:
        own = arrived.get(_name(self.record), _NOTHING)
        if own is None:
            return None
        ids = set(own)
        for record, parents in self.parents.items():
            came = arrived.get(_name(record), _NOTHING)
            if came is None:
                return None
            for row_id in came:
                row = tx.get(record, row_id)
                if row is None:
                    return None  # it is gone, and with it what it belonged to
                ids.update(parents(tx, row))
        return ids


def derived(c: Candidate) -> Change:
    """The derived columns of the row."""
    return dict(derived_values(c))


def _habit(c: Candidate) -> Change:
    change = derived(c)
    return {**change, "streak_longest": max(change.get("streak_current", 0), c.row["streak_longest"])}


def _of_log(_: WriteTransaction, log: HabitLog) -> Iterable[str]:
    return (log.habit_id,)


def _of_message(_: WriteTransaction, message: Message) -> Iterable[str]:
    return (message.conversation_id,)


def _of_score(_: WriteTransaction, score: LifeAreaScore) -> Iterable[str]:
    return (score.assessment_id,)


def _of_area(tx: WriteTransaction, area: UserLifeArea) -> Iterable[str]:
    return {
        row.assessment_id for row in tx.query(LifeAreaScore).where(LifeAreaScore.user_life_area_id == area.id).all()
    }


def _name(record: type[Record]) -> str:
    return record.__table__.name


DERIVED: Final[Sequence[Follows]] = (
    Follows(record=MbtiProfile, change_of=derived, others=TYPE_AND_CONSENT),
    Follows(record=HabitLog, change_of=derived),
    Follows(record=Habit, change_of=_habit, parents={HabitLog: _of_log}),
    Follows(record=Goal, change_of=derived, others=frozenset({"tasks"})),
    Follows(record=UsageCounter, change_of=derived),
    Follows(record=LifeAreaScore, change_of=derived),
    Follows(record=LifeAreaAssessment, change_of=derived, parents={LifeAreaScore: _of_score, UserLifeArea: _of_area}),
    Follows(record=UserLifeArea, change_of=derived, others=frozenset({"life_area_scores", "life_area_assessments"})),
    Follows(record=Conversation, change_of=derived, parents={Message: _of_message}),
    Follows(record=JournalEntry, change_of=derived),
    Follows(record=Tag, change_of=derived, others=TAGGED),
)
"""In this order: what follows from a derived column stands behind it."""
