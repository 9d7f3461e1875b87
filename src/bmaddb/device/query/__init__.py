"""Queries of a device: a typed builder over declared columns, and the compiler that writes them as SQL."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bmaddb.device.query.aggregates import avg_of, count_of, max_of, min_of, sum_of
    from bmaddb.device.query.dependencies import dependencies_of, settled
    from bmaddb.device.query.ends import Runner
    from bmaddb.device.query.matcher import Matcher, matcher_of
    from bmaddb.device.query.ordering import OrderKey, order_key_of, totally_ordered
    from bmaddb.device.query.plan import Plan, SearchText, Statement
    from bmaddb.device.query.query import Query, query_of

__all__ = [
    "Matcher",
    "OrderKey",
    "Plan",
    "Query",
    "Runner",
    "SearchText",
    "Statement",
    "avg_of",
    "count_of",
    "dependencies_of",
    "matcher_of",
    "max_of",
    "min_of",
    "order_key_of",
    "query_of",
    "settled",
    "sum_of",
    "totally_ordered",
]
_HOMES = {
    **dict.fromkeys(("avg_of", "count_of", "max_of", "min_of", "sum_of"), "aggregates"),
    **dict.fromkeys(("dependencies_of", "settled"), "dependencies"),
    "Runner": "ends",
    **dict.fromkeys(("Matcher", "matcher_of"), "matcher"),
    **dict.fromkeys(("OrderKey", "order_key_of", "totally_ordered"), "ordering"),
    **dict.fromkeys(("Plan", "SearchText", "Statement"), "plan"),
    **dict.fromkeys(("Query", "query_of"), "query"),
}


def __getattr__(name: str) -> Any:
    """Load the part that is asked for, and no other: who reads one row by its id needs no compiler."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
