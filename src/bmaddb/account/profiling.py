"""What ends when the consent to profiling is refused or withdrawn: what was derived of a type is deleted.

Rules of this room: what goes follows from the stored rows alone, so that the device on which it was said and one that
hears of it end with the same rows. A row that declines a type says nothing of one, and stays.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from bmaddb.account.consents import Asked
from bmaddb.account.determination import DECLINED
from bmaddb.device.store import WriteTransaction
from bmaddb.modules.ai_machine_learning import MbtiInsight
from bmaddb.modules.user_management import ConsentRecord, MbtiProfile, User
from bmaddb.schema.records import Record

_ID_LENGTH_MAX: Final = 64


def newest_type(reader: Asked) -> MbtiProfile | None:
    """The determination that is current, whatever its mark says."""
    return reader.query(MbtiProfile).order_by(MbtiProfile.assessed_at.desc(), MbtiProfile.id.desc()).first()


def typed_profiles(tx: WriteTransaction) -> list[MbtiProfile]:
    """The determinations that say a type."""
    return tx.query(MbtiProfile).where(MbtiProfile.source != DECLINED).order_by(MbtiProfile.id).all()


def typed_insights(tx: WriteTransaction) -> list[MbtiInsight]:
    """The insights that rest on a type; none in an application without that table."""
    if not tx.catalog.declares(MbtiInsight):
        return []
    rests = MbtiInsight.type_code.is_not_null() | MbtiInsight.function_code.is_not_null()
    insights = tx.query(MbtiInsight).where(rests | MbtiInsight.mbti_profile_id.is_not_null())
    return insights.order_by(MbtiInsight.id).all()


def declined_instead(
    tx: WriteTransaction, decision_id: str, *, assessed_at: datetime, was_typed: bool
) -> dict[str, Any] | None:
    """The row that declines in the place of what was deleted, or None when one declines already.

    Its id follows from the decision, so that two devices make the same one. A user with an account has one in any
    case, who has none only when `was_typed`: a type was deleted.
    """
    has_account = tx.catalog.declares(User) and tx.query(User).exists()
    if newest_type(tx) is not None or not (was_typed or has_account):
        return None
    row_id = f"{DECLINED}-{decision_id}"[:_ID_LENGTH_MAX]
    return {"id": row_id, "source": DECLINED, "influence": 0.0, "assessed_at": assessed_at}


def misplaced_marks(tx: WriteTransaction) -> list[dict[str, Any]]:
    """Rows of `mbti_profiles` (id, is_current) as they must be marked, of those that are not: the newest is current."""
    newest = newest_type(tx)
    return [
        {"id": row.id, "is_current": not row.is_current}
        for row in tx.query(MbtiProfile).order_by(MbtiProfile.id).all()
        if row.is_current != (newest is not None and row.id == newest.id)
    ]


def end_profiling(tx: WriteTransaction, decision: ConsentRecord, assessed_at: datetime) -> int:
    """Delete what rests on a type, and leave one row that declines, the current one; the answer is how many changed.

    `assessed_at`: the moment of a new row that declines.
    """
    profiles = typed_profiles(tx)
    going: list[Record] = [*typed_insights(tx), *profiles]
    for row in going:
        tx.delete(row)
    declined = declined_instead(tx, decision.id, assessed_at=assessed_at, was_typed=bool(profiles))
    if declined is not None:
        tx.insert(MbtiProfile, **declined)
    marks = misplaced_marks(tx)
    for mark in marks:
        tx.update(MbtiProfile, mark["id"], is_current=mark["is_current"])
    return len(going) + (declined is not None) + len(marks)
