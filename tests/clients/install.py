"""Puts the pinned JavaScript clients into a cache outside the tree, once for each content of package.json."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

JS = Path(__file__).resolve().parent / "js"
PINS = ("package.json", "package-lock.json")
NODE_MAJOR_MIN = 18
INSTALL_SECONDS_MAX = 300
LAST_WORDS_CHARS = 2000


class ClientsMissing(Exception):
    """There is no Node, no npm, or the packages could not be had."""


def installed(pins: Path = JS, *, built: Sequence[str] = ()) -> Path:
    """The node_modules folder that holds exactly what `pins` pins; installs it on first use.

    No package runs a script of its own, but for those that have to be `built`.
    """
    npm = _found_tools()
    place = _cache_root() / _fingerprint(pins)
    if not (place / "node_modules").is_dir():
        _install(npm, pins, place, built)
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


def _fingerprint(pins: Path) -> str:
    content = b"\0".join((pins / name).read_bytes() for name in PINS)
    return hashlib.sha256(content).hexdigest()[:16]


def _install(npm: str, pins: Path, place: Path, built: Sequence[str]) -> None:
    """Beside its place, then renamed: a killed or a second install never leaves half a folder to be used."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="installing-", dir=place.parent) as folder:
        fresh = Path(folder) / "clients"
        fresh.mkdir()
        for name in PINS:
            shutil.copy(pins / name, fresh)
        _run_npm([npm, "ci", "--ignore-scripts", "--omit=optional", "--omit=peer", "--no-audit", "--no-fund"], fresh)
        if built:
            _run_npm([npm, "rebuild", *built], fresh)
        try:
            fresh.rename(place)
        except OSError:
            if not (place / "node_modules").is_dir():  # else another process was first, with the same pins
                raise


def _run_npm(command: Sequence[str], folder: Path) -> None:
    words = f"npm {command[1]}"
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS_MAX
        )
    except subprocess.TimeoutExpired:
        raise ClientsMissing(f"{words} took longer than {INSTALL_SECONDS_MAX} s") from None
    if done.returncode != 0:
        raise ClientsMissing(f"{words} failed: {done.stderr[-LAST_WORDS_CHARS:].strip()}")
