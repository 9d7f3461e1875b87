"""The server wing: the ASGI app, who may ask, the functions in Postgres and their installer, an embedded Postgres."""

from __future__ import annotations

from importlib.util import find_spec

for _package in ("jwt", "psycopg", "psycopg_pool", "starlette", "uvicorn"):
    if find_spec(_package) is None:  # said here once, before a module of this room fails with less to say
        raise ModuleNotFoundError(
            f"bmaddb.server needs the package {_package}: pip install 'bmaddb[server]'", name=_package
        )
