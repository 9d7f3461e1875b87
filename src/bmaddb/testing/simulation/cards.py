"""What people do to cards, and what a device works out anew when cards came.

Rules of this room: choices come from dice of its own, so that a run with cards goes as one without, but for them; a
place is given to one card once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from bmaddb.device.store import Store, WriteTransaction
from bmaddb.device.sync.arrivals import Arrived
from bmaddb.schema import Record
from bmaddb.testing.simulation.coverage import Coverage
from bmaddb.testing.simulation.dice import Dice
from bmaddb.testing.simulation.history import Deed
from bmaddb.testing.simulation.tables import Card, summary_of

TOUCHED = 0.6
"""How many transactions have to do with a card."""
HOT_CARDS = 2
CARDS_MAX = 6
ADDED_MAX = 10**9
"""Large: a merge function is not asked where both sides come to the same value, and two sums must not by chance."""
_TABLE = Card.__table__.name


class NoteAct(Protocol):
    """Remembers an act of the transaction under way."""

    def __call__(
        self, record: type[Record], row_id: str, deed: Deed, column: str | None = None, **sides: Any
    ) -> None: ...


class CardWorker:
    """Works on the cards of one device, in transactions of somebody else's."""

    def __init__(self, name: str, dice: Dice, note_act: NoteAct) -> None:
        self._name = name
        self._dice = dice
        self._note_act = note_act
        self._numbers = itertools.count(1)
        self._deeds: Mapping[Callable[[WriteTransaction, Any], None], float] = {
            self._move: 4,
            self._add: 5,
            self._delete: 0.4,
        }

    def work(self, tx: WriteTransaction) -> None:
        """Most often something."""
        if not self._dice.chance(TOUCHED):
            return
        cards = tx.query(Card).order_by(Card.id.asc()).all()
        if not cards or (len(cards) < CARDS_MAX and self._dice.chance(0.15)):
            self._make(tx)
            return
        hot = cards[:HOT_CARDS] if self._dice.chance(0.8) else cards
        self._dice.weighted(self._deeds)(tx, self._dice.choice(hot))

    def _make(self, tx: WriteTransaction) -> None:
        place = self._place()
        values = {"place": place, "summary": summary_of(place, 0)}
        self._note_act(Card, tx.insert(Card, **values).id, Deed.INSERT, new=values)

    def _move(self, tx: WriteTransaction, card: Any) -> None:
        place = self._place()
        tx.update(Card, card.id, place=place, summary=summary_of(place, card.amount))
        self._note_act(Card, card.id, Deed.SET, "place", prev=card.place, new=place)

    def _add(self, tx: WriteTransaction, card: Any) -> None:
        by = self._dice.number(1, ADDED_MAX)
        amount = card.amount + by
        tx.update(Card, card.id, amount=amount, summary=summary_of(card.place, amount))
        self._note_act(Card, card.id, Deed.ADD, "amount", new=by)

    def _delete(self, tx: WriteTransaction, card: Any) -> None:
        tx.delete(Card, card.id)
        self._note_act(Card, card.id, Deed.DELETE)

    def _place(self) -> str:
        """Somewhere in the list, where nobody puts anything twice."""
        return f"{self._dice.choice('abcdefgh')}{self._name}{self._dice.number(0, 10**12):x}n{next(self._numbers)}"


class Summaries:
    """After a sync in which cards came: what follows from them is worked out anew."""

    tables = frozenset({_TABLE})
    followers: Mapping[str, frozenset[str]] = {}

    def __init__(self, coverage: Coverage) -> None:
        self._coverage = coverage

    def __call__(self, store: Store, arrived: Arrived, *, partly: bool) -> int:
        """As of Reaction."""
        if _TABLE not in arrived:
            return 0
        came = arrived[_TABLE]
        written = 0
        with store.write() as tx:
            for card in tx.query(Card).order_by(Card.id.asc()).all():
                summary = summary_of(card.place, card.amount)
                if card.summary != summary and (came is None or card.id in came):
                    tx.update(Card, card.id, summary=summary)
                    written += 1
        self._coverage.note("a summary worked out anew", written)
        return written
