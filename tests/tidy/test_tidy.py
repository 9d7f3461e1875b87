"""The house rules that a linter does not know, as tests."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "bmaddb"
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 500
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc", "impl", "stuff"}
TIME_CALLS = {
    "time.time",
    "time.time_ns",
    "datetime.now",
    "datetime.utcnow",
    "time.monotonic",
    "time.monotonic_ns",
}
CHANCE_MODULES = {"random", "secrets"}
SQL_BUILDERS = ("device/query/compiler", "schema/sqlite_ddl", "schema/postgres_ddl", "schema/evolution")
SQL_START = re.compile(
    r"^\s*(select\s.+\sfrom\s|insert\s+into\s|update\s+\S+\s+set\s|delete\s+from\s|create\s+(table|index|function)\s)",
    re.IGNORECASE | re.DOTALL,
)
ROOMS_WITH_TESTS = {
    "account": "personality",
    "schema": "schema",
    "modules": "modules",
    "protocol": "protocol",
    "device/atomic": "atomic",
    "device/query": "query",
    "device/store": "store",
    "device/observe": "observe",
    "device/outbox": "outbox",
    "device/requests": "requests",
    "device/sync": "sync",
    "device/transfer": "transfer",
    "personality": "personality",
    "server": "server",
    "coaching": "coaching",
    "service": "service",
    "cli": "cli",
    "testing": "testing",
}


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", python_files("src", "tests", "bench", "examples"), ids=relative)
def test_a_file_is_one_room_of_modest_size(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= FILE_LINES_MAX
    assert path.stem not in BANNED_NAMES
    tree = ast.parse(text)
    if text.strip():
        assert ast.get_docstring(tree), "say in a docstring on the first line what the file is"
    too_long = [f.name for f in functions(tree) if (f.end_lineno or 0) - f.lineno + 1 > FUNCTION_LINES_MAX]
    assert not too_long


@pytest.mark.parametrize("path", python_files("src"), ids=relative)
def test_time_and_chance_have_one_door_each(path: Path) -> None:
    name = path.relative_to(SOURCE).as_posix()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = {dotted(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    imports = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    if name != "clock.py":
        assert not calls & TIME_CALLS
    if name != "entropy.py":
        assert not imports & CHANCE_MODULES
        assert not {call for call in calls if call.endswith(("uuid4", "uuid1"))}


@pytest.mark.parametrize("path", python_files("src"), ids=relative)
def test_sql_lives_in_sql_files_or_in_a_builder(path: Path) -> None:
    if path.relative_to(SOURCE).as_posix().startswith(SQL_BUILDERS):
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {ast.get_docstring(x, clean=False) for x in ast.walk(tree) if isinstance(x, documented)}
    literals = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in docstrings
    ]
    assert not [text for text in literals if SQL_START.match(text)]


@pytest.mark.parametrize("path", python_files("src", "tests"), ids=relative)
def test_nothing_sleeps_and_nothing_is_left_undone(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    calls = {dotted(node.func) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)}
    assert "time.sleep" not in calls
    marks = "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X"))
    assert not re.search(rf"\b({marks})\b", text)


@pytest.mark.parametrize("room", sorted(ROOMS_WITH_TESTS))
def test_each_room_has_its_tests(room: str) -> None:
    assert (SOURCE / room).is_dir()
    assert list((ROOT / "tests" / ROOMS_WITH_TESTS[room]).glob("test_*.py"))


def test_every_sql_file_says_what_it_is() -> None:
    silent = [
        relative(path)
        for path in SOURCE.rglob("*.sql")
        if not path.read_text(encoding="utf-8").lstrip().startswith("--")
    ]
    assert not silent


def test_every_error_code_is_unique_and_documented() -> None:
    from bmaddb import errors

    root = errors.BmadError
    classes = [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, root)]
    codes = [cls.code for cls in classes if "code" in vars(cls)]
    assert len(codes) == len(set(codes)) == len(classes)
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert not [code for code in codes if code not in page]


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert numbers == list(range(1, len(numbers) + 1))
