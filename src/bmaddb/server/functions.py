"""Which functions Postgres offers to clients, which one a request means, and the statement that calls it.

Rules of this room: only schema `public` is looked at; a function is found by the names of its arguments,
never by their types; names come from Postgres already quoted, values are always bound.
"""

from __future__ import annotations

import difflib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import msgspec

from bmaddb import statements
from bmaddb.server.answer import Problem

SCHEMA: Final = "public"
HOISTED_SETTINGS: Final = frozenset({"statement_timeout", "default_transaction_isolation"})
CLOSE_ENOUGH: Final = 0.75

_SQL = statements.load("bmaddb.server", "gateway.sql")
_JSON_TYPES: Final = frozenset({"json", "jsonb"})
_RAW_TYPES: Final = {"text/plain": "text", "text/xml": "xml", "application/octet-stream": "bytea"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """One input of a function; `name` is empty when it has none, `type` is what Postgres calls it."""

    name: str
    quoted: str
    type: str
    variadic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function of schema public as pg_proc has it; `settings` are those lifted to the transaction."""

    name: str
    quoted_name: str
    arguments: tuple[Argument, ...]
    defaults_count: int
    is_set: bool
    result_kind: str
    is_read_only: bool
    settings: Mapping[str, str]
    roles: frozenset[str]

    @property
    def required(self) -> frozenset[str]:
        """Names of the arguments without a default."""
        return frozenset(a.name for a in self.arguments[: len(self.arguments) - self.defaults_count])

    @property
    def names(self) -> frozenset[str]:
        """Names of all arguments."""
        return frozenset(a.name for a in self.arguments)

    @property
    def single_unnamed_type(self) -> str | None:
        """The type of the only argument when that one has no name."""
        return self.arguments[0].type if len(self.arguments) == 1 and not self.arguments[0].name else None

    def takes(self, keys: frozenset[str]) -> bool:
        """Whether these argument names, and no others, make a call."""
        return "" not in self.names and self.required <= keys <= self.names

    def signature(self) -> str:
        """For people: `public.add(a, b)`."""
        return f"{SCHEMA}.{self.name}({', '.join(a.name for a in self.arguments)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A function with the statement and the bound values that call it."""

    function: Function
    sql: str
    values: tuple[bytes | None, ...]


@dataclass(frozen=True, slots=True)
class FunctionIndex:
    """All functions by name, and the settings of the roles that call them; replaced as a whole."""

    functions: Mapping[str, Sequence[Function]]
    role_settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def named(self, name: str) -> Sequence[Function]:
        """Every overload of `name`."""
        return self.functions.get(name, ())

    def isolation_of(self, function: Function, role: str) -> str | None:
        """The isolation level the function or its caller's role asks for."""
        key = "default_transaction_isolation"
        return function.settings.get(key) or self.role_settings.get(role, {}).get(key)

    def settings_of(self, function: Function, role: str) -> dict[str, str]:
        """Settings for the transaction: the role's, then the function's over them."""
        found = {**self.role_settings.get(role, {}), **function.settings}
        found.pop("default_transaction_isolation", None)
        return found


def index_of(functions: Iterable[Mapping[str, Any]], role_settings: Iterable[tuple[str, str]]) -> FunctionIndex:
    """The index out of the rows of the blocks `functions` and `role_settings`."""
    by_name: dict[str, list[Function]] = defaultdict(list)
    for row in functions:
        by_name[row["proname"]].append(_function(row))
    settings: dict[str, dict[str, str]] = defaultdict(dict)
    for role, item in role_settings:
        name, _, value = item.partition("=")
        settings[role][name] = value
    return FunctionIndex(dict(by_name), dict(settings))


def call_with_json(candidates: Sequence[Function], name: str, role: str, body: bytes, index: FunctionIndex) -> Call:
    """The call a JSON body means: by the names of its keys, else whole for a single unnamed json argument.

    Raises the Problem PGRST102 (not JSON), PGRST202 (no such function) or PGRST203 (more than one).
    """
    whole = [f for f in candidates if f.single_unnamed_type in _JSON_TYPES]
    if whole and len(whole) == len(candidates):
        _require_json(body, whole[0].single_unnamed_type)
        return _whole_call(_only(whole), body)
    keys, payload = _keys(body)
    found = [f for f in candidates if f.takes(keys)]
    if found:
        return _named_call(_only(found), keys, payload)
    if whole:
        return _whole_call(_only(whole), body)
    raise _unknown(name, keys, role, index, suffix=" or with a single unnamed json/jsonb parameter")


def call_with_bytes(candidates: Sequence[Function], name: str, content_type: str, body: bytes) -> Call:
    """The call a text, XML or binary body means: a single unnamed argument of that type."""
    wanted = _RAW_TYPES.get(content_type)
    if wanted is None:
        raise Problem(400, "PGRST102", f"Content-Type not acceptable: {content_type}", hint="send application/json")
    found = [f for f in candidates if f.single_unnamed_type == wanted]
    if not found:
        details = f"there is no {SCHEMA}.{name} with a single unnamed {wanted} parameter"
        raise Problem(404, "PGRST202", f"Could not find the function {SCHEMA}.{name}", details=details)
    value = b"\\x" + body.hex().encode() if wanted == "bytea" else body
    return _whole_call(_only(found), value)


def call_with_query(
    candidates: Sequence[Function], name: str, role: str, query: Mapping[str, str], index: FunctionIndex
) -> Call:
    """The call the query string of a GET means: each value is text that Postgres reads as its type."""
    keys = frozenset(query)
    found = [f for f in candidates if f.takes(keys)]
    if not found:
        raise _unknown(name, keys, role, index)
    function = _only(found)
    chosen = [a for a in function.arguments if a.name in keys]
    parts = [f"{_variadic(a)}{a.quoted} := ${number}::{a.type}" for number, a in enumerate(chosen, 1)]
    values = tuple(query[a.name].encode() for a in chosen)
    return _call(function, f"{function.quoted_name}({', '.join(parts)})", values)


def _function(row: Mapping[str, Any]) -> Function:
    names, quoted, types = row["argument_names"], row["argument_quoted"], row["argument_types"]
    last = len(names) - 1
    arguments = tuple(
        Argument(name=n, quoted=q, type=t, variadic=row["is_variadic"] and position == last)
        for position, (n, q, t) in enumerate(zip(names, quoted, types, strict=True))
    )
    settings = dict(item.split("=", 1) for item in row["settings"])
    return Function(
        name=row["proname"],
        quoted_name=row["quoted_name"],
        arguments=arguments,
        defaults_count=row["defaults_count"],
        is_set=row["is_set"],
        result_kind=row["result_kind"],
        is_read_only=row["is_read_only"],
        settings={name: value for name, value in settings.items() if name in HOISTED_SETTINGS},
        roles=frozenset(row["roles"]),
    )


def _require_json(body: bytes, kind: str | None) -> None:
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as cause:
        if kind != "json" or not _is_json_of_javascript(body):
            raise _not_json() from cause


def _is_json_of_javascript(body: bytes) -> bool:
    """JSON but for half surrogate pairs: JavaScript writes them, and Postgres' type json keeps them."""
    try:
        json.loads(body.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return False
    return True


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _keys(body: bytes) -> tuple[frozenset[str], bytes]:
    """The argument names of a body and the object with their values; a list counts as its first object."""
    try:
        if body.lstrip()[:1] == b"{":
            return frozenset(msgspec.json.decode(body, type=dict[str, msgspec.Raw])), body
        if body.lstrip()[:1] == b"[":
            return _keys_of_list(msgspec.json.decode(body, type=list[msgspec.Raw]))
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as cause:
        raise _not_json() from cause
    return frozenset(), b"{}"


def _keys_of_list(items: list[msgspec.Raw]) -> tuple[frozenset[str], bytes]:
    try:
        keys = [frozenset(msgspec.json.decode(item, type=dict[str, msgspec.Raw])) for item in items]
    except msgspec.ValidationError:
        keys = [frozenset(), frozenset("?")]
    if len(set(keys)) > 1:
        raise Problem(400, "PGRST102", "All object keys must match", hint="send one object with the arguments")
    return (keys[0], bytes(items[0])) if keys else (frozenset(), b"{}")


def _not_json() -> Problem:
    return Problem(400, "PGRST102", "Empty or invalid json", hint="the body is one JSON object with the arguments")


def _only(found: Sequence[Function]) -> Function:
    if len(found) > 1:
        raise Problem(
            300,
            "PGRST203",
            "Could not choose the best candidate function between: " + ", ".join(f.signature() for f in found),
            hint="give the overloads different argument names",
        )
    return found[0]


def _named_call(function: Function, keys: frozenset[str], payload: bytes) -> Call:
    chosen = [a for a in function.arguments if a.name in keys]
    if not chosen:
        return _call(function, f"{function.quoted_name}()", ())
    columns = ", ".join(f"{a.quoted} {a.type}" for a in chosen)
    parts = ", ".join(f"{_variadic(a)}{a.quoted} := _.{a.quoted}" for a in chosen)
    return _call(function, f"{function.quoted_name}({parts})", (payload,), columns)


def _whole_call(function: Function, body: bytes) -> Call:
    return _call(function, f"{function.quoted_name}($1::{function.arguments[0].type})", (body,))


def _call(function: Function, call: str, values: tuple[bytes | None, ...], columns: str = "") -> Call:
    kind = function.result_kind
    if function.is_set:
        block = "call_set_composite" if kind == "composite" else "call_set"
    else:
        block = f"call_{kind}"
    source = _SQL["named_source"].format(columns=columns) if columns else ""
    laterals = _SQL["named_laterals"].format(columns=columns) if columns else ""
    return Call(
        function=function,
        sql=_SQL[block].format(call=call, source=source, laterals=laterals),
        values=values,
    )


def _variadic(argument: Argument) -> str:
    return "variadic " if argument.variadic else ""


def _unknown(name: str, keys: frozenset[str], role: str, index: FunctionIndex, *, suffix: str = "") -> Problem:
    given = ", ".join(sorted(keys))
    shown = f"{SCHEMA}.{name}({given})" if keys else f"{SCHEMA}.{name} without parameters"
    return Problem(
        404,
        "PGRST202",
        f"Could not find the function {shown} in the schema cache",
        details=f"Searched for {shown}{suffix}, but no function matches.",
        hint=_closest(name, given, role, index),
    )


def _closest(name: str, given: str, role: str, index: FunctionIndex) -> str | None:
    """The nearest function this role may call: by arguments when the name exists, else by name."""
    overloads = [f for f in index.named(name) if role in f.roles]
    if overloads:
        best = max(
            overloads,
            key=lambda f: difflib.SequenceMatcher(None, given, ", ".join(sorted(f.names))).ratio(),
        )
        return f"Perhaps you meant to call the function {best.signature()}"
    callable_names = [n for n, found in index.functions.items() if any(role in f.roles for f in found)]
    near = difflib.get_close_matches(name[:100], callable_names, n=1, cutoff=CLOSE_ENOUGH)
    return f"Perhaps you meant to call the function {SCHEMA}.{near[0]}" if near else None
