"""Bad requests: each gets the right status and the four keys, changes nothing, and the server lives on."""

from __future__ import annotations

import base64
import gzip
import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import jwt
import pytest

from bmaddb.server.limits import JSON_DEPTH_MAX
from tests.support.server import SECRET, USER, RunningServer

FAR = 4_000_000_000
CLAIMS = {"sub": USER, "role": "authenticated", "exp": FAR}
OTHER_SECRET = b"another secret, as long as the right one"


@dataclass(frozen=True, kw_only=True)
class Bad:
    """One bad request and the answer it must get; `token=''` sends none."""

    name: str
    status: int
    code: str
    path: str = "/rest/v1/rpc/echo"
    method: str = "POST"
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    token: str | None = None
    chunked: bool = False


def signed(secret: bytes = SECRET, algorithm: str = "HS256", **claims: object) -> str:
    merged = {key: value for key, value in {**CLAIMS, **claims}.items() if value is not None}
    return jwt.encode(merged, secret, algorithm)


def crafted(header: Mapping[str, object], payload: bytes, signature: str = "") -> str:
    def part(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    return f"{part(json.dumps(header).encode())}.{part(payload)}.{signature}"


MIB = 1024 * 1024
NOTE = b'{"id": 77, "body": "must not be stored"}'
FOR_ANOTHER = b'{"id": 77, "owner": "00000000-0000-0000-0000-00000000b0b0"}'
TOO_DEEP = JSON_DEPTH_MAX + 1
DEEP = b'{"a":' * TOO_DEEP + b"1" + b"}" * TOO_DEEP
INJECTION = "'; drop table notes; --"
GZIP = {"content-encoding": "gzip"}
RPC = "/rest/v1/rpc"

BAD = [
    Bad(name="truncated JSON", status=400, code="PGRST102", body=b'{"a": 1'),
    Bad(name="two values", status=400, code="PGRST102", body=b"{} {}"),
    Bad(name="single quotes", status=400, code="PGRST102", body=b"{'a': 1}"),
    Bad(name="bare word", status=400, code="PGRST102", body=b"hello", path=f"{RPC}/add"),
    Bad(name="NaN", status=400, code="PGRST102", body=b'{"a": NaN}'),
    Bad(name="trailing comma", status=400, code="PGRST102", body=b'{"a": 1,}', path=f"{RPC}/add"),
    Bad(name="not UTF-8", status=400, code="22021", body=b'{"a": "\xff\xfe"}'),
    Bad(name="raw control character", status=400, code="PGRST102", body=b'{"a": "\x00"}'),
    Bad(name="U+0000 into jsonb", status=400, code="22P05", body=b'{"a": "\\u0000"}', path=f"{RPC}/echo_b"),
    Bad(
        name="U+0000 into text",
        status=400,
        code="22P05",
        body=b'{"id": 77, "body": "\\u0000"}',
        path=f"{RPC}/write_note",
    ),
    Bad(name="half a surrogate", status=400, code="PGRST102", body=b'{"a": "\\ud800"}', path=f"{RPC}/echo_b"),
    Bad(name="whitespace only", status=400, code="PGRST102", body=b"   "),
    Bad(name="deep objects", status=400, code="json_too_deep", body=DEEP),
    Bad(name="deep arrays", status=400, code="json_too_deep", body=b"[" * TOO_DEEP + b"]" * TOO_DEEP),
    Bad(name="a million brackets", status=400, code="json_too_deep", body=b"[" * MIB),
    Bad(
        name="a million braces",
        status=400,
        code="json_too_deep",
        body=b'{"a":' * (MIB // 5),
        path=f"{RPC}/add",
    ),
    Bad(name="unlike objects", status=400, code="PGRST102", body=b'[{"a": 1}, {"b": 1}]', path=f"{RPC}/add"),
    Bad(name="a list of numbers", status=400, code="PGRST102", body=b"[1, 2]", path=f"{RPC}/add"),
    Bad(name="missing argument", status=404, code="PGRST202", path=f"{RPC}/add"),
    Bad(name="unknown argument", status=404, code="PGRST202", body=b'{"a": 1, "zz": 2}', path=f"{RPC}/add"),
    Bad(name="scalar for named arguments", status=404, code="PGRST202", body=b"7", path=f"{RPC}/add"),
    Bad(name="wrong type", status=400, code="22P02", body=b'{"a": "one"}', path=f"{RPC}/add"),
    Bad(name="object for a number", status=400, code="22P02", body=b'{"a": {}}', path=f"{RPC}/add"),
    Bad(name="number out of range", status=400, code="22003", body=b'{"a": 99999999999}', path=f"{RPC}/add"),
    Bad(name="ambiguous overloads", status=300, code="PGRST203", body=b'{"a": 1}', path=f"{RPC}/ambiguous"),
    Bad(name="unknown function", status=404, code="PGRST202", path=f"{RPC}/no_such_function"),
    Bad(name="SQL as a function name", status=404, code="PGRST202", path=f"{RPC}/{INJECTION}"),
    Bad(name="NUL in a function name", status=404, code="PGRST202", path=f"{RPC}/a%00b"),
    Bad(name="a system function", status=404, code="PGRST202", path=f"{RPC}/pg_sleep", body=b'{"seconds": 1}'),
    Bad(name="a qualified name", status=404, code="PGRST202", path=f"{RPC}/pg_catalog.now"),
    Bad(name="path too long", status=404, code="PGRST125", path=f"{RPC}/add/more"),
    Bad(name="a table", status=404, code="PGRST125", path="/rest/v1/notes", method="GET"),
    Bad(name="a door that is not there", status=404, code="PGRST125", path="/admin", method="GET"),
    Bad(name="DELETE", status=405, code="PGRST101", method="DELETE"),
    Bad(name="PUT", status=405, code="PGRST101", method="PUT"),
    Bad(name="PATCH", status=405, code="PGRST101", method="PATCH"),
    Bad(name="a made-up verb", status=405, code="PGRST101", method="BREW"),
    Bad(name="POST to health", status=405, code="PGRST117", path="/health"),
    Bad(name="writing by GET", status=405, code="25006", method="GET", path=f"{RPC}/write_note?id=77&body=x"),
    Bad(name="unknown GET argument", status=404, code="PGRST202", method="GET", path=f"{RPC}/add?a=1&x=2"),
    Bad(name="filters on a result", status=400, code="PGRST100", method="GET", path=f"{RPC}/add?a=1&select=x"),
    Bad(name="bad text in a GET", status=400, code="22P02", method="GET", path=f"{RPC}/add?a=1%27%3B--"),
    Bad(name="NUL in a GET", status=400, code="22P05", method="GET", path=f"{RPC}/add?a=%00"),
    Bad(name="not UTF-8 in a GET", status=400, code="PGRST100", method="GET", path=f"{RPC}/add?a=%ff"),
    Bad(
        name="thousands of arguments",
        status=400,
        code="PGRST100",
        method="GET",
        path=f"{RPC}/add?" + "a=1&" * 200,
    ),
    Bad(
        name="form",
        status=400,
        code="PGRST102",
        headers={"content-type": "application/x-www-form-urlencoded"},
    ),
    Bad(name="csv", status=400, code="PGRST102", headers={"content-type": "text/csv"}),
    Bad(name="no function for text", status=404, code="PGRST202", headers={"content-type": "text/plain"}),
    Bad(name="foreign schema", status=406, code="PGRST106", headers={"content-profile": "bmad"}),
    Bad(
        name="foreign schema in GET",
        status=406,
        code="PGRST106",
        method="GET",
        headers={"accept-profile": "pg_catalog"},
    ),
    Bad(name="wants XML", status=406, code="PGRST107", headers={"accept": "application/xml"}),
    Bad(name="wants CSV", status=406, code="PGRST107", headers={"accept": "text/csv"}),
    Bad(name="not gzip", status=400, code="gzip_broken", headers=GZIP, body=b"{}"),
    Bad(name="gzip cut off", status=400, code="gzip_broken", headers=GZIP, body=gzip.compress(NOTE)[:-9]),
    Bad(
        name="gzip with a tail",
        status=400,
        code="gzip_broken",
        headers=GZIP,
        body=gzip.compress(b"{}") + b"x",
    ),
    Bad(name="gzip of no JSON", status=400, code="PGRST102", headers=GZIP, body=gzip.compress(b"{")),
    Bad(name="gzip bomb", status=413, code="body_too_large", headers=GZIP, body=gzip.compress(b"[" * 64 * MIB)),
    Bad(name="brotli", status=415, code="encoding_unknown", headers={"content-encoding": "br"}),
    Bad(name="too large", status=413, code="body_too_large", body=b" " * (17 * MIB)),
    Bad(name="too large in chunks", status=413, code="body_too_large", body=b" " * (17 * MIB), chunked=True),
    Bad(name="headers too large", status=431, code="headers_too_large", headers={"x-long": "x" * 20_000}),
    Bad(name="no token where one is needed", status=401, code="42501", path=f"{RPC}/for_users", token=""),
    Bad(name="no right to the function", status=403, code="42501", path=f"{RPC}/hidden"),
    Bad(
        name="publishable key is nobody",
        status=401,
        code="42501",
        path=f"{RPC}/for_users",
        token="sb_publishable_x",
    ),
    Bad(name="secret key", status=401, code="PGRST301", token="sb_secret_x"),
    Bad(name="no JWT at all", status=401, code="PGRST301", token="hello"),
    Bad(name="three empty parts", status=401, code="PGRST301", token=".."),
    Bad(name="forged", status=401, code="PGRST301", token=signed(OTHER_SECRET)),
    Bad(
        name="alg none",
        status=401,
        code="PGRST301",
        token=crafted({"alg": "none"}, json.dumps(CLAIMS).encode()),
    ),
    Bad(
        name="alg none, signed",
        status=401,
        code="PGRST301",
        token=crafted({"alg": "none"}, b"{}", signed()[-43:]),
    ),
    Bad(name="another algorithm", status=401, code="PGRST301", token=signed(SECRET * 2, "HS512")),
    Bad(name="changed after signing", status=401, code="PGRST301", token=signed()[:-4] + "AAAA"),
    Bad(
        name="deep token",
        status=401,
        code="PGRST301",
        token=f"{base64.urlsafe_b64encode(b'[' * 6000).decode()}.e30.x",
    ),
    Bad(name="expired", status=401, code="PGRST303", token=signed(exp=1_000)),
    Bad(name="not yet valid", status=401, code="PGRST303", token=signed(nbf=FAR - 1)),
    Bad(name="issued in the future", status=401, code="PGRST303", token=signed(iat=FAR - 1)),
    Bad(name="never expires", status=401, code="PGRST303", token=signed(exp=None)),
    Bad(name="expires as text", status=401, code="PGRST303", token=signed(exp="never")),
    Bad(name="expires at NaN", status=401, code="PGRST303", token=signed(exp=float("nan"))),
    Bad(name="unknown role", status=401, code="PGRST303", token=signed(role="postgres")),
    Bad(name="role of a wrong type", status=401, code="PGRST303", token=signed(role=["authenticated"])),
    Bad(name="user is no uuid", status=401, code="PGRST303", token=signed(sub="1 or 1=1")),
    Bad(name="nobody in particular", status=401, code="PGRST303", token=signed(sub=None)),
    Bad(name="somebody else's user id", status=403, code="42501", path=f"{RPC}/write_for", body=FOR_ANOTHER),
]


def test_there_are_enough_of_them() -> None:
    assert len({bad.name for bad in BAD}) == len(BAD) >= 40


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_a_bad_request_is_refused_in_four_keys(doors: RunningServer, bad: Bad) -> None:
    headers = {"content-type": "application/json", **bad.headers}
    token = signed() if bad.token is None else bad.token
    if token:
        headers["authorization"] = f"Bearer {token}"
    content = _pieces(bad.body) if bad.chunked else bad.body
    answer = doors.http.request(bad.method, bad.path, content=content, headers=headers)
    body = answer.json()
    assert (answer.status_code, body["code"]) == (bad.status, bad.code), body
    assert set(body) == {"code", "message", "details", "hint"}
    assert isinstance(body["message"], str)
    assert answer.headers["proxy-status"] == f"PostgREST; error={bad.code}"
    assert ("www-authenticate" in answer.headers) == (bad.status == 401)
    assert doors.rpc("add", {"a": 1}).json() == 11
    assert doors.database.value("select array_agg(id order by id) from notes") == [1, 2]


def _pieces(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 65_536):
        yield body[start : start + 65_536]


@pytest.mark.parametrize("text", [INJECTION, "$1", "%s", "{}", "\\", "'", '"', "\n", "né🙂", "a" * 100_000])
def test_text_stays_text(doors: RunningServer, text: str) -> None:
    assert doors.rpc('odd "name%', {'the %s "arg"': text}).json() == text


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x00\xa5\x01\x00\x00",
        b"GET\r\n\r\n",
        b"POST /rest/v1/rpc/echo HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /rest/v1/rpc/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
        b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
    ],
    ids=["TLS", "no path", "negative length", "two lengths", "cut off", "endless header"],
)
def test_what_is_not_http_does_no_harm(doors: RunningServer, raw: bytes) -> None:
    host, port = doors.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        try:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            received = connection.recv(200)
        except OSError:  # the server may hang up before it has heard us out
            received = b""
    assert not received or received.startswith(b"HTTP/1.1 4")
    assert doors.rpc("add", {"a": 1}).json() == 11


def test_a_hint_names_what_was_meant(doors: RunningServer) -> None:
    assert doors.rpc("ad", {"a": 1}).json()["hint"] == "Perhaps you meant to call the function public.add"
    assert doors.rpc("add", {"x": 1}).json()["hint"] == "Perhaps you meant to call the function public.add(a, b)"


def test_a_hint_does_not_tell_what_is_closed_to_the_caller(doors: RunningServer) -> None:
    assert doors.rpc("hiddem").json()["hint"] is None
    assert doors.rpc("for_user", user=None).json()["hint"] is None
    assert doors.rpc("for_user").json()["hint"] is not None
