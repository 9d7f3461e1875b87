"""What the store tells others about a commit: the draft before it, the fact after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, TypeAlias

import apsw
import msgspec

Origin: TypeAlias = Literal["local", "remote"]


class CommitDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A local write about to commit; a hook may raise to undo all, or write through `connection` into tables that do
    not travel, and says into which with `wrote`.

    `changeset` is the net change of the synced user tables, as SQLite's session extension writes it, with the
    columns of each table in the order of the file. `tables` are the ones in it (one whose changes were undone
    by a savepoint may be named too). `after`: ids of outbox entries that this write says it depends on.
    """

    changeset: bytes
    connection: apsw.Connection
    tables: frozenset[str]
    wrote: Callable[[str], None]
    after: tuple[str, ...] = ()


class CommitFact(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction that touched `tables` (of any scope) is durable.

    `captured`: it was a `write()`, whose draft the hooks before the commit saw on the same thread, if it had one.
    """

    tables: frozenset[str]
    origin: str
    captured: bool = False


BeforeCommit: TypeAlias = Callable[[CommitDraft], None]
AfterCommit: TypeAlias = Callable[[CommitFact], None]


def tell(hooks: Iterable[AfterCommit], fact: CommitFact) -> None:
    """Tell each of a commit. It stands: one that fails must not make it look undone."""
    for hook in tuple(hooks):
        try:
            hook(fact)
        except Exception:
            import logging

            logging.getLogger("bmaddb.store").exception("an after_commit hook failed")
