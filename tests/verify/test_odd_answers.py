"""What a server may answer to a verify that makes no sense: the report says so, and the file is as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bmaddb.device.sync import Verified
from bmaddb.protocol.digests import DIGEST_FUNCTION
from tests.sync.devices import World
from tests.verify.test_repair import fill, raw, verify

Odd = Callable[[dict[str, Any]], object]


def lists(**odd: Any) -> Odd:
    """These in every list of the answer."""
    return lambda answer: [part.update(odd) for part in answer["lists"]]


def rows(**odd: Any) -> Odd:
    """These in all rows of the answer."""
    return lambda answer: [part.update(odd) for part in answer["rows"]]


ODD: dict[str, Odd] = {
    "fewer digests": lambda answer: answer["digests"] and answer["digests"].pop(),
    "more digests": lambda answer: answer["digests"].append({"table": "boxes", "ranges": {}}),
    "no lists": lambda answer: answer.update(lists=[]),
    "a list that goes on from nowhere": lists(rows=[], more=True),
    "a list that goes back": lists(rows=[["", "1"]], more=True),
    "a list that goes on beyond its end": lists(rows=[["\U0010ffff", "1"]], more=True),
    "rows without names": rows(columns=[]),
    "rows that are numbers": rows(rows=[1]),
    "rows that are short": rows(rows=[["x"]]),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_it_ends_in_a_report(small_world: World, odd: Odd) -> None:
    device = small_world.device()
    fill(device)
    small_world.settle(device)
    raw(device, "update things set name = 'flipped' where name = 'thing 1'")
    before, inner = device.rows(), device.transport.call

    async def changed(function: str, body: bytes) -> bytes:
        answer = await inner(function, body)
        if function != DIGEST_FUNCTION:
            return answer
        message = json.loads(answer)
        odd(message)
        return json.dumps(message).encode()

    device.transport.call = changed  # type: ignore[method-assign]
    report = verify(device)
    assert report.result is Verified.UNKNOWN
    assert report.failure is not None
    assert report.failure.code == "B-402"
    assert device.rows() == before
    device.transport.call = inner  # type: ignore[method-assign]
    assert verify(device).result is Verified.REPAIRED
    small_world.assert_equal(device)
