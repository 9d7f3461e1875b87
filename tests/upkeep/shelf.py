"""A small module with every way a row may leave a device: letters that grow cold, events, a local log, attachments."""

from __future__ import annotations

from bmaddb.device.upkeep.policy import (
    EvictAttachments,
    EvictPacked,
    ForgetComputed,
    LetGo,
    PackCold,
    Prune,
    ThinOut,
    UpkeepPolicy,
)
from bmaddb.schema import (
    DeleteRule,
    LocalRecord,
    MergeRule,
    Module,
    UserRecord,
    archive,
    blob,
    boolean,
    integer,
    json,
    prune,
    real,
    text,
    timestamp,
)

DAY_MS = 86_400_000
YEAR_MS = 366 * DAY_MS


class Room(UserRecord, table="rooms", retention=archive(months=12)):
    """What letters lie in."""

    title = text()


class Letter(UserRecord, table="letters", retention=archive(months=12), delete=DeleteRule.EDIT_WINS):
    """A cold row of every kind of value, which may answer another one."""

    room_id = text(references="rooms", on_delete="cascade")
    answers_id = text(null=True, references="letters", on_delete="null")
    body = text()
    score = real(null=True)
    tags = json(default=[], merge=MergeRule.SET)
    picture = blob(null=True)
    read = boolean(default=False)
    seen = boolean(default=False, merge=MergeRule.LOC)


class Chore(
    UserRecord,
    table="chores",
    retention=archive(months=12),
    delete=DeleteRule.EDIT_WINS_WHILE_OPEN,
    open_states=("todo", "it's waiting"),
):
    """What is in use as long as it is to be done."""

    state = text(default="todo", enum=("todo", "it's waiting", "done"))


class Permit(UserRecord, table="permits", retention=archive(months=12, after="valid_until")):
    """What is in use as long as it is valid."""

    valid_until = timestamp(null=True)


class Note(UserRecord, table="notes"):
    """A row that is kept, and may hold on to a letter."""

    letter_id = text(null=True, references="letters", on_delete="null")
    body = text(default="")
    letter_ids = json(default=[], merge=MergeRule.SET)


class Draft(UserRecord, table="drafts"):
    """Older states of a note."""

    note_id = text(references="notes", on_delete="cascade", merge=MergeRule.IMM)
    made_at = timestamp(merge=MergeRule.IMM)
    body = text(merge=MergeRule.IMM)


class Event(UserRecord, table="events", retention=prune(days=90)):
    """What is pruned once the server has it."""

    name = text(merge=MergeRule.IMM)


class Setting(UserRecord, table="settings", retention=archive(months=12), natural_key=("key",)):
    """A row that two devices, or one device twice, may make."""

    key = text(merge=MergeRule.IMM)
    value = text(null=True)


class Picture(UserRecord, table="pictures"):
    """A file beside the database."""

    byte_size = integer()
    sha256 = text()
    upload_state = text(default="local", enum=("local", "uploaded"))
    local_path = text(null=True, merge=MergeRule.LOC)


class Reading(LocalRecord, table="readings", retention=prune(days=7)):
    """A local log."""

    at = timestamp()
    value = text(default="")


class Vector(LocalRecord, table="vectors"):
    """Computed from rows."""

    source_table = text()
    source_id = text()
    vector = blob()


MODULE = Module(
    name="shelf",
    purpose="Rows that may leave a device.",
    records=(Room, Letter, Chore, Permit, Note, Draft, Event, Setting, Picture, Reading, Vector),
)
ORDER = (
    Prune(name="readings", table="readings", column="at", keep_days=1),
    LetGo(name="events", table="events"),
    ForgetComputed(name="vectors", table="vectors", keep_days=90),
    ThinOut(name="drafts", table="drafts", group="note_id", order="made_at", keep=2),
    PackCold(name="pack"),
    EvictAttachments(name="pictures", table="pictures"),
    EvictPacked(name="evict"),
    Prune(name="not in the catalog", table="nowhere", column="at", keep_days=1),
)
NOTHING_LEFT = UpkeepPolicy(budget_bytes=1, order=ORDER)
"""A budget nothing fits in: everything that may go goes."""
PACKED = UpkeepPolicy(budget_bytes=1, order=tuple(step for step in ORDER if not isinstance(step, EvictPacked)))
"""The same, and what is packed stays."""
