"""When a device packs what it sends, and asks for packed streams."""

from __future__ import annotations

import asyncio
import gzip

import httpx
import pytest

from bmaddb.device.sync import HttpTransport
from bmaddb.device.sync.http_transport import PACKED_BYTES_MIN

LARGE = b" " * PACKED_BYTES_MIN


def requests_of(url: str, says: dict[str, str], *bodies: bytes) -> list[httpx.Request]:
    """What goes over the wire for these calls in a row."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={}, headers=says)

    async def talk() -> None:
        transport = HttpTransport(url, "token", transport=httpx.MockTransport(answer))
        for body in bodies:
            await transport.call("f", body)
        await transport.close()

    asyncio.run(talk())
    return seen


def test_a_large_request_is_packed_once_the_server_said_that_it_reads_it() -> None:
    first, small, large = requests_of("https://far.example", {"accept-encoding": "gzip"}, LARGE, b"{}", LARGE)
    assert "content-encoding" not in first.headers
    assert "content-encoding" not in small.headers
    assert large.headers["content-encoding"] == "gzip"
    assert gzip.decompress(large.content) == LARGE
    assert len(large.content) < len(LARGE)


@pytest.mark.parametrize(
    ("url", "says"), [("https://far.example", {}), ("http://127.0.0.1:1", {"accept-encoding": "gzip"})]
)
def test_nothing_is_packed_for_a_server_that_did_not_say_so_or_is_here(url: str, says: dict[str, str]) -> None:
    assert all("content-encoding" not in request.headers for request in requests_of(url, says, LARGE, LARGE))


@pytest.mark.parametrize(("url", "packed"), [("https://far.example", True), ("http://localhost:1", False)])
def test_a_stream_is_asked_for_packed_unless_the_server_is_here(url: str, packed: bool) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, content=b"\x1e{}\n", headers={"content-type": "application/json-seq"})

    async def talk() -> list[bytes]:
        transport = HttpTransport(url, "token", transport=httpx.MockTransport(answer))
        frames = [frame async for frame in transport.stream("f", b"{}")]
        await transport.close()
        return frames

    assert asyncio.run(talk()) == [b"{}"]
    assert ("gzip" in seen[0].headers["accept-encoding"]) is packed
