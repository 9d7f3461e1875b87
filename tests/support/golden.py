"""Golden text: what a generator said the last time somebody looked. `UPDATE_GOLDENS=1` writes it anew."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "golden"


def assert_golden(name: str, text: str) -> None:
    """Fails unless `text` is, to the letter, what `tests/golden/<name>` holds."""
    path = FOLDER / name
    if os.environ.get("UPDATE_GOLDENS") == "1":
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"{path.name} is missing: run once with UPDATE_GOLDENS=1 and read what it wrote"
    assert text == path.read_text(encoding="utf-8"), f"{name} differs: read the diff, then UPDATE_GOLDENS=1"
