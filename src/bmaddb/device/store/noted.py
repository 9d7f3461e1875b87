"""What a store notes in its file, as key and value, for the rooms above it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import apsw

from bmaddb.device.store import meta
from bmaddb.device.store.failures import failure

if TYPE_CHECKING:
    from bmaddb.device.store.hooks import Origin
    from bmaddb.device.store.readers import Readers
    from bmaddb.device.store.writer import Writer
    from bmaddb.schema.records import Record


class Noted:
    """The part of a store that remembers."""

    _readers: Readers
    _writer: Writer

    def apply(self, origin: Origin = "remote", *, durable: bool = False) -> AbstractContextManager[apsw.Connection]:
        """A transaction of the store's own."""
        raise NotImplementedError

    def meta_get(self, key: str) -> str | None:
        """What the file notes under `key`, or None."""
        try:
            return meta.get(self._readers.connection, key)
        except apsw.Error as error:
            raise failure(error) from error

    def meta_set(self, key: str, value: str, connection: apsw.Connection | None = None) -> None:
        """Note `value` under `key`: in `connection`'s transaction, this thread's write, or one of its own."""
        try:
            if connection is not None:
                meta.put(connection, key, value)
            elif self._writer.mine:
                meta.put(self._writer.connection, key, value)
            else:
                with self.apply("local") as own:
                    meta.put(own, key, value)
        except apsw.Error as error:
            raise failure(error) from error

    def meta_drop(self, key: str) -> None:
        """Forget what the file notes under `key`: in this thread's write, or a transaction of its own."""
        if self._writer.mine:
            meta.drop(self._writer.connection, key)
        else:
            with self.apply("local") as own:
                meta.drop(own, key)

    def is_archived(self, record: type[Record], row_id: str) -> bool:
        """Is the row with this id archived: not here, and on the server?"""
        try:
            return meta.is_archived(self._readers.connection, record.__table__.name, row_id)
        except apsw.Error as error:
            raise failure(error) from error
