"""Every Python snippet of the README and of docs/howto runs, top to bottom, in a folder of its own.

A snippet whose fence names a file (```python garden.py) is that file beside the script, which may import it.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SNIPPET = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED_FILE = re.compile(r"^```python (\w+\.py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r'"([\w-]+\.(?:db|zip|csv))"')
UUID = re.compile(r'"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"')
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "howto").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_snippets_of_a_page_run(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    snippets = SNIPPET.findall(text)
    assert snippets, f"{page.name} shows no Python"
    for name, body in NAMED_FILE.findall(text):
        (tmp_path / name).write_text(body, encoding="utf-8")
    script = tmp_path / "snippets.py"
    script.write_text("\n".join(snippets), encoding="utf-8")
    _run(script, tmp_path)


def test_the_pages_get_on_with_each_other_in_one_folder() -> None:
    pages = {page.name: "\n".join(SNIPPET.findall(page.read_text(encoding="utf-8"))) for page in PAGES}
    of_file: dict[str, list[str]] = {}
    for page, text in pages.items():
        for file in sorted(set(FILE.findall(text))):
            of_file.setdefault(file, []).append(page)
    assert len(of_file) >= len(PAGES), "each page opens a file"
    assert not {file: names for file, names in of_file.items() if len(names) > 1}
    assert len({user for text in pages.values() for user in UUID.findall(text)}) == 1


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.name)
def test_the_examples_run(example: Path, tmp_path: Path) -> None:
    _run(example, tmp_path)


def test_the_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)} -> {target}"
        for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert not broken


def _run(script: Path, folder: Path) -> None:
    """Run a script in a session of its own, so that one that fails leaves no server behind that it had started."""
    said = folder / "said.txt"
    with said.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, str(script)], cwd=folder, stdout=file, stderr=file, start_new_session=True
        )
    try:
        code = process.wait(timeout=120)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert code == 0, said.read_text(encoding="utf-8", errors="replace")
