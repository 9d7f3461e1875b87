"""The `supabase` package from PyPI, unchanged, against our server."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.server import USER, RunningServer

supabase = pytest.importorskip("supabase")
KEY = "sb_publishable_ACJWlzQHlZjBrEguHvfOxg_3BJgxAaH"


@pytest.fixture
def client(doors: RunningServer) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made = supabase.create_client(doors.url, KEY)
        yield made
        made.postgrest.session.close()


def test_without_a_session_it_is_anon(client: Any) -> None:
    assert client.rpc("whoami").execute().data["role"] == "anon"
    with pytest.raises(supabase.PostgrestAPIError) as refused:
        client.rpc("for_users").execute()
    assert refused.value.code == "42501"


def test_with_a_token_it_is_the_user(client: Any, doors: RunningServer) -> None:
    client.postgrest.auth(doors.token())
    assert client.rpc("whoami").execute().data["claims"]["sub"] == USER
    assert client.rpc("add", {"a": 1, "b": 2}).execute().data == 3
    assert client.rpc("echo", {"a": [1, {"b": None}]}).execute().data == {"a": [1, {"b": None}]}
    assert client.rpc("all_notes").execute().data[0]["body"] == "mine"
    assert client.rpc("big", {"size": 100_000}).execute().data == "x" * 100_000


def test_it_reads_our_errors(client: Any, doors: RunningServer) -> None:
    client.postgrest.auth(doors.token())
    with pytest.raises(supabase.PostgrestAPIError) as failed:
        client.rpc("fail", {"state": "PT409", "message": "m", "detail": "d", "hint": "h"}).execute()
    error = failed.value
    assert (error.code, error.message, error.details, error.hint) == ("PT409", "m", "d", "h")


def test_reading_calls_go_by_get_and_head(client: Any, doors: RunningServer) -> None:
    client.postgrest.auth(doors.token())
    assert client.rpc("add", {"a": 1}, get=True).execute().data == 11
    assert client.rpc("numbers", {"count": 4}, count="exact", get=True).execute().count == 4
