"""What a table or column promises: scope, merge rule, delete rule, retention, sensitivity. Shapes only."""

from __future__ import annotations

import enum

import msgspec


class Scope(enum.StrEnum):
    """Who owns the rows of a table and where they travel."""

    USER = "user"
    """Owned by one user; synced both ways."""
    CATALOG = "catalog"
    """Shared by all; written by the server, read-only on a device."""
    LOCAL = "local"
    """Never leaves the device."""
    SERVER = "server"
    """Never reaches a device."""


class MergeRule(enum.StrEnum):
    """How two concurrent values of one column become one (base, mine, theirs)."""

    LWW = "LWW"
    """Last writer wins: the newer stamp."""
    FWW = "FWW"
    """First writer wins: the first value that is not null sticks."""
    MAX = "MAX"
    MIN = "MIN"
    CNT = "CNT"
    """Counter: JSON object device -> [count, stamp]; each device writes only its own entry."""
    SET = "SET"
    """Sorted JSON array taken as a set; a concurrent add beats a remove."""
    MAP = "MAP"
    """JSON object, merged key by key."""
    TXT = "TXT"
    """Text, merged by line, then by word; where both changed the same words the newer stands, and both are kept."""
    STM = "STM"
    """State machine: the order of the enum is the rank; the higher stands where it may follow the other."""
    FUN = "FUN"
    """A function of the application, `merge_with`."""
    POS = "POS"
    """Fractional position: last writer wins, tie by id."""
    IMM = "IMM"
    """Immutable: set at insert."""
    DRV = "DRV"
    """Derived: recomputed after a merge, never trusted from a client."""
    SRV = "SRV"
    """The server's: a client write is refused."""
    LOC = "LOC"
    """Local: never leaves the device."""


class DeleteRule(enum.StrEnum):
    """What happens when one side deletes a row while the other edits it, and who may delete at all."""

    DELETE_WINS = "delete wins"
    EDIT_WINS = "edit wins"
    EDIT_WINS_WHILE_OPEN = "edit wins while open"
    """The edit wins while the row's state is one of `open_states`, else the delete."""
    NEVER = "never"
    """A client may not delete rows."""
    SERVER_ONLY = "server only"
    """A client may not write rows at all."""


class Sensitivity(enum.StrEnum):
    """How careful to be with a value (GDPR)."""

    PUBLIC = "P"
    PERSONAL = "I"
    SPECIAL = "S"
    """Special category, or handled so: health, beliefs, orientation can be inferred."""


class RetentionKind(enum.StrEnum):
    KEEP = "keep"
    ARCHIVE = "archive"
    PRUNE = "prune"
    ACKNOWLEDGED = "acknowledged"
    LEGAL_HOLD = "legal hold"


class Retention(msgspec.Struct, frozen=True):
    """How long a row is kept; `months` for ARCHIVE, which may count from `after`, `days` for PRUNE."""

    kind: RetentionKind
    months: int | None = None
    days: int | None = None
    after: str | None = None

    def __str__(self) -> str:
        if self.months is not None:
            past = "" if self.after is None else f" past {self.after}"
            return f"archive after {self.months} months{past}"
        return f"prune after {self.days} days" if self.days is not None else str(self.kind)


KEEP = Retention(RetentionKind.KEEP)
UNTIL_ACKNOWLEDGED = Retention(RetentionKind.ACKNOWLEDGED)
LEGAL_HOLD = Retention(RetentionKind.LEGAL_HOLD)


def archive(*, months: int, after: str | None = None) -> Retention:
    """Cold after `months` without a change: compressed in place, off the device when the server has it.

    `after`: a timestamp column that must be as long past, too; while it is null the row is in use. A row in one of the
    table's `open_states` is in use as well.
    """
    return Retention(RetentionKind.ARCHIVE, months=months, after=after)


def prune(*, days: int) -> Retention:
    """Removed after `days`."""
    return Retention(RetentionKind.PRUNE, days=days)
