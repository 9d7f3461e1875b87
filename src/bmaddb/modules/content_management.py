"""Articles, exercises and prompts, and what one user did with them."""

from __future__ import annotations

from bmaddb.modules.seeds.content_items import CONTENT_ITEMS
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
    real,
    text,
    timestamp,
)


class ContentItem(
    CatalogRecord,
    table="content_items",
    sensitivity=Sensitivity.PUBLIC,
    indexes=(("kind",),),
    uniques=(("slug", "version"),),
):
    """Articles, exercises, prompts, practices, paths, offline packs, with translations inside."""

    slug = text()
    kind = text(enum=("article", "exercise", "audio", "video", "quote", "prompt", "practice", "path", "pack"))
    version = integer()
    title_i18n = json()
    summary_i18n = json(default={})
    body_i18n = json(default={})
    media_uri = text(null=True)
    duration_min = integer(null=True)
    difficulty = integer(default=1, check="difficulty >= 1 and difficulty <= 5")
    life_area_codes = json(default=[])
    met24_domain_codes = json(default=[])
    function_affinity = json(default={}, note="function -> 0..1; ranks only, never hides")
    member_slugs = json(default=[], note="ordered parts of a path or pack")
    feature_required = text(null=True, note="entitlement feature_code")
    byte_size = integer(default=0)
    checksum = text()
    licence = text()


class ContentState(
    UserRecord,
    table="content_states",
    retention=archive(months=24),
    sensitivity=Sensitivity.SPECIAL,
    delete=DeleteRule.EDIT_WINS,
    natural_key=("user_id", "content_item_id"),
    indexes=(("user_id", "bookmarked"),),
    uniques=(("user_id", "content_item_id"),),
):
    """What one user did with one item."""

    content_item_id = text(references="content_items", on_delete="restrict", merge=MergeRule.IMM)
    bookmarked = boolean(default=False, sensitivity=Sensitivity.PERSONAL)
    hidden = boolean(default=False, sensitivity=Sensitivity.PERSONAL)
    offline_pinned = boolean(default=False, sensitivity=Sensitivity.PERSONAL)
    progress_pct = integer(
        default=0,
        check="progress_pct >= 0 and progress_pct <= 100",
        merge=MergeRule.MAX,
        sensitivity=Sensitivity.PERSONAL,
    )
    completed_at = timestamp(null=True, merge=MergeRule.MIN, sensitivity=Sensitivity.PERSONAL)
    last_position = text(null=True, sensitivity=Sensitivity.PERSONAL)
    rating = integer(null=True, check="rating >= 1 and rating <= 5", sensitivity=Sensitivity.PERSONAL)
    device_opens = json(default={}, merge=MergeRule.CNT, sensitivity=Sensitivity.PERSONAL)
    device_seconds = json(default={}, merge=MergeRule.CNT, sensitivity=Sensitivity.PERSONAL)
    note = text(null=True, merge=MergeRule.TXT, sealable=True)
    rec_score = real(null=True, merge=MergeRule.LOC, sensitivity=Sensitivity.PERSONAL)


MODULE = Module(
    name="contentManagement",
    purpose="Articles, exercises and prompts, and what one user did with them.",
    records=(
        ContentItem,
        ContentState,
    ),
    seeds={"content_items": CONTENT_ITEMS},
)
