"""Sessions, conversations, journals, moods, and what hangs from them."""

from __future__ import annotations

from bmaddb.schema import (
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


class CoachingSession(
    UserRecord,
    table="coaching_sessions",
    sensitivity=Sensitivity.SPECIAL,
    delete=DeleteRule.EDIT_WINS,
    indexes=(
        ("user_id", "status", "scheduled_at"),
        ("user_id", "started_at"),
        ("user_id", "user_life_area_id", "started_at"),
    ),
    searchable=("title", "intention", "summary"),
):
    """One coaching conversation or exercise with intention, state, outcome."""

    kind = text(enum=("intake", "regular", "follow_up", "review", "exercise"), merge=MergeRule.IMM)
    coach_kind = text(enum=("ai", "human", "self"), merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    coach_contact_id = text(null=True, references="contacts", on_delete="null", sensitivity=Sensitivity.PERSONAL)
    title = text(null=True, sealable=True)
    intention = text(null=True, merge=MergeRule.TXT, sealable=True)
    status = text(
        default="scheduled",
        enum=("scheduled", "in_progress", "paused", "abandoned", "cancelled", "completed"),
        merge=MergeRule.STM,
        transitions={
            "scheduled": ("in_progress", "cancelled"),
            "in_progress": ("paused", "completed", "abandoned"),
            "paused": ("in_progress", "completed", "abandoned"),
            "abandoned": ("in_progress",),
            "completed": ("in_progress",),
        },
        sensitivity=Sensitivity.PERSONAL,
    )
    scheduled_at = timestamp(null=True, sensitivity=Sensitivity.PERSONAL)
    started_at = timestamp(null=True, merge=MergeRule.MIN, sensitivity=Sensitivity.PERSONAL)
    ended_at = timestamp(null=True, merge=MergeRule.MAX, sensitivity=Sensitivity.PERSONAL)
    device_seconds = json(
        default={}, merge=MergeRule.CNT, sensitivity=Sensitivity.PERSONAL, note="active seconds per device"
    )
    conversation_id = text(
        null=True,
        references="conversations",
        on_delete="null",
        merge=MergeRule.FWW,
        sensitivity=Sensitivity.PERSONAL,
    )
    user_life_area_id = text(null=True, references="user_life_areas", on_delete="null")
    met24_domain_id = text(null=True, references="met24_domains", on_delete="null")
    goal_id = text(null=True, references="goals", on_delete="null")
    method_code = text(null=True, sensitivity=Sensitivity.PERSONAL, note="GROW, WOOP, free …")
    mood_before = integer(null=True, check="mood_before >= 1 and mood_before <= 5", merge=MergeRule.FWW)
    mood_after = integer(null=True, check="mood_after >= 1 and mood_after <= 5")
    rating = integer(null=True, check="rating >= 1 and rating <= 5", sensitivity=Sensitivity.PERSONAL)
    summary = text(null=True, merge=MergeRule.TXT, sealable=True)
    takeaways = json(default=[], merge=MergeRule.SET, sealable=True)
    task_ids = json(default=[], merge=MergeRule.SET, sensitivity=Sensitivity.PERSONAL, note="tasks that came out of it")
    type_at_session = text(
        null=True,
        merge=MergeRule.IMM,
        note="type then in force, for later analysis; null when profiling is off",
    )
    txn_id = text(merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL, note="operation_journal id that created it")


class Conversation(
    UserRecord,
    table="conversations",
    retention=archive(months=24),
    sensitivity=Sensitivity.SPECIAL,
    delete=DeleteRule.EDIT_WINS,
    indexes=(("user_id", "state", "last_message_at"), ("user_id", "pinned")),
    searchable=("title", "summary"),
):
    """A thread of messages (coach chat, journal assistant, import)."""

    kind = text(
        enum=("coach_chat", "journal_assist", "question", "imported"),
        merge=MergeRule.IMM,
        sensitivity=Sensitivity.PERSONAL,
    )
    title = text(null=True, sealable=True)
    state = text(default="open", enum=("open", "archived"), merge=MergeRule.STM, sensitivity=Sensitivity.PERSONAL)
    pinned = boolean(default=False, sensitivity=Sensitivity.PERSONAL)
    prompt_template_id = text(
        null=True, references="prompt_templates", on_delete="null", sensitivity=Sensitivity.PERSONAL
    )
    model_hint = text(null=True, sensitivity=Sensitivity.PERSONAL)
    last_message_at = timestamp(null=True, merge=MergeRule.MAX, sensitivity=Sensitivity.PERSONAL)
    message_count = integer(default=0, merge=MergeRule.DRV, sensitivity=Sensitivity.PERSONAL)
    summary = text(null=True, sealable=True)
    tag_ids = json(default=[], merge=MergeRule.SET)


class Message(
    UserRecord,
    table="messages",
    retention=archive(months=24),
    sensitivity=Sensitivity.SPECIAL,
    indexes=(("conversation_id", "sent_at"), ("user_id", "sent_at")),
    searchable=("content",),
):
    """Append-only chat messages; an edit is a new sibling under the same parent."""

    conversation_id = text(
        references="conversations", on_delete="cascade", merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL
    )
    parent_message_id = text(
        null=True,
        references="messages",
        on_delete="null",
        merge=MergeRule.IMM,
        sensitivity=Sensitivity.PERSONAL,
    )
    role = text(enum=("user", "assistant", "system", "tool"), merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    content = text(sealable=True, note="changes only while status < complete")
    content_format = text(
        default="markdown",
        enum=("markdown", "plain", "json"),
        merge=MergeRule.IMM,
        sensitivity=Sensitivity.PERSONAL,
    )
    status = text(
        default="pending",
        enum=("pending", "streaming", "failed", "cancelled", "complete"),
        merge=MergeRule.STM,
        sensitivity=Sensitivity.PERSONAL,
    )
    model = text(null=True, merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    input_tokens = integer(null=True, merge=MergeRule.MAX, sensitivity=Sensitivity.PERSONAL)
    output_tokens = integer(null=True, merge=MergeRule.MAX, sensitivity=Sensitivity.PERSONAL)
    feedback = integer(null=True, check="feedback in (-1, 1)", sensitivity=Sensitivity.PERSONAL)
    feedback_note = text(null=True, sealable=True)
    safety_flag = text(
        default="none",
        enum=("none", "distress", "crisis"),
        merge=MergeRule.STM,
        note="only rises automatically",
    )
    ai_interaction_id = text(
        null=True,
        references="ai_interactions",
        on_delete="null",
        merge=MergeRule.FWW,
        sensitivity=Sensitivity.PERSONAL,
    )
    sent_at = timestamp(merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)


class Journal(
    UserRecord,
    table="journals",
    sensitivity=Sensitivity.SPECIAL,
    delete=DeleteRule.EDIT_WINS,
    indexes=(("user_id", "position"),),
):
    """A notebook; unit of end-to-end keying and of export."""

    name = text(sealable=True)
    icon = text(null=True, sensitivity=Sensitivity.PERSONAL)
    color = text(null=True, sensitivity=Sensitivity.PERSONAL)
    position = text(default="a0", merge=MergeRule.POS, sensitivity=Sensitivity.PERSONAL)
    e2ee_state = text(
        default="off", enum=("off", "enabling", "on"), merge=MergeRule.STM, sensitivity=Sensitivity.PERSONAL
    )
    archived_at = timestamp(null=True, sensitivity=Sensitivity.PERSONAL)


class JournalEntry(
    UserRecord,
    table="journal_entries",
    sensitivity=Sensitivity.SPECIAL,
    delete=DeleteRule.EDIT_WINS,
    indexes=(
        ("user_id", "entry_date"),
        ("user_id", "journal_id", "entry_date"),
        ("user_id", "starred", "entry_date"),
        ("coaching_session_id",),
    ),
    searchable=("title", "body"),
):
    """The diary entry."""

    journal_id = text(references="journals", on_delete="restrict", sensitivity=Sensitivity.PERSONAL)
    entry_date = text(note="YYYY-MM-DD in the author's day")
    occurred_at = timestamp(merge=MergeRule.IMM)
    tz = text(merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    entry_type = text(
        default="free",
        enum=("free", "prompted", "gratitude", "dream", "imagination", "reflection", "voice"),
        merge=MergeRule.IMM,
    )
    title = text(null=True, sealable=True)
    body = text(
        merge=MergeRule.TXT,
        sealable=True,
        note="three-way text merge against the base revision; clean or conflict copy, never silent loss",
    )
    body_format = text(
        default="markdown", enum=("markdown", "plain"), merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL
    )
    body_hash = text(
        merge=MergeRule.DRV,
        sensitivity=Sensitivity.PERSONAL,
        note="sha256 of the plaintext, local; HMAC when sealed",
    )
    word_count = integer(default=0, merge=MergeRule.DRV, sensitivity=Sensitivity.PERSONAL)
    mood = integer(null=True, check="mood >= 1 and mood <= 5")
    energy = integer(null=True, check="energy >= 1 and energy <= 5")
    emotions = json(default=[], merge=MergeRule.SET, sealable=True)
    tag_ids = json(default=[], merge=MergeRule.SET)
    user_life_area_ids = json(default=[], merge=MergeRule.SET)
    met24_domain_ids = json(default=[], merge=MergeRule.SET)
    prompt_content_id = text(
        null=True,
        references="content_items",
        on_delete="null",
        merge=MergeRule.IMM,
        sensitivity=Sensitivity.PERSONAL,
    )
    coaching_session_id = text(null=True, references="coaching_sessions", on_delete="null")
    starred = boolean(default=False, sensitivity=Sensitivity.PERSONAL)
    location = json(null=True, sealable=True, note="rounded to 2 decimals unless the user asks for more")
    weather = json(null=True, merge=MergeRule.FWW, sensitivity=Sensitivity.PERSONAL)
    archived_at = timestamp(null=True, sensitivity=Sensitivity.PERSONAL, note="cold: body compressed in place locally")


class JournalRevision(
    UserRecord,
    table="journal_revisions",
    retention=archive(months=12),
    sensitivity=Sensitivity.SPECIAL,
    indexes=(("entry_id", "captured_at"),),
    sync_priority=7,
):
    """Past versions of a body: base of a merge, undo, and where a merged-away text can be found."""

    entry_id = text(
        references="journal_entries",
        on_delete="cascade",
        merge=MergeRule.IMM,
        sensitivity=Sensitivity.PERSONAL,
    )
    base_revision_id = text(
        null=True,
        references="journal_revisions",
        on_delete="null",
        merge=MergeRule.IMM,
        sensitivity=Sensitivity.PERSONAL,
    )
    content_hash = text(merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    body_delta = text(merge=MergeRule.IMM, sealable=True, note="compressed diff against base, or the full text")
    is_full = boolean(default=False, merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    reason = text(
        enum=("autosave", "merge", "conflict_copy", "restore", "import"),
        merge=MergeRule.IMM,
        sensitivity=Sensitivity.PERSONAL,
    )
    captured_at = timestamp(merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)


class MoodCheckin(
    UserRecord,
    table="mood_checkins",
    sensitivity=Sensitivity.SPECIAL,
    indexes=(("user_id", "measured_at"), ("user_id", "mood", "measured_at")),
    searchable=("note",),
):
    """A mood measurement; small, many, fast."""

    measured_at = timestamp(merge=MergeRule.IMM)
    mood = integer(check="mood >= 1 and mood <= 5")
    valence = real(null=True, check="valence between -1 and 1")
    arousal = real(null=True, check="arousal between -1 and 1")
    stress = integer(null=True, check="stress >= 0 and stress <= 10")
    energy = integer(null=True, check="energy >= 1 and energy <= 5")
    emotions = json(default=[], merge=MergeRule.SET, sealable=True)
    note = text(null=True, merge=MergeRule.TXT, sealable=True)
    source = text(
        default="manual",
        enum=("manual", "session", "journal", "widget", "import"),
        merge=MergeRule.IMM,
        sensitivity=Sensitivity.PERSONAL,
    )
    journal_entry_id = text(null=True, references="journal_entries", on_delete="null", merge=MergeRule.IMM)
    coaching_session_id = text(null=True, references="coaching_sessions", on_delete="null", merge=MergeRule.IMM)


class Tag(
    UserRecord,
    table="tags",
    sensitivity=Sensitivity.SPECIAL,
    natural_key=("user_id", "name"),
    key_folded=True,
    uniques=(("user_id", "name"),),
    searchable=("label",),
):
    """The user's vocabulary of labels; same word on two devices = same row."""

    name = text(merge=MergeRule.IMM, note="normalised")
    label = text(note="as displayed")
    color = text(null=True, sensitivity=Sensitivity.PERSONAL)
    kind = text(
        default="topic",
        enum=("topic", "person", "place", "emotion", "system"),
        sensitivity=Sensitivity.PERSONAL,
    )
    merged_into_id = text(null=True, references="tags", on_delete="null", sensitivity=Sensitivity.PERSONAL)
    use_count = integer(default=0, merge=MergeRule.DRV, sensitivity=Sensitivity.PERSONAL)


class Attachment(
    UserRecord,
    table="attachments",
    sensitivity=Sensitivity.SPECIAL,
    indexes=(("owner_table", "owner_id"), ("user_id", "upload_state")),
    searchable=("caption", "transcript"),
):
    """Photo, audio, file belonging to any row; bytes in object storage, named by hash."""

    owner_table = text(merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    owner_id = text(merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    media_type = text(merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    byte_size = integer(check="byte_size >= 0", merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    sha256 = text(merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL, note="of the ciphertext once sealed")
    width = integer(null=True, merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    height = integer(null=True, merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    duration_ms = integer(null=True, merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    storage_key = text(null=True, merge=MergeRule.SRV, sensitivity=Sensitivity.PERSONAL)
    upload_state = text(
        default="local",
        enum=("local", "uploading", "uploaded", "purged"),
        merge=MergeRule.STM,
        sensitivity=Sensitivity.PERSONAL,
    )
    keyring_id = text(
        null=True,
        references="user_keyrings",
        on_delete="null",
        merge=MergeRule.IMM,
        sensitivity=Sensitivity.PERSONAL,
    )
    caption = text(null=True, sealable=True)
    transcript = text(null=True, merge=MergeRule.TXT, sealable=True)
    taken_at = timestamp(null=True, merge=MergeRule.IMM)
    local_path = text(null=True, merge=MergeRule.LOC, sensitivity=Sensitivity.PERSONAL, note="never leaves the device")


class Contact(
    UserRecord,
    table="contacts",
    sensitivity=Sensitivity.SPECIAL,
    delete=DeleteRule.EDIT_WINS,
    indexes=(("user_id", "circle", "last_touch_at"), ("user_id", "is_coach")),
    searchable=("display_name", "notes"),
):
    """People in the user's life; third-party data, so as little as possible."""

    display_name = text(sensitivity=Sensitivity.PERSONAL, sealable=True)
    relation = text(
        default="other", enum=("partner", "family", "friend", "colleague", "coach", "professional", "other")
    )
    circle = integer(default=3, check="circle >= 1 and circle <= 5", note="closeness")
    email = text(null=True, sensitivity=Sensitivity.PERSONAL, sealable=True)
    phone = text(null=True, sensitivity=Sensitivity.PERSONAL, sealable=True)
    birthday = text(null=True, sensitivity=Sensitivity.PERSONAL, sealable=True, note="MM-DD or YYYY-MM-DD")
    is_coach = boolean(default=False, sensitivity=Sensitivity.PERSONAL)
    linked_user_id = text(null=True, merge=MergeRule.SRV, sensitivity=Sensitivity.PERSONAL)
    device_touches = json(default={}, merge=MergeRule.CNT, sensitivity=Sensitivity.PERSONAL)
    last_touch_at = timestamp(null=True, merge=MergeRule.MAX, sensitivity=Sensitivity.PERSONAL)
    notes = text(null=True, merge=MergeRule.TXT, sealable=True)


class RecordLink(
    UserRecord,
    table="record_links",
    sensitivity=Sensitivity.SPECIAL,
    natural_key=("user_id", "from_table", "from_id", "relation", "to_table", "to_id"),
    indexes=(("user_id", "from_table", "from_id"), ("user_id", "to_table", "to_id")),
):
    """A typed association between any two rows: backlink, follow-up, evidence."""

    from_table = text(merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    from_id = text(merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    to_table = text(merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    to_id = text(merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    relation = text(
        enum=("mentions", "relates_to", "caused_by", "follows_up", "supports", "contradicts", "derived_from"),
        merge=MergeRule.IMM,
    )
    strength = real(default=0.5, check="strength >= 0 and strength <= 1", sensitivity=Sensitivity.PERSONAL)
    made_by = text(enum=("user", "ai", "import"), merge=MergeRule.FWW, sensitivity=Sensitivity.PERSONAL)
    confirmed = boolean(default=False, sensitivity=Sensitivity.PERSONAL)


MODULE = Module(
    name="chatJournal",
    purpose="Sessions, conversations, journals, moods, and what hangs from them.",
    records=(
        CoachingSession,
        Conversation,
        Message,
        Journal,
        JournalEntry,
        JournalRevision,
        MoodCheckin,
        Tag,
        Attachment,
        Contact,
        RecordLink,
    ),
)
