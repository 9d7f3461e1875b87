"""What the engine itself remembers: cursors, outbox, conflicts, runs, operations."""

from __future__ import annotations

from bmaddb.schema import (
    UNTIL_ACKNOWLEDGED,
    LocalRecord,
    Module,
    Sensitivity,
    blob,
    boolean,
    integer,
    json,
    prune,
    text,
    timestamp,
)


class SyncCursor(LocalRecord, table="sync_cursors", engine=True, uniques=(("stream",),)):
    """How far this device has pulled and pushed, per stream of the server's order."""

    stream = text(note="the id again; the native door has one stream")
    cursor = text(null=True, note="opaque; the server's words")
    schema_version = integer(note="version the cursor was made under")
    last_number = integer(default=0, note="highest entry number the server has consumed from this device")
    settled_number = integer(default=0, note="answers up to here are known to this device")
    full_resync = boolean(default=False, note="the next pull starts from nothing")
    last_pulled_at = timestamp(null=True)
    last_pushed_at = timestamp(null=True)


class OutboxOperation(
    LocalRecord,
    table="outbox_operations",
    engine=True,
    retention=UNTIL_ACKNOWLEDGED,
    sensitivity=Sensitivity.SPECIAL,
    row_key="position",
):
    """One entry: the changes of one local transaction, waiting for the server."""

    position = integer(sensitivity=Sensitivity.PERSONAL, note="order in which the transactions committed")
    schema_version = integer(sensitivity=Sensitivity.PERSONAL)
    layout = text(null=True, sensitivity=Sensitivity.PERSONAL, note="which column orders the changeset has")
    hlc = text(sensitivity=Sensitivity.PERSONAL)
    priority = integer(default=5, check="priority >= 0 and priority <= 9", sensitivity=Sensitivity.PERSONAL)
    depends_on = json(default=[], sensitivity=Sensitivity.PERSONAL, note="ids of entries to be applied first")
    status = text(default="queued", enum=("queued", "leased", "parked"), sensitivity=Sensitivity.PERSONAL)
    number = integer(null=True, sensitivity=Sensitivity.PERSONAL, note="given at the first lease, for good")
    attempts = integer(default=0, sensitivity=Sensitivity.PERSONAL)
    next_attempt_at = timestamp(null=True, sensitivity=Sensitivity.PERSONAL)
    reason = json(null=True, note="why it was parked, in the server's words")
    byte_size = integer(default=0, sensitivity=Sensitivity.PERSONAL)
    created_at = timestamp(sensitivity=Sensitivity.PERSONAL)
    changeset = blob(null=True, note="as the session extension wrote it")
    changes = json(null=True, note="the edited form, after a rebase; then there is no changeset")


class ServerRequest(
    LocalRecord,
    table="server_requests",
    engine=True,
    retention=UNTIL_ACKNOWLEDGED,
    sensitivity=Sensitivity.SPECIAL,
    uniques=(("position",), ("kind", "key")),
    indexes=(("status", "position"),),
):
    """Something only the server can carry out: it waits, leaves, and ends with an answer or a reason."""

    position = integer(sensitivity=Sensitivity.PERSONAL, note="order in which they were asked for")
    kind = text(sensitivity=Sensitivity.PERSONAL)
    key = text(sensitivity=Sensitivity.PERSONAL, note="however often it is sent, under one key it has one effect")
    payload = json()
    priority = integer(default=5, check="priority >= 0 and priority <= 9", sensitivity=Sensitivity.PERSONAL)
    depends_on = json(default=[], sensitivity=Sensitivity.PERSONAL, note="ids of requests and of outbox entries")
    status = text(
        default="waiting", enum=("waiting", "sent", "done", "dead", "cancelled"), sensitivity=Sensitivity.PERSONAL
    )
    withdrawn = boolean(default=False, sensitivity=Sensitivity.PERSONAL, note="rather not, if it was not done yet")
    round = integer(default=0, sensitivity=Sensitivity.PERSONAL, note="how often a person sent it again")
    attempts = integer(default=0, sensitivity=Sensitivity.PERSONAL, note="the server tried, and failed")
    misses = integer(default=0, sensitivity=Sensitivity.PERSONAL, note="no answer came")
    next_attempt_at = timestamp(null=True, sensitivity=Sensitivity.PERSONAL)
    deadline_at = timestamp(null=True, sensitivity=Sensitivity.PERSONAL)
    reason = json(null=True, note="why it is dead, or was tried again")
    answer = json(null=True, note="what the handler returned")
    created_at = timestamp(sensitivity=Sensitivity.PERSONAL)
    ended_at = timestamp(null=True, sensitivity=Sensitivity.PERSONAL)


class SyncConflict(
    LocalRecord,
    table="sync_conflicts",
    engine=True,
    retention=prune(days=90),
    sensitivity=Sensitivity.SPECIAL,
    indexes=(("needs_attention", "detected_at"), ("table_name", "row_id")),
):
    """Each conflict, both sides kept, with the rule that decided; the user can look and reverse."""

    table_name = text(sensitivity=Sensitivity.PERSONAL)
    row_id = text(sensitivity=Sensitivity.PERSONAL)
    column_name = text(null=True, sensitivity=Sensitivity.PERSONAL)
    base_value = json(null=True)
    local_value = json(null=True)
    remote_value = json(null=True)
    resolved_value = json(null=True)
    policy = text(sensitivity=Sensitivity.PERSONAL)
    resolved_by = text(enum=("rule", "user", "server", "open"), sensitivity=Sensitivity.PERSONAL)
    needs_attention = boolean(default=False, sensitivity=Sensitivity.PERSONAL)
    detected_at = timestamp(sensitivity=Sensitivity.PERSONAL)
    resolved_at = timestamp(null=True, sensitivity=Sensitivity.PERSONAL)


class SyncRun(
    LocalRecord,
    table="sync_runs",
    engine=True,
    retention=prune(days=30),
    indexes=(("started_at",),),
):
    """One row per sync: evidence for the success-rate target."""

    trigger = text(enum=("start", "timer", "write", "push", "manual", "online"))
    started_at = timestamp()
    ended_at = timestamp(null=True)
    result = text(default="running", enum=("running", "ok", "partial", "failed", "offline"))
    pushed_rows = integer(default=0)
    pulled_rows = integer(default=0)
    bytes_up = integer(default=0)
    bytes_down = integer(default=0)
    conflicts = integer(default=0)
    error_code = text(null=True)


class OperationJournal(
    LocalRecord,
    table="operation_journal",
    engine=True,
    retention=prune(days=30),
    sensitivity=Sensitivity.SPECIAL,
    indexes=(("status", "started_at"),),
):
    """Steps, checks and compensations of an operation; after a crash it is finished or undone from here."""

    op_type = text(sensitivity=Sensitivity.PERSONAL)
    rollback_strategy = text(
        enum=("reverse_order", "compensating_transactions", "none"), sensitivity=Sensitivity.PERSONAL
    )
    status = text(
        default="pending",
        enum=("pending", "running", "committed", "rolled_back", "compensating", "compensated", "failed"),
        sensitivity=Sensitivity.PERSONAL,
    )
    user_type = text(null=True)
    steps = json(default=[])
    checks = json(default=[], sensitivity=Sensitivity.PERSONAL)
    compensations = json(default=[])
    error = text(null=True, sensitivity=Sensitivity.PERSONAL)
    started_at = timestamp(sensitivity=Sensitivity.PERSONAL)
    finished_at = timestamp(null=True, sensitivity=Sensitivity.PERSONAL)


MODULE = Module(
    name="syncStatus",
    purpose="What the engine itself remembers: cursors, outbox, conflicts, runs, operations.",
    records=(
        SyncCursor,
        OutboxOperation,
        ServerRequest,
        SyncConflict,
        SyncRun,
        OperationJournal,
    ),
)
