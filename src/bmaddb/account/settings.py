"""The one row of settings: what a registry adds to what was said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bmaddb.modules.user_management import UserPreferences

CHANNELS: Final = ("email", "local", "push")
CHANNEL_DEFAULTS: Final[Mapping[str, bool]] = {"email": False, "local": False, "push": False}
PREFERENCES_VERSION: Final = 1
"""The version of the settings' registry; a device that knows a newer one fills in what is missing."""


def filled(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with what the registry adds to them."""
    said = given.get("notification_channels")
    channels = {**CHANNEL_DEFAULTS, **(said if isinstance(said, dict) else {})}
    return {"prefs_version": PREFERENCES_VERSION, **given, "notification_channels": channels}


def changed(before: UserPreferences | None, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The columns to write so that `changes` hold, over the row as it stands (None: there is none yet)."""
    held = {} if before is None else {"notification_channels": before.notification_channels}
    return filled({**held, **changes})
