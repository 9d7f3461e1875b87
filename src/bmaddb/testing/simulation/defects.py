"""Seeded defects: what the simulator must catch, or its silence means nothing.

Each is the product with one thing wrong: a function of the device replaced, or a few words of a server function.
`seed` is one that caught it; as the simulator changes another may be needed, so a search goes on from there.

Rules of this room: a defect is small and silent, as real ones are; it is put in by `planted` and always taken out.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import psycopg

from bmaddb import statements
from bmaddb.device.outbox.capture import Capture
from bmaddb.device.outbox.row_index import RowIndex
from bmaddb.device.outbox.upgrade import Names
from bmaddb.device.store.writer import Writer
from bmaddb.device.sync import arrivals
from bmaddb.device.sync.giveback import LostUpdates
from bmaddb.device.sync.lease import SyncLease
from bmaddb.device.sync.pages import Pages
from bmaddb.device.sync.rebase import Rebase
from bmaddb.device.sync.run import SyncRun
from bmaddb.protocol import session
from bmaddb.protocol.merge import Action, RowMerge, rows, rules
from bmaddb.protocol.merge.rules import Dispute, Merged, Rule, Winner
from bmaddb.protocol.messages import ErrorBody
from bmaddb.protocol.steps import Rejection, Settle
from bmaddb.schema import MergeRule
from bmaddb.testing.simulation.storms import WIDE_FROM, Storms

_SQL = statements.load("bmaddb.testing.simulation", "simulation.sql")
_SYNC = statements.load("bmaddb.device.sync", "sql/sync.sql")
Patch = tuple[Any, str, Callable[[Any], Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """One wrong thing: `patch` (owner, name, what makes it wrong) or `words` (function, its words, wrong words)."""

    name: str
    seed: int
    storm: Literal["", "restores", "upgrades", "twins", "cards", "late_syncs", "walks"] = ""
    """Only seeds with this can catch it; without one, seeds that may share a database."""
    patch: Patch | None = None
    words: tuple[tuple[str, str, str], ...] = ()

    def suspects(self, tries: int) -> Iterator[int]:
        """The known seed, then so many of those that might catch it."""
        others = (seed for seed in itertools.count(self._start) if self._concerns(Storms.of(seed)))
        yield self.seed
        yield from (seed for seed in itertools.islice(others, tries) if seed != self.seed)

    @property
    def _start(self) -> int:
        return WIDE_FROM if self.seed >= WIDE_FROM else 1

    def _concerns(self, storms: Storms) -> bool:
        return getattr(storms, self.storm) if self.storm else not storms.shake_the_server

    def put_into(self, server: psycopg.Connection[Any]) -> None:
        """The functions of this database have the defect from now on."""
        for function, right, wrong in self.words:
            [(source,)] = server.execute(_SQL["source_of"], [function]).fetchall()
            if right not in source:
                raise LookupError(f"{function} does not say '{right}' any more: the defect '{self.name}' is lost")
            server.execute(source.replace(right, wrong).encode())

    @contextlib.contextmanager
    def planted(self) -> Iterator[None]:
        """Devices have the defect inside the block."""
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


def _none_alive(ask: Any) -> Any:
    """What another device gave back meanwhile counts as deleted."""

    async def wrong(self: SyncRun, *asked: Any) -> tuple[set[str], set[str]]:
        lost, _ = await ask(self, *asked)
        return lost, set()

    return wrong


def _lower_is_older(_: Any) -> Any:
    """A lower number makes an ancestor, whatever was restored between."""
    return lambda self, remote, version, edited_ms: (remote.server_seq or 0) < version


def _left_out(columns: Any) -> Any:
    """What was renamed since is left out of an entry, as if it had been dropped."""

    def wrong(self: Names, table: str, names: tuple[str, ...]) -> tuple[str | None, ...]:
        today = columns(self, table, names)
        return tuple(new if new == old else None for old, new in zip(names, today, strict=True))

    return wrong


def _left_behind(table: Any) -> Any:
    """A change of a table that was renamed since is left out, as if the table had been dropped."""
    return lambda self, name: name if table(self, name) == name else None


def _last_refused(read: Any) -> Any:
    """The last of several entries that the server took counts as refused."""

    def wrong(sent: Any, answer: Any) -> Settle:
        settle: Settle = read(sent, answer)
        if settle.clash or settle.rejection or len(settle.applied) < 3:
            return settle
        *applied, last = settle.applied
        refusal = Rejection(number=last.number, error=ErrorBody(message="refused"), table=None, id=None)
        return Settle(applied=tuple(applied), clash=None, rejection=refusal, last_number=settle.last_number)

    return wrong


def _oldest(dispute: Dispute) -> Merged:
    return _chosen(dispute, dispute.my_stamp < dispute.their_stamp)


def _first_state(_: Dispute) -> Merged:
    return Merged("doing", Winner.MINE)


def _newest(dispute: Dispute) -> Merged:
    return _chosen(dispute, dispute.my_stamp > dispute.their_stamp)


def _union(dispute: Dispute) -> Merged:
    return Merged(sorted({*dispute.mine, *dispute.theirs}), Winner.BOTH)


def _chosen(dispute: Dispute, mine: bool) -> Merged:
    return Merged(dispute.mine, Winner.MINE) if mine else Merged(dispute.theirs, Winner.THEIRS)


DEFECTS: Final = (
    Defect(name="a device skips deletes", seed=2, patch=(Pages, "_write_deletes", _always(0))),
    Defect(name="the cursor is kept before its rows", seed=57, patch=(Pages, "apply", _cursor_first)),
    Defect(name="a page overwrites what waits", seed=3, patch=(RowIndex, "among_page", _always(()))),
    Defect(name="a transaction misses the outbox", seed=2, patch=(Capture, "_append", _every_seventh_forgotten)),
    Defect(name="a conflict drops what waits", seed=3, patch=(Rebase, "merge_answer", _mine_given_up)),
    Defect(name="a delete comes back", seed=5, patch=(rows, "merge_local_delete", _server_row_back)),
    Defect(name="the oldest wins", seed=230, patch=(rules, "RULES", _with_rule(MergeRule.LWW, _oldest))),
    Defect(name="a counter is a plain value", seed=3, patch=(rules, "RULES", _with_rule(MergeRule.CNT, _newest))),
    Defect(name="a removed member comes back", seed=74, patch=(rules, "RULES", _with_rule(MergeRule.SET, _union))),
    Defect(
        name="the newest counts as the largest", seed=191, patch=(rules, "RULES", _with_rule(MergeRule.MAX, _newest))
    ),
    Defect(
        name="the epoch is ignored",
        seed=120,
        storm="restores",
        words=(("bmad_sync.pull_page", "at.epoch <> h.epoch", "false"),),
    ),
    Defect(
        name="deletes leave no tombstone",
        seed=5,
        words=(("bmad_sync.bury", "as buried\n", "as buried where false\n"),),
    ),
    Defect(
        name="a row that moves leaves no tombstone",
        seed=13,
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
        name="an entry keeps its old names",
        seed=244,
        storm="upgrades",
        patch=(Names, "columns", lambda _: lambda self, table, names: names),
    ),
    Defect(
        name="renamed columns are left out of entries", seed=36, storm="upgrades", patch=(Names, "columns", _left_out)
    ),
    Defect(
        name="entries of a renamed table are left behind",
        seed=20,
        storm="upgrades",
        patch=(Names, "table", _left_behind),
    ),
    Defect(
        name="columns that were skipped are not read again",
        seed=60,
        storm="upgrades",
        patch=(SyncRun, "_reads_again", _always(False)),
    ),
    Defect(name="the fence is ignored", seed=16, storm="twins", patch=(SyncLease, "fence", _always(None))),
    Defect(name="what came back is swept", seed=101528, storm="restores", patch=(SyncRun, "_lost", _none_alive)),
    Defect(
        name="a lower number is older",
        seed=1360,
        storm="restores",
        patch=(LostUpdates, "_is_ancestor", _lower_is_older),
    ),
    Defect(
        name="a conflict is not noticed",
        seed=3,
        words=(("bmad_sync.row_conflicts", "s.seq > coalesce((e ->> 'base')::bigint, 0)", "false"),),
    ),
    Defect(name="what is applied is parked", seed=2, patch=(session, "read_answers", _last_refused)),
    Defect(name="a state nobody chose", seed=41, patch=(rules, "RULES", _with_rule(MergeRule.STM, _first_state))),
    Defect(
        name="what changed since a walk began is not pulled",
        seed=600005,
        storm="walks",
        words=(
            (
                "bmad_sync.walk_plan",
                "bmad_sync.write_cursor(at.epoch, uid, at.c, at.u, 0, 0)",
                "bmad_sync.write_cursor(at.epoch, uid, h.catalogue_version, h.user_version, 0, 0)",
            ),
        ),
    ),
    Defect(
        name="a stream brings more than it announces",
        seed=600001,
        storm="walks",
        words=(("bmad_sync.walk_count", "t.server_seq <= $4%s", "t.server_seq < $4%s"),),
    ),
    Defect(
        name="numbers leave before they are durable",
        seed=600005,
        storm="late_syncs",
        patch=(Writer, "_sync_at_commit", _always(None)),
    ),
    Defect(
        name="the oldest place wins",
        seed=600083,
        storm="cards",
        patch=(rules, "RULES", _with_rule(MergeRule.POS, _oldest)),
    ),
    Defect(
        name="a merge function is not asked",
        seed=600001,
        storm="cards",
        patch=(rules, "RULES", _with_rule(MergeRule.FUN, _newest)),
    ),
    Defect(
        name="what follows from rows that came stays as it was",
        seed=600035,
        storm="cards",
        patch=(arrivals, "note_parts", _always(None)),
    ),
)
