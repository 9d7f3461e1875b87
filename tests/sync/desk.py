"""A module for tests of merges: sheets that an edit brings back, in folders that take them along when they go."""

from __future__ import annotations

from bmaddb.schema import DeleteRule, MergeRule, Module, UserRecord, integer, json, text


def summed(base: int, older: int, newer: int) -> int:
    """A merge function of an application: both differences count."""
    return older + newer - base


class Folder(UserRecord, table="folders", delete=DeleteRule.DELETE_WINS):
    """What holds sheets."""

    title = text(default="")


class Shelf(UserRecord, table="shelves", delete=DeleteRule.EDIT_WINS):
    """A sheet without a shelf goes on."""

    title = text(default="")


class Sheet(UserRecord, table="sheets", delete=DeleteRule.EDIT_WINS):
    """A column for each rule that makes one value of two."""

    folder_id = text(null=True, references="folders", on_delete="cascade")
    shelf_id = text(null=True, references="shelves", on_delete="null")
    title = text(default="")
    words = text(default="", merge=MergeRule.TXT, check="length(words) <= 40")
    counter = json(default={}, merge=MergeRule.CNT)
    members = json(default=[], merge=MergeRule.SET)
    entries = json(default={}, merge=MergeRule.MAP)
    total = integer(default=0, merge=MergeRule.FUN, merge_with=summed, check="total <= 100")
    low = integer(default=0, check="low <= high")
    high = integer(default=10)
    state = text(
        default="open",
        enum=("open", "closed", "sealed"),
        merge=MergeRule.STM,
        transitions={"open": ("closed", "sealed"), "closed": ("open",)},
    )
    made = text(default="x", merge=MergeRule.IMM)


class Diary(UserRecord, table="diaries", delete=DeleteRule.NEVER):
    """No device deletes it."""

    title = text(default="")


MODULE = Module(name="desk", purpose="tests", records=(Folder, Shelf, Sheet, Diary))
