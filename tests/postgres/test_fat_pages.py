"""Pages of fat rows: bounded by bytes as well, by whole versions, and nothing is left out."""

from __future__ import annotations

import json

import pytest

from tests.postgres.caller import ALICE, caller
from tests.support.postgres import Database

ROWS = 130
FAT = "insert into bmad.tasks (user_id, id, title) values (%s, %s, %s)"


@pytest.mark.parametrize("limit_bytes", [None, 100_000, 1])
def test_a_page_of_fat_rows_is_bounded(postgres_installed: Database, limit_bytes: int | None) -> None:
    with postgres_installed.connect() as owner:
        for number in range(ROWS):
            owner.execute(FAT, (ALICE, f"task-{number}", "x" * 10_000))
        alice = caller(postgres_installed, ALICE)
        seen: list[str] = []
        sizes: list[int] = []
        cursor, more = None, True
        while more:
            page = alice.pull(cursor, limit_rows=5_000, **({} if limit_bytes is None else {"limit_bytes": limit_bytes}))
            cursor, more = page["cursor"], page["more"]
            rows = [row for part in page["tables"] if part["table"] == "tasks" for row in part["rows"]]
            seen += [row[0] for row in rows]
            sizes.append(len(json.dumps(rows)))
        assert sorted(seen) == sorted(f"task-{number}" for number in range(ROWS))
        if limit_bytes == 100_000:
            assert max(sizes[:3]) < 150_000
            assert len([size for size in sizes if size > 2]) > 3
        alice.connection.close()
        if limit_bytes is None:
            assert len([size for size in sizes if size > 2]) == 1
