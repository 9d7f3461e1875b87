"""Whoever runs the server: edits rows by hand, commits late, moves rows to another user, forgets tombstones, restores.

Rules of this room: what it does goes by plain SQL, past every function of ours, as a dashboard would.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bmaddb.testing.simulation.backend import Backend
from bmaddb.testing.simulation.cards import ADDED_MAX
from bmaddb.testing.simulation.coverage import Coverage
from bmaddb.testing.simulation.dice import Dice
from bmaddb.testing.simulation.editions import Edition
from bmaddb.testing.simulation.history import Act, Certainty, Deed, History, RowKey

NAME = "operator"
CARDS_TOUCHED = 0.4
"""How often an operator also touches a card, where there are any."""


class Operator:
    """Acts on the backend, and tells the history."""

    def __init__(
        self, backend: Backend, history: History, dice: Dice, coverage: Coverage, users: list[str], edition: Edition
    ) -> None:
        self._backend = backend
        self._history = history
        self._dice = dice
        self._card_dice = dice.split("cards")
        self._coverage = coverage
        self._users = users
        self.edition = edition
        self._late: list[Act] = []
        self._since_snapshot: list[Act] = []

    def act(self) -> None:
        """One thing by hand; sometimes in a transaction that is committed later."""
        if self._backend.has_late:
            self.end_late()
            return
        late = self._dice.chance(0.3)
        user = self._dice.choice(self._users)
        deed = self._dice.weighted({"insert": 2, "title": 4, "delete": 1, "move": 1})
        acts = self._insert(user, late) if deed == "insert" else self._on_a_row(deed, user, late)
        if not acts:
            return
        self._coverage.note("operator writes")
        if late:
            self._late = acts
        else:
            self._tell(acts)

    def act_on_card(self) -> None:
        """Sometimes a card is moved, added to or deleted by hand; nobody works out what follows."""
        if self._backend.has_late or not self._card_dice.chance(CARDS_TOUCHED):
            return
        user = self._card_dice.choice(self._users)
        ids = [str(row[0]) for row in self._backend.operate("rows_of", (user,), table="cards")]
        if not ids:
            return
        row_id = self._card_dice.choice(ids)
        key = (user, "cards", row_id)
        deed = self._card_dice.weighted({Deed.SET: 2, Deed.ADD: 2, Deed.DELETE: 0.3})
        if deed is Deed.DELETE:
            self._backend.operate("operator_deletes", (user, row_id), table="cards")
            act = Act(by=NAME, key=key, deed=deed)
        elif deed is Deed.SET:
            row = self._backend.operate("operator_reads", (user, row_id), table="cards")[0][0]
            place = f"op{self._card_dice.number(0, 10**15):x}"
            self._backend.operate("operator_sets_place", (place, user, row_id))
            act = Act(by=NAME, key=key, deed=deed, column="place", prev=row["place"], new=place)
        else:
            by = self._card_dice.number(1, ADDED_MAX)
            self._backend.operate("operator_adds", (by, user, row_id))
            act = Act(by=NAME, key=key, deed=deed, column="amount", new=by)
        self._coverage.note("operator touches a card")
        self._tell([act])

    def end_late(self) -> None:
        """The open transaction ends, mostly well."""
        if not self._backend.has_late:
            return
        keep = self._dice.chance(0.8)
        if self._backend.commit_late(keep=keep):
            self._coverage.note("operator commits late")
            self._tell(self._late)
        self._late = []

    def purge(self) -> None:
        """Forget every tombstone."""
        self.end_late()
        self._coverage.note("tombstones purged")
        self._backend.operate("purge", ())

    def snapshot(self) -> None:
        """Back up."""
        self._backend.snapshot()
        self._since_snapshot = []
        self._coverage.note("server backed up")

    def restore(self, *, again: bool) -> None:
        """Lose everything since the backup; what the operator did since then may be gone for good.

        `again`: the same backup may be restored once more.
        """
        self._backend.restore(self._dice.number(0, 999) / 1000, self.edition, again=again)
        self._history.restored = True
        for act in self._since_snapshot:
            act.certainty = Certainty.MAYBE
        for story in self._history.rows.values():  # a delete may have been known to the lost server only
            for act in story.of(Deed.DELETE):
                act.certainty = Certainty.MAYBE
        self._coverage.note("server restored")

    def upgrade(self, edition: Edition) -> None:
        """The server program is updated, and brings its database up."""
        self.end_late()
        self.edition = edition
        self._backend.install(edition)
        self._coverage.note("server upgraded")

    def _tell(self, acts: list[Act]) -> None:
        self._history.tell(acts)
        self._since_snapshot += acts

    def _insert(self, user: str, late: bool) -> list[Act]:
        row_id, title, author = self._uuid(), self._token(), self._token()
        word = self._token()
        values = {"folder_id": None, "title": title, "body": f"{word}\n", "author": author}
        self._backend.operate("operator_inserts_note", (row_id, user, title, values["body"], author), late=late)
        return [Act(by=NAME, key=(user, "notes", row_id), deed=Deed.INSERT, new=values)]

    def _on_a_row(self, deed: str, user: str, late: bool) -> list[Act]:
        table = self._dice.choice(("notes", "items", self._folders)) if deed == "delete" else "notes"
        ids = [str(row[0]) for row in self._backend.operate("rows_of", (user,), table=table)]
        if not ids:
            return []
        row_id = self._dice.choice(ids)
        row = self._backend.operate("operator_reads", (user, row_id), table=table)[0][0]
        if deed == "delete":
            return self._delete(table, user, row_id, late)
        return self._title(user, row_id, row, late) if deed == "title" else self._move(user, row_id, row, late)

    def _title(self, user: str, row_id: str, row: Any, late: bool) -> list[Act]:
        token = self._token()
        self._backend.operate("operator_sets_title", (token, user, row_id), late=late)
        key = (user, "notes", row_id)
        return [Act(by=NAME, key=key, deed=Deed.SET, column="title", prev=row["title"], new=token)]

    def _delete(self, table: str, user: str, row_id: str, late: bool) -> list[Act]:
        acts = [Act(by=NAME, key=(user, self.edition.table_today(table), row_id), deed=Deed.DELETE)]
        if table == self._folders:
            for child_id in [str(row[0]) for row in self._backend.operate("rows_of", (user,), table="items")]:
                child = self._backend.operate("operator_reads", (user, child_id), table="items")[0][0]
                if child["folder_id"] == row_id:
                    acts.append(Act(by=NAME, key=(user, "items", child_id), deed=Deed.DELETE))
        self._backend.operate("operator_deletes", (user, row_id), table=table, late=late)
        return acts

    def _move(self, user: str, row_id: str, row: Any, late: bool) -> list[Act]:
        others = [other for other in self._users if other != user]
        if not others:
            return []
        other = others[0]
        if self.edition.sticker and self._backend.has_stickers(user, row_id):
            return []
        if row_id in {str(found[0]) for found in self._backend.operate("rows_of", (other,), table="notes")}:
            return []
        self._backend.operate("operator_moves_note", (other, user, row_id), late=late)
        self._coverage.note("row moved to another user")
        arrived = (other, "notes", row_id)
        return [
            Act(by=NAME, key=(user, "notes", row_id), deed=Deed.DELETE),
            Act(
                by=NAME,
                key=arrived,
                deed=Deed.INSERT,
                new={**self.edition.values_today("notes", row), "folder_id": None},
            ),
            *_what_it_holds(arrived, row),
        ]

    @property
    def _folders(self) -> str:
        return str(self.edition.folder.__table__.name)

    def _token(self) -> str:
        return f"op{self._dice.number(0, 10**15):x}"

    def _uuid(self) -> str:
        digits = self._dice.entropy().random_bytes(16).hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _what_it_holds(key: RowKey, row: Any) -> Iterator[Act]:
    """A row that comes from elsewhere brings what was done to it there."""
    for label in row["labels"]:
        yield Act(by=NAME, key=key, deed=Deed.ADD, column="labels", new=label)
    for name, mark in row["marks"].items():
        yield Act(by=NAME, key=key, deed=Deed.SET, column=f"marks.{name}", new=mark)
    for count, _ in row["likes"].values():
        yield Act(by=NAME, key=key, deed=Deed.ADD, column="likes", new=count)
    for column in ("highest", "lowest", "first_reader"):
        if row[column] is not None:
            yield Act(by=NAME, key=key, deed=Deed.SET, column=column, new=row[column])
    for word in row["body"].split():
        yield Act(by=NAME, key=key, deed=Deed.ADD, column="body", new=word)
