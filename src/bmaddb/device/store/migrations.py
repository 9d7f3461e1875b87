"""Bringing the file to the catalog: a new file is made, an older one brought up, a newer one left alone.

Rules of this room: all or nothing, in one transaction; nothing is ever dropped or wiped because it looks
strange: what cannot be brought up is refused, and stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import apsw

from bmaddb import errors as e
from bmaddb.clock import Clock
from bmaddb.device.store import meta
from bmaddb.device.store.version import is_current
from bmaddb.entropy import Entropy
from bmaddb.schema.catalog import Catalog

if TYPE_CHECKING:
    from uuid import UUID

    from bmaddb.schema.evolution import Migration

UserName: TypeAlias = "str | UUID"
"""A user is named by a UUID: the value, or its text."""


def bring_up(
    connection: apsw.Connection,
    catalog: Catalog,
    *,
    steps: Sequence[Migration] = (),
    clock: Clock,
    entropy: Entropy,
) -> bool:
    """Make the file's tables those of `catalog`; True when it is new. MigrationError when it cannot be."""
    if is_current(connection, catalog):
        return False
    from bmaddb.device.store.remaking import make_or_upgrade

    return make_or_upgrade(connection, catalog, steps, clock, entropy)


def bind_user(connection: apsw.Connection, user: UserName | None) -> str | None:
    """The user the file belongs to, from its first open with a user on; StoreError for another one."""
    owner = meta.get(connection, meta.USER_ID)
    wanted = None if user is None else _checked_user(user)
    if owner is None and wanted is not None:
        meta.put(connection, meta.USER_ID, wanted)
        return wanted
    if wanted is not None and wanted != owner:
        raise e.StoreError(
            "the file belongs to another user",
            hint="open a file of its own for each user; this one is untouched",
        )
    return owner


def _checked_user(user: UserName) -> str:
    import uuid

    try:
        return str(user if isinstance(user, uuid.UUID) else uuid.UUID(user))
    except (ValueError, AttributeError, TypeError):
        raise e.StoreError(f"a user is named by a UUID, not by {user!r}") from None
