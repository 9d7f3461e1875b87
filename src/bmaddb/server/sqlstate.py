"""What a Postgres error means over HTTP: PostgREST's map, and its two doors for functions (PTxyz, PGRST)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from bmaddb.server.answer import HeaderList, Problem

BY_STATE: Final[dict[str, int]] = {
    "21000": 500,
    "22023": 400,
    "23503": 409,
    "23505": 409,
    "25006": 405,
    "42883": 404,
    "42P01": 404,
    "42P17": 500,
    "53400": 500,
    "57P01": 503,
    "P0001": 400,
}
BY_CLASS: Final[dict[str, int]] = {
    "08": 503,
    "09": 500,
    "0L": 403,
    "0P": 403,
    "25": 500,
    "28": 403,
    "2D": 500,
    "38": 500,
    "39": 500,
    "3B": 500,
    "40": 500,
    "53": 503,
    "54": 500,
    "55": 500,
    "57": 500,
    "58": 500,
    "F0": 500,
    "HV": 500,
    "P0": 500,
    "XX": 500,
}
STATUS_MIN, STATUS_MAX = 200, 599
RETRY_AFTER_S = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerReport:
    """What Postgres reported: five-character state, primary message, detail and hint."""

    state: str
    message: str
    detail: str | None
    hint: str | None


class _Raised(msgspec.Struct):
    code: str
    message: str
    details: str | None = None
    hint: str | None = None


class _RaisedHow(msgspec.Struct):
    status: int
    headers: dict[str, str]


def problem_of(report: ServerReport, *, authenticated: bool) -> Problem:
    """The problem a client sees for `report`; `authenticated`: the request carried a valid token."""
    if report.state == "PGRST":
        return _raised_with_full_control(report)
    status = _status(report, authenticated=authenticated)
    headers: HeaderList = []
    if status == 401:
        headers.append(("WWW-Authenticate", "Bearer"))
    if status == 503:
        headers.append(("Retry-After", str(RETRY_AFTER_S)))
    return Problem(status, report.state, report.message, details=report.detail, hint=report.hint, headers=headers)


def is_header(name: str, value: str) -> bool:
    """Whether a function's header may go out: a token for a name, one printable line for a value."""
    return (
        bool(name)
        and name.isascii()
        and name.replace("-", "").replace("_", "").isalnum()
        and (value.isprintable() and all(ord(character) < 256 for character in value))
    )


def _status(report: ServerReport, *, authenticated: bool) -> int:
    state, message = report.state, report.message
    if state.startswith("PT"):
        wanted = int(state[2:]) if state[2:].isascii() and state[2:].isdigit() else 0
        return wanted if STATUS_MIN <= wanted <= STATUS_MAX else 500
    if state == "42501":
        return 403 if authenticated else 401
    if state == "22023" and message.startswith("role") and message.endswith("does not exist"):
        return 401
    if state == "21000" and message.endswith("requires a WHERE clause"):
        return 400
    if state == "42883" and message.startswith("function xmlagg("):
        return 406
    return BY_STATE.get(state) or BY_CLASS.get(state[:2], 400)


def _raised_with_full_control(report: ServerReport) -> Problem:
    try:
        said = msgspec.json.decode(report.message, type=_Raised)
        how = msgspec.json.decode(report.detail or "", type=_RaisedHow)
        fine = STATUS_MIN <= how.status <= STATUS_MAX and all(is_header(*item) for item in how.headers.items())
    except (msgspec.DecodeError, msgspec.ValidationError):
        fine = False
    if not fine:
        return Problem(
            500,
            "PGRST121",
            "the function raised SQLSTATE 'PGRST' in a form that cannot be read",
            details=f"MESSAGE: {report.message!r}, DETAIL: {report.detail!r}",
            hint="MESSAGE is a JSON object of code, message, details?, hint?; DETAIL of status and headers",
        )
    return Problem(
        how.status,
        said.code,
        said.message,
        details=said.details,
        hint=said.hint,
        headers=how.headers.items(),
    )
