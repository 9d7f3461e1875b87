"""Another process on the same file, for tests: syncs it, and can be held in the middle of a run.

Speaks on stdout: `held` when it stands before the chosen call, and at its end one JSON line with its report.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncGenerator

from bmaddb.clock import SystemClock
from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Store
from bmaddb.device.sync import HttpTransport, SyncEngine
from bmaddb.entropy import SystemEntropy
from bmaddb.modules.registry import catalog_with
from bmaddb.protocol.session import Limits
from tests.protocol.things import MODULE


class HeldTransport(HttpTransport):
    """Stops before (or after) the call number `place` of `function`, until a line comes on stdin.

    The pages of a stream count as calls; what is held is the page.
    """

    place = 0
    function = ""
    after = False

    async def call(self, function: str, body: bytes) -> bytes:
        if function != self.function:
            return await super().call(function, body)
        self.place -= 1
        if self.place == 0 and not self.after:
            await self._hold()
        answer = await super().call(function, body)
        if self.place == 0 and self.after:
            await self._hold()
        return answer

    async def stream(self, function: str, body: bytes) -> AsyncGenerator[bytes]:
        async with contextlib.aclosing(super().stream(function, body)) as pages:
            async for page in pages:
                if function == self.function:
                    self.place -= 1
                    if self.place == 0:
                        await self._hold()
                yield page

    async def _hold(self) -> None:
        print("held", flush=True)
        await asyncio.to_thread(sys.stdin.readline)


def main() -> None:
    path, url, token, user, function, place, after, page_rows = sys.argv[1:]
    store = Store(
        path,
        catalog_with(MODULE, include_defaults=False),
        clock=SystemClock(),
        entropy=SystemEntropy(),
        user=user,
    )
    transport = HeldTransport(url, token)
    transport.function, transport.place, transport.after = function, int(place), after == "after"
    engine = SyncEngine(store, Outbox(store), transport, limits=Limits(page_rows=int(page_rows)))
    report = engine.sync_blocking()
    failure = None if report.failure is None else report.failure.message
    print(json.dumps({"result": str(report.result), "failure": failure, "pushed": report.pushed_entries}), flush=True)
    engine.close()
    store.close()


if __name__ == "__main__":
    main()
