"""What an HTTP status and an error body mean for the device."""

from __future__ import annotations

import pytest

from bmaddb.protocol.codec import error_body
from bmaddb.protocol.refusals import failure_of
from bmaddb.protocol.steps import FailureKind as F


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (401, b'{"code":"PGRST301","message":"JWT expired"}', F.TOKEN, "PGRST301"),
        (403, b'{"code":"42501","message":"no"}', F.TOKEN, "42501"),
        (413, b"", F.TOO_LARGE, "http_413"),
        (429, b"slow down", F.LINK, "http_429"),
        (500, b'{"code":"40001","message":"serialize"}', F.LINK, "40001"),
        (500, b'{"code":"57014","message":"timeout"}', F.TOO_LARGE, "57014"),
        (502, b"<html>", F.LINK, "http_502"),
        (409, b'{"code":"PT409","message":"number_gap: entry 4 came before entry 3"}', F.NUMBER, "number_gap"),
        (409, b'{"code":"PT409","message":"number_settled: x"}', F.NUMBER, "number_settled"),
        (400, b'{"code":"PT400","message":"cursor_garbage: x"}', F.CURSOR, "cursor_garbage"),
        (400, b'{"code":"PT400","message":"cursor_future: x"}', F.CURSOR, "cursor_future"),
        (400, b'{"code":"PT400","message":"cursor_foreign: x"}', F.TOKEN, "cursor_foreign"),
        (404, b'{"code":"PGRST202","message":"no function","details":["a"],"hint":null}', F.REFUSED, "PGRST202"),
        (422, b"[1]", F.REFUSED, "http_422"),
    ],
)
def test_a_refusal_has_a_kind_and_a_code(status: int, body: bytes, kind: F, code: str) -> None:
    failure = failure_of(status, error_body(body))
    assert (failure.kind, failure.code) == (kind, code)


def test_the_word_is_taken_off_the_message() -> None:
    body = error_body(b'{"code":"PT400","message":"cursor_garbage: this is not a cursor","hint":"start anew"}')
    failure = failure_of(400, body)
    assert failure.message == "this is not a cursor"
    assert failure.hint == "start anew"


@pytest.mark.parametrize(("header", "wait_ms"), [("3", 3000), (None, 0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0)])
def test_the_server_may_say_when_to_come_back(header: str | None, wait_ms: int) -> None:
    assert failure_of(503, error_body(b""), header).retry_after_ms == wait_ms
