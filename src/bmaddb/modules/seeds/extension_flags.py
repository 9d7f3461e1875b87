"""Flags a user may switch on; none is on by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_VERSION: Final = "1.0"

EXTENSION_FLAGS: Final[tuple[Mapping[str, Any], ...]] = tuple(
    {
        "id": f"{code}@{_VERSION}",
        "code": code,
        "version": _VERSION,
        "kind": "flag",
        "title_i18n": {"nl": nl, "en": en},
        "status": "active",
    }
    for code, nl, en in (
        ("journal.daily_prompt", "Elke dag een schrijfvraag", "A writing prompt each day"),
        ("wheel.quarterly_reminder", "Elk kwartaal een wielmeting", "A wheel check each quarter"),
        ("tasks.hide_done", "Verberg wat af is", "Hide what is done"),
    )
)
