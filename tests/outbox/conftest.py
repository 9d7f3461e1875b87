"""A store with an outbox on a real file, holding the small module of tests/protocol/things.py."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Durability, Store
from bmaddb.entropy import SeededEntropy
from bmaddb.modules.registry import catalog_with
from bmaddb.schema import Catalog
from bmaddb.schema.evolution import Migration
from bmaddb.testing import ManualClock
from tests.protocol.things import MODULE

CATALOG = catalog_with(MODULE, include_defaults=False)
USER = str(uuid.UUID(int=0xA11CE))


class Bench:
    """One file that can be opened again, under another catalog too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = ManualClock()
        self.opened: list[Store] = []
        self.open()

    def open(
        self,
        catalog: Catalog = CATALOG,
        durability: Durability = "full",
        *,
        migrations: Sequence[Migration] = (),
        keep: bool = False,
        vfs: str | None = None,
    ) -> None:
        """Open the file (again); with `keep` the one before stays open, like another process."""
        if not keep:
            self.close()
        self.store = Store(
            self.path,
            catalog,
            clock=self.clock,
            entropy=SeededEntropy(len(self.opened)),
            user=USER,
            durability=durability,
            migrations=migrations,
            vfs=vfs,
        )
        self.opened.append(self.store)
        self.outbox = Outbox(self.store)

    def close(self) -> None:
        for store in self.opened:
            store.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "device.db")
    yield made
    made.close()
