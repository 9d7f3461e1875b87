"""Without its extra the server says what is missing, whichever module of it is imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

PACKAGES = ("jwt", "psycopg", "psycopg_pool", "starlette", "uvicorn")
MODULES = (
    "bmaddb.server.app",
    "bmaddb.server.handlers",
    "bmaddb.server.run",
    "bmaddb.testing.simulation",
)


def imported(module: str, *missing: str) -> str:
    """The last line of what Python says when `module` is imported and `missing` are not installed."""
    hidden = "".join(f"sys.modules[{name!r}] = None\n" for name in missing)
    words = [sys.executable, "-c", f"import sys\n{hidden}import {module}\n"]
    return subprocess.run(words, capture_output=True, text=True).stderr.strip().rpartition("\n")[2]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_says_which_extra_it_needs(module: str) -> None:
    said = imported(module, *PACKAGES)
    assert said == "ModuleNotFoundError: bmaddb.server needs the package jwt: pip install 'bmaddb[server]'"


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_of_it_is_named(package: str) -> None:
    assert f"needs the package {package}: pip install 'bmaddb[server]'" in imported("bmaddb.server.run", package)


def test_with_it_there_is_nothing_to_say() -> None:
    assert imported("bmaddb.server.run") == ""
