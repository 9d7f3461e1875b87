"""Who asks: HS256 JSON web tokens, made and read, and the gateway's rule for keys that are not tokens.

Rules of this room: exactly HS256, whatever the token says; a token always ends (`exp`); time is the clock's;
no token is nobody (`anon`), a bad token is refused and never taken for nobody.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jwt
import msgspec

from bmaddb import errors as e
from bmaddb.clock import Clock
from bmaddb.entropy import Entropy
from bmaddb.server.answer import Problem

ALGORITHM: Final = "HS256"
ANON: Final = "anon"
AUTHENTICATED: Final = "authenticated"
SERVICE_ROLE: Final = "service_role"
ROLES: Final = frozenset({ANON, AUTHENTICATED, SERVICE_ROLE})
SKEW_S: Final = 30
EXPIRES_IN_S: Final = 3_600
TOKENS_KEPT_MAX: Final = 1_024
SECONDS_MAX: Final = 1 << 53  # NaN and the infinities are not below it either
SECRET_BYTES_MIN: Final = 32
SECRET_FILE: Final = "jwt-secret"  # noqa: S105 (a name, not a secret)
PUBLISHABLE_KEY: Final = "sb_publishable_"
GATEWAY_KEY: Final = "sb_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks: the role Postgres takes on, the claims it may read, and whether a token proved them."""

    role: str
    claims_json: str
    authenticated: bool


NOBODY: Final = Caller(role=ANON, claims_json='{"role":"anon"}', authenticated=False)


@dataclass(frozen=True, slots=True)
class _Verified:
    """A token whose signature and claims were found good; its times are looked at again at every use."""

    caller: Caller
    expires_s: float
    not_before_s: float
    issued_s: float


class TokenKeeper:
    """Makes and reads tokens with one secret of at least 32 bytes; remembers the last ones it verified."""

    def __init__(self, secret: bytes, clock: Clock) -> None:
        _check_length(secret)
        self._secret = secret
        self._clock = clock
        self._verified: dict[str, _Verified] = {}

    def mint(self, user: str, *, role: str = AUTHENTICATED, expires_in_s: int = EXPIRES_IN_S) -> str:
        """A token for `user` (a uuid) that ends `expires_in_s` seconds from now (negative: it has ended)."""
        try:
            subject = str(uuid.UUID(user))
        except ValueError as cause:
            raise e.SettingsError(f"{user!r} is not a user id", hint="a user id is a uuid") from cause
        if role not in ROLES:
            raise e.SettingsError(f"there is no role {role!r}", hint=f"one of {', '.join(sorted(ROLES))}")
        now_s = self._clock.now_ms() // 1000
        claims = {"sub": subject, "role": role, "aud": role, "iat": now_s, "exp": now_s + expires_in_s}
        return jwt.encode(claims, self._secret, ALGORITHM)

    def caller(self, authorization: str | None, apikey: str | None) -> Caller:
        """Who these two request headers speak for; raises a 401 Problem for a token that is no good."""
        token = _token(authorization, apikey)
        return NOBODY if token is None else self._read(token)

    def _read(self, token: str) -> Caller:
        known = self._verified.get(token)
        if known is None:
            known = self._verify(token)
            if len(self._verified) >= TOKENS_KEPT_MAX:
                self._verified.pop(next(iter(self._verified)))  # the oldest
            self._verified[token] = known
        now_s = self._clock.now_ms() / 1000
        if known.expires_s < now_s - SKEW_S:
            raise _refused("PGRST303", "JWT expired")
        if known.not_before_s > now_s + SKEW_S:
            raise _refused("PGRST303", "JWT not yet valid")
        if known.issued_s > now_s + SKEW_S:
            raise _refused("PGRST303", "JWT issued at future")
        return known.caller

    def _verify(self, token: str) -> _Verified:
        try:
            claims = jwt.decode(token, self._secret, [ALGORITHM], options=_SIGNATURE_ONLY)
        except (jwt.PyJWTError, ValueError, RecursionError) as cause:
            raise _refused("PGRST301", "the JWT could not be decoded or its signature is wrong") from cause
        role = claims.get("role", ANON)
        if not isinstance(role, str) or role not in ROLES:
            raise _refused("PGRST303", "the JWT names a role that may not be used here")
        if role == AUTHENTICATED and not _is_uuid(claims.get("sub")):
            raise _refused("PGRST303", "the JWT claim sub must be a uuid")
        claims_json = msgspec.json.encode({**claims, "role": role}).decode()
        return _Verified(
            Caller(role=role, claims_json=claims_json, authenticated=True),
            expires_s=_seconds(claims, "exp", required=True),
            not_before_s=_seconds(claims, "nbf"),
            issued_s=_seconds(claims, "iat"),
        )


def secret_of(data_dir: Path, configured: str | None, entropy: Entropy) -> bytes:
    """The `configured` secret, else that of `data_dir`/jwt-secret, which is made on first use (mode 0600)."""
    if configured:
        return _check_length(configured.encode())
    path = data_dir / SECRET_FILE
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _store_secret(path, entropy.random_bytes(SECRET_BYTES_MIN).hex())
    except OSError as cause:
        raise e.SettingsError(
            f"cannot keep a secret in {path}: {cause.strerror}", hint="choose another --data"
        ) from cause
    return _stored_secret(path)


_SIGNATURE_ONLY: Final[Any] = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


def _check_length(secret: bytes) -> bytes:
    if len(secret) < SECRET_BYTES_MIN:
        raise e.SettingsError(
            f"the JWT secret has {len(secret)} bytes, fewer than {SECRET_BYTES_MIN}",
            hint="set BMADDB_JWT_SECRET to a longer text, or unset it: one is made in the data folder",
        )
    return secret


def _store_secret(path: Path, secret: str) -> None:
    """Whole or not at all, never over another process' secret: written beside it, then linked into place."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secret)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was faster; its secret counts
    finally:
        draft.unlink()


def _stored_secret(path: Path) -> bytes:
    try:
        secret = path.read_text(encoding="ascii").strip().encode()
    except (OSError, UnicodeDecodeError) as cause:
        raise e.SettingsError(f"cannot read the secret in {path}", hint="may this user read the file?") from cause
    if len(secret) < SECRET_BYTES_MIN:
        raise e.SettingsError(f"the secret in {path} is too short", hint="remove the file and a new one is made")
    return secret


def _token(authorization: str | None, apikey: str | None) -> str | None:
    """The token of the request, chosen as the gateway before PostgREST does; None when there is none."""
    scheme, _, value = (authorization or "").strip().partition(" ")
    value = value.strip()
    if scheme.lower() == "bearer" and not value.startswith(GATEWAY_KEY):
        return value
    key = value if scheme.lower() == "bearer" else (apikey or "").strip()
    if key.startswith(GATEWAY_KEY) and not key.startswith(PUBLISHABLE_KEY):
        raise _refused("PGRST301", "secret keys are not taken here; send a JWT")
    return key if key.count(".") == 2 and not key.startswith(GATEWAY_KEY) else None


def _seconds(claims: Mapping[str, Any], name: str, *, required: bool = False) -> float:
    value = claims.get(name)
    if value is None and not required:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < SECONDS_MAX:
        raise _refused("PGRST303", f"the JWT claim {name} must be a number of seconds")
    return float(value)


def _is_uuid(value: object) -> bool:
    try:
        uuid.UUID(value if isinstance(value, str) else "")
    except ValueError:
        return False
    return True


def _refused(code: str, message: str) -> Problem:
    challenge = f'Bearer error="invalid_token", error_description="{message}"'
    return Problem(401, code, message, headers=[("WWW-Authenticate", challenge)])
