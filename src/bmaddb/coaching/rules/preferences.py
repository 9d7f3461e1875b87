"""P1 to P11: the one row of settings."""

from __future__ import annotations

import re
from typing import Any, Final

from bmaddb.account.consents import PROFILING
from bmaddb.account.determination import DECLINED
from bmaddb.account.profiling import newest_type
from bmaddb.account.settings import CHANNEL_DEFAULTS, CHANNELS, PREFERENCES_VERSION
from bmaddb.coaching.candidate import Candidate, Flaws, Rule, RuleSet, error, warn
from bmaddb.coaching.consents import in_force
from bmaddb.coaching.registries import FLAGS
from bmaddb.coaching.rules.general import GENERAL, g2_shape, shape_flaws
from bmaddb.device.upkeep.policy import MEGABYTE
from bmaddb.modules.extensions import ExtensionRegistry
from bmaddb.modules.user_management import UserPreferences
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.json_text import canonical_json
from bmaddb.schema.natural_keys import natural_id
from bmaddb.schema.rules import Retention, RetentionKind

STORAGE_USED_BYTES: Final = "storage_used_bytes"
RETENTION_DAYS_MIN: Final = 7
ASKED_BY_RULES: Final = frozenset({"entitlements", "usage_counters", "extension_records"})
"""What the user may do, has used and has counted: without these rows a rule would answer as if there were none."""
DAYS_A_MONTH: Final = 30
STORAGE_MB_MIN, STORAGE_MB_MAX = 20, 2000
CUSTOM_BYTES_MAX: Final = 16 * 1024
_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_CUSTOM_KEY: Final = re.compile(r"x-[a-z0-9-]{1,40}")


def p1_id_follows(c: Candidate) -> Flaws:
    """Accepts only the id that follows from the user: there is one row of settings."""
    wanted = natural_id(UserPreferences.__table__, {"user_id": c.context.user})
    if c.row["id"] != wanted:
        yield error("id", "the one row of settings has the id that follows from the user", wanted)


def p2_settings_in_range(c: Candidate) -> Flaws:
    """Refuses what G2 refuses of other rows."""
    yield from shape_flaws(c)


def p3_quiet_hours_are_a_pair(c: Candidate) -> Flaws:
    """Accepts no quiet hours, or two different times HH:MM; they may span midnight."""
    start, end = c.row["quiet_hours_start"], c.row["quiet_hours_end"]
    if (start is None) != (end is None):
        yield error("quiet_hours_start", "quiet hours have a start and an end, or neither")
        return
    for name in ("quiet_hours_start", "quiet_hours_end"):
        if c.row[name] is not None and not _TIME.fullmatch(c.row[name]):
            yield error(name, "it is a time, HH:MM", _TIME.pattern)
    if start is not None and start == end:
        yield error("quiet_hours_end", "quiet hours that start and end at once are none")


def p4_channels_are_known(c: Candidate) -> Flaws:
    """Refuses an unknown channel and what is no boolean; warns of one that is on while notifications are off."""
    channels = c.row["notification_channels"]
    if not isinstance(channels, dict) or not all(
        name in CHANNELS and isinstance(on, bool) for name, on in channels.items()
    ):
        yield error("notification_channels", "channel -> true or false", list(CHANNELS))
    elif not c.row["notifications_enabled"] and any(channels.values()):
        yield warn("notification_channels", "a channel is on, and notifications are off")


def p5_optimising_is_consented(c: Candidate) -> Flaws:
    """Refuses any optimising while personality_profiling is not granted, and to begin it while the type is declined."""
    if c.row["mbti_optimisation"] == "off":
        return
    if not in_force(c.context, PROFILING):
        yield error("mbti_optimisation", "consent personality_profiling is not in force", "off")
    elif c.changed("mbti_optimisation") and _type_is_declined(c):
        yield error("mbti_optimisation", "the type is declined: determine one first", "off")


def p6_analytics_is_consented(c: Candidate) -> Flaws:
    """Refuses any level but none while analytics is not granted."""
    if c.row["analytics_level"] != "none" and not in_force(c.context, "analytics"):
        yield error("analytics_level", "consent analytics is not in force", "none")


def p7_retention_is_only_shortened(c: Candidate) -> Flaws:
    """Accepts 7 days up to the table's own retention; refuses tables that are kept for good or by law."""
    overrides = c.row["retention_overrides"]
    for name, days in (overrides if isinstance(overrides, dict) else {}).items():
        most = retention_days_max(c.catalog, name)
        if most is None:
            yield error("retention_overrides", f"how long {name} is kept is fixed")
        elif type(days) is not int or not RETENTION_DAYS_MIN <= days <= most:
            yield error("retention_overrides", f"{name} is kept from {RETENTION_DAYS_MIN} to {most} days", most)


def p8_toggles_are_flags(c: Candidate) -> Flaws:
    """Warns of a toggle that no extension and no seed knows as a flag."""
    toggles = c.row["feature_toggles"]
    names = toggles if isinstance(toggles, dict) else {}
    known = FLAGS | {row.code for row in c.query(ExtensionRegistry).where(ExtensionRegistry.kind == "flag").all()}
    for name in names:
        if name not in known:
            yield warn("feature_toggles", f"there is no flag {name}", sorted(known))


def p9_custom_is_small(c: Candidate) -> Flaws:
    """Accepts keys x-... of small letters, digits and dashes, 16 KB in all."""
    custom = c.row["custom"] if isinstance(c.row["custom"], dict) else {}
    for name in custom:
        if not _CUSTOM_KEY.fullmatch(name):
            yield error("custom", f"{name!r} is no key of your own", _CUSTOM_KEY.pattern)
    if len(canonical_json(custom).encode()) > CUSTOM_BYTES_MAX:
        yield error("custom", f"at most {CUSTOM_BYTES_MAX} bytes in all", CUSTOM_BYTES_MAX)


def p10_storage_limit_in_range(c: Candidate) -> Flaws:
    """Accepts 20 to 2000 MB; warns when the file takes more already (fact `storage_used_bytes`)."""
    limit_mb = c.row["storage_limit_mb"] or 0
    used_bytes = c.fact(STORAGE_USED_BYTES)
    if not STORAGE_MB_MIN <= limit_mb <= STORAGE_MB_MAX:
        yield error("storage_limit_mb", "it is out of range", [STORAGE_MB_MIN, STORAGE_MB_MAX])
    elif used_bytes is not None and used_bytes > limit_mb * MEGABYTE:
        yield warn("storage_limit_mb", f"{used_bytes - limit_mb * MEGABYTE} bytes would have to go", used_bytes)


def p11_nothing_is_missing(c: Candidate) -> Flaws:
    """Warns of settings older than the registry and of channels nothing is said of; operations fill them in."""
    if (c.row["prefs_version"] or 0) < PREFERENCES_VERSION:
        yield warn("prefs_version", "newer settings are filled in", PREFERENCES_VERSION)
    for name in missing_channels(c.row["notification_channels"]):
        yield warn("notification_channels", f"{name} is filled in", CHANNEL_DEFAULTS[name])


RULES: Final[tuple[Rule, ...]] = (
    p1_id_follows,
    p2_settings_in_range,
    p3_quiet_hours_are_a_pair,
    p4_channels_are_known,
    p5_optimising_is_consented,
    p6_analytics_is_consented,
    p7_retention_is_only_shortened,
    p8_toggles_are_flags,
    p9_custom_is_small,
    p10_storage_limit_in_range,
    p11_nothing_is_missing,
)
PreferencesValidator: Final = RuleSet(UserPreferences, (*(r for r in GENERAL if r is not g2_shape), *RULES))
"""P2 says of the settings what G2 says of other rows."""


def retention_days_max(catalog: Catalog, table: str) -> int | None:
    """The most days a user may keep rows of `table`; None where it is not for the user to say."""
    record = catalog.records.get(table)
    if record is None or table in ASKED_BY_RULES:
        return None
    retention: Retention = record.__table__.options.retention
    if retention.kind is RetentionKind.ARCHIVE:
        return (retention.months or 0) * DAYS_A_MONTH
    return retention.days if retention.kind is RetentionKind.PRUNE else None


def _type_is_declined(c: Candidate) -> bool:
    newest = newest_type(c.context.reader)
    return newest is not None and newest.source == DECLINED


def missing_channels(channels: Any) -> list[str]:
    """The channels that nothing is said of."""
    return [name for name in CHANNELS if not isinstance(channels, dict) or name not in channels]
