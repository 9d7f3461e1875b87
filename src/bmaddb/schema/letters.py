"""Text that is text: what UTF-8, and so SQLite and Postgres, can hold."""

from __future__ import annotations

from bmaddb import errors as e


def encodable(text: str) -> str:
    """`text`, which UTF-8 can hold; RecordInvalid for half of a surrogate pair."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise e.RecordInvalid("text holds an unpaired surrogate", hint="it is not valid Unicode") from None
    return text
