"""What a client sent, read within the limits: headers, body (also gzip), query; nothing is believed yet."""

from __future__ import annotations

import asyncio
import zlib
from typing import Final
from urllib.parse import parse_qsl

import msgspec
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Receive, Scope

from bmaddb.server.answer import GZIP_WINDOW, Problem
from bmaddb.server.limits import DRAIN_BYTES_MAX, Limits, deeper_than

THREAD_BYTES_MIN: Final = 64 * 1024
RESULT_WORDS: Final = frozenset({"select", "order", "limit", "offset", "columns", "on_conflict"})
JSON_TYPE: Final = "application/json"


class ClientGone(Exception):
    """The client closed the connection before its request was whole; there is nobody to answer."""


class Incoming:
    """The body as it comes in; remembers whether its end was seen."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.ended = False

    async def chunk(self) -> bytes:
        """The next piece; raises ClientGone when the client has left."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        self.ended = not message.get("more_body", False)
        piece: bytes = message.get("body", b"")
        return piece


def check_headers(headers: Headers, limits: Limits) -> None:
    """431 when the headers together are too large."""
    size = sum(len(name) + len(value) for name, value in headers.raw)
    if size > limits.header_bytes_max:
        hint = f"at most {limits.header_bytes_max} bytes of headers"
        raise Problem(431, "headers_too_large", f"the headers have {size} bytes", hint=hint)


def check_profile(headers: Headers, name: str, schema: str) -> None:
    """406 PGRST106 when the client asks for a schema that is not on offer."""
    wanted = headers.get(name)
    if wanted is not None and wanted != schema:
        hint = f"Only the following schemas are exposed: {schema}"
        raise Problem(406, "PGRST106", f"Invalid schema: {wanted[:100]}", hint=hint)


def content_type(headers: Headers) -> str:
    """The media type of the body without its parameters; JSON when the client says nothing."""
    return headers.get("content-type", JSON_TYPE).partition(";")[0].strip().lower() or JSON_TYPE


def headers_json(headers: Headers) -> str:
    """The headers as functions see them: one object with lower-case names, without cookies."""
    return msgspec.json.encode({k: v for k, v in headers.items() if k != "cookie"}).decode()


def cookies_json(headers: Headers) -> str:
    """The cookies as functions see them."""
    return msgspec.json.encode(cookie_parser(headers.get("cookie", ""))).decode()


def query_arguments(scope: Scope, limits: Limits) -> dict[str, str]:
    """Argument values in the query string; the last one wins. 400 PGRST100 for wishes to shape the result."""
    try:
        pairs = parse_qsl(
            scope["query_string"].decode("ascii"),
            keep_blank_values=True,
            max_num_fields=limits.query_arguments_max,
            errors="strict",
        )
    except ValueError as cause:
        raise Problem(400, "PGRST100", "the query string cannot be read", details=str(cause)) from cause
    query = dict(pairs)
    shaping = sorted(RESULT_WORDS & query.keys())
    if shaping:
        hint = "filter and sort inside the function"
        raise Problem(400, "PGRST100", f"results of functions cannot be shaped with {', '.join(shaping)}", hint=hint)
    if any("\0" in key + value for key, value in pairs):
        raise Problem(400, "22P05", "text cannot hold the character U+0000")
    return query


async def read_body(incoming: Incoming, headers: Headers, limits: Limits) -> bytes:
    """The whole body, inflated if it came as gzip. 413 when too large before or after that; 415, 400."""
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip"):
        raise Problem(
            415,
            "encoding_unknown",
            f"Content-Encoding {encoding!r} is not read here",
            hint="send gzip or none",
        )
    declared = headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > limits.body_bytes_max:
        raise _too_large(limits)
    chunks: list[bytes] = []
    size = 0
    while not incoming.ended:
        chunks.append(await incoming.chunk())
        size += len(chunks[-1])
        if size > limits.body_bytes_max:
            raise _too_large(limits)
    body = b"".join(chunks)
    if encoding == "identity":
        return body
    if len(body) < THREAD_BYTES_MIN // 16:
        return _inflate(body, limits)
    return await asyncio.to_thread(_inflate, body, limits)


async def check_depth(body: bytes, limits: Limits) -> None:
    """400 when JSON nests too deep; large bodies are looked through in a thread."""
    if len(body) < THREAD_BYTES_MIN * 16:
        deep = deeper_than(body, limits.json_depth_max)
    else:
        deep = await asyncio.to_thread(deeper_than, body, limits.json_depth_max)
    if deep:
        hint = f"at most {limits.json_depth_max} levels of objects and arrays"
        raise Problem(400, "json_too_deep", "the JSON body nests too deep", hint=hint)


async def drain(incoming: Incoming, headers: Headers) -> None:
    """Read away what a refused client still sends, up to a limit, so that it gets to see the answer."""
    if headers.get("expect", "").lower() == "100-continue":
        return  # it waits for our word before it sends
    size = 0
    while size < DRAIN_BYTES_MAX and not incoming.ended:
        size += len(await incoming.chunk())


def _inflate(body: bytes, limits: Limits) -> bytes:
    unpacker = zlib.decompressobj(GZIP_WINDOW)
    try:
        plain = unpacker.decompress(body, limits.body_bytes_max + 1)
    except zlib.error as cause:
        raise _bad_gzip(str(cause)) from cause
    if len(plain) > limits.body_bytes_max:
        raise _too_large(limits)
    if not unpacker.eof or unpacker.unused_data:
        raise _bad_gzip("it is cut off" if not unpacker.eof else "something follows it")
    return plain


def _bad_gzip(details: str) -> Problem:
    return Problem(400, "gzip_broken", "the body is not whole gzip data", details=details)


def _too_large(limits: Limits) -> Problem:
    hint = f"at most {limits.body_bytes_max} bytes, before and after compression; send smaller batches"
    return Problem(413, "body_too_large", "the body is too large", hint=hint)
