"""What a person said: consent, the mode, and the profile; read from the rows that sync, and written there.

Rules of this room: without a consent in force nothing is on, whatever the preferences say; the code refuses, not only
a screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, Literal, TypeAlias

from bmaddb import errors as e
from bmaddb.device.store import Store, WriteTransaction
from bmaddb.modules.user_management import ConsentRecord, MbtiProfile, UserPreferences
from bmaddb.personality.profile import NOBODY, Profile, columns_of, from_row
from bmaddb.schema.moments import after_newest

Optimisation: TypeAlias = Literal["off", "prior", "adaptive"]
"""`prior`: adapt to use, with the type as a guarded prior. `adaptive`: adapt to use alone."""
PURPOSE: Final = "personality_profiling"
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
    last = _last_said(store)
    consented = last is not None and last.action == "granted"
    preferences = store.query(UserPreferences).first()
    row = current(store)
    return Standing(
        consented=consented,
        mode=preferences.mbti_optimisation if consented and preferences is not None else "off",  # type: ignore[arg-type]
        profile=NOBODY if row is None else from_row(row),
        influence=0.0 if row is None else row.influence,
    )


def _last_said(reader: Store | WriteTransaction) -> ConsentRecord | None:
    said = reader.query(ConsentRecord).where(ConsentRecord.purpose == PURPOSE)
    return said.order_by(ConsentRecord.acted_at.desc(), ConsentRecord.id.desc()).first()


def current(store: Store) -> MbtiProfile | None:
    """The newest determination, or None."""
    return next(iter(history(store, 1)), None)


def history(store: Store, limit: int = PROFILES_SHOWN_MAX) -> list[MbtiProfile]:
    """Every determination, the newest first."""
    newest = store.query(MbtiProfile).order_by(MbtiProfile.assessed_at.desc(), MbtiProfile.id.desc())
    return newest.limit(limit).all()


def say(store: Store, action: str, *, text: str, version: str, locale: str) -> None:
    """Write down a decision, with the hash of the exact text that was shown."""
    with store.write() as tx:
        last = _last_said(tx)
        tx.insert(
            ConsentRecord,
            purpose=PURPOSE,
            action=action,
            policy_version=version,
            policy_sha256=sha256(text.encode()).hexdigest(),
            shown_locale=locale,
            method="settings",
            acted_at=after_newest(_now(store), None if last is None else last.acted_at),
        )


def withdraw(store: Store) -> None:
    """Write down that consent is withdrawn, switch off, and delete the determinations of type, in one transaction."""
    last = _last_said(store)
    if last is None or last.action == "withdrawn":
        return
    with store.write() as tx:
        last = _last_said(tx) or last  # again: another process may have written one
        tx.insert(
            ConsentRecord,
            purpose=PURPOSE,
            action="withdrawn",
            policy_version=last.policy_version,
            policy_sha256=last.policy_sha256,
            shown_locale=last.shown_locale,
            method="settings",
            acted_at=after_newest(_now(store), last.acted_at),
        )
        _switch(store, tx, "off")
        for row in store.query(MbtiProfile).all():
            tx.delete(row)


def switch(store: Store, mode: Optimisation) -> None:
    """Set the mode; StoreError without consent, for anything but `off`."""
    if mode not in ("off", "prior", "adaptive"):
        raise e.SettingsError(f"no such mode: {mode!r}", hint="off, prior or adaptive")
    if mode != "off" and not standing(store).consented:
        raise e.ConsentMissing(hint="db.personality.consent(...) with the text that was shown")
    with store.write() as tx:
        _switch(store, tx, mode)


def determine(store: Store, profile: Profile, influence: float) -> MbtiProfile:
    """Add a determination; the newest is current. ConsentMissing without consent, for it is special-category data."""
    if not standing(store).consented:
        raise e.ConsentMissing(hint="db.personality.consent(...) with the text that was shown")
    with store.write() as tx:
        last = tx.query(MbtiProfile).order_by(MbtiProfile.assessed_at.desc()).first()
        assessed_at = after_newest(_now(store), None if last is None else last.assessed_at)
        for row in tx.query(MbtiProfile).where(MbtiProfile.is_current == True).all():  # noqa: E712 -- SQL
            tx.update(row, is_current=False)
        return tx.insert(
            MbtiProfile, **columns_of(profile, influence=influence), assessed_at=assessed_at, is_current=True
        )


def _switch(store: Store, tx: WriteTransaction, mode: Optimisation) -> None:
    preferences = store.query(UserPreferences).first()
    if preferences is None:
        tx.insert(UserPreferences, mbti_optimisation=mode)
    elif preferences.mbti_optimisation != mode:
        tx.update(preferences, mbti_optimisation=mode)


def _now(store: Store) -> datetime:
    return datetime.fromtimestamp(store.clock.now_ms() / 1000, UTC)
