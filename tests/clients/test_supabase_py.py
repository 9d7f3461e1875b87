"""The unmodified `supabase` package calls every door."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from postgrest.exceptions import APIError
from supabase import Client, ClientOptions, create_client

from tests.clients.rpc_exam import Answer, RpcExam, SignIn
from tests.support.server import RunningServer

PUBLISHABLE_KEY = "sb_publishable_test"


@dataclass(frozen=True, slots=True)
class SupabasePy:
    client: Client

    def rpc(self, name: str, args: dict[str, Any]) -> Answer:
        try:
            return Answer(data=self.client.rpc(name, args).execute().data)
        except APIError as error:
            return Answer(error=error.json())


@pytest.fixture(params=["publishable key", "anon token"])
def sign_in(request: pytest.FixtureRequest, server: RunningServer) -> Iterator[SignIn]:
    """Both kinds of project key: today's, and the older one that is itself a token."""
    anon = server.token(str(uuid.UUID(int=0)), role="anon")
    key = PUBLISHABLE_KEY if request.param == "publishable key" else anon
    with ExitStack() as connections:

        def signed_in(user: str | None) -> SupabasePy:
            http = connections.enter_context(httpx.Client())
            client = create_client(server.url, key, ClientOptions(httpx_client=http))
            if user is not None:
                client.postgrest.auth(server.token(user))
            return SupabasePy(client)

        yield signed_in


class TestSupabasePy(RpcExam):
    """Nothing but the exam."""
