"""The integrity checker: every check by its name, over one state of the file; and the repairs that are safe.

Rules of this room: a repair never takes anything from the user: it makes again what follows from the rest, or sets
right what the engine keeps for itself; all else is reported, with what a person can do.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Final

import apsw

from bmaddb import errors as e
from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Store
from bmaddb.device.upkeep import checks_engine, checks_file, checks_rows
from bmaddb.device.upkeep.findings import Check, Finding, Sight, Status

CHECKS: Final[Mapping[str, Check]] = {
    "file": checks_file.file,
    "schema": checks_file.schema,
    "versions": checks_file.versions,
    "references": checks_file.references,
    "owner": checks_rows.owner,
    "catalogue": checks_rows.catalogue,
    "soft references": checks_rows.soft_references,
    "attachments": checks_rows.attachments,
    "outbox index": checks_engine.outbox_index,
    "outbox": checks_engine.outbox,
    "archive": checks_engine.archive,
}
"""In this order: what the file itself says comes first. Soft references and CHECKs are looked at in full only."""
FULL_ONLY: Final = frozenset({"soft references", "catalogue", "owner"})


class Integrity:
    """Looks at one file."""

    def __init__(self, store: Store, outbox: Outbox) -> None:
        self._store = store
        self._outbox = outbox

    def examine(self, *, full: bool, repair: bool) -> list[Finding]:
        """Every check; with `repair`, what can be repaired is, and looked at once more."""
        with suppress(e.StoreCorrupt), self._outbox.edit():  # the checks say so too
            pass  # the outbox's index is read up to the last entry, or entries would seem to lack lines
        found: list[Finding] = []
        for name in CHECKS:
            if name in FULL_ONLY and not full:
                continue
            before = self._look(name, full)
            mended = [finding for finding in before if finding.repair is not None] if repair else []
            for finding in mended:
                if finding.repair is not None:
                    finding.repair()
            after = self._look(name, full) if mended else before
            found += after
            found += [
                replace(finding, status=Status.OK, repaired=True, repair=None)
                for finding in mended
                if all(finding.reason != left.reason for left in after)
            ]
            if not after and not mended:
                found.append(Finding(check=name, status=Status.OK))
        return found

    def _look(self, name: str, full: bool) -> list[Finding]:
        with ExitStack() as stack:
            try:
                connection = stack.enter_context(self._store.read())
                return list(CHECKS[name](Sight(self._store, self._outbox, connection, full)))
            except (apsw.Error, e.StoreError) as error:
                return [
                    Finding(
                        check=name,
                        status=Status.FAIL,
                        reason=f"it could not be looked at: {error}",
                        remedy=checks_file.SALVAGE,
                        count=1,
                    )
                ]
