"""Transport over HTTP: our server or PostgREST, called as `/rest/v1/rpc/<function>`."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeAlias

import httpx

from bmaddb import errors as e
from bmaddb.device.sync.address import PORT_MAX, check_token, no_address
from bmaddb.device.sync.transport import CallFailed, NotStreamed
from bmaddb.device.sync.unpacking import PACKING, unpacked
from bmaddb.protocol.codec import error_body
from bmaddb.protocol.frames import FrameReader
from bmaddb.protocol.refusals import failure_of
from bmaddb.protocol.steps import Failure, FailureKind

CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 60.0
WRITE_TIMEOUT_S = 60.0
POOL_TIMEOUT_S = 10.0
ANSWER_BYTES_MAX = 256 * 1024 * 1024
ANSWER_S_MAX = 900.0
"""From the request to the last byte of its answer, or from one page of a stream to the next; slower is no server."""
STREAM_TYPE = "application/json-seq"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PACKED_BYTES_MIN = 16 * 1024
PACK_LEVEL = 1
NO_STREAM = frozenset({404, 405, 406, 501})
NO_STREAM_NOW = "streams_busy"
Token: TypeAlias = str | Callable[[], str | Awaitable[str]]


class HttpTransport:
    """Calls functions of the server at `url` with a bearer token.

    `token` is a JWT, or a callable that gives one (sync or async); a callable is asked at the first request
    and again whenever the server refuses what it gave. `api_key` is sent as `apikey`, as Supabase wants it.
    Raises SettingsError for an address that is none.
    """

    def __init__(
        self,
        url: str,
        token: Token,
        *,
        api_key: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        _check_address(url)
        if isinstance(token, str):
            check_token(token)
        self._source = token
        self._token: str | None = token if isinstance(token, str) else None
        self._headers = {"apikey": api_key} if api_key else {}
        self._packs = False
        self._local = httpx.URL(url).host in LOOPBACK
        self._client = httpx.AsyncClient(
            base_url=f"{url.rstrip('/')}/rest/v1/rpc/",
            headers={"accept-encoding": PACKING},
            timeout=httpx.Timeout(
                connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S, write=WRITE_TIMEOUT_S, pool=POOL_TIMEOUT_S
            ),
            transport=transport,
        )

    async def call(self, function: str, body: bytes) -> bytes:
        """POST the body; see Transport.call."""
        headers = await self._head("application/json")
        if self._packs and len(body) >= PACKED_BYTES_MIN:
            body = gzip.compress(body, PACK_LEVEL)
            headers["content-encoding"] = "gzip"
        try:
            async with (
                asyncio.timeout(ANSWER_S_MAX),
                self._client.stream("POST", function, content=body, headers=headers) as response,
            ):
                content = await _limited(response)
                self._packs = not self._local and "gzip" in response.headers.get("accept-encoding", "")
        except (httpx.HTTPError, TimeoutError) as error:
            raise e.TransportError(f"{type(error).__name__}: {error}") from error
        return _checked(response, content)

    async def stream(self, function: str, body: bytes) -> AsyncGenerator[bytes]:
        """POST the body and read page by page; see StreamTransport.stream."""
        headers = await self._head(STREAM_TYPE)
        if self._local:
            headers["accept-encoding"] = "identity"  # packing costs more than it saves where there is no wire
        reader = FrameReader(ANSWER_BYTES_MAX)
        try:
            async with self._client.stream("POST", function, content=body, headers=headers) as response:
                await _check_stream(response)
                async with contextlib.aclosing(unpacked(response)) as pieces:
                    while frames := await _next_frames(pieces, reader):
                        for frame in frames:
                            yield frame
        except (httpx.HTTPError, TimeoutError) as error:
            raise e.TransportError(f"{type(error).__name__}: {error}") from error
        reader.end()

    async def refresh_token(self) -> bool:
        """Ask the callable again; False for a fixed token, or when the same one comes back."""
        if isinstance(self._source, str):
            return False
        before = self._token
        self._token = await self._ask_token()
        return self._token != before

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _head(self, accept: str) -> dict[str, str]:
        if self._token is None:
            self._token = await self._ask_token()
        return {
            **self._headers,
            "authorization": f"Bearer {self._token}",
            "content-type": "application/json",
            "accept": accept,
        }

    async def _ask_token(self) -> str:
        if isinstance(self._source, str):
            return self._source
        try:
            given = self._source()
            return check_token(await given if inspect.isawaitable(given) else given)
        except Exception as error:
            raise e.AuthError(f"no token was given: {type(error).__name__}: {error}") from error


def _check_address(url: str) -> None:
    try:
        address = httpx.URL(url)
        fits = address.scheme in ("http", "https") and bool(address.host) and (address.port or 1) <= PORT_MAX
    except (httpx.InvalidURL, TypeError):
        fits = False
    if not fits:
        raise no_address(url)


async def _limited(response: httpx.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in unpacked(response):
        size += len(part)
        if size > ANSWER_BYTES_MAX:
            raise e.RemoteProtocolError(f"the answer is larger than {ANSWER_BYTES_MAX} bytes")
        parts.append(part)
    return b"".join(parts)


async def _next_frames(pieces: AsyncGenerator[bytes], reader: FrameReader) -> list[bytes]:
    """The frames that come next, at least one; none at the end of the stream. TimeoutError when none comes."""
    async with asyncio.timeout(ANSWER_S_MAX):
        async for piece in pieces:
            frames = reader.feed(piece)
            if frames:
                return frames
    return []


async def _check_stream(response: httpx.Response) -> None:
    if not response.is_success:
        content = await _limited(response)
        if response.status_code in NO_STREAM or error_body(content).code == NO_STREAM_NOW:
            raise NotStreamed(f"no stream: status {response.status_code}")
        _checked(response, content)
    if not response.headers.get("content-type", "").startswith(STREAM_TYPE):
        raise NotStreamed("the answer is no stream")


def _checked(response: httpx.Response, content: bytes) -> bytes:
    if not response.is_success:
        body = error_body(content)
        raise CallFailed(failure_of(response.status_code, body, response.headers.get("retry-after")))
    if not response.headers.get("content-type", "").startswith("application/json"):
        raise CallFailed(
            Failure(
                kind=FailureKind.LINK,
                code="not_json",
                message="something between here and the server answered instead of it",
                hint="a sign-in page of the network?",
            )
        )
    return content
