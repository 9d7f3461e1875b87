"""What people do on a device: transactions over all tables and merge rules, some of them taken back.

Rules of this room: every act notes what stood there before, read in the same transaction; a value is unique where
its column allows it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.device.store import Store, WriteTransaction
from bmaddb.schema import Record
from bmaddb.testing.simulation.cards import CardWorker
from bmaddb.testing.simulation.coverage import Coverage
from bmaddb.testing.simulation.dice import Dice
from bmaddb.testing.simulation.editions import Edition
from bmaddb.testing.simulation.history import Act, Deed
from bmaddb.testing.simulation.tables import STATES

_SQL = statements.load("bmaddb.testing.simulation", "simulation.sql")
DAYS = tuple(f"2026-11-{day:02d}" for day in range(1, 5))
MARKS = ("colour", "size", "place")
LAST_MARK = "simulation.mark"
HOT = 0.6
EDITS_LIKED = 4
HOT_ROWS = 3


class _TakenBack(Exception):
    """Somebody changed their mind."""


class Worker:
    """Makes transactions on one store."""

    def __init__(
        self,
        store: Store,
        edition: Edition,
        name: str,
        dice: Dice,
        theme: Dice,
        coverage: Coverage,
        true_ms: Callable[[], int],
        card_dice: Dice | None,
    ) -> None:
        self._store = store
        self._is = edition
        self._name = name
        self._dice = dice
        self._coverage = coverage
        self._true_ms = true_ms
        self._acts: list[Act] = []
        self._cards = None if card_dice is None else CardWorker(name, card_dice, self._note_act)
        self._numbers = itertools.count(1)
        self._deeds: dict[Callable[[WriteTransaction], None], float] = {
            self._new_folder: 1,
            self._new_note: 3,
            self._new_item: 1.5,
            self._meet_day: 1.5,
            self._edit_note: 9,
            self._edit_item: 2,
            self._edit_folder: 1,
            self._delete: 1.2,
            self._new_sticker: 2 if edition.sticker else 0,
            self._edit_sticker: 1 if edition.sticker else 0,
            self._new_scrap: 1 if edition.scrap else 0,
            self._rank: 2 if edition.rank else 0,
        }
        # Everybody in a run likes the same few things, or two would hardly ever touch one column at a time.
        every = (
            self._title,
            self._title_by_sql,
            self._text,
            self._likes,
            self._label,
            self._mark,
            self._bounds,
            self._state,
            self._place,
        )
        self._edits = [theme.choice(every) for _ in range(EDITS_LIKED)]

    def transact(self, mark: int | None = None) -> list[Act]:
        """One transaction of one to four deeds; the acts that are committed, none when it was taken back.

        `mark` is noted in the file, in the transaction: `last_mark` tells after a power cut up to where it reaches.
        """
        self._acts = []
        try:
            with self._store.write() as tx:
                if mark is not None:
                    self._store.meta_set(LAST_MARK, str(mark))
                for _ in range(self._dice.number(1, 4)):
                    self._one(tx)
                if self._cards is not None:
                    self._cards.work(tx)
                if self._dice.chance(0.06):
                    raise _TakenBack
        except _TakenBack:
            self._coverage.note("write rolled back")
            self._acts = []
        return self._acts

    def last_mark(self) -> int:
        """The mark of the newest transaction that the file holds; 0 for none."""
        return int(self._store.meta_get(LAST_MARK) or 0)

    @property
    def pending(self) -> list[Act]:
        """What the transaction under way has done so far."""
        return self._acts

    def _one(self, tx: WriteTransaction) -> None:
        deed = self._dice.weighted(self._deeds)
        before = len(self._acts)
        try:
            with tx.savepoint():
                deed(tx)
                if self._dice.chance(0.04):
                    raise _TakenBack
        except _TakenBack:
            del self._acts[before:]
            self._coverage.note("savepoint rolled back")

    def _token(self) -> str:
        """A word nobody else writes, and nobody twice, not even after a restart."""
        return f"{self._name}{self._dice.number(0, 10**12):x}n{next(self._numbers)}"

    def _note_act(self, record: type[Record], row_id: str, deed: Deed, column: str | None = None, **sides: Any) -> None:
        table = record.__table__.name
        key = (self._store.user or "", self._is.table_today(table), row_id)
        if column is not None:
            column = self._is.column_today(table, column)
        self._acts.append(Act(by=self._name, key=key, deed=deed, column=column, at_ms=self._true_ms(), **sides))

    def _any(self, tx: WriteTransaction, record: type[Any]) -> Any | None:
        """A row; most often one of the few that everybody works on."""
        rows = tx.query(record).order_by(record.id.asc()).all()
        if self._dice.chance(HOT):
            rows = rows[:HOT_ROWS]
        return self._dice.choice(rows) if rows else None

    # --- new rows ---

    def _insert(self, tx: WriteTransaction, record: type[Record], **values: Any) -> None:
        row = tx.insert(record, **values)
        self._note_act(record, row.id, Deed.INSERT, new=self._is.values_today(record.__table__.name, values))

    def _new_folder(self, tx: WriteTransaction) -> None:
        self._insert(tx, self._is.folder, name=self._token())

    def _new_note(self, tx: WriteTransaction) -> None:
        folder = self._any(tx, self._is.folder) if self._dice.chance(0.5) else None
        word = self._token()
        self._insert(
            tx,
            self._is.note,
            folder_id=folder and folder.id,
            title=self._token(),
            body=f"{word}\n",
            author=self._token(),
        )

    def _new_item(self, tx: WriteTransaction) -> None:
        folder = self._any(tx, self._is.folder)
        if folder is None:
            return
        values: dict[str, Any] = {"folder_id": folder.id, self._is.caption: self._token()}
        amount = self._dice.number(0, 9)
        if "amount" in self._is.item.__table__.by_name:
            values["amount"] = amount
        self._insert(tx, self._is.item, **values)

    def _new_sticker(self, tx: WriteTransaction) -> None:
        note = self._any(tx, self._is.note)
        if note is not None:
            self._insert(tx, self._is.sticker, note_id=note.id, word=self._token())

    def _new_scrap(self, tx: WriteTransaction) -> None:
        self._insert(tx, self._is.scrap, word=self._token())

    def _meet_day(self, tx: WriteTransaction) -> None:
        name = self._dice.choice(DAYS)
        day = tx.query(self._is.day).where(self._is.day.day == name).first()
        if day is None:
            self._insert(tx, self._is.day, day=name)
            day = tx.query(self._is.day).where(self._is.day.day == name).first()
        if day is not None:
            self._count(tx, self._is.day, day.id, "steps", day.steps)

    # --- edits ---

    def _set(self, tx: WriteTransaction, record: type[Record], row: Any, column: str, value: Any) -> None:
        prev = getattr(row, column)
        tx.update(record, row.id, **{column: value})
        self._note_act(record, row.id, Deed.SET, column, prev=prev, new=value)

    def _count(self, tx: WriteTransaction, record: type[Record], row_id: str, column: str, counts: Any) -> None:
        by = self._dice.number(-3, 9) or 1
        device = self._store.device_id
        mine = counts.get(device, [0, ""])
        stamp = f"{int(mine[1] or '0', 16) + 1:012x}"
        tx.update(record, row_id, **{column: {**counts, device: [mine[0] + by, stamp]}})
        self._note_act(record, row_id, Deed.ADD, column, new=by)

    def _edit_note(self, tx: WriteTransaction) -> None:
        note = self._any(tx, self._is.note)
        if note is None:
            return
        edit = self._dice.choice(self._edits)
        edit(tx, note)

    def _title(self, tx: WriteTransaction, note: Any) -> None:
        self._set(tx, self._is.note, note, "title", self._token())

    def _title_by_sql(self, tx: WriteTransaction, note: Any) -> None:
        token = self._token()
        tx.execute(_SQL["raw_title"], (token, note.id))
        self._note_act(self._is.note, note.id, Deed.SET, "title", prev=note.title, new=token)

    def _text(self, tx: WriteTransaction, note: Any) -> None:
        lines = note.body.splitlines()
        word = self._token()
        lines.insert(self._dice.number(0, len(lines)), word)
        tx.update(self._is.note, note.id, body="\n".join(lines) + "\n")
        self._note_act(self._is.note, note.id, Deed.ADD, "body", new=word)

    def _likes(self, tx: WriteTransaction, note: Any) -> None:
        self._count(tx, self._is.note, note.id, "likes", note.likes)

    def _label(self, tx: WriteTransaction, note: Any) -> None:
        labels = list(note.labels)
        if labels and self._dice.chance(0.4):
            gone = self._dice.choice(labels)
            tx.update(self._is.note, note.id, labels=[label for label in labels if label != gone])
            self._note_act(self._is.note, note.id, Deed.REMOVE, "labels", new=gone)
        else:
            word = self._token()
            tx.update(self._is.note, note.id, labels=sorted([*labels, word]))
            self._note_act(self._is.note, note.id, Deed.ADD, "labels", new=word)

    def _mark(self, tx: WriteTransaction, note: Any) -> None:
        name = self._dice.choice(MARKS)
        word = self._token()
        tx.update(self._is.note, note.id, marks={**note.marks, name: word})
        self._note_act(self._is.note, note.id, Deed.SET, f"marks.{name}", prev=note.marks.get(name), new=word)

    def _bounds(self, tx: WriteTransaction, note: Any) -> None:
        if note.first_reader is None and self._dice.chance(0.4):
            self._set(tx, self._is.note, note, "first_reader", self._token())
        elif self._dice.chance(0.5):
            self._set(tx, self._is.note, note, "highest", note.highest + self._dice.number(1, 9))
        else:
            self._set(tx, self._is.note, note, "lowest", note.lowest - self._dice.number(1, 9))

    def _state(self, tx: WriteTransaction, note: Any) -> None:
        others = [state for state in STATES if state != note.state]
        self._set(tx, self._is.note, note, "state", self._dice.choice(others))

    def _place(self, tx: WriteTransaction, note: Any) -> None:
        folder = self._any(tx, self._is.folder)
        chosen = None if folder is None or self._dice.chance(0.3) else folder.id
        if chosen != note.folder_id:
            self._set(tx, self._is.note, note, "folder_id", chosen)

    def _edit_item(self, tx: WriteTransaction) -> None:
        item = self._any(tx, self._is.item)
        if item is not None:
            self._set(tx, self._is.item, item, self._is.caption, self._token())

    def _edit_folder(self, tx: WriteTransaction) -> None:
        folder = self._any(tx, self._is.folder)
        if folder is not None:
            self._set(tx, self._is.folder, folder, "name", self._token())

    def _edit_sticker(self, tx: WriteTransaction) -> None:
        sticker = self._any(tx, self._is.sticker)
        if sticker is not None:
            self._set(tx, self._is.sticker, sticker, "word", self._token())

    def _rank(self, tx: WriteTransaction) -> None:
        note = self._any(tx, self._is.note)
        if note is not None and self._is.rank is not None:
            self._set(tx, self._is.note, note, self._is.rank, self._dice.number(1, 10**9))

    # --- deletes ---

    def _delete(self, tx: WriteTransaction) -> None:
        record = self._dice.weighted({self._is.folder: 0.5, self._is.note: 2.0, self._is.item: 1.0})
        row = self._any(tx, record)
        if row is None:
            return
        if record is self._is.folder:  # what falls with it, and what forgets it, is an act as well
            for item in tx.query(self._is.item).where(self._is.item.folder_id == row.id).all():
                self._note_act(self._is.item, item.id, Deed.DELETE)
            for note in tx.query(self._is.note).where(self._is.note.folder_id == row.id).all():
                self._note_act(self._is.note, note.id, Deed.SET, "folder_id", prev=row.id, new=None)
        if record is self._is.note and self._is.sticker:
            for sticker in tx.query(self._is.sticker).where(self._is.sticker.note_id == row.id).all():
                self._note_act(self._is.sticker, sticker.id, Deed.DELETE)
        try:
            tx.delete(record, row.id)
        except e.BmadError as error:
            raise AssertionError("a delete that the schema allows was refused") from error
        self._note_act(record, row.id, Deed.DELETE)
