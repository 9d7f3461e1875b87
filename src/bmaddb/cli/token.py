"""`bmaddb token`: a token that the server with the same secret accepts."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Final

from bmaddb import errors as e
from bmaddb.clock import SystemClock
from bmaddb.entropy import SystemEntropy
from bmaddb.settings import DATA_DEFAULT, Settings

HELP = "print a JSON web token for a user (for development; real users get theirs from your sign-in)"

EXPIRES_IN_S_MAX: Final = 10 * 366 * 24 * 3600


def configure(parser: argparse.ArgumentParser) -> None:
    """For whom, and for how long."""
    parser.add_argument("--user", required=True, metavar="UUID", help="the user's id")
    parser.add_argument(
        "--expires-in",
        type=int,
        default=3600,
        metavar="S",
        help="seconds until it ends (default 3600, at most ten years)",
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help=f"the server's data folder, which holds the secret {DATA_DEFAULT}",
    )


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Print the token."""
    try:
        from bmaddb.server.auth import SECRET_FILE, TokenKeeper, secret_of
    except ModuleNotFoundError as missing:
        raise e.ServerError(f"tokens need the package {missing.name}", hint="pip install 'bmaddb[server]'") from missing
    if not 1 <= options.expires_in <= EXPIRES_IN_S_MAX:
        hint = "a token without an end is not accepted; make another one when it has ended"
        raise e.SettingsError(f"--expires-in takes 1 to {EXPIRES_IN_S_MAX} seconds (ten years)", hint=hint)
    folder: Path = options.data or settings.data_dir
    if not settings.jwt_secret and not os.path.exists(folder / SECRET_FILE):
        hint = "start the server first (`bmaddb serve --data ...`), or set BMADDB_JWT_SECRET to its secret"
        raise e.SettingsError(f"{folder} holds no secret of a server", hint=hint)
    secret = secret_of(folder, settings.jwt_secret, SystemEntropy())
    print(TokenKeeper(secret, SystemClock()).mint(options.user, expires_in_s=options.expires_in))
    return 0
