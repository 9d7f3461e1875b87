"""The header of the WAL index, as SQLite itself reads it: 48 bytes in shared memory that every commit changes.

Every process that has the file open maps the same memory (https://www.sqlite.org/walformat.html, section 2.1): a commit
of whichever process is seen here at once, for the price of a look at memory. The address is SQLite's own, of a
connection that is open; where SQLite's VFS gives none, there is no header, and who asks goes to the file.
"""

from __future__ import annotations

import struct
from typing import Final, Protocol

import apsw

HEADER_BYTES: Final = 48
_REGION_BYTES: Final = 32_768
_VERSION: Final = 3_007_000
_SHM_MAP_SLOT: Final = 13
"""The place of xShmMap among the methods of a file: https://www.sqlite.org/c3ref/io_methods.html."""
_METHODS_WITH_SHM: Final = 2
_COUNT: Final = struct.Struct("=I")
_COUNT_AT: Final = 8


class WalHeader(Protocol):
    """The header that a connection has mapped; only to be looked at while that is open."""

    @property
    def raw(self) -> bytes:
        """The header now."""
        ...


def commits_of(header: bytes) -> int:
    """How many commits there were since some beginning, modulo 2 ** 32; each adds one."""
    number: int = _COUNT.unpack_from(header, _COUNT_AT)[0]
    return number


def wal_header_of(connection: apsw.Connection) -> WalHeader | None:
    """The header of the WAL index of an open connection; None where there is none to look at."""
    import ctypes

    file = ctypes.c_void_p()
    if not connection.file_control("main", apsw.SQLITE_FCNTL_FILE_POINTER, ctypes.addressof(file)) or not file.value:
        return None
    methods = ctypes.c_void_p.from_address(file.value).value
    if not methods or ctypes.c_int.from_address(methods).value < _METHODS_WITH_SHM:
        return None
    place = methods + _SHM_MAP_SLOT * ctypes.sizeof(ctypes.c_void_p)
    function = ctypes.c_void_p.from_address(place).value
    if not function:
        return None
    pointer = ctypes.POINTER(ctypes.c_void_p)
    shape = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_int, pointer)
    region = ctypes.c_void_p()
    result = shape(function)(file.value, 0, _REGION_BYTES, 0, ctypes.byref(region))
    if result != apsw.SQLITE_OK or not region.value:
        return None
    header = (ctypes.c_char * HEADER_BYTES).from_address(region.value)
    if _COUNT.unpack_from(header.raw)[0] != _VERSION:
        return None
    return header
