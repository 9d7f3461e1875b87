"""Live queries: told of each commit, a query's state is kept, and delivered when it is another."""

from __future__ import annotations

from bmaddb.device.observe.numbers import number_of
from bmaddb.device.observe.observers import Observers
from bmaddb.device.observe.shapes import one_of, view_of
from bmaddb.device.observe.subscription import Subscription

__all__ = ["Observers", "Subscription", "number_of", "one_of", "view_of"]
