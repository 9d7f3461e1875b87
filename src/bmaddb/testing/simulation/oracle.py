"""The oracle: from what was done, what must be there at the end. It knows the promises, and nothing of the machinery.

Rules of this room: it sees the history, the server's rows and the sides that verdicts have kept; a rule it states
must hold for every order of delivery, so it says "one of these" where the promise leaves a choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from bmaddb.schema import DeleteRule, MergeRule
from bmaddb.schema.columns import Column
from bmaddb.schema.tables import Table
from bmaddb.testing.simulation.history import Act, Certainty, Deed, History, RowKey, RowStory
from bmaddb.testing.simulation.tables import summary_of

Row = Mapping[str, Any]
KeptSides = Callable[[RowKey], str]
MAYBES_COUNTED_MAX = 12


class Oracle:
    """Judges the end of a run. `kept_sides` gives all text that verdicts kept about a row, on any device."""

    def __init__(self, history: History, tables: Mapping[str, Table], kept_sides: KeptSides) -> None:
        self._history = history
        self._tables = tables
        self._kept_sides = kept_sides

    def judge(self, user: str, rows: Mapping[str, Sequence[Row]]) -> list[str]:
        """Every broken promise about the rows of `user`, in words; none is what one hopes for."""
        stand = {(user, table, str(row["id"])): row for table, listed in rows.items() for row in listed}
        unknown = [key for key in stand if key not in self._history.rows]
        wrong = [f"{_named(key)} stands on the server, and nobody made it" for key in unknown]
        for key, story in self._history.rows.items():
            if key[0] == user and key[1] in self._tables:  # a table that was dropped took its rows along
                faults = [f"{_named(key)}: {fault}" for fault in self._judge_row(key, story, stand.get(key))]
                wrong.extend([*faults, f"  its story: {_told(story)}"] if faults else [])
        return wrong

    def _judge_row(self, key: RowKey, story: RowStory, row: Row | None) -> Iterator[str]:
        table = self._tables[key[1]]
        if row is None:
            if story.inserted and not story.deleted and not self._parent_gone(key, story, table):
                yield "it was made, nobody deleted it, and it is gone"
            return
        if self._must_be_gone(story, table):
            yield "it was deleted, nobody else touched it, and it stands"
        for column in table.columns:
            rule = _written if column.name in _NOT_UNIQUE else _RULES.get(column.spec.merge)
            true = self._history.clocks_are_true and not self._history.restored
            if column.spec.merge in _NEWEST_WINS and true and column.name not in _UNJUDGED | _NOT_UNIQUE:
                yield from self._newest_stands(column.name, story, row[column.name])
            if column.spec.merge is MergeRule.DRV:
                yield from self._follows(column.name, row)
            if rule is not None and column.name not in _UNJUDGED:
                guessed = self._history.restored and column.spec.merge in _GUESSED_AFTER_RESTORE
                for fault in rule(column, story, row[column.name], story.deleted or guessed):
                    if not self._kept_aside(key, fault):
                        yield f"{column.name} is {row[column.name]!r}: {fault.words}"

    def _kept_aside(self, key: RowKey, fault: Fault) -> bool:
        """A lost word is no loss as long as a verdict holds it for its owner."""
        return fault.word is not None and fault.word in self._kept_sides(key)

    def _follows(self, column: str, row: Row) -> Iterator[str]:
        """Once nobody has news for anybody, what is derived fits the row it is derived from."""
        if row[column] != summary_of(row["place"], row["amount"]):
            yield f"{column} is {row[column]!r}: that does not follow from {row['amount']}, {row['place']}"

    def _newest_stands(self, column: str, story: RowStory, value: Any) -> Iterator[str]:
        """With true clocks the last writer is who wrote last."""
        acts = [act for act in story.of(Deed.SET, column=column) if act.certainty is Certainty.CERTAIN]
        held = [act.at_ms for act in acts if act.new == value]
        if story.deleted or any(act.at_ms is None for act in story.acts) or not held or held[0] is None:
            return
        for act in acts:
            if act.at_ms is not None and act.at_ms > held[0]:
                yield f"{column} is {value!r}, though {act.by} wrote {act.new!r} later"

    def _parent_gone(self, key: RowKey, story: RowStory, table: Table) -> bool:
        """Did a row it lived by go, at any time?"""
        for act in story.of(Deed.INSERT):
            for column in table.foreign_keys:
                parent = (act.new or {}).get(column.name)
                known = self._history.rows.get((key[0], str(column.spec.references), str(parent)))
                if column.spec.on_delete == "cascade" and (known is None or known.deleted):
                    return True
        return False

    def _must_be_gone(self, story: RowStory, table: Table) -> bool:
        deletes = [act for act in story.of(Deed.DELETE) if act.certainty is Certainty.CERTAIN]
        if not deletes or story.came_back or self._history.restored:
            return False  # a delete of a row that the restored server had lost leaves nothing behind there
        if table.delete_rule is DeleteRule.DELETE_WINS:
            return True
        return bool(story.editors <= {act.by for act in deletes}) and len({act.by for act in deletes}) == 1


class Fault:
    """A broken promise about one column; `word` is what should be found, if it is a word."""

    def __init__(self, words: str, word: str | None = None) -> None:
        self.words = words
        self.word = word


Rule = Callable[[Column[Any], RowStory, Any, bool], Iterator[Fault]]
_UNJUDGED = frozenset({"id", "user_id", "created_at", "updated_at", "server_seq"})
_NOT_UNIQUE = frozenset({"folder_id", "state"})
"""Two may write the same: then the value does not tell whose it is."""
_NEWEST_WINS = frozenset({MergeRule.LWW, MergeRule.POS})
_GUESSED_AFTER_RESTORE = frozenset({MergeRule.LWW, MergeRule.POS, MergeRule.MAP, MergeRule.SET, MergeRule.FUN})


def _last_writer(column: Column[Any], story: RowStory, value: Any, loose: bool) -> Iterator[Fault]:
    """A value that somebody wrote, and that nobody wrote over knowingly."""
    unknown = list(_written(column, story, value, loose))
    yield from unknown
    if not unknown and not loose:
        yield from _overwritten([*story.of(Deed.SET, column=column.name)], value)


def _written(column: Column[Any], story: RowStory, value: Any, _: bool) -> Iterator[Fault]:
    """A value that somebody wrote, or that it was made with."""
    default = column.spec.default if column.spec.has_default else None
    first = [(act.new or {}).get(column.name, default) for act in story.of(Deed.INSERT)]
    acts = [*story.of(Deed.SET, column=column.name)]
    if value is not None and value not in first and all(act.new != value for act in acts):
        yield Fault("nobody wrote that")


def _overwritten(acts: Sequence[Act], value: Any) -> Iterator[Fault]:
    for act in acts:
        if act.certainty is Certainty.CERTAIN and value is not None and act.prev == value:
            yield Fault(f"{act.by} saw it and wrote {act.new!r} over it")


def _map_keys(column: Column[Any], story: RowStory, value: Any, loose: bool) -> Iterator[Fault]:
    names = {act.column for act in story.of(Deed.SET) if act.column and act.column.startswith(f"{column.name}.")}
    for name in sorted(names):
        held = value.get(name.partition(".")[2])
        acts = [*story.of(Deed.SET, column=name)]
        if held is None:
            if not loose and any(act.certainty is Certainty.CERTAIN for act in acts):
                yield Fault(f"{name} was set, and is gone")
        elif all(act.new != held for act in acts):
            yield Fault(f"nobody wrote {name} = {held!r}")
        elif not loose:
            yield from _overwritten(acts, held)


def _counter(column: Column[Any], story: RowStory, value: Any, loose: bool) -> Iterator[Fault]:
    yield from _sum(column, story, sum(count for count, _ in value.values()), loose)


def _sum(column: Column[Any], story: RowStory, total: int, loose: bool) -> Iterator[Fault]:
    acts = [*story.of(Deed.ADD, column=column.name)]
    certain = sum(act.new for act in acts if act.certainty is Certainty.CERTAIN)
    maybes = [act.new for act in acts if act.certainty is Certainty.MAYBE]
    if loose or len(maybes) > MAYBES_COUNTED_MAX:
        return
    sums = {certain + sum(some) for size in range(len(maybes) + 1) for some in combinations(maybes, size)}
    if total not in sums:
        yield Fault(f"its increments sum up to {certain}, uncertain ones {maybes}, and it says {total}")


def _members(column: Column[Any], story: RowStory, value: Any, loose: bool) -> Iterator[Fault]:
    held = set(value)
    added = {act.new: act for act in story.of(Deed.ADD, column=column.name)}
    removed = {act.new: act for act in story.of(Deed.REMOVE, column=column.name)}
    for word in sorted(held - added.keys()):
        yield Fault(f"nobody added {word}")
    if loose:
        return
    for word, act in added.items():
        if act.certainty is Certainty.CERTAIN and word not in held and word not in removed:
            yield Fault(f"{act.by} added {word}, nobody removed it, and it is gone", word)
        if word in held and word in removed and removed[word].certainty is Certainty.CERTAIN:
            yield Fault(f"{removed[word].by} removed {word}, and it is back")


def _words(column: Column[Any], story: RowStory, value: Any, loose: bool) -> Iterator[Fault]:
    if loose:
        return
    for act in story.of(Deed.ADD, column=column.name):
        if act.certainty is Certainty.CERTAIN and act.new not in value:
            yield Fault(f"{act.by} wrote the word {act.new}, and it is gone", str(act.new))


def _extreme(choose: Callable[..., int]) -> Rule:
    def rule(column: Column[Any], story: RowStory, value: Any, loose: bool) -> Iterator[Fault]:
        acts = [*story.of(Deed.SET, column=column.name)]
        certain = [act.new for act in acts if act.certainty is Certainty.CERTAIN]
        if value != 0 and all(act.new != value for act in acts):
            yield Fault("nobody wrote that")
        elif certain and not loose and choose(value, *certain) != value:
            yield Fault(f"{choose(certain)} was written")

    return rule


def _first(column: Column[Any], story: RowStory, value: Any, loose: bool) -> Iterator[Fault]:
    acts = [*story.of(Deed.SET, column=column.name)]
    if value is None:
        if not loose and any(act.certainty is Certainty.CERTAIN for act in acts):
            yield Fault("it was written, and is gone")
    elif all(act.new != value for act in acts):
        yield Fault("nobody wrote that")


def _never_changes(column: Column[Any], story: RowStory, value: Any, _: bool) -> Iterator[Fault]:
    written = [(act.new or {}).get(column.name) for act in story.of(Deed.INSERT)]
    if value not in written:
        yield Fault(f"it was made with {written}")


_RULES: Mapping[MergeRule, Rule] = {
    MergeRule.LWW: _last_writer,
    MergeRule.POS: _last_writer,
    MergeRule.FUN: _sum,
    MergeRule.TXT: _words,
    MergeRule.CNT: _counter,
    MergeRule.SET: _members,
    MergeRule.MAP: _map_keys,
    MergeRule.MAX: _extreme(max),
    MergeRule.MIN: _extreme(min),
    MergeRule.FWW: _first,
    MergeRule.IMM: _never_changes,
}


def _named(key: RowKey) -> str:
    return f"{key[1]} {key[2]}"


def _told(story: RowStory) -> str:
    lines = (
        f"{act.by} {act.deed} {act.column or ''} {act.prev!r} -> {act.new!r} {act.certainty}" for act in story.acts
    )
    return "; ".join(lines)
