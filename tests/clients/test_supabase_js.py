"""The unmodified @supabase/supabase-js calls every door."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.clients.driver import Driver
from tests.clients.rpc_exam import Answer, RpcExam, SignIn
from tests.support.server import RunningServer

PUBLISHABLE_KEY = "sb_publishable_test"


@dataclass(frozen=True, slots=True)
class SupabaseJs:
    driver: Driver
    name: str

    def rpc(self, name: str, args: dict[str, Any]) -> Answer:
        said = self.driver.call("rpc", client=self.name, name=name, args=args)
        return Answer(data=said["data"], error=said["error"])


@pytest.fixture(scope="module")
def supabase_process(node_modules: Path) -> Iterator[Driver]:
    with Driver("supabase.js", node_modules) as driver:
        yield driver


@pytest.fixture(params=["publishable key", "anon token"])
def sign_in(request: pytest.FixtureRequest, supabase_process: Driver, server: RunningServer) -> SignIn:
    """Both kinds of project key: today's, and the older one that is itself a token."""
    anon = server.token(str(uuid.UUID(int=0)), role="anon")
    key = PUBLISHABLE_KEY if request.param == "publishable key" else anon
    supabase_process.call("reset")
    names = map("client {}".format, itertools.count(1))

    def signed_in(user: str | None) -> SupabaseJs:
        name = next(names)
        token = None if user is None else server.token(user)
        supabase_process.call("connect", client=name, url=server.url, key=key, token=token)
        return SupabaseJs(supabase_process, name)

    return signed_in


class TestSupabaseJs(RpcExam):
    """Nothing but the exam."""
