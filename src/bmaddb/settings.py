"""What the environment says, as one frozen value; only the command line and the service read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bmaddb import errors as e

PREFIX = "BMADDB_"
PORT = 8642
HOST = "127.0.0.1"
PORT_MAX = 65_535
DATA_DEFAULT = "(default: $BMADDB_DATA, else ~/.local/share/bmaddb)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Defaults of every command; an option on the command line wins over them."""

    data_dir: Path
    database_url: str | None = field(default=None, repr=False)
    jwt_secret: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)
    new_key: str | None = field(default=None, repr=False)
    new_passphrase: str | None = field(default=None, repr=False)
    metrics_token: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    host: str = HOST
    port: int = PORT


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Settings from BMADDB_DATA, _DATABASE_URL, _JWT_SECRET, _METRICS_TOKEN, _TOKEN, _HOST, _PORT, and for files _KEY,
    _PASSPHRASE, and _NEW_KEY or _NEW_PASSPHRASE for a file that is written; empty counts as unset.
    """

    def value(name: str) -> str | None:
        return environ.get(PREFIX + name) or None

    data = value("DATA")
    return Settings(
        data_dir=Path(data) if data else _default_data_dir(environ),
        database_url=value("DATABASE_URL"),
        jwt_secret=value("JWT_SECRET"),
        key=value("KEY"),
        passphrase=value("PASSPHRASE"),
        new_key=value("NEW_KEY"),
        new_passphrase=value("NEW_PASSPHRASE"),
        metrics_token=value("METRICS_TOKEN"),
        token=value("TOKEN"),
        host=value("HOST") or HOST,
        port=port_of(value("PORT") or str(PORT)),
    )


def port_of(text: str) -> int:
    """A TCP port; 0 means: a free one."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(PORT_MAX)) and int(text) <= PORT_MAX):
        raise e.SettingsError(f"{text!r} is not a port", hint=f"a number from 0 (a free one) to {PORT_MAX}")
    return int(text)


def _default_data_dir(environ: Mapping[str, str]) -> Path:
    """Where programs of this user keep data: $XDG_DATA_HOME, else ~/.local/share."""
    home = environ.get("XDG_DATA_HOME")
    return (Path(home) if home else Path.home() / ".local" / "share") / "bmaddb"
