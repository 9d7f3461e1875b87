"""Queries of a device: a typed builder over declared columns, and the compiler that writes them as SQL."""

from __future__ import annotations

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
