"""What SQL asks of the text index on a connection: the FTS5 expression of a wish, and whether a row holds it."""

from __future__ import annotations

import weakref
from typing import Any

import apsw

from bmaddb.device.query.search_functions import EXPRESSION, HIT


def register(connection: apsw.Connection) -> None:
    """Give `connection` the two functions. They keep no hold on it: a reader goes with its thread.

    What they need is loaded when a statement first calls them: who opens a file does not search yet.
    """
    reference = weakref.ref(connection)

    def expression(*arguments: Any) -> str:
        from bmaddb.device.store.search.expressions import expression_of

        here = reference()
        if here is None:
            raise apsw.ConnectionClosedError
        return expression_of(arguments[0], here)

    def hit(*arguments: Any) -> bool:
        from bmaddb.device.store.search.words import found_in, wish

        return found_in(wish(arguments[0]), arguments[1:])

    connection.create_scalar_function(EXPRESSION, expression, 1)
    connection.create_scalar_function(HIT, hit, -1, deterministic=True)
