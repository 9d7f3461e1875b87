"""What the user's settings say about the file: how large it may be, and how long rows of a table stay on the device.

Rules of this room: it is read anew each time, for it may come by sync; what is out of bounds counts as the bound.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bmaddb.coaching.rules.preferences import (
    RETENTION_DAYS_MIN,
    STORAGE_MB_MAX,
    STORAGE_MB_MIN,
    retention_days_max,
)
from bmaddb.device.store import Store
from bmaddb.device.upkeep.policy import MEGABYTE, UpkeepPolicy
from bmaddb.modules.user_management import UserPreferences
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.natural_keys import natural_id


def as_user_set(store: Store, policy: UpkeepPolicy | None) -> UpkeepPolicy:
    """The policy of the file: the application's (None: it has none), narrowed by `user_preferences`.

    `storage_limit_mb` is the budget; of an application that has one of its own, the smaller of the two counts.
    `retention_overrides` is `keep_days`. Without a user, or without her settings, the application's stands.
    """
    chosen = policy or UpkeepPolicy()
    settings = _settings(store)
    if settings is None:
        return chosen
    limit_mb = max(STORAGE_MB_MIN, min(STORAGE_MB_MAX, settings.storage_limit_mb))
    budget_bytes = limit_mb * MEGABYTE
    if policy is not None:
        budget_bytes = min(budget_bytes, policy.budget_bytes)
    keep_days = {**chosen.keep_days, **_keep_days(store.catalog, settings.retention_overrides)}
    return replace(chosen, budget_bytes=budget_bytes, keep_days=keep_days)


def _settings(store: Store) -> UserPreferences | None:
    declared = store.catalog.records.get(UserPreferences.__table__.name) is UserPreferences
    if store.user is None or not declared:
        return None
    return store.get(UserPreferences, natural_id(UserPreferences.__table__, {"user_id": store.user}))


def _keep_days(catalog: Catalog, overrides: Any) -> dict[str, int]:
    """Table -> days, of the tables that may be kept for less long."""
    found: dict[str, int] = {}
    for name, days in (overrides if isinstance(overrides, dict) else {}).items():
        most = retention_days_max(catalog, name)
        if most is not None and type(days) is int and days < most:
            found[name] = max(RETENTION_DAYS_MIN, days)
    return found
