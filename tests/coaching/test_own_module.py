"""The rules ask the catalogue the file was opened with: an application's own tables count as much as the twelve's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bmaddb.coaching.candidate import RuleSet
from bmaddb.coaching.rules.general import GENERAL
from bmaddb.coaching.rules.insights import InsightsValidator
from bmaddb.coaching.rules.preferences import PreferencesValidator
from bmaddb.device.store import Store
from bmaddb.entropy import SeededEntropy
from bmaddb.modules.registry import catalog_with
from bmaddb.schema import Module, UserRecord, archive, text
from bmaddb.testing import ManualClock
from tests.coaching.ground import NOW_MS, context_of, insight_row, preferences_row, settle
from tests.support.server import USER


class Garden(UserRecord, table="gardens", retention=archive(months=2)):
    """Where things grow."""

    name = text()


class Plant(UserRecord, table="plants"):
    """What grows there."""

    name = text()
    garden_id = text(null=True, soft_references="gardens")


@pytest.fixture
def garden_store(tmp_path: Path) -> Iterator[Store]:
    catalog = catalog_with(Module(name="gardening", purpose="Gardens.", records=(Garden, Plant)))
    store = Store(
        tmp_path / "garden.db", catalog, clock=ManualClock(NOW_MS), entropy=SeededEntropy(1), user=USER, seed=True
    )
    settle(store)
    with store.write() as tx:
        tx.insert(Garden, id="behind-the-house", name="Behind the house")
    yield store
    store.close()


def broken(store: Store, rules: RuleSet, row: dict[str, Any]) -> list[tuple[str, str | None]]:
    with store.write() as tx:
        in_a_write = rules(row, None, context_of(store, tx))
    of_the_store = rules(row, None, context_of(store))
    assert in_a_write == of_the_store
    return [(found.rule, found.column) for found in of_the_store if found.severity == "error"]


def test_a_soft_reference_to_a_row_of_its_own_table_must_lead_somewhere(garden_store: Store) -> None:
    plants = RuleSet(Plant, GENERAL)
    assert broken(garden_store, plants, {"name": "Thyme", "garden_id": "behind-the-house"}) == []
    assert broken(garden_store, plants, {"name": "Thyme", "garden_id": "nowhere"}) == [("G9", "garden_id")]


def test_a_row_of_its_own_table_is_evidence(garden_store: Store) -> None:
    assert broken(garden_store, InsightsValidator, insight_row(evidence=["gardens/behind-the-house"])) == []
    assert broken(garden_store, InsightsValidator, insight_row(evidence=["gardens/nowhere"])) == [("I3", "evidence")]


def test_how_long_its_own_table_is_kept_may_be_shortened(garden_store: Store) -> None:
    shorter, longer = ({"retention_overrides": {"gardens": days}} for days in (60, 61))
    assert broken(garden_store, PreferencesValidator, preferences_row(**shorter)) == []
    assert broken(garden_store, PreferencesValidator, preferences_row(**longer)) == [("P7", "retention_overrides")]
