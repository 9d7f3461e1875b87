"""How a snippet is written unless it is asked for otherwise."""

from __future__ import annotations

from typing import Final

MARKS: Final = ("[", "]")
"""Around each word that was found."""
SNIPPET_WORDS: Final = 16
