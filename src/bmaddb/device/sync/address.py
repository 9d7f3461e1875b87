"""Is it an address of a server, is it a token? Said at once, before anything of the network is loaded."""

from __future__ import annotations

import re
from typing import Final

from bmaddb import errors as e

PORT_MAX: Final = 65_535
_SECRETS: Final = re.compile(r"//.*@", re.DOTALL)


def check_address(url: str) -> None:
    """SettingsError for what is no http address; what the network makes of it is seen with the first sync."""
    from urllib.parse import urlsplit

    try:
        address = urlsplit(url)
        fits = address.scheme in ("http", "https") and bool(address.hostname) and (address.port or 1) <= PORT_MAX
    except (ValueError, TypeError, AttributeError):
        fits = False
    if not fits:
        raise no_address(url)


def no_address(url: object) -> e.SettingsError:
    shown = _SECRETS.sub("//***@", str(url))
    return e.SettingsError(f"'{shown}' is not the address of a server", hint="http://host:port")


def check_token(token: object) -> str:
    """The token; SettingsError for what is none."""
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise e.SettingsError("a token is ASCII text", hint="`bmaddb token --user UUID` prints one")
    return token
