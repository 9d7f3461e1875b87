"""A small module of tables for the protocol's tests: one for each delete rule, a column for each merge rule."""

from __future__ import annotations

from bmaddb.schema import (
    Catalog,
    DeleteRule,
    MergeRule,
    Module,
    UserRecord,
    blob,
    boolean,
    integer,
    json,
    real,
    text,
    timestamp,
)


class Note(UserRecord, table="notes", delete=DeleteRule.EDIT_WINS):
    """Words: an edit brings them back."""

    title = text(default="")
    body = text(null=True)
    likes = integer(default=0, merge=MergeRule.MAX)
    tags = json(default=[], merge=MergeRule.SET)
    kind = text(default="plain", merge=MergeRule.IMM)
    checked = boolean(default=False, merge=MergeRule.SRV)
    opened = integer(default=0, merge=MergeRule.LOC)


class Job(UserRecord, table="jobs", delete=DeleteRule.EDIT_WINS_WHILE_OPEN, open_states=("todo", "doing")):
    """Work: an edit brings it back while it is open."""

    title = text()
    state = text(default="todo", enum=("todo", "doing", "done"))
    note_id = text(null=True, references="notes", on_delete="null")


class Token(UserRecord, table="tokens", delete=DeleteRule.DELETE_WINS):
    """A delete is a revocation: it stands. Also a column of each kind."""

    name = text()
    job_id = text(null=True, references="jobs", on_delete="cascade")
    weight = real(null=True)
    seen_at = timestamp(null=True)
    secret = blob(null=True)


class Label(UserRecord, table="labels", natural_key=("user_id", "name"), uniques=(("user_id", "name"),)):
    """Two devices that make the same one make one."""

    name = text(merge=MergeRule.IMM)
    color = text(default="none")
    uses = integer(default=0, merge=MergeRule.MAX)


MODULE = Module(name="things", purpose="tests", records=(Note, Job, Token, Label))
CATALOG = Catalog([MODULE])
NOTES, JOBS, TOKENS = (CATALOG.table(name) for name in ("notes", "jobs", "tokens"))
