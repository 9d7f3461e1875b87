"""An answer on its way out: in pieces, and not for ever."""

from __future__ import annotations

import asyncio
import zlib
from typing import Any

import pytest

from bmaddb.server import answer
from bmaddb.server.answer import PIECE_BYTES, Answer, send_answer

LARGE = bytes(range(256)) * (PIECE_BYTES // 100)


def scope(*headers: tuple[bytes, bytes], method: str = "POST") -> dict[str, Any]:
    return {"type": "http", "method": method, "headers": list(headers)}


def sent(body: bytes, *headers: tuple[bytes, bytes], method: str = "POST") -> list[dict[str, Any]]:
    """The messages of an answer."""
    messages: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        messages.append(message)

    asyncio.run(send_answer(Answer(body=body), scope(*headers, method=method), send))
    return messages


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES, PIECE_BYTES + 1, len(LARGE)])
def test_a_plain_answer_goes_out_in_pieces(size: int) -> None:
    start, *pieces = sent(LARGE[:size])
    assert dict(start["headers"])[b"content-length"] == str(size).encode()
    assert b"".join(piece["body"] for piece in pieces) == LARGE[:size]
    assert max(len(piece["body"]) for piece in pieces) <= PIECE_BYTES
    assert [piece["more_body"] for piece in pieces] == [True] * (len(pieces) - 1) + [False]


def test_a_packed_one_too_and_the_head_of_one_alone() -> None:
    _, *pieces = sent(LARGE, (b"accept-encoding", b"gzip"))
    assert zlib.decompress(b"".join(piece["body"] for piece in pieces), 31) == LARGE
    start, only = sent(LARGE, method="HEAD")
    assert dict(start["headers"])[b"content-length"] == str(len(LARGE)).encode()
    assert only == {"type": "http.response.body", "body": b"", "more_body": False}


def test_nobody_is_waited_for_who_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "SEND_STALL_MS_MAX", 0)
    begun: list[str] = []

    async def stuck(message: Any) -> None:
        begun.append(message["type"])
        if message["type"] == "http.response.body":
            await asyncio.get_running_loop().create_future()

    asyncio.run(asyncio.wait_for(send_answer(Answer(body=LARGE), scope(), stuck), 30))
    assert begun == ["http.response.start", "http.response.body"]
