"""Tokens: made, read, ended by a clock we turn; and the secret's file."""

from __future__ import annotations

import stat
import uuid
from pathlib import Path

import jwt
import pytest

from bmaddb import errors as e
from bmaddb.entropy import SeededEntropy
from bmaddb.server.answer import Problem
from bmaddb.server.auth import (
    NOBODY,
    SECRET_BYTES_MIN,
    SKEW_S,
    TOKENS_KEPT_MAX,
    TokenKeeper,
    secret_of,
)

SECRET = b"s" * SECRET_BYTES_MIN
USER = str(uuid.UUID(int=1))
NOW_MS = 1_700_000_000_000


class StoppedClock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.now = NOW_MS

    def now_ms(self) -> int:
        return self.now

    def monotonic_ms(self) -> float:
        return float(self.now)


def bearer(token: str) -> str:
    return f"Bearer {token}"


def test_a_minted_token_is_accepted_until_it_ends_and_a_skew_longer() -> None:
    clock = StoppedClock()
    keeper = TokenKeeper(SECRET, clock)
    token = keeper.mint(USER, expires_in_s=60)
    for seconds, accepted in ((0, True), (59, True), (60 + SKEW_S, True), (61 + SKEW_S, False)):
        clock.now = NOW_MS + seconds * 1000
        if accepted:
            assert keeper.caller(bearer(token), None).role == "authenticated"
        else:
            with pytest.raises(Problem, match="JWT expired"):
                keeper.caller(bearer(token), None)


def test_a_token_from_the_near_future_is_accepted_within_the_skew() -> None:
    clock = StoppedClock()
    keeper = TokenKeeper(SECRET, clock)
    token = keeper.mint(USER)
    clock.now = NOW_MS - SKEW_S * 1000
    assert keeper.caller(bearer(token), None).authenticated
    clock.now -= 1000
    with pytest.raises(Problem, match="issued at future"):
        keeper.caller(bearer(token), None)


@pytest.mark.parametrize("role", ["anon", "service_role"])
def test_keys_of_a_project_need_no_user(role: str) -> None:
    keeper = TokenKeeper(SECRET, StoppedClock())
    key = jwt.encode({"role": role, "exp": NOW_MS // 1000 + 9, "iss": "supabase"}, SECRET, "HS256")
    assert keeper.caller(bearer(key), key).role == role


def test_a_token_without_a_role_speaks_for_anon() -> None:
    keeper = TokenKeeper(SECRET, StoppedClock())
    token = jwt.encode({"sub": "somebody", "exp": NOW_MS // 1000 + 9}, SECRET, "HS256")
    caller = keeper.caller(bearer(token), None)
    assert (caller.role, caller.authenticated) == ("anon", True)


@pytest.mark.parametrize(
    ("authorization", "apikey"),
    [
        (None, None),
        ("", ""),
        ("Basic dXNlcjpwYXNz", None),
        ("Bearer sb_publishable_abc", None),
        ("Bearer sb_publishable_abc", "sb_publishable_abc"),
        (None, "sb_publishable_abc"),
        (None, "some-other-key"),
    ],
)
def test_keys_that_are_no_tokens_speak_for_nobody(authorization: str | None, apikey: str | None) -> None:
    assert TokenKeeper(SECRET, StoppedClock()).caller(authorization, apikey) is NOBODY


def test_a_token_may_come_as_the_api_key_but_authorization_wins() -> None:
    keeper = TokenKeeper(SECRET, StoppedClock())
    token = keeper.mint(USER)
    assert keeper.caller(None, token).role == "authenticated"
    assert keeper.caller("Bearer sb_publishable_x", token) is NOBODY
    with pytest.raises(Problem):
        keeper.caller("Bearer nonsense", token)


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer  "])
def test_the_scheme_is_read_in_any_case(scheme: str) -> None:
    keeper = TokenKeeper(SECRET, StoppedClock())
    assert keeper.caller(f"{scheme} {keeper.mint(USER)}", None).authenticated


def test_what_cannot_be_minted() -> None:
    keeper = TokenKeeper(SECRET, StoppedClock())
    with pytest.raises(e.SettingsError, match="not a user id"):
        keeper.mint("bob")
    with pytest.raises(e.SettingsError, match="no role"):
        keeper.mint(USER, role="postgres")
    with pytest.raises(e.SettingsError, match="31 bytes"):
        TokenKeeper(b"s" * 31, StoppedClock())


def test_the_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    first = secret_of(folder, None, SeededEntropy(1))
    assert secret_of(folder, None, SeededEntropy(2)) == first
    assert len(first) >= SECRET_BYTES_MIN
    assert stat.S_IMODE((folder / "jwt-secret").stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["jwt-secret"]


def test_a_configured_secret_wins_and_leaves_no_file(tmp_path: Path) -> None:
    assert secret_of(tmp_path, "x" * 32, SeededEntropy(1)) == b"x" * 32
    with pytest.raises(e.SettingsError, match="5 bytes"):
        secret_of(tmp_path, "short", SeededEntropy(1))
    assert not list(tmp_path.iterdir())


def test_a_short_stored_secret_is_refused(tmp_path: Path) -> None:
    (tmp_path / "jwt-secret").write_text("short", encoding="ascii")
    with pytest.raises(e.SettingsError, match="too short"):
        secret_of(tmp_path, None, SeededEntropy(1))


def test_a_folder_that_cannot_be_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="ascii")
    with pytest.raises(e.SettingsError, match="cannot keep a secret"):
        secret_of(tmp_path / "file" / "data", None, SeededEntropy(1))


def test_a_remembered_token_still_ends_and_memory_has_a_limit() -> None:
    clock = StoppedClock()
    keeper = TokenKeeper(SECRET, clock)
    token = keeper.mint(USER, expires_in_s=60)
    first = keeper.caller(bearer(token), None)
    for number in range(TOKENS_KEPT_MAX + 5):
        keeper.caller(bearer(keeper.mint(str(uuid.UUID(int=number)))), None)
    assert len(keeper._verified) == TOKENS_KEPT_MAX
    assert keeper.caller(bearer(token), None) == first
    clock.now = NOW_MS + (61 + SKEW_S) * 1000
    with pytest.raises(Problem, match="JWT expired"):
        keeper.caller(bearer(token), None)
