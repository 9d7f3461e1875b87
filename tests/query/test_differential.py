"""SQLite and the matcher say the same of every row, and the order key sorts as ORDER BY does.

BMADDB_DIFFERENTIAL_CASES=100000 runs more of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bmaddb.device.store import Store
from tests.query.differential import Differential
from tests.query.odd import odd_store

CASES = int(os.environ.get("BMADDB_DIFFERENTIAL_CASES", "3000"))
PARTS = 3


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with odd_store(tmp_path_factory.mktemp("odd") / "device.db") as store:
        yield store


@pytest.mark.parametrize("part", range(PARTS))
def test_compiler_matcher_and_sqlite_agree(odd: Store, part: int) -> None:
    differential = Differential(odd, seed=part)
    differential.run(CASES // PARTS)
    assert min(differential.matches, differential.unknowns) > CASES, "the cases hardly ask anything"


def test_a_case_that_differs_is_noticed(odd: Store, tmp_path: Path) -> None:
    """The comparison looks at two states of the same table, and must say so."""
    differential = Differential(odd, seed=0)
    with odd_store(tmp_path / "other.db", seed=1) as other:
        differential._store = other
        with pytest.raises((AssertionError, KeyError)):
            differential.run(100)
