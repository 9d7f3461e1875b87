"""Frameworks of domains, and how far a user has explored each domain."""

from __future__ import annotations

from bmaddb.modules.seeds.domain_frameworks import (
    DOMAIN_CLUSTERS,
    DOMAIN_FRAMEWORKS,
    DOMAIN_RELATIONS,
    DOMAINS,
)
from bmaddb.schema import (
    CatalogRecord,
    DeleteRule,
    MergeRule,
    Module,
    Sensitivity,
    UserRecord,
    boolean,
    integer,
    json,
    real,
    text,
    timestamp,
)


class DomainFramework(
    CatalogRecord,
    table="domain_frameworks",
    sensitivity=Sensitivity.PUBLIC,
    uniques=(("code", "version"),),
):
    """A versioned framework of domains (met, life24, one of your own); how many it has is its own affair."""

    code = text()
    version = text()
    title_i18n = json()
    author = text(null=True)
    licence = text()
    score_min = real(default=0.0)
    score_max = real(default=100.0)
    is_default = boolean(default=False)


class Met24Domain(
    CatalogRecord,
    table="met24_domains",
    sensitivity=Sensitivity.PUBLIC,
    uniques=(("framework_id", "domain_number"), ("framework_id", "code")),
):
    """One domain of a framework."""

    framework_id = text(references="domain_frameworks", on_delete="restrict")
    domain_number = integer()
    code = text()
    name_i18n = json()
    cluster_code = text(null=True)
    level_code = text(null=True)
    description_i18n = json(default={})
    prompts_i18n = json(default={})
    belief_related = boolean(default=False, note="use of it can reveal philosophical or religious belief")
    health_related = boolean(default=False)
    icon = text(null=True)


class Met24DomainRelation(
    CatalogRecord,
    table="met24_domain_relations",
    sensitivity=Sensitivity.PUBLIC,
    indexes=(("to_domain_id",),),
    uniques=(("from_domain_id", "to_domain_id", "relation"),),
):
    """How domains relate; drives related-domain suggestions."""

    from_domain_id = text(references="met24_domains", on_delete="cascade")
    to_domain_id = text(references="met24_domains", on_delete="cascade")
    relation = text(enum=("influences", "contains", "balances", "opposes", "precedes"))
    strength = real(default=0.5, check="strength >= 0 and strength <= 1")


class Met24Progress(
    UserRecord,
    table="met24_progress",
    sensitivity=Sensitivity.SPECIAL,
    delete=DeleteRule.EDIT_WINS,
    natural_key=("user_id", "met24_domain_id"),
    indexes=(("user_id", "focus"),),
    uniques=(("user_id", "met24_domain_id"),),
):
    """One user's standing in one domain."""

    met24_domain_id = text(references="met24_domains", on_delete="restrict", merge=MergeRule.IMM)
    score = real(null=True, check="score >= 0 and score <= 100")
    scores_by_week = json(default={}, merge=MergeRule.MAP, note="ISO week -> score: trend without a row per score")
    level_reached = integer(default=0, merge=MergeRule.MAX)
    focus = boolean(default=False)
    explored_at = timestamp(null=True, merge=MergeRule.MIN)
    last_reflection_at = timestamp(null=True, merge=MergeRule.MAX)
    device_reflections = json(default={}, merge=MergeRule.CNT, sensitivity=Sensitivity.PERSONAL)
    practices_done = json(default=[], merge=MergeRule.SET, note="content slugs")
    note = text(null=True, merge=MergeRule.TXT, sealable=True)


MODULE = Module(
    name="met24Domains",
    purpose="Frameworks of domains, and how far a user has explored each domain.",
    records=(
        DomainFramework,
        Met24Domain,
        Met24DomainRelation,
        Met24Progress,
    ),
    seeds={
        "domain_frameworks": DOMAIN_FRAMEWORKS,
        "met24_domains": DOMAINS,
        "met24_domain_relations": DOMAIN_RELATIONS,
    },
    registries={"domain_clusters": DOMAIN_CLUSTERS},
)
