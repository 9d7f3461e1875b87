"""Every error bmaddb raises, in one tree.

    BmadError
     ├── SchemaError                 a table or module is declared wrongly
     ├── QueryError                  a query cannot mean anything
     ├── StoreError                  the SQLite file refuses
     │    ├── StoreBusy              (transient) somebody else writes just now
     │    ├── StoreCorrupt           the file is damaged
     │    ├── RecordInvalid          a value does not fit its column
     │    ├── RecordNotFound         no row has this id
     │    ├── ReadOnlyTable          a device may not write this table or column
     │    ├── RowArchived            the row is archived, and cannot be fetched just now
     │    ├── MigrationError         the file's schema cannot be brought to the wanted version
     │    ├── WrongKey               the file is encrypted, and not with this key
     │    ├── Unchanged              (transient) nothing new came of a live query
     │    └── ConsentMissing         what is asked needs a consent that is not in force
     ├── ProtocolError               abstract: somebody broke the sync protocol
     │    ├── LocalProtocolError     we did
     │    └── RemoteProtocolError    they did
     ├── SyncError
     │    ├── TransportError         (transient) the network did not carry it
     │    ├── AuthError              the server does not accept our token
     │    ├── CursorExpired          the server cannot continue from our cursor
     │    └── PushRefused            the server refused the whole request
     ├── ServerError                 the server cannot start or serve
     ├── SettingsError               an environment variable or option makes no sense
     ├── AtomicError                 an operation is declared or used wrongly
     │    ├── RulesBroken            a validator refuses rows
     │    ├── CheckFailed            what was stored does not pass a check
     │    ├── StepFailed             the application's code in a step raised
     │    ├── QueueFull              (transient) too many operations wait already
     │    ├── DeadlinePassed         (transient) its time was over
     │    ├── OperationCancelled     somebody called it off
     │    ├── CompensationFailed     what was done outside could not be undone
     │    └── OperationUnfinished    (transient) one with this id was cut off and is not undone yet
     └── RequestError                a server operation cannot be queued or found
          ├── RequestInvalid         it makes no sense as it is
          ├── RequestNotFound        no request has this id
          ├── RequestQueueFull       too many wait already
          └── RequestRefused         a handler will not do it

Rules of this room: imports nothing of ours; a class's docstring is its default message; `transient`
says whether the same call may succeed later without a change.
"""

from __future__ import annotations

from typing import ClassVar


class BmadError(Exception):
    """Something went wrong in bmaddb."""

    code: ClassVar[str] = "B-000"
    transient: ClassVar[bool] = False

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        self.message = _sayable(message or (self.__doc__ or "").strip())
        self.hint = None if hint is None else _sayable(hint)
        super().__init__(self.message)

    def __str__(self) -> str:
        text = f"[{self.code}] {self.message}"
        return f"{text} (hint: {self.hint})" if self.hint else text


def _sayable(said: object) -> str:
    """As text, with half of a surrogate pair as it is written in Python: nothing could print or send it else."""
    text = str(said)
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


class SchemaError(BmadError):
    """The declaration of a table or module is not valid."""

    code = "B-100"


class QueryError(BmadError):
    """The query is not valid."""

    code = "B-200"


class StoreError(BmadError):
    """The device store refused the operation."""

    code = "B-300"


class StoreBusy(StoreError):
    """Another connection is writing to the device store."""

    code = "B-301"
    transient = True


class StoreCorrupt(StoreError):
    """The device store is damaged."""

    code = "B-302"


class RecordInvalid(StoreError):
    """A value does not fit its column."""

    code = "B-303"


class RecordNotFound(StoreError):
    """No row has this id."""

    code = "B-304"


class ReadOnlyTable(StoreError):
    """A device may not write this table or column."""

    code = "B-305"


class MigrationError(StoreError):
    """The schema of the file cannot be brought to the wanted version."""

    code = "B-306"


class RowArchived(StoreError):
    """The row is archived, and cannot be fetched just now."""

    code = "B-307"
    transient = True


class WrongKey(StoreError):
    """The file does not open with this key."""

    code = "B-308"


class Unchanged(StoreError):
    """Nothing new came of a live query in the time that was given."""

    code = "B-309"
    transient = True


class ConsentMissing(StoreError):
    """This needs a consent that is not in force."""

    code = "B-320"


class ProtocolError(BmadError):
    """The sync protocol was broken."""

    code = "B-400"

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        if type(self) is ProtocolError:
            raise TypeError("ProtocolError is abstract: raise LocalProtocolError or RemoteProtocolError")
        super().__init__(message, hint=hint)


class LocalProtocolError(ProtocolError):
    """This side broke the sync protocol."""

    code = "B-401"


class RemoteProtocolError(ProtocolError):
    """The other side broke the sync protocol."""

    code = "B-402"


class SyncError(BmadError):
    """Synchronisation failed."""

    code = "B-500"


class TransportError(SyncError):
    """The network did not carry the request or its answer."""

    code = "B-501"
    transient = True


class AuthError(SyncError):
    """The server does not accept the token."""

    code = "B-502"


class CursorExpired(SyncError):
    """The server cannot continue from this device's cursor."""

    code = "B-503"


class PushRefused(SyncError):
    """The server refused the whole push."""

    code = "B-504"


class ServerError(BmadError):
    """The server cannot start or serve."""

    code = "B-600"


class SettingsError(BmadError):
    """A setting makes no sense."""

    code = "B-700"


class AtomicError(BmadError):
    """The operation is declared or used wrongly."""

    code = "B-800"


class RulesBroken(AtomicError):
    """A validator refuses what a step would write."""

    code = "B-801"


class CheckFailed(AtomicError):
    """What was stored does not pass a consistency check."""

    code = "B-802"


class StepFailed(AtomicError):
    """A step raised."""

    code = "B-803"


class QueueFull(AtomicError):
    """Too many operations wait already."""

    code = "B-804"
    transient = True


class DeadlinePassed(AtomicError):
    """The operation's time was over before it was done."""

    code = "B-805"
    transient = True


class OperationCancelled(AtomicError):
    """The operation was called off."""

    code = "B-806"


class CompensationFailed(AtomicError):
    """What was done outside could not be undone."""

    code = "B-807"


class OperationUnfinished(AtomicError):
    """An operation with this id was cut off and is not undone yet."""

    code = "B-808"
    transient = True


class RequestError(BmadError):
    """The queue of server operations refused this."""

    code = "B-810"


class RequestInvalid(RequestError):
    """The request makes no sense as it is."""

    code = "B-811"


class RequestNotFound(RequestError):
    """No request has this id."""

    code = "B-812"


class RequestQueueFull(RequestError):
    """Too many requests wait already."""

    code = "B-813"
    transient = True


class RequestRefused(RequestError):
    """The handler will not do what was asked for.

    `reason`: a word for programs, which becomes the code of the dead letter's reason.
    """

    code = "B-814"

    def __init__(self, message: str | None = None, *, reason: str = "refused", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
