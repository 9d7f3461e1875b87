"""Puts the pinned JavaScript clients into a cache outside the tree, once for each content of package.json."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

JS = Path(__file__).resolve().parent / "js"
PINS = ("package.json", "package-lock.json")
NODE_MAJOR_MIN = 18
INSTALL_SECONDS_MAX = 300
LAST_WORDS_CHARS = 2000


class ClientsMissing(Exception):
    """There is no Node, no npm, or the packages could not be had."""


def installed() -> Path:
    """The node_modules folder that holds exactly the pinned packages; installs them on first use."""
    npm = _found_tools()
    place = _cache_root() / _fingerprint()
    if not (place / "node_modules").is_dir():
        _install(npm, place)
    return place / "node_modules"


def _found_tools() -> str:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise ClientsMissing(f"{'node' if node is None else 'npm'} is not on the PATH")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").split(".")[0]) < NODE_MAJOR_MIN:
        raise ClientsMissing(f"node {version} is older than {NODE_MAJOR_MIN}")
    return npm


def _cache_root() -> Path:
    chosen = os.environ.get("BMADDB_JS_CACHE")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "bmaddb-js-clients"


def _fingerprint() -> str:
    content = b"\0".join((JS / name).read_bytes() for name in PINS)
    return hashlib.sha256(content).hexdigest()[:16]


def _install(npm: str, place: Path) -> None:
    """Beside its place, then renamed: a killed or a second install never leaves half a folder to be used."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="installing-", dir=place.parent) as folder:
        fresh = Path(folder) / "clients"
        fresh.mkdir()
        for name in PINS:
            shutil.copy(JS / name, fresh)
        _run_npm(npm, fresh)
        try:
            fresh.rename(place)
        except OSError:
            if not (place / "node_modules").is_dir():  # else another process was first, with the same pins
                raise


def _run_npm(npm: str, folder: Path) -> None:
    command = [npm, "ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS_MAX
        )
    except subprocess.TimeoutExpired:
        raise ClientsMissing(f"npm ci took longer than {INSTALL_SECONDS_MAX} s") from None
    if done.returncode != 0:
        raise ClientsMissing(f"npm ci failed: {done.stderr[-LAST_WORDS_CHARS:].strip()}")
