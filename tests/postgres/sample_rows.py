"""One valid row for every table of a catalogue, and the ways a test tries to touch it."""

from __future__ import annotations

import itertools
import json
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from bmaddb import statements
from bmaddb.schema import Catalog, Column, Scope, Table
from bmaddb.schema.kinds import Kind
from bmaddb.schema.postgres_ddl_functions import write_columns
from bmaddb.schema.postgres_ddl_tables import declared_columns

_SQL = statements.load("tests.postgres", "sample_rows.sql")
_PLAIN: dict[Kind, Any] = {
    Kind.TEXT: "x",
    Kind.INT: 1,
    Kind.REAL: 0.5,
    Kind.BOOL: True,
    Kind.JSON: Jsonb([]),
    Kind.TS: "2026-01-01T00:00:00Z",
    Kind.BLOB: b"x",
}
_TEXTS = (
    "x",
    "2026-01-01",
    "08:00",
    "EUR",
    "nl",
    "#000000",
    "sha256:" + "0" * 64,
    "0" * 64,
    "a0",
    "INFJ",
    "https://example.org/",
)
_NUMBERS = (1, 0, 2000, 50, 5)

Connection = psycopg.Connection[Any]


class SampleRows:
    """Rows of user `owner`; catalogue and server tables get one of their own."""

    def __init__(self, catalog: Catalog, owner: str) -> None:
        self.catalog = catalog
        self.owner = owner
        self.rows: dict[str, dict[str, Any]] = {}
        self._numbers = itertools.count(1)

    def fill(self, connection: Connection) -> None:
        """Insert one row into every table on the server, parents first; values are tried until the checks agree."""
        for table in self.catalog.server_tables:
            self.rows[table.name] = self._place(connection, table)

    def act(self, connection: Connection, user: str | None, role: str) -> None:
        """Become this caller until the transaction ends."""
        claims = json.dumps({"role": role, **({"sub": user} if user else {})})
        connection.execute(_SQL["act"], {"role": role, "claims": claims})

    def try_verb(self, connection: Connection, table: Table, verb: str) -> bool:
        """Do it to the sample row (an insert: to a copy with another id); True when a row was met."""
        row = self.rows[table.name]
        if verb == "select":
            found = connection.execute(self._made("count", table, id=row["id"])).fetchone()
            return found is not None and found[0] == 1
        if verb == "insert":
            return self._insert(connection, table, self._copy(table)).rowcount == 1
        name = next(iter(write_columns(table)), "server_seq") if verb == "update" else "id"
        column = "updated_at" if name == "id" and verb == "update" else name
        made = self._made(
            verb, table, id=row["id"], column=sql.Identifier(column if table.scope is not Scope.SERVER else "id")
        )
        return connection.execute(made).rowcount == 1

    def give(self, connection: Connection, table: Table, user: str) -> None:
        connection.execute(self._made("give", table, id=self.rows[table.name]["id"], user=user))

    def set_column(self, connection: Connection, table: Table, column: str) -> None:
        connection.execute(self._made("update", table, id=self.rows[table.name]["id"], column=sql.Identifier(column)))

    def refer_to(self, connection: Connection, table: Table, column: str, target: str) -> None:
        """Let the sample row's reference lead to row `target`."""
        made = self._made("refer", table, id=self.rows[table.name]["id"], column=sql.Identifier(column), target=target)
        connection.execute(made)

    def refer_across(self, connection: Connection, table: Table, column: str, user: str) -> None:
        """A copy of the row for `user`, all of whose references lead to rows of the owner's."""
        row = {**self.rows[table.name], "user_id": user, "id": f"copy-{next(self._numbers)}"}
        target = self.catalog.table(str(table.column(column).spec.references))
        for other in table.foreign_keys:
            if other.spec.nullable and self.catalog.table(str(other.spec.references)).scope is Scope.USER:
                row[other.name] = None
        row[column] = self.rows[target.name]["id"]
        self._insert(connection, table, row)
        connection.execute(_SQL["set_constraints"])

    def unprotected(self, connection: Connection) -> list[str]:
        return [row[0] for row in connection.execute(_SQL["unprotected"])]

    def given_to_all(self, connection: Connection) -> list[str]:
        return [row[0] for row in connection.execute(_SQL["given_to_all"])]

    def _copy(self, table: Table) -> dict[str, Any]:
        key: Any = next(self._numbers) + 1000 if table.scope is Scope.SERVER else f"copy-{next(self._numbers)}"
        row = {**self.rows[table.name], "id": key}
        held = {"user_id", *write_columns(table)} if table.scope is Scope.USER and write_columns(table) else set(row)
        for name in table.options.natural_key:
            if (
                table.column(name).kind is Kind.TEXT
                and not table.column(name).spec.references
                and not table.column(name).spec.enum
            ):
                row[name] = row[name] + "2" if row[name] == "x" else row[name]
        return {name: value for name, value in row.items() if name in held}

    def _place(self, connection: Connection, table: Table) -> dict[str, Any]:
        last: Exception | None = None
        for text, number in itertools.product(_TEXTS, _NUMBERS):
            row = self._row(table, text, number)
            try:
                with connection.transaction():
                    self._insert(connection, table, row)
                return row
            except (psycopg.errors.CheckViolation, psycopg.errors.NotNullViolation) as error:
                last = error
                fitting = self._adjusted(connection, table, row)
                if fitting is not None:
                    return fitting
        raise AssertionError(f"no sample value fits {table.name}: {last}")

    def _adjusted(self, connection: Connection, table: Table, row: dict[str, Any]) -> dict[str, Any] | None:
        """Change the column a check complains of until it stops, or give up."""
        for _ in range(80):
            try:
                with connection.transaction():
                    self._insert(connection, table, row)
                return row
            except psycopg.errors.CheckViolation as error:
                name = str(error.diag.constraint_name).rsplit("_", 1)[0]
                if name not in row:
                    return None
                options: tuple[Any, ...] = _TEXTS if isinstance(row[name], str) else _NUMBERS
                place = options.index(row[name]) + 1 if row[name] in options else 0
                if place >= len(options):
                    return None
                row = {**row, name: options[place]}
        return None

    def _row(self, table: Table, text: str, number: int) -> dict[str, Any]:
        row: dict[str, Any] = {"id": 1 if table.scope is Scope.SERVER else "sample"}
        if table.scope is Scope.USER:
            row["user_id"] = self.owner
        for column in declared_columns(table):
            row[column.name] = self._value(column, text, number)
        return row

    def _value(self, column: Column[Any], text: str, number: int) -> Any:
        spec = column.spec
        if spec.references is not None:
            known = self.rows.get(spec.references)
            return None if known is None else known["id"]
        if spec.enum:
            return spec.enum[0]
        if column.kind is Kind.TEXT:
            return text
        return number if column.kind is Kind.INT else _PLAIN[column.kind]

    def _insert(self, connection: Connection, table: Table, row: dict[str, Any]) -> psycopg.Cursor[Any]:
        made = self._made(
            "insert",
            table,
            columns=sql.SQL(", ").join(map(sql.Identifier, row)),
            values=sql.SQL(", ").join([sql.Placeholder()] * len(row)),
        )
        return connection.execute(made, list(row.values()))

    def _made(self, block: str, table: Table, **parts: Any) -> sql.Composed:
        given = {name: part if isinstance(part, sql.Composable) else sql.Literal(part) for name, part in parts.items()}
        return sql.SQL(_SQL[block]).format(table=sql.Identifier("bmad", table.name), **given)
