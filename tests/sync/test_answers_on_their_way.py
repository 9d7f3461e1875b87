"""How an answer comes over the wire: packed, packed again, cut, byte by byte and never whole."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable

import httpx
import pytest

from bmaddb import errors as e
from bmaddb.device.sync import HttpTransport, http_transport
from bmaddb.device.sync.address import check_address
from bmaddb.device.sync.unpacking import PIECE_BYTES_MAX, unpacked
from bmaddb.protocol.messages import PULL_FUNCTION, WALK_FUNCTION

BODY = json.dumps({"words": ["so many of them"] * 1_000}).encode()
ZEROS = b"0" * (9 * PIECE_BYTES_MAX + 1)
DROPS = 2_000


class Pieces(httpx.AsyncByteStream):
    """A body in these pieces, each after a turn of the loop."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            await asyncio.sleep(0)
            yield piece


def transport(*pieces: bytes, packing: str = "identity", kind: str = "application/json") -> HttpTransport:
    """Each request is answered so."""

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["accept-encoding"] in ("gzip", "identity")
        return httpx.Response(200, headers={"content-type": kind, "content-encoding": packing}, stream=Pieces(*pieces))

    return HttpTransport("https://elsewhere.test", "a token", transport=httpx.MockTransport(answer))


def called(through: HttpTransport) -> bytes:
    return asyncio.run(through.call(PULL_FUNCTION, b"{}"))


def streamed(through: HttpTransport) -> list[bytes]:
    async def frames() -> list[bytes]:
        return [frame async for frame in through.stream(WALK_FUNCTION, b"{}")]

    return asyncio.run(frames())


def halves(body: bytes) -> tuple[bytes, bytes]:
    return body[: len(body) // 2], body[len(body) // 2 :]


def test_plain_and_packed() -> None:
    assert called(transport(*halves(BODY))) == BODY
    assert called(transport(*halves(gzip.compress(BODY)), packing="gzip")) == BODY
    frames = b"\x1e%s\n" % BODY
    assert streamed(transport(*halves(frames), kind=http_transport.STREAM_TYPE)) == [BODY]
    packed = gzip.compress(frames * 3)
    assert streamed(transport(*halves(packed), packing="gzip", kind=http_transport.STREAM_TYPE)) == [BODY] * 3


@pytest.mark.parametrize("packing", ["gzip, gzip", "zstd", "br", "deflate", "gzip, deflate"])
def test_another_packing_is_not_unpacked(packing: str) -> None:
    body = gzip.compress(gzip.compress(BODY))
    with pytest.raises(e.RemoteProtocolError, match="packed as"):
        called(transport(body, packing=packing))
    with pytest.raises(e.RemoteProtocolError, match="packed as"):
        streamed(transport(body, packing=packing, kind=http_transport.STREAM_TYPE))


def test_what_is_packed_small_is_unpacked_in_pieces() -> None:
    async def sizes() -> AsyncGenerator[int]:
        response = httpx.Response(200, headers={"content-encoding": "gzip"}, stream=Pieces(gzip.compress(ZEROS)))
        async for piece in unpacked(response):
            yield len(piece)

    async def gathered() -> list[int]:
        return [size async for size in sizes()]

    assert asyncio.run(gathered()) == [PIECE_BYTES_MAX] * 9 + [1]


@pytest.mark.parametrize("spoil", [lambda body: body[:-9], lambda body: b"x" + body[1:]], ids=["cut", "broken"])
def test_a_packed_answer_that_is_spoiled_on_its_way_may_be_asked_for_again(spoil: Callable[[bytes], bytes]) -> None:
    with pytest.raises(e.TransportError):
        called(transport(spoil(gzip.compress(BODY)), packing="gzip"))


def test_an_answer_that_only_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_transport, "ANSWER_S_MAX", 0)
    with pytest.raises(e.TransportError, match="Timeout"):
        called(transport(*[b" "] * DROPS))
    with pytest.raises(e.TransportError, match="Timeout"):
        streamed(transport(b"\x1e", *[b" "] * DROPS, b"\n", kind=http_transport.STREAM_TYPE))


@pytest.mark.parametrize("url", ["ftp://me:secret@host", "http://me:se/cret@host:99999999/x", "http://me:secret@:80"])
def test_an_address_that_is_none_is_told_without_its_password(url: str) -> None:
    for refused in (lambda: HttpTransport(url, "a token"), lambda: check_address(url)):
        with pytest.raises(e.SettingsError) as caught:
            refused()
        assert "cret" not in str(caught.value)
        assert "//***@" in str(caught.value)
