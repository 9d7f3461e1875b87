"""Nearest vectors, exactly, over the blobs as they stand in the table: by sqlite-vec when it is installed, else here.

Of sqlite-vec only a function is used, never its tables: a file does not depend on it.
"""

from __future__ import annotations

import importlib
import math
import operator
import weakref
from array import array
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Generic, Protocol, TypeVar

import apsw
import msgspec

from bmaddb import errors as e
from bmaddb.device.query import Query, compiler, compiler_vectors
from bmaddb.device.query.plan import SearchText
from bmaddb.schema.columns import Column
from bmaddb.schema.kinds import Kind
from bmaddb.schema.records import Record

R = TypeVar("R", bound=Record)
DIMENSIONS_MAX: Final = 4096
NEAREST_MAX: Final = 1000
_OURS: Final = "bmad_vector_distance"
_THEIRS: Final = "vec_distance_cosine"
_known: Final[weakref.WeakKeyDictionary[apsw.Connection, str]] = weakref.WeakKeyDictionary()


class Ground(Protocol):
    """What it stands on; the store."""

    @property
    def search_text(self) -> SearchText | None: ...
    def query(self, record: type[R]) -> Query[R]: ...
    def tuples(self, text: str, arguments: tuple[Any, ...]) -> list[tuple[Any, ...]]: ...
    def read(self) -> AbstractContextManager[apsw.Connection]: ...


class Near(msgspec.Struct, Generic[R], frozen=True):
    """A row and its cosine distance: 0 for the same direction, 1 for none in common, 2 for the opposite."""

    record: R
    distance: float


def packed(vector: Sequence[float]) -> bytes:
    """The vector as a column holds it: float32, little-endian. RecordInvalid for what is no vector."""
    if not 0 < len(vector) <= DIMENSIONS_MAX:
        raise e.RecordInvalid(f"a vector has from 1 to {DIMENSIONS_MAX} dimensions, not {len(vector)}")
    try:
        numbers = array("f", vector)
    except (TypeError, OverflowError) as error:
        raise e.RecordInvalid(f"not a vector: {error}") from None
    if not all(map(math.isfinite, numbers)):
        raise e.RecordInvalid("the numbers of a vector must be finite")
    return _little(numbers).tobytes()


def nearest(store: Ground, query: Query[R], vector: Sequence[float], k: int) -> list[Near[R]]:
    """The `k` rows of `query` nearest to `vector`, the nearest first; see `Database.nearest`."""
    record: type[R] = query.plan.record  # type: ignore[assignment]
    if not 0 < k <= NEAREST_MAX:
        raise e.QueryError(f"k must be from 1 to {NEAREST_MAX}")
    plan = query.plan
    narrowed = plan.conditions or plan.joins or plan.limit is not None or plan.offset
    among = compiler.select_ids(plan, store.search_text) if narrowed else None
    wanted = packed(vector)
    with store.read() as connection:
        text, arguments = compiler_vectors.nearest(_column(record), _function(connection), wanted, among, k)
        far = dict(store.tuples(text, arguments))
        rows = {row.id: row for row in store.query(record).where(record.id.in_(list(far))).all()}
    return [Near(rows[row_id], distance) for row_id, distance in far.items()]


def _column(record: type[Record]) -> Column[bytes]:
    blobs = [column for column in record.__table__.columns if column.kind is Kind.BLOB]
    if len(blobs) != 1:
        name = record.__table__.name
        raise e.QueryError(f"{name} has {len(blobs)} blob columns", hint="vectors stand in a table's only one")
    return blobs[0]


def _function(connection: apsw.Connection) -> str:
    """The name of the function, which this connection learns when it is asked for the first time."""
    known = _known.get(connection)
    if known is None:
        known = _known[connection] = _learned(connection)
    return known


def _learned(connection: apsw.Connection) -> str:
    try:
        extension = importlib.import_module("sqlite_vec")
    except ImportError:
        connection.create_scalar_function(_OURS, _distance, 2, deterministic=True)
        return _OURS
    connection.enable_load_extension(True)
    try:
        connection.load_extension(extension.loadable_path())
    finally:
        connection.enable_load_extension(False)  # or any SQL could load a library
    return _THEIRS


def _distance(*vectors: Any) -> float | None:
    a, b = map(_numbers, vectors)
    sizes = math.sqrt(sum(map(operator.mul, a, a)) * sum(map(operator.mul, b, b)))
    return 1.0 - sum(map(operator.mul, a, b)) / sizes if sizes else None


def _numbers(raw: bytes) -> array[float]:
    return _little(array("f", raw))


def _little(numbers: array[float]) -> array[float]:
    """Swapped where the machine is big-endian, the first way and back."""
    if array("H", b"\x01\x00")[0] != 1:
        numbers.byteswap()
    return numbers
