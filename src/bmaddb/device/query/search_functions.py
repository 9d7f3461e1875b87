"""The functions of a connection that a searching statement calls; the store gives them to each connection."""

from __future__ import annotations

from typing import Final

EXPRESSION: Final = "bmad_search_expression"
"""Function of the connection: a person's words -> the FTS5 expression that finds them."""
HIT: Final = "bmad_search_hit"
"""Function of the connection: are a person's words in these texts? For rows the index has not read yet."""
