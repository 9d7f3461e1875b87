"""`bmaddb token`: a token that the server with the same secret accepts."""

from __future__ import annotations

import argparse
from pathlib import Path

from bmaddb import errors as e
from bmaddb.clock import SystemClock
from bmaddb.entropy import SystemEntropy
from bmaddb.settings import Settings

HELP = "print a JSON web token for a user (for development; real users get theirs from your sign-in)"


def configure(parser: argparse.ArgumentParser) -> None:
    """For whom, and for how long."""
    parser.add_argument("--user", required=True, metavar="UUID", help="the user's id")
    parser.add_argument(
        "--expires-in", type=int, default=3600, metavar="S", help="seconds until it ends (default 3600)"
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="the server's data folder, which holds the secret")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Print the token."""
    try:
        from bmaddb.server.auth import TokenKeeper, secret_of
    except ModuleNotFoundError as missing:
        raise e.ServerError(f"tokens need the package {missing.name}", hint="pip install 'bmaddb[server]'") from missing
    secret = secret_of(options.data or settings.data_dir, settings.jwt_secret, SystemEntropy())
    print(TokenKeeper(secret, SystemClock()).mint(options.user, expires_in_s=options.expires_in))
    return 0
