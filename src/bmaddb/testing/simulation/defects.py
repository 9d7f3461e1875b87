"""Seeded defects: what the simulator must catch, or its silence means nothing.

Each is the product with one thing wrong: a function of the device replaced, or a few words of a server function.
`seed` is one that caught it; as the simulator changes another may be needed, so a search goes on from there.

Rules of this room: a defect is small and silent, as real ones are; it is put in by `planted` and always taken out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from bmaddb import statements
from bmaddb.device.outbox.capture import Capture
from bmaddb.device.outbox.row_index import RowIndex
from bmaddb.device.sync.pages import Pages
from bmaddb.device.sync.rebase import Rebase
from bmaddb.protocol.merge import Action, RowMerge, rows, rules
from bmaddb.protocol.merge.rules import Dispute, Merged, Rule, Winner
from bmaddb.schema import MergeRule

_SQL = statements.load("bmaddb.testing.simulation", "simulation.sql")
_SYNC = statements.load("bmaddb.device.sync", "sql/sync.sql")
Patch = tuple[Any, str, Callable[[Any], Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """One wrong thing: `patch` (owner, name, what makes it wrong) or `words` (function, its words, wrong words)."""

    name: str
    seed: int
    every: int = 1
    """Only seeds that are multiples of this can catch it (those that restore a backup)."""
    patch: Patch | None = None
    words: tuple[tuple[str, str, str], ...] = ()

    @contextlib.contextmanager
    def planted(self, server: psycopg.Connection[Any]) -> Iterator[None]:
        """The product has this defect inside the block, on the database of `server` for good."""
        for function, right, wrong in self.words:
            [(source,)] = server.execute(_SQL["source_of"], [function]).fetchall()
            if right not in source:
                raise LookupError(f"{function} does not say '{right}' any more: the defect '{self.name}' is lost")
            server.execute(source.replace(right, wrong).encode())
        if self.patch is None:
            yield
            return
        owner, name, change = self.patch
        before = getattr(owner, name)
        setattr(owner, name, change(before))
        try:
            yield
        finally:
            setattr(owner, name, before)


def _always(value: Any) -> Callable[[Any], Any]:
    return lambda _: lambda *args, **kwargs: value


def _with_rule(rule: MergeRule, stand_in: Rule) -> Callable[[Any], Any]:
    return lambda rules: {**rules, rule: stand_in}


def _cursor_first(apply: Any) -> Any:
    """The cursor is durable before the rows it speaks for."""

    def wrong(self: Pages, page: Any, *rest: Any) -> Any:
        with self._outbox.edit() as (connection, _):
            values = (page.cursor, self._store.catalog.version, self._store.clock.now_ms())
            connection.execute(_SYNC["save_cursor"], values)
        return apply(self, page, *rest)

    return wrong


def _every_seventh_forgotten(append: Any) -> Any:
    """Some transactions never become an entry."""
    calls = iter(range(1 << 30))

    def wrong(self: Capture, draft: Any) -> None:
        if next(calls) % 7 != 6:
            append(self, draft)

    return wrong


def _mine_given_up(merge_answer: Any) -> Any:
    """A conflict ends with the server's row, and what waits here for it is forgotten."""

    def wrong(self: Rebase, row: Any) -> None:
        for item in self.waiting.chain((row.table, row.id)):
            self.waiting.rewrite(item.position, (row.table, row.id), None)
        merge_answer(self, row)

    return wrong


def _server_row_back(_: Any) -> Any:
    """A row deleted here comes back as the server has it."""

    def wrong(_: Any, chain: Any, remote: Any, *__: Any, **___: Any) -> RowMerge:
        return RowMerge(
            action=Action.PUT, values=dict(remote.values or {}), changes={item.position: None for item in chain}
        )

    return wrong


def _oldest(dispute: Dispute) -> Merged:
    return _chosen(dispute, dispute.my_stamp < dispute.their_stamp)


def _newest(dispute: Dispute) -> Merged:
    return _chosen(dispute, dispute.my_stamp > dispute.their_stamp)


def _union(dispute: Dispute) -> Merged:
    return Merged(sorted({*dispute.mine, *dispute.theirs}), Winner.BOTH)


def _chosen(dispute: Dispute, mine: bool) -> Merged:
    return Merged(dispute.mine, Winner.MINE) if mine else Merged(dispute.theirs, Winner.THEIRS)


DEFECTS: Final = (
    Defect(name="a device skips deletes", seed=5, patch=(Pages, "_write_deletes", _always(0))),
    Defect(name="the cursor is kept before its rows", seed=57, patch=(Pages, "apply", _cursor_first)),
    Defect(name="a page overwrites what waits", seed=3, patch=(RowIndex, "among_page", _always(()))),
    Defect(name="a transaction misses the outbox", seed=1, patch=(Capture, "_append", _every_seventh_forgotten)),
    Defect(name="a conflict drops what waits", seed=3, patch=(Rebase, "merge_answer", _mine_given_up)),
    Defect(name="a delete comes back", seed=5, patch=(rows, "merge_local_delete", _server_row_back)),
    Defect(name="the oldest wins", seed=230, patch=(rules, "RULES", _with_rule(MergeRule.LWW, _oldest))),
    Defect(name="a counter is a plain value", seed=3, patch=(rules, "RULES", _with_rule(MergeRule.CNT, _newest))),
    Defect(name="a removed member comes back", seed=33, patch=(rules, "RULES", _with_rule(MergeRule.SET, _union))),
    Defect(
        name="the newest counts as the largest", seed=197, patch=(rules, "RULES", _with_rule(MergeRule.MAX, _newest))
    ),
    Defect(
        name="the epoch is ignored",
        seed=8,
        every=8,
        words=(("bmad_sync.pull_page", "at.epoch <> h.epoch", "false"),),
    ),
    Defect(
        name="deletes leave no tombstone",
        seed=5,
        words=(("bmad_sync.bury", "as buried\n", "as buried where false\n"),),
    ),
    Defect(
        name="a row that moves leaves no tombstone",
        seed=10,
        words=(("bmad_sync.stamp_user_row", "perform bmad_sync.bury(old.user_id, tab, array[old.id], false);", ""),),
    ),
    Defect(
        name="the horizon is ignored",
        seed=25,
        words=(("bmad_sync.purge", "floor = greatest(h.floor, old.version)", "floor = h.floor"),),
    ),
    Defect(
        name="a repeated number is applied again",
        seed=54,
        words=(
            ("bmad_sync.take_entry", "if entry.number <= last_number then", "if false then"),
            ("bmad_sync.store_answer", "p_answer, p_versions);", "p_answer, p_versions) on conflict do nothing;"),
        ),
    ),
    Defect(
        name="everybody's rows are read",
        seed=1,
        words=(
            ("bmad_sync.read_notes", "t.user_id = p_uid and ", ""),
            ("bmad_sync.read_notes", "STABLE", "STABLE SECURITY DEFINER"),
        ),
    ),
    Defect(
        name="a conflict is not noticed",
        seed=3,
        words=(("bmad_sync.row_conflicts", "s.seq > coalesce((e ->> 'base')::bigint, 0)", "false"),),
    ),
)
