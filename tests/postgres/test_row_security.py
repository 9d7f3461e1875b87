"""A2: who may do what to whose row, for every table of the default catalogue, derived from scope and delete rule.

Every cell is tried with a real row as the database role a request runs under, past the doors: plain SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import psycopg
import pytest

from bmaddb.modules.registry import default_catalog
from bmaddb.schema import Scope, Table
from bmaddb.schema.postgres_ddl_functions import write_columns
from bmaddb.schema.postgres_ddl_tables import fixed_columns
from bmaddb.schema.records import deletable, writable
from tests.postgres.caller import ALICE, BOB
from tests.postgres.sample_rows import SampleRows
from tests.support.postgres import VERSIONS, Clusters, Database

CATALOG = default_catalog()
VERBS = ("select", "insert", "update", "delete")
WHO = {
    "owner": (ALICE, "authenticated"),
    "other": (BOB, "authenticated"),
    "nobody": (None, "authenticated"),
    "anonymous": (None, "anon"),
}


@pytest.fixture(scope="module", params=VERSIONS, ids=lambda version: f"pg{version}")
def filled(request: pytest.FixtureRequest, clusters: Clusters) -> Iterator[tuple[Database, SampleRows]]:
    """The default catalogue with one row of ALICE's (or of everybody's) in every table."""
    with clusters.of(request.param).database(installed=True) as database:
        rows = SampleRows(CATALOG, ALICE)
        with database.connect(autocommit=False) as connection:
            rows.fill(connection)
        yield database, rows


def expected(table: Table, verb: str, who: str) -> str:
    """`done`, `nothing` (no row in sight) or `refused`."""
    if who == "anonymous":
        return "refused"
    if table.scope is Scope.SERVER:
        return "refused"
    if verb == "select":
        return "done" if table.scope is Scope.CATALOG or who == "owner" else "nothing"
    if not writable(table) or (verb == "delete" and not deletable(table)):
        return "refused"
    if who == "owner":
        return "done"
    return "refused" if verb == "insert" else "nothing"


def refused(connection: psycopg.Connection[Any], rows: SampleRows, act: Callable[[], None]) -> bool:
    """Is this refused to the owner of the rows?"""
    try:
        with connection.transaction():
            rows.act(connection, ALICE, "authenticated")
            act()
    except psycopg.errors.InsufficientPrivilege:
        return True
    return False


def attempt(connection: psycopg.Connection[Any], rows: SampleRows, table: Table, verb: str, who: str) -> str:
    user, role = WHO[who]
    outcome = "refused"
    try:
        with connection.transaction(force_rollback=True):
            rows.act(connection, user, role)
            outcome = "done" if rows.try_verb(connection, table, verb) else "nothing"
    except psycopg.errors.InsufficientPrivilege:
        return "refused"
    return outcome


def test_every_table_verb_and_caller(filled: tuple[Database, SampleRows]) -> None:
    database, rows = filled
    wrong: list[str] = []
    cells = 0
    with psycopg.connect(database.login, autocommit=True) as connection:
        for table in CATALOG.server_tables:
            for verb in VERBS:
                for who in WHO:
                    cells += 1
                    got, wanted = attempt(connection, rows, table, verb, who), expected(table, verb, who)
                    if got != wanted:
                        wrong.append(f"{table.name} {verb} by {who}: {got}, not {wanted}")
    assert wrong == []
    assert cells == len(CATALOG.server_tables) * len(VERBS) * len(WHO)


def test_a_row_cannot_be_given_to_another_user(filled: tuple[Database, SampleRows]) -> None:
    database, rows = filled
    tables = [table for table in CATALOG.server_tables if table.scope is Scope.USER and writable(table)]
    with psycopg.connect(database.login, autocommit=True) as connection:
        for table in tables:
            assert refused(connection, rows, partial(rows.give, connection, table, BOB))
    assert tables


def test_server_columns_cannot_be_set(filled: tuple[Database, SampleRows]) -> None:
    database, rows = filled
    tried = 0
    with psycopg.connect(database.login, autocommit=True) as connection:
        for table in CATALOG.server_tables:
            for column in table.columns:
                if (
                    table.scope is Scope.USER
                    and column.name not in {"server_seq", *write_columns(table)}
                    and column.synced
                ):
                    tried += 1
                    set_it = partial(rows.set_column, connection, table, column.name)
                    assert refused(connection, rows, set_it), f"{table.name}.{column.name}"
    assert tried > len(CATALOG.server_tables) / 2


def test_columns_that_are_set_at_insert_cannot_be_changed(filled: tuple[Database, SampleRows]) -> None:
    """Not even to what they are, but for references that a deleted parent leaves null: those take nothing else."""
    database, rows = filled
    tried = loose = 0
    with psycopg.connect(database.login, autocommit=True) as connection:
        for table in CATALOG.server_tables:
            if table.scope is not Scope.USER or not writable(table):
                continue
            for name, to_null in fixed_columns(table).items():
                tried += 1
                loose += to_null
                act = (
                    partial(rows.refer_to, connection, table, name, "no-such-row")
                    if to_null
                    else partial(rows.set_column, connection, table, name)
                )
                assert refused(connection, rows, act), f"{table.name}.{name}"
    assert tried > loose > 10


def test_proof_of_consent_cannot_be_changed(filled: tuple[Database, SampleRows]) -> None:
    table = CATALOG.table("consent_records")
    assert set(write_columns(table)) - set(fixed_columns(table)) == {"id", "created_at", "updated_at"}
    assert not any(fixed_columns(table).values())


def test_every_composite_key_refuses_another_users_row(filled: tuple[Database, SampleRows]) -> None:
    database, rows = filled
    tried = 0
    with database.connect() as connection:
        for table in CATALOG.server_tables:
            for column in table.foreign_keys:
                if table.scope is Scope.USER and CATALOG.table(str(column.spec.references)).scope is Scope.USER:
                    tried += 1
                    with pytest.raises(psycopg.errors.ForeignKeyViolation), connection.transaction():
                        rows.refer_across(connection, table, column.name, BOB)
    assert tried >= 30


def test_every_table_has_row_level_security_enabled_and_forced(filled: tuple[Database, SampleRows]) -> None:
    database, rows = filled
    with database.connect() as connection:
        assert rows.unprotected(connection) == []
        assert rows.given_to_all(connection) == []
