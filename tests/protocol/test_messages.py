"""Messages: what leaves, to the letter, and what is refused when it arrives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmaddb import errors as e
from bmaddb.protocol import codec
from bmaddb.protocol.answers import read_answers
from bmaddb.protocol.messages import PullRequest, RowUpdate, TableChange, WireEntry


def test_a_pull_request_to_the_letter() -> None:
    request = PullRequest(cursor=None, schema_version=14, device_id="d", limit_rows=3)
    assert codec.encode(request) == b'{"cursor":null,"schema_version":14,"device_id":"d","limit_rows":3}'


def test_an_entry_names_a_missing_base() -> None:
    change = TableChange(table="tasks", update=(RowUpdate(id="x", base=None, set={"title": None}),))
    body = codec.encode(WireEntry(number=1, schema_version=14, hlc="h", changes=(change,)))
    assert b'"update":[{"id":"x","base":null,"set":{"title":null}}]' in body
    assert b"insert" not in body


def test_the_rows_of_a_page_are_not_decoded() -> None:
    body = b'{"cursor":"c","more":false,"tables":[{"table":"t","columns":["id","server_seq"],"rows":[["a",1], "b"]}]}'
    assert bytes(codec.pull_answer(body).tables[0].rows) == b'[["a",1], "b"]'


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"cursor":null}', b'{"cursor":5}', b"<html>", b'{"cursor":"c","tables":[{}]}', b"\xff"],
)
def test_what_is_no_page_is_refused(body: bytes) -> None:
    with pytest.raises(e.RemoteProtocolError):
        codec.pull_answer(body)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"answers":[{"number":1,"status":"maybe"}],"last_number":1}',
        b'{"answers":[{"number":1,"status":"applied"}],"last_number":1}',
        b'{"answers":[{"number":1,"status":"conflict"}],"last_number":1}',
        b'{"answers":[],"last_number":1,"pull":{}}',
    ],
)
def test_what_is_no_answer_is_refused(body: bytes) -> None:
    with pytest.raises(e.RemoteProtocolError):
        codec.push_answer(body)


@given(st.binary())
def test_bytes_of_any_kind_are_read_or_refused(body: bytes) -> None:
    for reader in (codec.pull_answer, codec.push_answer):
        try:
            reader(body)
        except e.RemoteProtocolError:
            continue
    codec.error_body(body)


APPLIED = '{"number":%d,"status":"applied","version":7}'
REJECTED = '{"number":%d,"status":"rejected","error":{"code":"23514","message":"no"}}'


@pytest.mark.parametrize(
    ("sent", "answers"),
    [
        ((4, 5), ""),
        ((4, 5), APPLIED % 5),
        ((4, 5), APPLIED % 4),
        ((4,), f"{APPLIED % 4},{APPLIED % 5}"),
        ((4, 5), f"{REJECTED % 4},{APPLIED % 5}"),
    ],
    ids=["none", "not the first", "stopped without a reason", "too many", "went on after a refusal"],
)
def test_answers_that_do_not_fit_are_refused(sent: tuple[int, ...], answers: str) -> None:
    body = f'{{"answers":[{answers}],"last_number":5}}'.encode()
    with pytest.raises(e.RemoteProtocolError):
        read_answers(sent, codec.push_answer(body))


def test_answers_end_at_the_first_entry_that_is_not_applied() -> None:
    body = f'{{"answers":[{APPLIED % 4},{REJECTED % 5}],"last_number":5}}'.encode()
    settle = read_answers((4, 5, 6), codec.push_answer(body))
    assert [item.number for item in settle.applied] == [4]
    assert settle.rejection is not None
    assert settle.rejection.error.message == "no"
    assert settle.clash is None
    assert settle.last_number == 5
