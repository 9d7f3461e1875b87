"""A row as a few bytes: its columns as one message, compressed by zstd with a dictionary learnt from rows like it.

Rules of this room: a frame names its dictionary, and a dictionary is never removed while a frame may name it; what
cannot be unpacked (another schema, a damaged frame) is None, and the server's to give.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final

import apsw
import msgspec

from bmaddb import statements

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DICTIONARY_BYTES: Final = 64 * 1024
SAMPLES_MIN: Final = 200
SAMPLES_MAX: Final = 2_000
SAMPLE_BYTES_MAX: Final = 4 * 1024 * 1024
ROW_BYTES_MAX: Final = 256 * 1024 * 1024
OPTIONS: Final[dict[int, int]] = {
    zstd.CompressionParameter.compression_level: 3,
    zstd.CompressionParameter.checksum_flag: 1,
}
_SQL = statements.load("bmaddb.device.upkeep", "sql/stubs.sql")
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(dict[str, Any])


class Packer:
    """Packs rows for the file behind `connection`, in the transaction of the caller."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._dictionaries: dict[int, zstd.ZstdDict] = {}
        self._compressor: zstd.ZstdCompressor | None = None

    def keep(self, table: str, dictionary: zstd.ZstdDict) -> None:
        """Keep a dictionary in the file, and use it from now on."""
        self._connection.execute(_SQL["put_dictionary"], (dictionary.dict_id, table, dictionary.dict_content))
        self._use(dictionary)

    def choose(self, table: str) -> bool:
        """Use the dictionary that was learnt from the table's rows; False when there is none."""
        row = self._connection.execute(_SQL["dictionary_of"], (table,)).fetchone()
        self._compressor = None
        if row is None:
            return False
        dictionary = self._dictionary(int(row[0]))
        if dictionary is not None:
            self._use(dictionary)
        return dictionary is not None

    def pack(self, row: Mapping[str, Any]) -> bytes:
        """The row, column name -> raw value, as a frame."""
        if self._compressor is None:
            self._compressor = zstd.ZstdCompressor(options=OPTIONS)
        frame: bytes = self._compressor.compress(_ENCODER.encode(row), zstd.ZstdCompressor.FLUSH_FRAME)
        return frame

    def unpack(self, body: bytes) -> dict[str, Any] | None:
        """The row of a frame; None when it cannot be read."""
        try:
            frame = zstd.get_frame_info(body)
            if frame.decompressed_size is None or frame.decompressed_size > ROW_BYTES_MAX:
                return None
            dictionary = self._dictionary(frame.dictionary_id) if frame.dictionary_id else None
            if frame.dictionary_id and dictionary is None:
                return None
            return _DECODER.decode(zstd.decompress(body, zstd_dict=dictionary))
        except (zstd.ZstdError, msgspec.MsgspecError):
            return None

    def _use(self, dictionary: zstd.ZstdDict) -> None:
        self._dictionaries[dictionary.dict_id] = dictionary
        self._compressor = zstd.ZstdCompressor(options=OPTIONS, zstd_dict=dictionary)

    def _dictionary(self, number: int) -> zstd.ZstdDict | None:
        if number not in self._dictionaries:
            row = self._connection.execute(_SQL["dictionary"], (number,)).fetchone()
            if row is None:
                return None
            try:
                self._dictionaries[number] = zstd.ZstdDict(row[0])
            except (ValueError, zstd.ZstdError):
                return None
        return self._dictionaries.get(number)


def learnt(rows: Iterable[Mapping[str, Any]]) -> zstd.ZstdDict | None:
    """A dictionary out of rows of one table; None when there are not enough of them. Takes up to a second."""
    samples, size = [], 0
    for row in rows:
        sample = _ENCODER.encode(row)
        size += len(sample)
        if size > SAMPLE_BYTES_MAX:
            break
        samples.append(sample)
    if len(samples) < SAMPLES_MIN:
        return None
    try:
        return zstd.train_dict(samples, DICTIONARY_BYTES)
    except zstd.ZstdError:  # rows too much alike: then it goes without
        return None
