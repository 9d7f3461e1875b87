"""What a person said: consent, the mode, and the profile; read from the rows that sync, and written there.

Rules of this room: without a consent in force nothing is on, whatever the preferences say; the code refuses, not only
a screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, Literal, TypeAlias

from bmaddb import errors as e
from bmaddb.account.consents import PROFILING, grant, last_record
from bmaddb.account.determination import DECLINED
from bmaddb.account.profiling import end_profiling, misplaced_marks, newest_type
from bmaddb.account.settings import changed
from bmaddb.device.store import Store, WriteTransaction
from bmaddb.modules.user_management import ConsentRecord, MbtiProfile, UserPreferences
from bmaddb.personality.profile import NOBODY, Profile, columns_of, from_row
from bmaddb.schema.moments import after_newest

Optimisation: TypeAlias = Literal["off", "prior", "adaptive"]
"""`prior`: adapt to use, with the type as a guarded prior. `adaptive`: adapt to use alone."""
PROFILES_SHOWN_MAX: Final = 200
TABLES: Final = frozenset({"consent_records", "user_preferences", "mbti_profiles"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is in force now."""

    consented: bool
    mode: Optimisation
    profile: Profile
    influence: float

    @property
    def weight(self) -> float:
        """How much the type counts, 0 to 0.25; 0 unless the mode is `prior`."""
        return self.profile.weight(self.influence) if self.mode == "prior" else 0.0


OFF: Final = Standing(consented=False, mode="off", profile=NOBODY, influence=0.0)


def standing(store: Store) -> Standing:
    """Read what is in force. In an application without these tables nothing ever is."""
    if not all(table in store.catalog.records for table in TABLES):
        return OFF
    consented = grant(store, PROFILING) is not None
    preferences = store.query(UserPreferences).first()
    row = newest_type(store)
    return Standing(
        consented=consented,
        mode=preferences.mbti_optimisation if consented and preferences is not None else "off",  # type: ignore[arg-type]
        profile=NOBODY if row is None else from_row(row),
        influence=0.0 if row is None else row.influence,
    )


def history(store: Store, limit: int = PROFILES_SHOWN_MAX) -> list[MbtiProfile]:
    """Every determination, the newest first."""
    newest = store.query(MbtiProfile).order_by(MbtiProfile.assessed_at.desc(), MbtiProfile.id.desc())
    return newest.limit(limit).all()


def say(store: Store, action: str, *, text: str, version: str, locale: str) -> None:
    """Write down a decision, with the hash of the exact text that was shown; a refusal ends what a consent began."""
    with store.write() as tx:
        shown = {"policy_version": version, "policy_sha256": sha256(text.encode()).hexdigest(), "shown_locale": locale}
        _decide(store, tx, action, last_record(tx, PROFILING), shown)


def withdraw(store: Store) -> None:
    """Write down that consent is withdrawn, and end what it began, in one transaction."""
    last = last_record(store, PROFILING)
    if last is None or last.action == "withdrawn":
        return
    with store.write() as tx:
        last = last_record(tx, PROFILING) or last  # again: another process may have written one
        shown = {name: getattr(last, name) for name in ("policy_version", "policy_sha256", "shown_locale")}
        _decide(store, tx, "withdrawn", last, shown)


def switch(store: Store, mode: Optimisation) -> None:
    """Set the mode. But for `off`: ConsentMissing without consent, RecordInvalid while the type is declined."""
    if mode not in ("off", "prior", "adaptive"):
        raise e.SettingsError(f"no such mode: {mode!r}", hint="off, prior or adaptive")
    with store.write() as tx:
        if mode != "off":
            _refuse_without_consent(tx)
            newest = newest_type(tx)
            if newest is not None and newest.source == DECLINED:
                raise e.RecordInvalid(
                    "P5: the type is declined, so nothing is adapted", hint="declare, answer or bring in a type first"
                )
        _switch(tx, mode)


def determine(store: Store, profile: Profile, influence: float) -> MbtiProfile:
    """Add a determination; the newest is current, and one that declines switches off.

    A type is special-category data: ConsentMissing without consent, but for one that declines.
    """
    with store.write() as tx:
        if profile.source != DECLINED:
            _refuse_without_consent(tx)
        newest = newest_type(tx)
        assessed_at = after_newest(_now(store), None if newest is None else newest.assessed_at)
        columns = columns_of(profile, influence=influence)
        row = tx.insert(MbtiProfile, **columns, assessed_at=assessed_at, is_current=True)
        for mark in misplaced_marks(tx):
            tx.update(MbtiProfile, mark["id"], is_current=mark["is_current"])
        if profile.source == DECLINED:
            _switch(tx, "off")
        return row


def _decide(
    store: Store, tx: WriteTransaction, action: str, last: ConsentRecord | None, shown: Mapping[str, str]
) -> None:
    acted_at = after_newest(_now(store), None if last is None else last.acted_at)
    decision = tx.insert(ConsentRecord, purpose=PROFILING, action=action, **shown, method="settings", acted_at=acted_at)
    if action != "granted":
        _switch(tx, "off")
        end_profiling(tx, decision, _now(store))


def _refuse_without_consent(tx: WriteTransaction) -> None:
    if grant(tx, PROFILING) is None:
        raise e.ConsentMissing(hint="db.personality.consent(...) with the text that was shown")


def _switch(tx: WriteTransaction, mode: Optimisation) -> None:
    before = tx.query(UserPreferences).first()
    columns = changed(before, {"mbti_optimisation": mode})
    if before is None:
        tx.insert(UserPreferences, **columns)
    else:
        tx.update(before, **columns)


def _now(store: Store) -> datetime:
    return datetime.fromtimestamp(store.clock.now_ms() / 1000, UTC)
