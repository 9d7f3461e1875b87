"""A device's file as five years of use leave it: what is kept, what grows cold, what is only of today, and what waits.

Texts are words of a vocabulary in the frequencies of natural language (Zipf), so that they compress as prose does. What
is derived from rows is right: otherwise the first sync would change them, and they would be of today.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bmaddb.modules.ai_machine_learning import Embedding
from bmaddb.modules.analytics_tracking import InteractionAnalytics, QueryMetric
from bmaddb.modules.chat_journal import Conversation, Journal, JournalEntry, JournalRevision, Message, MoodCheckin
from bmaddb.modules.tasks_productivity import Task
from bmaddb.modules.user_management import ConsentRecord
from bmaddb.service.database import Database

YEARS = 5
MESSAGES_IN_CONVERSATION = 40
ROWS_IN_WRITE = 1_000
Values = dict[str, Any]
_RUN = "insert into sync_runs (id, trigger, started_at, result) values (?, 'timer', ?, 'ok')"


class Prose:
    """Words without end, out of one seed."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        letters = "eenaatirodslghkvmubpwjzcf"
        lengths = (2, 3, 3, 4, 4, 5, 6, 7, 8, 9, 11)
        count = 8_000
        self._words = ["".join(self.dice.choices(letters, k=self.dice.choice(lengths))) for _ in range(count)]
        self._weights = [1 / (place + 3) for place in range(count)]

    def text(self, words: int) -> str:
        """Sentences of so many words in all."""
        found = self.dice.choices(self._words, self._weights, k=words)
        return " ".join(word + ("." if place % 11 == 10 else "") for place, word in enumerate(found))


class Filler:
    """Fills one database; `scale` 1 is about 150 MB."""

    def __init__(self, db: Database, scale: float = 1.0, seed: int = 7) -> None:
        self._db = db
        self._scale = scale
        self._prose = Prose(seed)
        self._now = datetime.now(UTC)

    def synced(self) -> None:
        """Everything that a server is to have."""
        prose, conversations = self._prose, self._count(1_150)
        for place in range(conversations):
            self._conversation(place / conversations)
        with self._db.write() as tx:
            journal = tx.insert(Journal, name="Diary")
            consent = tx.insert(
                ConsentRecord,
                purpose="analytics",
                action="granted",
                policy_version="1",
                policy_sha256="0" * 64,
                shown_locale="nl-NL",
                method="settings",
                acted_at=self._now,
            )
        self._put(JournalEntry, (self._entry(journal.id, share) for share in self._shares(4_000)))
        entries = [entry.id for entry in self._db.query(JournalEntry).limit(self._count(1_000)).all()]
        self._put(
            JournalRevision,
            (
                {
                    "entry_id": entries[place % len(entries)],
                    "content_hash": f"{place:064x}",
                    "body_delta": prose.text(160),
                    "is_full": True,
                    "reason": "autosave",
                    "captured_at": self._at(share),
                    **self._times(share),
                }
                for place, share in enumerate(self._shares(14_000))
            ),
        )
        self._put(
            InteractionAnalytics,
            (
                {
                    "event_name": prose.dice.choice(("opened", "saved", "searched", "closed")),
                    "occurred_at": self._at(share),
                    "screen": prose.dice.choice(("today", "journal", "coach", "goals")),
                    "duration_ms": prose.dice.randrange(90_000),
                    "properties": {"place": prose.dice.randrange(40), "kind": "x"},
                    "consent_record_id": consent.id,
                    "app_version": "1.4.2",
                    **self._times(share),
                }
                for share in self._shares(40_000)
            ),
        )
        self._put(
            MoodCheckin,
            ({"measured_at": self._at(s), "mood": 1 + int(s * 4.9), **self._times(s)} for s in self._shares(6_000)),
        )
        self._put(Task, ({"title": prose.text(7), **self._times(share)} for share in self._shares(4_000)))

    def local(self) -> None:
        """What never leaves the device."""
        dice = self._prose.dice
        self._put(
            QueryMetric,
            (
                {
                    "fingerprint": f"{dice.getrandbits(128):032x}",
                    "tables": ["tasks"],
                    "exec_ms": dice.random(),
                    "rows_out": 3,
                    "sampled_at": self._at(1 - (1 - share) / 60),
                }
                for share in self._shares(40_000)
            ),
        )
        self._runs()
        entries = [entry.id for entry in self._db.query(JournalEntry).limit(self._count(2_000)).all()]
        self._put(
            Embedding,
            (
                {
                    "source_table": "journal_entries",
                    "source_id": row_id,
                    "model": "m",
                    "dims": 384,
                    "vector": dice.randbytes(1_536),
                    "content_hash": "0",
                }
                for row_id in entries
            ),
        )

    def unsynced(self) -> None:
        """What waits: new words in old conversations, new entries, edits of old rows."""
        prose = self._prose
        old = self._db.query(Conversation).order_by(Conversation.updated_at).limit(40).all()
        for conversation in old:
            with self._db.write() as tx:
                tx.insert(Message, **self._message(conversation.id, None, 1.0), **self._times(0.1))
        journal = self._db.query(Journal).limit(1).all()[0]
        for share in self._shares(300):
            with self._db.write() as tx:
                tx.insert(JournalEntry, **self._entry(journal.id, share))
        for message in self._db.query(Message).order_by(Message.sent_at).limit(self._count(200)).all():
            with self._db.write() as tx:
                tx.execute("update messages set feedback_note = ? where id = ?", (prose.text(30), message.id))

    def _runs(self) -> None:
        """Those of two months; the table is the engine's own, so they come in past the doors."""
        runs = ((f"run-{s:.6f}", int(self._at(1 - (1 - s) / 30).timestamp() * 1000)) for s in self._shares(20_000))
        with self._db.store.apply("local") as connection:
            connection.executemany(_RUN, runs)

    def _conversation(self, share: float) -> None:
        with self._db.write() as tx:
            made = tx.insert(
                Conversation,
                kind="coach_chat",
                title=self._prose.text(5),
                message_count=MESSAGES_IN_CONVERSATION,
                **self._times(share),
            )
            before: str | None = None
            for _ in range(MESSAGES_IN_CONVERSATION):
                message = tx.insert(Message, **self._message(made.id, before, share), **self._times(share))
                before = message.id

    def _message(self, conversation_id: str, parent: str | None, share: float) -> Values:
        return {
            "conversation_id": conversation_id,
            "parent_message_id": parent,
            "role": self._prose.dice.choice(("user", "assistant")),
            "content": self._prose.text(self._prose.dice.randrange(40, 260)),
            "status": "complete",
            "sent_at": self._at(share),
        }

    def _entry(self, journal_id: str, share: float) -> Values:
        at, body = self._at(share), self._prose.text(300)
        return {
            "journal_id": journal_id,
            "entry_date": at.date().isoformat(),
            "occurred_at": at,
            "tz": "Europe/Amsterdam",
            "title": self._prose.text(6),
            "body": body,
            "body_hash": hashlib.sha256(body.encode()).hexdigest(),
            "word_count": len(body.split()),
            **self._times(share),
        }

    def _put(self, record: Any, rows: Iterator[Values]) -> None:
        batch: list[Values] = []
        for row in rows:
            batch.append(row)
            if len(batch) == ROWS_IN_WRITE:
                self._write(record, batch)
        self._write(record, batch)

    def _write(self, record: Any, batch: list[Values]) -> None:
        if batch:
            with self._db.write() as tx:
                tx.insert_many(record, batch)
            batch.clear()

    def _shares(self, count: int) -> Iterator[float]:
        wanted = self._count(count)
        return (place / wanted for place in range(wanted))

    def _count(self, count: int) -> int:
        return max(2, int(count * self._scale))

    def _at(self, share: float) -> datetime:
        """A moment of the years; 1 is now."""
        return self._now - timedelta(days=365.25 * YEARS * (1 - share))

    def _times(self, share: float) -> Values:
        return {"created_at": self._at(share), "updated_at": self._at(share)}
