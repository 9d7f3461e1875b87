"""The session as golden transcripts: what happened, and what it said to do next.

`UPDATE_GOLDENS=1` writes the transcripts anew; the diff is then read like code.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from bmaddb import errors as e
from bmaddb.protocol.messages import EntryAnswer, ErrorBody, PullAnswer, PushAnswer, ServerRow, TablePage
from bmaddb.protocol.outcomes import Rejection, Settlement
from bmaddb.protocol.session import TRANSITIONS, Limits, Session, State
from bmaddb.protocol.steps import (
    Done,
    Event,
    Failed,
    Failure,
    FailureKind,
    Leased,
    NumberKnown,
    PageApplied,
    Pulled,
    Pushed,
    Released,
    Result,
    ResyncBegun,
    Settled,
    Started,
    Swept,
    TokenRefreshed,
    Waited,
)
from tests.support.golden import assert_golden

LIMITS = Limits(attempts=2, conflict_rounds=2, batch_entries=8, batch_bytes=800)
SOME = (TablePage(table="tasks", deleted=("x",)),)


def page(cursor: str, *, more: bool = False, empty: bool = False, schema: int | None = None) -> PullAnswer:
    return PullAnswer(cursor=cursor, more=more, tables=() if empty else SOME, schema_version=schema)


def applied(*numbers: int, pull: PullAnswer | None = None) -> Pushed:
    answers = tuple(EntryAnswer(number=number, status="applied", version=number * 10) for number in numbers)
    return Pushed(answer=PushAnswer(answers=answers, last_number=numbers[-1], pull=pull))


def conflict(number: int, pull: PullAnswer | None = None) -> Pushed:
    row = ServerRow(table="tasks", id="x", server_seq=9, row={"title": "t"}, hlc="h", stamps={})
    answer = EntryAnswer(number=number, status="conflict", rows=(row,))
    return Pushed(answer=PushAnswer(answers=(answer,), last_number=number, pull=pull))


def rejected(number: int, pull: PullAnswer | None = None) -> Pushed:
    error = ErrorBody(code="23514", message="check")
    answer = EntryAnswer(number=number, status="rejected", error=error, table="tasks", id="x")
    return Pushed(answer=PushAnswer(answers=(answer,), last_number=number, pull=pull))


def failed(kind: FailureKind) -> Failed:
    return Failed(failure=Failure(kind=kind, code="c", message="m"))


RESYNC = PullAnswer(resync=True, reason="restored")
QUIET = page("c1", empty=True)
NONE_LEFT = Leased(numbers=())

SCENARIOS: dict[str, list[Event]] = {
    "first sync in three pages": [
        Started(cursor=None),
        Pulled(answer=page("c1", more=True)),
        PageApplied(),
        Pulled(answer=page("c2", more=True)),
        PageApplied(),
        Pulled(answer=page("c3")),
        PageApplied(),
        NONE_LEFT,
    ],
    "nothing new anywhere": [Started(cursor="c1"), Pulled(answer=QUIET), NONE_LEFT],
    "an empty page tells of a new schema version, once": [
        Started(cursor="c1", served_schema=14),
        Pulled(answer=page("c1", empty=True, schema=15)),
        PageApplied(),
        Leased(numbers=(4,)),
        applied(4, pull=page("c1", empty=True, schema=15)),
        Settled(),
        NONE_LEFT,
    ],
    "what waits goes first, and its answer brings the news": [
        Started(cursor="c1", push_first=True),
        Leased(numbers=(4,)),
        applied(4, pull=page("c2")),
        Settled(),
        PageApplied(),
        NONE_LEFT,
    ],
    "what waits cannot leave, so the news is asked for": [
        Started(cursor="c1", push_first=True),
        NONE_LEFT,
        Pulled(answer=page("c2")),
        PageApplied(),
        NONE_LEFT,
    ],
    "two batches and news in an answer": [
        Started(cursor="c1"),
        Pulled(answer=QUIET),
        Leased(numbers=(4, 5)),
        applied(4, 5, pull=page("c2", more=True)),
        Settled(),
        PageApplied(),
        Pulled(answer=page("c3")),
        PageApplied(),
        Leased(numbers=(6,)),
        applied(6, pull=page("c4", empty=True)),
        Settled(),
        PageApplied(),
        NONE_LEFT,
    ],
    "entries in flight go first": [
        Started(cursor="c1", in_flight=(4, 5)),
        applied(4, 5, pull=page("c2")),
        Settled(),
        PageApplied(),
        NONE_LEFT,
    ],
    "in flight before anything was ever pulled": [
        Started(cursor=None, in_flight=(1,)),
        applied(1),
        Settled(),
        Pulled(answer=page("c1")),
        PageApplied(),
        NONE_LEFT,
    ],
    "a conflict is merged and pushed again": [
        Started(cursor="c1"),
        Pulled(answer=QUIET),
        Leased(numbers=(4, 5)),
        conflict(4, pull=QUIET),
        Settled(),
        Leased(numbers=(5, 6)),
        applied(5, 6, pull=QUIET),
        Settled(),
        NONE_LEFT,
    ],
    "conflicts without end": [
        Started(cursor="c1"),
        Pulled(answer=QUIET),
        *[
            event
            for number in (4, 5, 6)
            for event in (Leased(numbers=(number,)), conflict(number, pull=QUIET), Settled())
        ],
    ],
    "a rejected entry is parked and the rest flows": [
        Started(cursor="c1"),
        Pulled(answer=QUIET),
        Leased(numbers=(4, 5)),
        rejected(4, pull=QUIET),
        Settled(),
        Leased(numbers=(5,)),
        applied(5, pull=QUIET),
        Settled(),
        Leased(numbers=(), parked=1),
    ],
    "the answer is lost once": [
        Started(cursor="c1"),
        Pulled(answer=QUIET),
        Leased(numbers=(4,)),
        failed(FailureKind.LINK),
        Waited(),
        applied(4, pull=QUIET),
        Settled(),
        NONE_LEFT,
    ],
    "offline": [Started(cursor="c1"), failed(FailureKind.LINK), Waited(), failed(FailureKind.LINK)],
    "a token is renewed": [
        Started(cursor="c1"),
        failed(FailureKind.TOKEN),
        TokenRefreshed(refreshed=True),
        Pulled(answer=QUIET),
        NONE_LEFT,
    ],
    "a new token is refused as well": [
        Started(cursor="c1"),
        failed(FailureKind.TOKEN),
        TokenRefreshed(refreshed=True),
        failed(FailureKind.TOKEN),
    ],
    "there is no new token": [
        Started(cursor="c1"),
        failed(FailureKind.TOKEN),
        TokenRefreshed(refreshed=False),
    ],
    "nobody gives tokens any more": [
        Started(cursor="c1"),
        failed(FailureKind.TOKEN),
        failed(FailureKind.TOKEN),
    ],
    "the server was restored": [
        Started(cursor="c1"),
        Pulled(answer=RESYNC),
        ResyncBegun(),
        Pulled(answer=page("d1")),
        PageApplied(),
        NumberKnown(),
        Swept(),
        NONE_LEFT,
    ],
    "a resync goes on after a crash": [
        Started(cursor="d1", resyncing=True),
        Pulled(answer=page("d2")),
        PageApplied(),
        NumberKnown(),
        Swept(),
        NONE_LEFT,
    ],
    "a cursor nobody can read": [
        Started(cursor="garbage"),
        failed(FailureKind.CURSOR),
        ResyncBegun(),
        Pulled(answer=page("c1")),
        PageApplied(),
        NumberKnown(),
        Swept(),
        NONE_LEFT,
    ],
    "the server forgot our numbers": [
        Started(cursor="c1", in_flight=(4,)),
        failed(FailureKind.NUMBER),
        Released(),
        Pulled(answer=QUIET),
        NumberKnown(),
        Leased(numbers=(2,)),
        applied(2, pull=QUIET),
        Settled(),
        NONE_LEFT,
    ],
    "somebody else used our numbers": [
        Started(cursor="c1"),
        Pulled(answer=QUIET),
        Leased(numbers=(4,)),
        Pushed(
            answer=PushAnswer(answers=(EntryAnswer(number=4, status="applied", version=1),), last_number=6, pull=QUIET)
        ),
        Released(),
        NumberKnown(),
        Leased(numbers=(7,)),
        applied(7, pull=QUIET),
        Settled(),
        NONE_LEFT,
    ],
    "a batch is too large": [
        Started(cursor="c1"),
        Pulled(answer=QUIET),
        Leased(numbers=(4, 5)),
        failed(FailureKind.TOO_LARGE),
        Released(),
        Leased(numbers=(4,)),
        failed(FailureKind.TOO_LARGE),
        Released(),
        Leased(numbers=(), parked=1),
    ],
    "one entry of a batch is refused": [
        Started(cursor="c1"),
        Pulled(answer=QUIET),
        Leased(numbers=(4, 5)),
        failed(FailureKind.REFUSED),
        NumberKnown(),
        Released(),
        Leased(numbers=(4,)),
        failed(FailureKind.REFUSED),
        NumberKnown(),
        Released(),
        Leased(numbers=(4,)),
        applied(4, pull=QUIET),
        Settled(),
        Leased(numbers=(), parked=1),
    ],
    "the request is refused": [
        Started(cursor="c1"),
        Pulled(answer=QUIET),
        Leased(numbers=(4,)),
        failed(FailureKind.REFUSED),
        failed(FailureKind.REFUSED),
    ],
}


def fact(item: Any) -> dict[str, Any]:
    """An event or command as JSON can show it."""
    names = getattr(item, "__struct_fields__", None) or [field.name for field in dataclasses.fields(item)]
    fields = {name: plain(getattr(item, name)) for name in names}
    return {"kind": type(item).__name__, **{name: value for name, value in fields.items() if value is not None}}


def plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) or isinstance(value, Failure | Rejection | Settlement):
        return fact(value)
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if hasattr(value, "__struct_fields__"):
        pairs = {name: plain(getattr(value, name)) for name in value.__struct_fields__ if name != "rows"}
        return {name: item for name, item in pairs.items() if item not in (None, [], False)}
    return value


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_transcript(name: str) -> None:
    session = Session(LIMITS)
    lines = []
    for event in SCENARIOS[name]:
        command = session.handle(event)
        lines.append({"event": fact(event), "command": fact(command)})
    assert session.state is State.DONE, "a scenario ends with the sync"
    text = "[\n" + ",\n".join(json.dumps(line, ensure_ascii=False) for line in lines) + "\n]\n"
    assert_golden(f"session_{name.replace(' ', '_')}.json", text)


@pytest.mark.parametrize("state", State)
def test_an_event_out_of_turn_is_our_own_error(state: State) -> None:
    events: list[Event] = [
        Settled(),
        Waited(),
        PageApplied(),
        Started(cursor=None),
        NONE_LEFT,
        failed(FailureKind.LINK),
    ]
    for event in events:
        if type(event) not in TRANSITIONS[state]:
            session = Session(LIMITS)
            session.state = state
            with pytest.raises(e.LocalProtocolError):
                session.handle(event)


def test_a_server_that_stands_still_is_noticed() -> None:
    session = Session(LIMITS)
    session.handle(Started(cursor="c1"))
    with pytest.raises(e.RemoteProtocolError):
        session.handle(Pulled(answer=page("c1", more=True)))


def test_a_server_whose_count_never_agrees_is_noticed() -> None:
    session = Session(LIMITS)
    session.handle(Started(cursor="c1"))
    session.handle(Pulled(answer=page("c1", empty=True)))
    wrong = Pushed(answer=PushAnswer(answers=applied(4).answer.answers, last_number=9))
    for _ in range(LIMITS.disagreements):
        session.handle(Leased(numbers=(4,)))
        session.handle(wrong)
        session.handle(Released())
        session.handle(NumberKnown())
    session.handle(Leased(numbers=(4,)))
    with pytest.raises(e.RemoteProtocolError):
        session.handle(wrong)


def test_a_server_that_never_stops_asking_for_a_new_beginning_is_noticed() -> None:
    session = Session(LIMITS)
    session.handle(Started(cursor="c1"))
    for _ in range(LIMITS.resyncs):
        session.handle(Pulled(answer=RESYNC))
        session.handle(ResyncBegun())
    with pytest.raises(e.RemoteProtocolError):
        session.handle(Pulled(answer=RESYNC))


def test_the_delay_doubles_and_respects_the_server() -> None:
    session = Session(Limits(attempts=4, wait_ms=100))
    session.handle(Started(cursor="c1"))
    delays = []
    for retry_after_ms in (0, 0, 5000):
        failure = Failure(kind=FailureKind.LINK, code="c", message="m", retry_after_ms=retry_after_ms)
        delays.append(getattr(session.handle(Failed(failure=failure)), "delay_ms", None))
        session.handle(Waited())
    assert delays == [100, 200, 5000]
    last = session.handle(failed(FailureKind.LINK))
    assert isinstance(last, Done)
    assert last.result is Result.OFFLINE
