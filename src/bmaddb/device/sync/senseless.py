"""What of an answer makes no sense shows only where it is written; then the server is to blame, not the application."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bmaddb import errors as e

_SENSELESS: Final = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
_REFUSED: Final = (e.RecordInvalid, e.QueryError)


@contextmanager
def believed(what: str) -> Iterator[None]:
    """Inside, `what` came from a server is written: RemoteProtocolError when it is nothing that can be.

    The text names no value of a row: it may be shown, and kept.
    """
    try:
        yield
    except _REFUSED as error:
        raise _senseless(what, error.message) from error
    except _SENSELESS as error:
        raise _senseless(what, type(error).__name__) from error


def _senseless(what: str, why: str) -> e.RemoteProtocolError:
    return e.RemoteProtocolError(
        f"{what} cannot be written: {why}", hint="nothing of it was; look at the server, and at its row"
    )
