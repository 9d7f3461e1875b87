"""The closed lists the rules ask: metrics, events, instruments, flags, by their code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bmaddb.modules.seeds.events import EVENTS
from bmaddb.modules.seeds.extension_flags import EXTENSION_FLAGS
from bmaddb.modules.seeds.instruments import INSTRUMENTS
from bmaddb.modules.seeds.life_areas import LIFE_AREAS
from bmaddb.modules.seeds.metrics import METRICS
from bmaddb.modules.seeds.plans import FEATURES

METRIC: Final[Mapping[str, Mapping[str, Any]]] = {item["code"]: item for item in METRICS}
EVENT: Final[Mapping[str, Mapping[str, Any]]] = {item["name"]: item for item in EVENTS}
INSTRUMENT: Final[Mapping[str, Mapping[str, Any]]] = {
    item["code"]: item for item in INSTRUMENTS if item["measures"] == "type preference"
}
FLAGS: Final = frozenset(item["code"] for item in EXTENSION_FLAGS)
LIFE_AREA_CODES: Final = frozenset(str(item["id"]) for item in LIFE_AREAS)
METERED: Final = frozenset(str(item["code"]) for item in FEATURES if item["metered"])
LANGUAGES: Final = ("nl", "en")
