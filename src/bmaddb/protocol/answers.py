"""The answers to a push, read: which entry is settled, which clashed, which is refused."""

from __future__ import annotations

from collections.abc import Sequence

from bmaddb import errors as e
from bmaddb.protocol.messages import EntryAnswer, ErrorBody, PushAnswer
from bmaddb.protocol.steps import Clash, Rejection, Settle, Settlement


def numbers_disagree(answer: PushAnswer) -> bool:
    """Did the server take numbers from this device that this request did not bring?"""
    return bool(answer.answers) and answer.last_number != answer.answers[-1].number


def read_answers(sent: Sequence[int], answer: PushAnswer) -> Settle:
    """What must be written down; RemoteProtocolError when the answers do not fit the entries `sent`."""
    numbers = [item.number for item in answer.answers]
    if not numbers or numbers != list(sent[: len(numbers)]):
        raise e.RemoteProtocolError(f"entries {_span(sent)} were sent, {_span(numbers)} were answered")
    *before, last = answer.answers
    if any(item.status != "applied" for item in before):
        raise e.RemoteProtocolError("the server went on after an entry it did not apply")
    if last.status == "applied" and len(numbers) < len(sent):
        raise e.RemoteProtocolError(f"the server stopped after entry {last.number} without a reason")
    applied = [item for item in answer.answers if item.status == "applied"]
    return Settle(
        applied=tuple(Settlement(number=item.number, version=item.version or 0) for item in applied),
        clash=Clash(number=last.number, rows=last.rows) if last.status == "conflict" else None,
        rejection=_rejection(last) if last.status == "rejected" else None,
        last_number=answer.last_number,
    )


def _rejection(answer: EntryAnswer) -> Rejection:
    error = answer.error or ErrorBody(message="the server gave no reason")
    return Rejection(number=answer.number, error=error, table=answer.table, id=answer.id)


def _span(numbers: Sequence[int]) -> str:
    return f"{numbers[0]}-{numbers[-1]}" if numbers else "none"
