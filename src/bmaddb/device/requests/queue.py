"""The request queue: what people and programs ask of it; what the sync does with it is in `sending.py`.

Rules of this room: a request is in the file before anybody hears of it, in the transaction it was made in; it is
never sent before what it needs is done; what is dead or cancelled has had no effect on the server.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import apsw
import msgspec

from bmaddb import errors as e
from bmaddb import signals, statements
from bmaddb.device.outbox import Outbox
from bmaddb.device.requests import ends
from bmaddb.device.requests.policy import RequestPolicy
from bmaddb.device.store import CommitDraft, CommitFact, Store
from bmaddb.entropy import uuid7
from bmaddb.modules.sync_status import ServerRequest
from bmaddb.protocol.requests import KEY_CHARACTERS_MAX, KIND_PATTERN
from bmaddb.schema.json_text import canonical_json
from bmaddb.schema.kinds import milliseconds

OPEN_MAX: Final = 100_000
NEEDS_MAX: Final = 1_000
PAYLOAD_BYTES_MAX: Final = 1024 * 1024
_KIND: Final = re.compile(KIND_PATTERN)
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OPEN: Final = frozenset({"waiting", "sent"})
_SQL = statements.load("bmaddb.device.requests", "sql/requests.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCounts:
    """How many requests stand where. `sent` ones may have been carried out; nobody knows yet."""

    waiting: int = 0
    sent: int = 0
    done: int = 0
    dead: int = 0
    cancelled: int = 0


class RequestQueue:
    """The requests of one store. Making one joins the store's commits and the outbox's discards."""

    def __init__(self, store: Store, outbox: Outbox) -> None:
        self.store = store
        self._outbox = outbox
        self._policies: dict[str, RequestPolicy] = {}
        self._usual = RequestPolicy()
        self._made = _Made()
        store.before_commit.append(self._join)
        store.after_commit.append(self._tell)
        outbox.given_up.append(self.entries_given_up)

    def define(self, kind: str, policy: RequestPolicy) -> None:
        """Treat requests of this kind by `policy` from now on; also those that wait already, but for deadlines."""
        self._policies[_checked_kind(kind)] = policy

    def policy(self, kind: str) -> RequestPolicy:
        """How requests of this kind are treated."""
        return self._policies.get(kind, self._usual)

    def add(
        self,
        kind: str,
        payload: Any = None,
        *,
        priority: int = 5,
        after: Sequence[str] = (),
        deadline: datetime | None = None,
        key: str | None = None,
    ) -> ServerRequest:
        """Ask the server to do something, once; see Database.request."""
        text = canonical_json(payload)
        now_ms = self.store.clock.now_ms()
        row_id = uuid7(self.store.entropy, now_ms)
        _check_numbers(text, priority, after)
        given = _checked_key(key) if key is not None else row_id
        ends_ms = self._deadline_ms(_checked_kind(kind), deadline, now_ms)
        with self.store.write():
            connection = self.store.writing_connection
            held = connection.execute(_SQL["by_key"], (kind, given)).fetchone()
            if held is not None:
                return self._same(held, kind, given, text)
            [(count,)] = connection.execute(_SQL["count_open"])
            if count >= OPEN_MAX:
                raise e.RequestQueueFull(f"{count} requests wait already", hint="sync, or cancel some")
            self._check_needs(connection, after)
            needs = msgspec.json.encode(list(dict.fromkeys(after))).decode()
            connection.execute(_SQL["add"], (row_id, kind, given, text, priority, needs, ends_ms, now_ms))
            self._made.ids.append(row_id)
            return self.get(row_id)

    def get(self, request_id: str) -> ServerRequest:
        """The request as it stands; RequestNotFound when there is none with this id."""
        found = self.store.get(ServerRequest, request_id)
        if found is None:
            raise e.RequestNotFound(f"no request has the id '{request_id}'", hint="`bmaddb requests FILE` lists them")
        return found

    def find(self, kind: str, key: str) -> ServerRequest | None:
        """The request of this kind that was made under `key`."""
        query = self.store.query(ServerRequest)
        return query.where(ServerRequest.kind == kind, ServerRequest.key == key).first()

    def open(self) -> list[ServerRequest]:
        """Those that wait or are on their way, oldest first."""
        query = self.store.query(ServerRequest).where(ServerRequest.status.in_(sorted(_OPEN)))
        return query.order_by(ServerRequest.position).all()

    def dead(self) -> list[ServerRequest]:
        """The dead letters, each with its reason, oldest first."""
        query = self.store.query(ServerRequest).where(ServerRequest.status == "dead")
        return query.order_by(ServerRequest.position).all()

    def counts(self) -> RequestCounts:
        """How many stand where."""
        with self.store.read() as connection:
            return RequestCounts(**dict(connection.execute(_SQL["counts"])))

    def cancel(self, request_id: str) -> ServerRequest:
        """Rather not. One that never left is cancelled at once; of one that did the server says whether it was done.

        What needs it is dead then. Again is fine. RequestNotFound, or RequestInvalid when it is done.
        """
        endings = ends.Endings(self.store)
        with self.store.apply("local") as connection:
            kind, status = self._standing(connection, request_id)
            if status == "done":
                raise e.RequestInvalid("the request is done", hint="what it did stands")
            if status == "sent":
                connection.execute(_SQL["withdraw"], (request_id, None))
            elif status != "cancelled":
                endings.cancelled(connection, request_id, kind, None)
                endings.bury_behind(connection)
        endings.tell()
        return self.get(request_id)

    def retry(self, request_id: str) -> ServerRequest:
        """Send a dead or cancelled request again, and what died only because it needs it; one that is open, now.

        It has no deadline any more. RequestNotFound, or RequestInvalid when it is done.
        """
        with self.store.apply("local") as connection:
            _, status = self._standing(connection, request_id)
            if status == "done":
                raise e.RequestInvalid("the request is done", hint="make a new one with db.request()")
            if status in _OPEN:
                connection.execute(_SQL["hurry"], (request_id,))
            else:
                for freed in (request_id, *ends.died_with(connection, request_id)):
                    connection.execute(_SQL["again"], (freed,))
        return self.get(request_id)

    def next_due_ms(self) -> int | None:
        """When (ms since 1970) the first one that was put off is tried again."""
        with self.store.read() as connection:
            [(moment,)] = connection.execute(_SQL["next_due"])
            return None if moment is None else int(moment)

    def entries_given_up(self, connection: apsw.Connection, entry_ids: Sequence[str]) -> None:
        """The outbox discards these entries, in this transaction: what was to come after them is dead."""
        endings = ends.Endings(self.store)
        endings.bury_after_entries(connection, frozenset(entry_ids))
        endings.bury_behind(connection)
        endings.tell(self._outbox.tell)

    # -- inside --------------------------------------------------------------------------------------------

    def _deadline_ms(self, kind: str, deadline: datetime | None, now_ms: int) -> int | None:
        if deadline is None:
            usual = self.policy(kind).deadline_ms
            return None if usual is None else now_ms + usual
        try:
            ends_ms = milliseconds(deadline)
        except (e.RecordInvalid, AttributeError) as error:
            raise e.RequestInvalid(
                "a deadline is a datetime with a time zone", hint="datetime.now(UTC) + ..."
            ) from error
        if ends_ms <= now_ms:
            raise e.RequestInvalid("the deadline has passed already")
        return ends_ms

    def _same(self, held: tuple[Any, ...], kind: str, key: str, payload: str) -> ServerRequest:
        if held[1] != payload:
            raise e.RequestInvalid(
                f"the key '{key}' stands for another {kind} request", hint="give it a key of its own, or none"
            )
        return self.get(held[0])

    def _check_needs(self, connection: apsw.Connection, after: Sequence[str]) -> None:
        rows = connection.execute(_SQL["statuses"], (msgspec.json.encode(list(after)).decode(),))
        for request_id, status in rows:
            if status in ("dead", "cancelled"):
                raise e.RequestInvalid(
                    f"request {request_id} is {status}, so nothing can come after it", hint="`retry` it"
                )

    def _standing(self, connection: apsw.Connection, request_id: str) -> tuple[str, str]:
        row = connection.execute(_SQL["standing"], (request_id,)).fetchone()
        if row is None:
            raise e.RequestNotFound(f"no request has the id '{request_id}'", hint="`bmaddb requests FILE` lists them")
        return row[0], row[1]

    def _join(self, draft: CommitDraft) -> None:
        """Requests made in this transaction go after the entry it has just become: they may speak of its rows."""
        if self._made.ids:
            [(entry_id,)] = draft.connection.execute(_SQL["newest_entry"])
            draft.connection.execute(_SQL["depend"], (msgspec.json.encode(self._made.ids).decode(), entry_id))
            draft.wrote(ServerRequest.__table__.name)

    def _tell(self, fact: CommitFact) -> None:
        ids, self._made.ids = self._made.ids, []
        if ids:  # of which a savepoint may have taken some back
            for row_id, kind in self.store.tuples(_SQL["queued"], (msgspec.json.encode(ids).decode(),)):
                self.store.signals.emit(signals.RequestQueued(id=row_id, kind=kind))


def ask_in_write(store: Store, kind: str, payload: Any, key: str) -> str:
    """Make a request in the write of this thread, behind the newest entry that waits before it; the answer is its id.

    For steps of an operation, which have no queue at hand. RequestInvalid, RequestQueueFull as `RequestQueue.add`.
    """
    text, now_ms = canonical_json(payload), store.clock.now_ms()
    _check_numbers(text, 5, ())
    connection = store.writing_connection
    [(count,)] = connection.execute(_SQL["count_open"])
    if count >= OPEN_MAX:
        raise e.RequestQueueFull(f"{count} requests wait already", hint="sync, or cancel some")
    row_id = uuid7(store.entropy, now_ms)
    newest = [row[0] for row in connection.execute(_SQL["newest_entry"])]
    needs = msgspec.json.encode(newest).decode()
    values = (row_id, _checked_kind(kind), _checked_key(key), text, 5, needs, None, now_ms)
    connection.execute(_SQL["add"], values)
    return row_id


class _Made(threading.local):
    """What this thread's open write has made; a rolled back write leaves ids here that no row has."""

    ids: list[str]

    def __init__(self) -> None:
        self.ids = []


def _checked_kind(kind: str) -> str:
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        raise e.RequestInvalid(f"{kind!r} is no kind", hint="1 to 64 of a-z 0-9 _ . -, a letter first")
    return kind


def _checked_key(key: str) -> str:
    if not isinstance(key, str) or not 1 <= len(key) <= KEY_CHARACTERS_MAX or not key.isprintable():
        raise e.RequestInvalid(f"a key is a printable text of 1 to {KEY_CHARACTERS_MAX} characters")
    return key


def _check_numbers(payload: str, priority: int, after: Sequence[str]) -> None:
    if type(priority) is not int or not 0 <= priority <= 9:
        raise e.RequestInvalid("a priority is a whole number from 0 (first) to 9 (last)")
    if len(payload.encode()) > PAYLOAD_BYTES_MAX:
        raise e.RequestInvalid(f"the payload is larger than {PAYLOAD_BYTES_MAX} bytes", hint="name a row instead")
    if (
        isinstance(after, str)
        or len(after) > NEEDS_MAX
        or not all(isinstance(x, str) and _ID.fullmatch(x) for x in after)
    ):
        raise e.RequestInvalid(
            f"`after` holds up to {NEEDS_MAX} ids of requests or outbox entries", hint="`.id` of what db.request() gave"
        )
