"""What models are asked, what they cost, what they may remember and what they noticed."""

from __future__ import annotations

from bmaddb.modules.seeds.prompt_templates import PROMPT_TEMPLATES
from bmaddb.schema import (
    CatalogRecord,
    LocalRecord,
    MergeRule,
    Module,
    Sensitivity,
    UserRecord,
    archive,
    blob,
    boolean,
    integer,
    json,
    prune,
    real,
    text,
    timestamp,
)


class PromptTemplate(
    CatalogRecord,
    table="prompt_templates",
    sensitivity=Sensitivity.PUBLIC,
    uniques=(("code", "version", "locale"),),
):
    """Versioned prompts, so that an AI answer can be traced to its instructions."""

    code = text()
    version = integer()
    purpose = text(enum=("coach_reply", "journal_prompt", "summary", "insight", "safety_check", "embedding"))
    locale = text()
    template = text()
    variables = json(default=[])
    model_hint = text(null=True)
    max_tokens = integer(null=True)
    temperature = real(null=True)
    active = boolean(default=True)


class AiInteraction(
    UserRecord,
    table="ai_interactions",
    retention=prune(days=180),
    sensitivity=Sensitivity.SPECIAL,
    indexes=(("user_id", "started_at"), ("user_id", "purpose", "started_at")),
):
    """Append-only ledger of model calls: cost, latency, where it ran, on which consent. No prompt text."""

    purpose = text(
        enum=("coach_reply", "journal_prompt", "summary", "insight", "safety_check", "embedding"),
        merge=MergeRule.IMM,
        sensitivity=Sensitivity.PERSONAL,
    )
    prompt_template_id = text(
        null=True,
        references="prompt_templates",
        on_delete="null",
        merge=MergeRule.IMM,
        sensitivity=Sensitivity.PERSONAL,
    )
    provider = text(merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    model = text(merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    ran_on = text(enum=("device", "own_server", "third_party"), merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    consent_record_id = text(
        null=True,
        references="consent_records",
        on_delete="null",
        merge=MergeRule.IMM,
        sensitivity=Sensitivity.PERSONAL,
        note="must be a grant of ai_processing unless ran_on = device",
    )
    conversation_id = text(null=True, references="conversations", on_delete="null", merge=MergeRule.IMM)
    coaching_session_id = text(null=True, references="coaching_sessions", on_delete="null", merge=MergeRule.IMM)
    request_hash = text(merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    input_tokens = integer(null=True, merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    output_tokens = integer(null=True, merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    cost_micros = integer(default=0, merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    latency_ms = integer(null=True, merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    status = text(
        enum=("ok", "error", "refused", "timeout", "offline"),
        merge=MergeRule.IMM,
        sensitivity=Sensitivity.PERSONAL,
    )
    error_code = text(null=True, merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    started_at = timestamp(merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)


class AiMemory(
    UserRecord,
    table="ai_memories",
    sensitivity=Sensitivity.SPECIAL,
    indexes=(("user_id", "state", "last_used_at"),),
    searchable=("statement",),
):
    """What the coach may remember about the user; visible, editable, erasable."""

    kind = text(enum=("fact", "preference", "value", "pattern", "boundary"), merge=MergeRule.IMM)
    statement = text(sealable=True)
    confidence = real(default=0.5, check="confidence >= 0 and confidence <= 1")
    state = text(
        default="proposed",
        enum=("proposed", "confirmed", "outdated", "rejected"),
        merge=MergeRule.STM,
        note="the user's decision outranks the model's",
    )
    source_table = text(null=True, merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    source_id = text(null=True, merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    pinned = boolean(default=False, sensitivity=Sensitivity.PERSONAL)
    device_uses = json(default={}, merge=MergeRule.CNT, sensitivity=Sensitivity.PERSONAL)
    last_used_at = timestamp(null=True, merge=MergeRule.MAX, sensitivity=Sensitivity.PERSONAL)
    expires_at = timestamp(null=True, sensitivity=Sensitivity.PERSONAL)


class Embedding(
    LocalRecord,
    table="embeddings",
    retention=prune(days=365),
    sensitivity=Sensitivity.SPECIAL,
    natural_key=("source_table", "source_id", "chunk_no", "model"),
    uniques=(("source_table", "source_id", "chunk_no", "model"),),
):
    """Vectors for similarity search. They never leave the device: text can in part be recovered from them."""

    source_table = text(sensitivity=Sensitivity.PERSONAL)
    source_id = text(sensitivity=Sensitivity.PERSONAL)
    chunk_no = integer(default=0, sensitivity=Sensitivity.PERSONAL)
    model = text(sensitivity=Sensitivity.PERSONAL)
    dims = integer(sensitivity=Sensitivity.PERSONAL)
    vector = blob()
    content_hash = text(sensitivity=Sensitivity.PERSONAL, note="stale when it differs from the source")


class MbtiInsight(
    UserRecord,
    table="mbti_insights",
    retention=archive(months=12),
    sensitivity=Sensitivity.SPECIAL,
    natural_key=("user_id", "kind", "basis_hash"),
    indexes=(("user_id", "state", "valid_from"), ("user_id", "kind", "valid_from")),
    searchable=("title", "body"),
):
    """A statement about patterns, with its evidence; never a diagnosis; superseded rather than rewritten."""

    mbti_profile_id = text(null=True, references="mbti_profiles", on_delete="null", merge=MergeRule.IMM)
    type_code = text(null=True, merge=MergeRule.IMM)
    function_code = text(null=True, enum=("Te", "Ti", "Fe", "Fi", "Ne", "Ni", "Se", "Si"), merge=MergeRule.IMM)
    kind = text(
        enum=("pattern", "strength", "growth_edge", "stress_signal", "communication", "period_summary"),
        merge=MergeRule.IMM,
    )
    title = text(sealable=True)
    body = text(sealable=True)
    evidence = json(default=[], merge=MergeRule.SET, note='["table/id", …]')
    basis_hash = text(
        merge=MergeRule.IMM,
        sensitivity=Sensitivity.PERSONAL,
        note="over kind + sorted initial evidence + period",
    )
    confidence = real(default=0.3, check="confidence >= 0 and confidence <= 1")
    state = text(
        default="new",
        enum=("new", "seen", "needs_review", "helpful", "dismissed", "superseded"),
        merge=MergeRule.STM,
    )
    feedback = integer(null=True, check="feedback in (-1, 1)", sensitivity=Sensitivity.PERSONAL)
    generated_by = text(enum=("rule", "model", "coach"), merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    ai_interaction_id = text(
        null=True,
        references="ai_interactions",
        on_delete="null",
        merge=MergeRule.IMM,
        sensitivity=Sensitivity.PERSONAL,
    )
    coaching_session_id = text(null=True, references="coaching_sessions", on_delete="null", merge=MergeRule.IMM)
    superseded_by_id = text(null=True, references="mbti_insights", on_delete="null", sensitivity=Sensitivity.PERSONAL)
    valid_from = timestamp(merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    expires_at = timestamp(null=True, sensitivity=Sensitivity.PERSONAL)


MODULE = Module(
    name="aiMachineLearning",
    purpose="What models are asked, what they cost, what they may remember and what they noticed.",
    records=(
        PromptTemplate,
        AiInteraction,
        AiMemory,
        Embedding,
        MbtiInsight,
    ),
    seeds={"prompt_templates": PROMPT_TEMPLATES},
)
