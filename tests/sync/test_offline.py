"""Offline is a state (S18): whatever stands between device and server, work goes on and the reason can be seen."""

from __future__ import annotations

import contextlib
import queue
import socket
from collections.abc import Callable, Iterator

import httpx
import pytest

from bmaddb.device.sync import BackgroundSync, HttpTransport, Schedule, SyncEngine, Transport
from bmaddb.modules.tasks_productivity import Task
from bmaddb.protocol.session import Limits
from bmaddb.protocol.steps import Result
from bmaddb.signals import SyncEnded
from tests.sync.devices import Device, World
from tests.sync.test_schedule import Alarms

RETRY_MS = 1_000
RETRY_MS_MAX = 60_000


def write(device: Device, title: str) -> None:
    with device.store.write() as tx:
        tx.insert(Task, title=title)


@contextlib.contextmanager
def engine_of(device: Device, transport: Transport) -> Iterator[tuple[SyncEngine, list[float]]]:
    """An engine over another transport, and the seconds it waited between attempts."""
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    engine = SyncEngine(device.store, device.outbox, transport, limits=Limits(attempts=3), sleep=wait)
    try:
        yield engine, waited
    finally:
        engine.close()


def in_maintenance(request: httpx.Request) -> httpx.Response:
    return httpx.Response(503, json={"message": "back at noon"}, headers={"retry-after": "20"})


def closed_for_a_year(request: httpx.Request) -> httpx.Response:
    return httpx.Response(503, json={"message": "bye"}, headers={"retry-after": "31536000"})


def a_page_of_a_proxy(request: httpx.Request) -> httpx.Response:
    return httpx.Response(502, html="<h1>Bad Gateway</h1>")


def a_portal(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, html="<h1>Hotel</h1>")


def a_redirect_to_a_portal(request: httpx.Request) -> httpx.Response:
    return httpx.Response(302, headers={"location": "http://hotel/sign-in"})


def no_such_name(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("[Errno -2] Name or service not known", request=request)


def too_many(request: httpx.Request) -> httpx.Response:
    return httpx.Response(429, json={"message": "slower"}, headers={"retry-after": "7"})


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (in_maintenance, "http_503"),
        (a_page_of_a_proxy, "http_502"),
        (a_portal, "not_json"),
        (a_redirect_to_a_portal, "http_302"),
        (no_such_name, "B-501"),
        (too_many, "http_429"),
    ],
)
def test_what_stands_between_is_named_and_nothing_is_lost(
    world: World, answer: Callable[[httpx.Request], httpx.Response], code: str
) -> None:
    here = world.device()
    write(here, "before")
    transport = HttpTransport("http://server", "t", transport=httpx.MockTransport(answer))
    with engine_of(here, transport) as (engine, waited):
        report = engine.sync_blocking()
    assert report.result is Result.OFFLINE
    assert report.failure is not None
    assert (report.failure.code, bool(report.failure.message)) == (code, True)
    assert len(waited) == 2, "it tried three times"
    write(here, "meanwhile")
    assert here.outbox.counts().queued == 2
    assert here.sync().ok
    world.assert_equal(here)


@pytest.mark.parametrize(("answer", "seconds"), [(in_maintenance, 20), (closed_for_a_year, 30), (too_many, 7)])
def test_the_server_says_how_long_it_wants_to_be_left_alone(
    world: World, answer: Callable[[httpx.Request], httpx.Response], seconds: int
) -> None:
    here = world.device()
    transport = HttpTransport("http://server", "t", transport=httpx.MockTransport(answer))
    with engine_of(here, transport) as (engine, waited):
        engine.sync_blocking()
    assert len(waited) == 2
    assert all(seconds <= wait <= 1.5 * seconds for wait in waited), waited


def test_maintenance_that_ends_within_the_sync(world: World) -> None:
    here = world.device()
    write(here, "a")
    answers = iter([in_maintenance, in_maintenance])
    real = httpx.AsyncHTTPTransport()

    class Reopening(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            closed = next(answers, None)
            return await real.handle_async_request(request) if closed is None else closed(request)

        async def aclose(self) -> None:
            await real.aclose()

    transport = HttpTransport(world.server.url, world.server.token(), transport=Reopening())
    with engine_of(here, transport) as (engine, waited):
        assert engine.sync_blocking().ok
    assert len(waited) == 2
    world.assert_equal(here)


def test_nobody_listens_and_tls_is_refused(world: World) -> None:
    """A port that was closed, and a server that does not speak TLS."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    here = world.device()
    write(here, "a")
    for url in (f"http://127.0.0.1:{port}", world.server.url.replace("http:", "https:")):
        with engine_of(here, HttpTransport(url, world.server.token())) as (engine, _):
            report = engine.sync_blocking()
        assert report.result is Result.OFFLINE
        assert report.failure is not None
        assert report.failure.code == "B-501"
    assert here.outbox.counts().queued == 1


def test_it_never_gives_up_by_itself_and_ends_on_request(world: World) -> None:
    """Twenty failures: each wait is longer, up to the limit, spread by chance; then the network is back; then stop."""
    here, alarms = world.device(), Alarms()
    here.transport.offline = True
    ended: list[SyncEnded] = []
    here.store.signals.listen(SyncEnded, ended.append)
    schedule = Schedule(retry_ms=RETRY_MS, retry_ms_max=RETRY_MS_MAX)
    running = BackgroundSync(here.engine, schedule=schedule, alarm=alarms)
    running.start()
    waits = []
    for _ in range(20):
        waits.append(alarms.next())
        alarms.ring(here)
    for attempt, wait in enumerate(waits):
        whole = min(RETRY_MS << attempt, RETRY_MS_MAX) / 1000
        assert whole / 2 <= wait < whole, (attempt, wait)
    capped = waits[6:]
    assert len(set(capped)) == len(capped), "devices that failed together do not come back together"
    alarms.next()
    write(here, "a")
    here.transport.offline = False
    alarms.ring(here)
    assert alarms.next() == schedule.poll_ms / 1000
    assert [fact.result for fact in ended] == ["offline"] * 21 + ["ok"]
    here.transport.offline = True
    running.wake()
    assert alarms.next() < RETRY_MS / 1000, "after a success it begins with short waits again"
    running.stop()
    alarms.ring(here)
    with pytest.raises(queue.Empty):
        alarms.asked.get_nowait()
