"""The cutting proxy cuts where it says, once, and otherwise stays out of the way."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import httpx
import pytest

from bmaddb.testing.proxy import Cut, CuttingProxy, Wire


class _Counter(http.server.BaseHTTPRequestHandler):
    """Counts what arrives, answers with the count."""

    arrived = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        type(self).arrived += 1
        body = str(type(self).arrived).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def proxy() -> Iterator[CuttingProxy]:
    _Counter.arrived = 0
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Counter)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with CuttingProxy(server.server_address[1]) as running:
        yield running
    server.shutdown()
    thread.join()
    server.server_close()


def call(proxy: CuttingProxy, path: str = "/work") -> str:
    return httpx.post(proxy.url + path, content=b"x", timeout=20).text


def test_it_forwards(proxy: CuttingProxy) -> None:
    assert [call(proxy), call(proxy)] == ["1", "2"]


def test_after_effect_the_work_is_done_and_the_answer_lost(proxy: CuttingProxy) -> None:
    proxy.cut_next("/work", Cut.AFTER_EFFECT)
    assert call(proxy, "/other") == "1"
    with pytest.raises(httpx.TransportError):
        call(proxy)
    assert (_Counter.arrived, proxy.cuts_done) == (2, 1)
    assert call(proxy) == "3"


def test_before_effect_nothing_arrives(proxy: CuttingProxy) -> None:
    proxy.cut_next("/work", Cut.BEFORE_EFFECT)
    with pytest.raises(httpx.TransportError):
        call(proxy)
    assert (_Counter.arrived, proxy.cuts_done) == (0, 1)
    assert call(proxy) == "1"


def test_refusing_is_being_offline_until_it_accepts_again(proxy: CuttingProxy) -> None:
    proxy.refuse()
    with pytest.raises(httpx.TransportError):
        call(proxy)
    proxy.accept()
    assert call(proxy) == "1"


def test_a_kept_connection_is_cut_too(proxy: CuttingProxy) -> None:
    with httpx.Client(base_url=proxy.url, timeout=20) as client:
        assert client.post("/work", content=b"x").text == "1"
        proxy.cut_next("/work", Cut.AFTER_EFFECT)
        with pytest.raises(httpx.TransportError):
            client.post("/work", content=b"x")
        assert _Counter.arrived == 2


@pytest.mark.parametrize("wire", [Wire.CUT, Wire.RESET, Wire.HALF_CLOSE])
@pytest.mark.parametrize("after_bytes", [0, 20, 100])
def test_an_answer_that_breaks_off_somewhere(proxy: CuttingProxy, wire: Wire, after_bytes: int) -> None:
    proxy.break_next(wire, after_bytes)
    with pytest.raises(httpx.TransportError):
        call(proxy)
    assert (_Counter.arrived, proxy.cuts_done) == (1, 1)
    assert call(proxy) == "2"


@pytest.mark.parametrize("wire", [Wire.CUT, Wire.RESET])
def test_a_request_that_breaks_off_never_arrives(proxy: CuttingProxy, wire: Wire) -> None:
    proxy.break_next(wire, 30, answers=False)
    with pytest.raises(httpx.TransportError):
        call(proxy)
    assert (_Counter.arrived, proxy.cuts_done) == (0, 1)
    assert call(proxy) == "1"


def test_a_stalled_answer_comes_when_it_is_released(proxy: CuttingProxy) -> None:
    proxy.break_next(Wire.STALL, 10)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{proxy.url}/work", content=b"x", timeout=0.3)
    proxy.release()
    assert (_Counter.arrived, proxy.cuts_done) == (1, 1)
    assert call(proxy) == "2"


def test_a_dripping_answer_is_whole(proxy: CuttingProxy) -> None:
    proxy.break_next(Wire.DRIP)
    assert call(proxy) == "1"
    assert proxy.cuts_done == 1


def test_what_was_called_off_does_not_happen(proxy: CuttingProxy) -> None:
    proxy.break_next(Wire.CUT, 5)
    proxy.cut_next("/work", Cut.AFTER_EFFECT)
    proxy.mend()
    assert call(proxy) == "1"
    assert proxy.cuts_done == 0
