"""What a collection of garbage walks between two rounds."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def settled() -> Iterator[None]:
    """What stands now is nobody's garbage meanwhile.

    To walk all of it before each round, the modules of every room among it, would empty the processor's caches: the
    first operations of a round then pay for the bench, and an application that has been running for a while does not.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
