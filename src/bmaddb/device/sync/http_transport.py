"""Transport over HTTP: our server or PostgREST, called as `/rest/v1/rpc/<function>`."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import httpx

from bmaddb import errors as e
from bmaddb.device.sync.transport import CallFailed
from bmaddb.protocol.codec import error_body
from bmaddb.protocol.refusals import failure_of
from bmaddb.protocol.steps import Failure, FailureKind

CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 60.0
WRITE_TIMEOUT_S = 60.0
POOL_TIMEOUT_S = 10.0
PORT_MAX = 65_535
ANSWER_BYTES_MAX = 256 * 1024 * 1024
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
            _check_token(token)
        self._source = token
        self._token: str | None = token if isinstance(token, str) else None
        self._headers = {"apikey": api_key} if api_key else {}
        self._client = httpx.AsyncClient(
            base_url=f"{url.rstrip('/')}/rest/v1/rpc/",
            timeout=httpx.Timeout(
                connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S, write=WRITE_TIMEOUT_S, pool=POOL_TIMEOUT_S
            ),
            transport=transport,
        )

    async def call(self, function: str, body: bytes) -> bytes:
        """POST the body; see Transport.call."""
        if self._token is None:
            self._token = await self._ask_token()
        headers = {
            **self._headers,
            "authorization": f"Bearer {self._token}",
            "content-type": "application/json",
            "accept": "application/json",
        }
        try:
            async with self._client.stream("POST", function, content=body, headers=headers) as response:
                content = await _limited(response)
        except httpx.HTTPError as error:
            raise e.TransportError(f"{type(error).__name__}: {error}") from error
        return _checked(response, content)

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

    async def _ask_token(self) -> str:
        if isinstance(self._source, str):
            return self._source
        try:
            given = self._source()
            return _check_token(await given if inspect.isawaitable(given) else given)
        except Exception as error:
            raise e.AuthError(f"no token was given: {type(error).__name__}: {error}") from error


def _check_address(url: str) -> None:
    try:
        address = httpx.URL(url)
        fits = address.scheme in ("http", "https") and bool(address.host) and (address.port or 1) <= PORT_MAX
    except (httpx.InvalidURL, TypeError):
        fits = False
    if not fits:
        raise e.SettingsError(f"'{url}' is not the address of a server", hint="http://host:port")


def _check_token(token: object) -> str:
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise e.SettingsError("a token is ASCII text", hint="`bmaddb token --user UUID` prints one")
    return token


async def _limited(response: httpx.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > ANSWER_BYTES_MAX:
            raise e.RemoteProtocolError(f"the answer is larger than {ANSWER_BYTES_MAX} bytes")
        parts.append(part)
    return b"".join(parts)


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
