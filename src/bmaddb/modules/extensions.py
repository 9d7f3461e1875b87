"""Flags and plug-in modules, and room for data that has no table yet."""

from __future__ import annotations

from bmaddb.modules.seeds.extension_flags import EXTENSION_FLAGS
from bmaddb.schema import (
    CatalogRecord,
    DeleteRule,
    MergeRule,
    Module,
    Sensitivity,
    UserRecord,
    archive,
    boolean,
    integer,
    json,
    text,
    timestamp,
)


class ExtensionRegistry(
    CatalogRecord,
    table="extension_registry",
    sensitivity=Sensitivity.PUBLIC,
    uniques=(("code", "version"),),
):
    """Feature flags and pluggable modules with manifest, permissions and settings schema."""

    code = text()
    version = text()
    kind = text(enum=("flag", "module", "integration", "theme"))
    title_i18n = json()
    manifest = json(default={})
    config_schema = json(default={})
    permissions = json(default=[])
    min_app_version = text(null=True)
    rollout = json(default={})
    status = text(default="draft", enum=("draft", "active", "disabled"))


class UserExtension(
    UserRecord,
    table="user_extensions",
    natural_key=("user_id", "code"),
    uniques=(("user_id", "code"),),
):
    """Which extensions the user switched on, with settings."""

    code = text(merge=MergeRule.IMM)
    installed_version = text(merge=MergeRule.MAX)
    enabled = boolean(default=False)
    granted_permissions = json(default=[], note="not a union: a withdrawal must stick")
    settings = json(default={}, merge=MergeRule.MAP)
    installed_at = timestamp(merge=MergeRule.MIN)
    last_used_at = timestamp(null=True, merge=MergeRule.MAX)


class ExtensionRecord(
    UserRecord,
    table="extension_records",
    retention=archive(months=24),
    sensitivity=Sensitivity.SPECIAL,
    delete=DeleteRule.EDIT_WINS,
    natural_key=("user_id", "extension_code", "collection", "record_key"),
    uniques=(("user_id", "extension_code", "collection", "record_key"),),
):
    """Room for data of a module that has no table yet."""

    extension_code = text(merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    collection = text(merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    record_key = text(merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    schema_version = integer(default=1, merge=MergeRule.MAX, sensitivity=Sensitivity.PERSONAL)
    data = json(default={}, merge=MergeRule.MAP, sealable=True, note="64 KB at most")


MODULE = Module(
    name="extensions",
    purpose="Flags and plug-in modules, and room for data that has no table yet.",
    records=(
        ExtensionRegistry,
        UserExtension,
        ExtensionRecord,
    ),
    seeds={"extension_registry": EXTENSION_FLAGS},
)
