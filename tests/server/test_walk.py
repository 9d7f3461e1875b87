"""The stream of a first sync as any HTTP client sees it: frames, refusals, packing, limits, slow and lost clients."""

from __future__ import annotations

import asyncio
import json
import socket
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from bmaddb.protocol.frames import FrameReader
from bmaddb.protocol.messages import WALK_FUNCTION
from bmaddb.server.limits import Limits
from bmaddb.server.walk import BUSY
from bmaddb.testing import ManualClock
from tests.support.postgres import Database
from tests.support.server import USER, RunningServer, serve

PATH = f"/rest/v1/rpc/{WALK_FUNCTION}"
BODY = {"cursor": None, "schema_version": 14, "device_id": "d", "user": USER, "tables": ["tasks"]}
TASKS = """
insert into bmad.tasks (user_id, id, created_at, updated_at, title)
select '{user}', 'task-' || n, now(), now(), repeat(md5(n::text), {width}) from generate_series(1, {count}) n
"""


def add_tasks(database: Database, count: int, width: int = 1) -> None:
    database.run(TASKS.format(user=USER, count=count, width=width))


def frames_of(content: bytes) -> list[dict[str, Any]]:
    reader = FrameReader(1 << 30)
    frames = [json.loads(frame) for frame in reader.feed(content)]
    reader.end()
    return frames


def together(parts: list[list[Any]]) -> list[str]:
    return sorted(str(row) for rows in parts for row in rows)


def ask(server: RunningServer, **more: Any) -> httpx.Response:
    return server.http.post(PATH, json={**BODY, **more}, headers=server.headers())


@pytest.fixture
def walked(postgres_installed: Database) -> Iterator[RunningServer]:
    """A server on each Postgres, with tasks."""
    add_tasks(postgres_installed, 100)
    with serve(postgres_installed) as server:
        yield server


def test_every_frame_is_a_page_and_the_last_one_ends_the_walk(walked: RunningServer) -> None:
    answer = ask(walked, limit_rows=30)
    assert answer.headers["content-type"] == "application/json-seq"
    frames = frames_of(answer.content)
    tasks = [part for frame in frames for part in frame["tables"] if part["table"] == "tasks"]
    assert [len(part["rows"]) for part in tasks] == [30, 30, 30, 10]
    assert frames[0]["expect"]["tasks"] == 100
    assert [frame["more"] for frame in frames] == [True] * (len(frames) - 1) + [False]
    assert frames[0]["tables"][0]["table"] == "tasks", "the table the device asked for comes first"
    pulled = walked.rpc("bmad_pull_v1", {"cursor": frames[-1]["cursor"], "schema_version": 14}).json()
    assert (pulled["tables"], pulled["more"], pulled["cursor"]) == ([], False, frames[-1]["cursor"])


def test_the_rows_are_those_of_a_pull(walked: RunningServer) -> None:
    streamed: dict[str, list[Any]] = {}
    for frame in frames_of(ask(walked, limit_rows=30).content):
        for part in frame["tables"]:
            streamed.setdefault(part["table"], []).extend(part["rows"])
    pulled = walked.rpc("bmad_pull_v1", {"cursor": None, "schema_version": 14, "limit_rows": 20_000}).json()
    assert {name: sorted(map(str, rows)) for name, rows in streamed.items()} == {
        part["table"]: sorted(map(str, part["rows"])) for part in pulled["tables"]
    }


def test_what_ends_rows_and_frames_may_stand_in_a_value(postgres_installed: Database) -> None:
    awkward = 'two\nlines\r\n, a frame \x1e, a quote \x01, a delimiter \x02, "],[", \\n and \u2028'
    postgres_installed.run(TASKS.format(user=USER, count=3, width=1))
    with postgres_installed.connect() as connection:
        values = {"title": awkward, "json": json.dumps({awkward: [awkward]})}
        connection.execute("update bmad.tasks set title = %(title)s, device_seconds = %(json)s::jsonb", values)
    with serve(postgres_installed) as server:
        frames = frames_of(ask(server, limit_rows=2).content)
    [columns] = {tuple(part["columns"]) for frame in frames for part in frame["tables"] if part["table"] == "tasks"}
    rows = [row for frame in frames for part in frame["tables"] if part["table"] == "tasks" for row in part["rows"]]
    assert [row[columns.index("title")] for row in rows] == [awkward] * 3
    assert [row[columns.index("device_seconds")] for row in rows] == [{awkward: [awkward]}] * 3


def test_every_cursor_of_the_stream_goes_on_by_stream_and_by_page(walked: RunningServer) -> None:
    frames = frames_of(ask(walked, limit_rows=30).content)
    for place, frame in enumerate(frames[:-1]):
        rest = [part["rows"] for later in frames[place + 1 :] for part in later["tables"]]
        again = [
            part["rows"] for later in frames_of(ask(walked, cursor=frame["cursor"]).content) for part in later["tables"]
        ]
        assert together(rest) == together(again)
        pages, cursor, more = [], frame["cursor"], True
        while more:
            page = walked.rpc("bmad_pull_v1", {"cursor": cursor, "schema_version": 14, "limit_rows": 30}).json()
            pages += [part["rows"] for part in page["tables"]]
            cursor, more = page["cursor"], page["more"]
        assert together(rest) == together(pages)


def test_a_page_of_a_walk_has_at_most_so_many_bytes(pg18_installed: Database) -> None:
    add_tasks(pg18_installed, 40, width=1_000)
    with serve(pg18_installed) as server:
        first = frames_of(ask(server, limit_rows=1).content)[0]
        wish = {"cursor": first["cursor"], "schema_version": 14, "limit_bytes": 100_000}
        more, sizes, ids = True, [], {row[0] for row in first["tables"][0]["rows"]}
        while more:
            page = server.rpc("bmad_pull_v1", wish).json()
            rows = [row for part in page["tables"] for row in part["rows"]]
            sizes.append(len(json.dumps(rows)))
            ids |= {row[0] for row in rows}
            wish["cursor"], more = page["cursor"], page["more"]
        assert max(sizes) < 200_000
        assert ids >= {f"task-{n}" for n in range(1, 41)}


@pytest.mark.parametrize(
    ("given", "status", "word"),
    [
        ({"cursor": "garbage"}, 400, "cursor_garbage"),
        ({"cursor": "w1.00000000-00000000.1.1..0.0."}, 400, "cursor_foreign"),
        ({"user": "00000000-0000-0000-0000-000000000001"}, 403, "other_user"),
        ({"limit_rows": 0}, 400, "bad_request"),
        ({"limit_bytes": 1 << 40}, 400, "bad_request"),
        ({"tables": "tasks"}, 400, "bad_request"),
    ],
)
def test_a_wrong_request_is_refused_before_the_first_byte(
    server: RunningServer, given: dict[str, Any], status: int, word: str
) -> None:
    answer = ask(server, **given)
    assert (answer.status_code, answer.json()["message"].partition(":")[0]) == (status, word)


def test_nobody_walks_without_a_token_and_by_get(server: RunningServer) -> None:
    assert server.http.post(PATH, json=BODY).status_code == 401
    assert server.http.get(PATH, headers=server.headers()).status_code == 405


@pytest.mark.parametrize("accepted", ["gzip", "gzip, br", "*"])
def test_frames_are_packed_for_who_reads_gzip(server: RunningServer, accepted: str) -> None:
    add_tasks(server.database, 100, width=10)
    headers = server.headers(accept_encoding=accepted)
    with server.http.stream("POST", PATH, json=BODY, headers=headers) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        packed = b"".join(answer.iter_raw())
    plain = zlib.decompress(packed, 31)
    assert len(packed) < len(plain)
    assert frames_of(plain)[-1]["more"] is False


@pytest.mark.parametrize("accepted", ["identity", "", "nonsense;;q=x,,", "gzip;q=0", "br"])
def test_nothing_is_packed_for_who_does_not(server: RunningServer, accepted: str) -> None:
    answer = server.http.post(PATH, json=BODY, headers=server.headers(accept_encoding=accepted))
    assert "content-encoding" not in answer.headers
    assert frames_of(answer.content)[-1]["more"] is False


def test_a_frame_stays_below_its_bytes_and_a_huge_row_travels_alone(server: RunningServer) -> None:
    add_tasks(server.database, 50, width=100)
    database = server.database
    database.run(f"insert into bmad.tasks (user_id, id, title) values ('{USER}', 'a-huge', repeat('x', 300000))")
    frames = frames_of(ask(server, limit_bytes=10_000).content)
    tasks = [part["rows"] for frame in frames for part in frame["tables"] if part["table"] == "tasks"]
    assert sum(map(len, tasks)) == 51
    assert all(len(rows) <= 4 for rows in tasks)
    assert max(len(json.dumps(rows)) for rows in tasks) > 300_000


def test_a_stream_whose_time_is_over_ends_between_frames(pg18_installed: Database) -> None:
    add_tasks(pg18_installed, 100)
    with serve(pg18_installed, limits=Limits(stream_ms_max=-1)) as server:
        frames = frames_of(ask(server, limit_rows=10).content)
        assert len(frames) == 1
        assert frames[0]["more"] is True
        got, cursor = 10, frames[0]["cursor"]
        while cursor.startswith("w1."):
            [frame] = frames_of(ask(server, limit_rows=10, cursor=cursor).content)
            got += sum(len(part["rows"]) for part in frame["tables"] if part["table"] == "tasks")
            cursor = frame["cursor"]
        assert got == 100


def test_only_so_many_streams_at_once(pg18_installed: Database) -> None:
    with serve(pg18_installed, limits=Limits(streams_max=0)) as server:
        answer = ask(server)
        assert (answer.status_code, answer.json()["code"]) == (503, BUSY)


def begin(server: RunningServer, *headers: str) -> socket.socket:
    """A connection on which a request was begun whose body does not come."""
    wire = socket.create_connection(server.url.removeprefix("http://").split(":"), timeout=30)  # type: ignore[arg-type]
    wire.sendall("\r\n".join([f"POST {PATH} HTTP/1.1", "host: x", "content-length: 100", *headers, "", "{"]).encode())
    return wire


@pytest.mark.parametrize("refused", [(), ("authorization: Bearer nonsense",)], ids=["read", "refused and read away"])
def test_a_body_that_never_comes_is_not_waited_for(pg18_installed: Database, refused: tuple[str, ...]) -> None:
    with serve(pg18_installed, limits=Limits(request_ms_max=50)) as server, begin(server, *refused) as wire:
        answer = wire.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 401" if refused else b"HTTP/1.1 504")


def test_only_so_many_bodies_are_waited_for(pg18_installed: Database) -> None:
    with serve(pg18_installed, limits=Limits(requests_max=0)) as server:
        answer = ask(server)
        assert (answer.status_code, answer.json()["code"]) == (503, "server_busy")


def test_a_token_that_ends_meanwhile_ends_the_stream(pg18_installed: Database) -> None:
    add_tasks(pg18_installed, 20_000, width=60)  # more than the sockets on the way can hold
    clock = ManualClock()
    reader = FrameReader(1 << 30)
    with serve(pg18_installed, clock=clock) as server:
        token = server.keeper.mint(USER, expires_in_s=60)
        body = {**BODY, "limit_rows": 500}
        with server.http.stream("POST", PATH, json=body, headers={"authorization": f"Bearer {token}"}) as answer:
            pieces = answer.iter_bytes()
            frames = reader.feed(next(pieces))
            clock.advance(120_000)
            for piece in pieces:
                frames += reader.feed(piece)
    reader.end()
    assert 0 < len(frames) < 40
    assert json.loads(frames[-1])["more"] is True


def busy_backends(database: Database) -> int:
    query = """select count(*) from pg_stat_activity
        where datname = current_database() and xact_start is not null and pid <> pg_backend_pid()"""
    return int(database.value(query))


def test_a_slow_client_holds_postgres_back_and_one_that_leaves_frees_it(pg18_installed: Database) -> None:
    add_tasks(pg18_installed, 20_000, width=60)
    with serve(pg18_installed) as server:
        frames: list[int] = []
        with socket.create_connection(server.url.removeprefix("http://").split(":")) as wire:  # type: ignore[arg-type]
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
            body = json.dumps(BODY).encode()
            token = f"authorization: Bearer {server.token()}"
            head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\n{token}\r\ncontent-length: {len(body)}\r\n\r\n"
            wire.sendall(head.encode() + body)
            frames.append(len(wire.recv(65_536)))
            assert busy_backends(pg18_installed) == 1, "the COPY waits for who does not read"
        wait_until(lambda: busy_backends(pg18_installed) == 0)
        assert frames[0] > 0
        assert ask(server).status_code == 200


def wait_until(holds: Any, rounds_max: int = 400) -> None:
    """Ask until it holds; each round asks Postgres, which takes its time."""
    for _ in range(rounds_max):
        if holds():
            return
        asyncio.run(asyncio.sleep(0.02))
    raise AssertionError("it never came to hold")


def test_a_postgres_that_stops_in_the_middle_leaves_a_cut_stream(pg18_installed: Database) -> None:
    add_tasks(pg18_installed, 20_000, width=60)
    got: list[bytes] = []
    with serve(pg18_installed) as server, pytest.raises(httpx.HTTPError):
        read_and_stop(server, got)
    stream = b"".join(got)
    whole = FrameReader(1 << 30).feed(stream[: stream.rindex(b"\x1e")])
    assert whole
    assert all(json.loads(frame)["more"] for frame in whole)


def read_and_stop(server: RunningServer, got: list[bytes]) -> None:
    """Reads a stream and ends its Postgres after a megabyte."""
    stop = """select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and state = 'active' and pid <> pg_backend_pid()"""
    with server.http.stream("POST", PATH, json={**BODY, "limit_rows": 100}, headers=server.headers()) as answer:
        for piece in answer.iter_bytes():
            before = sum(map(len, got))
            got.append(piece)
            if before <= 1_000_000 < before + len(piece):
                server.database.run(stop)
