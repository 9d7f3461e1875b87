"""The tables a simulation plays with: every merge rule, every delete rule that matters, each kind of reference.

Rules of this room: what is written into a column is unique where the rule allows it, so that the end of a run tells
whose write it holds.
"""

from __future__ import annotations

from bmaddb.modules.registry import catalog_with
from bmaddb.schema import Catalog, DeleteRule, MergeRule, Module, UserRecord, integer, json, text

FIRST_PLACE = "m"
STATES = ("draft", "open", "doing", "done")


def summed(base: int, older: int, newer: int) -> int:
    """The merge function of the application: what both added counts."""
    return older + newer - base


def summary_of(place: str, amount: int) -> str:
    """What follows from the rest of a card."""
    return f"{amount} at {place}"


class Folder(UserRecord, table="folders", delete=DeleteRule.DELETE_WINS):
    """Holds notes, which outlive it, and items, which do not."""

    name = text()


class Note(UserRecord, table="notes", delete=DeleteRule.EDIT_WINS, indexes=(("user_id", "title"),)):
    """One column for each merge rule."""

    folder_id = text(null=True, references="folders", on_delete="null")
    title = text()
    body = text(merge=MergeRule.TXT)
    likes = json(default={}, merge=MergeRule.CNT)
    labels = json(default=[], merge=MergeRule.SET)
    marks = json(default={}, merge=MergeRule.MAP)
    highest = integer(default=0, merge=MergeRule.MAX)
    lowest = integer(default=0, merge=MergeRule.MIN)
    first_reader = text(null=True, merge=MergeRule.FWW)
    author = text(merge=MergeRule.IMM)
    state = text(default="draft", enum=STATES, merge=MergeRule.STM)
    pinned_here = integer(default=0, merge=MergeRule.LOC)


class Item(UserRecord, table="items", delete=DeleteRule.DELETE_WINS):
    """Lives and dies with its folder."""

    folder_id = text(references="folders", on_delete="cascade", merge=MergeRule.IMM)
    label = text()
    amount = integer(default=0)


class Day(UserRecord, table="days", delete=DeleteRule.NEVER, natural_key=("user_id", "day")):
    """Two devices that make the same day make the same row."""

    day = text(merge=MergeRule.IMM)
    steps = json(default={}, merge=MergeRule.CNT)
    mood = text(null=True)


class Card(UserRecord, table="cards", delete=DeleteRule.EDIT_WINS):
    """Has a place in a list, a sum that two may add to at a time, and a summary that follows from both."""

    place = text(default=FIRST_PLACE, merge=MergeRule.POS)
    amount = integer(default=0, merge=MergeRule.FUN, merge_with=summed)
    summary = text(default=summary_of(FIRST_PLACE, 0), merge=MergeRule.DRV)


MODULE = Module(name="simulated", purpose="What a simulation plays with.", records=(Folder, Note, Item, Day, Card))


def catalog() -> Catalog:
    """The simulated module alone, with the engine's own."""
    return catalog_with(MODULE, include_defaults=False)
