"""Queries of a device: a typed builder over declared columns, and the compiler that writes them as SQL."""

from __future__ import annotations

from bmaddb.device.query.aggregates import avg_of, count_of, max_of, min_of, sum_of
from bmaddb.device.query.plan import Plan, SearchText, Statement
from bmaddb.device.query.query import Query, Runner, query_of

__all__ = [
    "Plan",
    "Query",
    "Runner",
    "SearchText",
    "Statement",
    "avg_of",
    "count_of",
    "max_of",
    "min_of",
    "query_of",
    "sum_of",
]
