"""Who may do what in Postgres: row-level security, policies, grants, triggers of every table. Text out, no I/O.

Rules of this room: everything is taken away first and then given piece by piece, because installations differ in
what they give by default; every statement may be run again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bmaddb.schema.json_text import JSON_DEPTH_MAX
from bmaddb.schema.kinds import Kind
from bmaddb.schema.postgres_ddl_tables import declared_columns, fixed_columns, qualified, quoted
from bmaddb.schema.records import deletable, writable
from bmaddb.schema.rules import Scope
from bmaddb.schema.tables import Table

_MINE: Final = "user_id = (select bmad_sync.uid())"
_OWN: Final = "nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint"
_SHALLOW_BYTES: Final = 8 * JSON_DEPTH_MAX
"""Smaller jsonb nests no deeper: each level takes two words of four bytes."""
_NOT_OWN: Final = f"pg_trigger_depth() > 0 or new.server_seq is distinct from {_OWN}"


def secure(table: Table) -> str:
    """RLS on, policies by scope and delete rule, grants."""
    name = qualified(table.name)
    lines = [
        f"alter table {name} enable row level security;",
        f"alter table {name} force row level security;",
        f"revoke all on {name} from public, anon, authenticated;",
        f"grant select, insert, update, delete on {name} to service_role;",
        *_policy(table, "service", "for all to service_role using (true) with check (true)"),
    ]
    if table.scope is not Scope.USER:
        lines += _policy(table, "machinery", "for all to current_user using (true) with check (true)")
    if table.scope is not Scope.SERVER:
        lines += _reading(table)
    if table.scope is Scope.USER and writable(table):
        lines += _writing(table)
    return "\n".join(lines)


def triggers(table: Table, number: int) -> str:
    """The triggers that stamp what changes and bury what is deleted; none on a table that stays on the server."""
    if table.scope is Scope.SERVER:
        return ""
    name, what = qualified(table.name), "user" if table.scope is Scope.USER else "catalogue"
    return "\n".join(
        (
            *(_user_stamps(name, number) if what == "user" else _catalogue_stamps(name, number)),
            *_loosened(table),
            *_shallow(table),
            f"create trigger bury after delete on {name} referencing old table as gone for each statement",
            f"  execute function bmad_sync.bury_{what}_rows({number});",
            f"create trigger keep before truncate on {name} for each statement",
            "  execute function bmad_sync.refuse_truncate();",
        )
    )


def _user_stamps(name: str, number: int) -> Iterator[str]:
    """Rows a push writes are left alone: they name its own version, at the top, and are changed by nothing since."""
    yield f"create trigger stamp_new before insert on {name} for each row when ({_NOT_OWN})"
    yield f"  execute function bmad_sync.stamp_user_row({number});"
    yield f"create trigger stamp_changed before update on {name} for each row"
    yield f"  when ((new.server_seq = old.server_seq or {_NOT_OWN}"
    yield "    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)"
    yield f"  execute function bmad_sync.stamp_user_row({number});"
    yield f"create trigger check_new after insert on {name} referencing new table as written for each statement"
    yield f"  execute function bmad_sync.check_versions({number});"
    yield f"create trigger check_changed after update on {name} referencing old table as before new table as written"
    yield f"  for each statement execute function bmad_sync.check_versions({number});"


def _loosened(table: Table) -> Iterator[str]:
    """A fixed column that a deleted parent leaves null has an UPDATE grant for that; this holds it to null."""
    loose = [quoted(column) for column, to_null in fixed_columns(table).items() if to_null]
    if table.scope is Scope.USER and writable(table) and loose:
        changed = " or ".join(f"new.{column} <> coalesce(old.{column}, '')" for column in loose)
        yield f"create trigger hold before update on {qualified(table.name)} for each row"
        yield f"  when (current_user = 'authenticated' and ({changed}))"
        yield "  execute function bmad_sync.refuse_fixed();"


def _shallow(table: Table) -> Iterator[str]:
    """JSON that no device can read would keep every device of the user from pulling, whoever wrote it.

    A row that holds some already can be changed all the same.
    """
    held = [quoted(column.name) for column in declared_columns(table) if column.kind is Kind.JSON]
    if held:
        deep = f"'strict $.**{{{JSON_DEPTH_MAX + 1}}}'"
        size = "(pg_column_size(new.{0}) > {1} or pg_column_compression(new.{0}) is not null)"
        tests = [f"{size.format(name, _SHALLOW_BYTES)} and jsonb_path_exists(new.{name}, {deep})" for name in held]
        changed = [f"{test} and new.{name} is distinct from old.{name}" for test, name in zip(tests, held, strict=True)]
        for when, event, listed in (("new", "insert", tests), ("changed", "update", changed)):
            yield f"create trigger nesting_{when} before {event} on {qualified(table.name)} for each row"
            yield "  when (" + "\n    or ".join(listed) + ")"
            yield "  execute function bmad_sync.refuse_nesting();"


def _catalogue_stamps(name: str, number: int) -> Iterator[str]:
    yield f"create trigger stamp_new before insert on {name} for each row"
    yield f"  execute function bmad_sync.stamp_catalogue_row({number});"
    yield f"create trigger stamp_changed before update on {name} for each row when (new.* is distinct from old.*)"
    yield f"  execute function bmad_sync.stamp_catalogue_row({number});"


def _policy(table: Table, policy: str, rule: str) -> Iterator[str]:
    name = qualified(table.name)
    yield f"drop policy if exists {policy} on {name};"
    yield f"create policy {policy} on {name} {rule};"


def _reading(table: Table) -> Iterator[str]:
    seen = _MINE if table.scope is Scope.USER else "true"
    yield f"grant select on {qualified(table.name)} to authenticated;"
    yield from _policy(table, "read", f"for select to authenticated using ({seen})")


def _writing(table: Table) -> Iterator[str]:
    name = qualified(table.name)
    declared = [column.name for column in declared_columns(table) if column.client_writable]
    envelope = ["created_at", "updated_at", "server_seq", "hlc", "stamps"]
    insert = ", ".join(quoted(column) for column in ["user_id", "id", *envelope, "origin_device_id", *declared])
    fixed = fixed_columns(table)
    changed = [name for name in declared if fixed.get(name, True)]
    update = ", ".join(quoted(column) for column in [*envelope, *changed])
    yield f"grant insert ({insert}) on {name} to authenticated;"
    yield f"grant update ({update}) on {name} to authenticated;"
    yield from _policy(table, "add", f"for insert to authenticated with check ({_MINE})")
    yield from _policy(table, "change", f"for update to authenticated using ({_MINE}) with check ({_MINE})")
    yield f"drop policy if exists remove on {name};"
    if deletable(table):
        yield f"grant delete on {name} to authenticated;"
        yield f"create policy remove on {name} for delete to authenticated using ({_MINE});"
