"""`bmaddb.open`: from a path, and perhaps a server, to a database."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bmaddb import errors as e
from bmaddb.clock import Clock, SystemClock
from bmaddb.device.store import CACHE_BYTES, Durability, Store
from bmaddb.device.store.connection import checked_path
from bmaddb.entropy import Entropy, SystemEntropy
from bmaddb.modules.registry import catalog_with, default_catalog
from bmaddb.schema import Catalog, Module, Scope
from bmaddb.service.database import Database
from bmaddb.service.keys import secret_of

if TYPE_CHECKING:
    from uuid import UUID

    from bmaddb.device.outbox import Outbox
    from bmaddb.device.sync import Reaction, SyncEngine, Transport
    from bmaddb.device.sync.http_transport import Token
    from bmaddb.device.upkeep import UpkeepPolicy
    from bmaddb.schema.evolution import Migration
    from bmaddb.service.joining import Connect


def open_database(
    path: str | os.PathLike[str],
    *,
    user: str | UUID | None = None,
    modules: Sequence[Module] | None = None,
    catalog: Catalog | None = None,
    url: str | None = None,
    token: Token | None = None,
    api_key: str | None = None,
    durability: Durability = "full",
    key: bytes | None = None,
    passphrase: str | None = None,
    seed: bool = False,
    migrations: Sequence[Migration] = (),
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    transport: Transport | None = None,
    upkeep: UpkeepPolicy | None = None,
    reactions: Sequence[Reaction] = (),
    cache_bytes: int = CACHE_BYTES,
) -> Database:
    """Open the database at `path`, making the file if there is none.

    - `user`: UUID of the signed-in user, text or `uuid.UUID`; bound to the file when first given, another user is
      refused. A file that syncs has one.
    - `modules`: the application's own modules *instead* of the twelve (the engine's own is always added);
      to add to the twelve, pass `catalog=catalog_with(own_module)` of `bmaddb.modules.registry`.
    - `url`, `token`: the server and a JWT, or a callable that gives one; `api_key` for a Supabase project.
    - `durability`: "full" keeps every commit through a power cut, "normal" may lose the last ones.
    - `key` (32 bytes, of `bmaddb.keys`) or `passphrase`: encrypts a new file, opens an encrypted one.
    - `cache_bytes`: so much of the records that were read stays in memory, as long as it is true; 0 for none.
    - `seed`: begin with the catalogue rows the program carries.
    - `migrations`: how an older file is brought to the catalog's version, without gaps.
    - `reactions`: asked after a sync in which rows of their tables came, to write what follows from them; one that
      raises is logged, undone alone, and asked again.
    - `upkeep`: how much the file may take and what goes first (100 MB); `db.upkeep.start()` keeps it so.
    - `clock`, `entropy`, `transport`: other doors to the world, for tests.

    Raises WrongKey, StoreCorrupt, MigrationError, StoreError for the file, SettingsError for options that do not fit.
    """
    if modules is not None and catalog is not None:
        raise e.SettingsError("give modules or a catalog, not both")
    if url is not None and transport is None:
        _check_server(url, token)
    tables = catalog or _catalog_of(modules)
    has_server = url is not None or transport is not None
    path = checked_path(path)
    if has_server and user is None and not os.path.exists(path):
        _refuse_nobody(tables)
    for reaction in reactions:
        followers = {name for followed, found in reaction.followers.items() for name in (followed, *found)}
        if unknown := (reaction.tables | followers) - tables.tables.keys():
            raise e.SchemaError(f"a reaction to {', '.join(sorted(unknown))}, which no module declares")
    if not os.path.exists(path):
        _refuse_a_cut_salvage(path)
    store = Store(
        path,
        tables,
        clock=clock or SystemClock(),
        entropy=entropy or SystemEntropy(),
        user=user,
        durability=durability,
        key=secret_of(key, passphrase),
        seed=seed,
        migrations=migrations,
        cache_bytes=cache_bytes,
    )
    if has_server and store.user is None:
        _refuse_nobody(tables, store)
    return Database(store, policy=upkeep, connect=_connect(store, url, token, api_key, transport, reactions))


def _connect(
    store: Store,
    url: str | None,
    token: Token | None,
    api_key: str | None,
    transport: Transport | None,
    reactions: Sequence[Reaction],
) -> Connect | None:
    """What makes the engine when it is first needed; None without a server."""

    def connect(outbox: Outbox) -> SyncEngine:
        from bmaddb.device.sync import HttpTransport, SyncEngine
        from bmaddb.service.reacting import reactions_of

        through = transport
        if through is None and url is not None and token is not None:
            through = HttpTransport(url, token, api_key=api_key)
        assert through is not None  # noqa: S101 -- asked for with a server only
        return SyncEngine(store, outbox, through, reactions=(*reactions_of(store.catalog), *reactions))

    return connect if transport is not None or url is not None else None


def _check_server(url: str, token: Token | None) -> None:
    from bmaddb.device.sync.address import check_address, check_token

    if token is None:
        raise e.SettingsError("a server needs a token", hint="`bmaddb token --user UUID` prints one")
    check_address(url)
    if isinstance(token, str):
        check_token(token)


def _refuse_nobody(tables: Catalog, store: Store | None = None) -> None:
    """What comes from the server belongs to somebody, and so does what goes there."""
    if any(table.scope is Scope.USER for table in tables.tables.values()):
        if store is not None:
            store.close()
        raise e.SettingsError(
            "user= is missing: a file that syncs belongs to a user, and this one has none yet",
            hint='bmaddb.open(..., user="<uuid>"), the user whose token it is',
        )


def _refuse_a_cut_salvage(path: str) -> None:
    """A new file would stand where what could be read of the damaged one is about to."""
    from bmaddb.device.store.salvage import was_cut

    if was_cut(path):
        raise e.StoreError("a salvage of this file was cut off", hint="`bmaddb salvage` ends it at once")


def _catalog_of(modules: Sequence[Module] | None) -> Catalog:
    return default_catalog() if modules is None else catalog_with(*modules, include_defaults=False)
