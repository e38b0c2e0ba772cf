"""The house rules that no linter knows."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PARTS = (
    "wire_contracts",
    "meter_telegrams",
    "firmware_profiles",
    "edge_gateway",
    "sync_server",
    "field_app",
    "demo",
)
LONGEST_FUNCTION = 60
HOLDS_FUNCTIONS = (ast.stmt, ast.ExceptHandler, ast.match_case)
VAGUE_NAMES = {"utils", "helpers", "common", "base", "manager", "misc"}
ASSERTING_CALLS = {"raises", "fail", "expect", "run_state_machine_as_test"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError|pragma: no cover)\b|pytest\.skip\(")


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    return [ROOT / name for name in listed if (ROOT / name).is_file()]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function; only statements hold one, so no expression is looked into."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        waiting += [
            each for each in ast.iter_child_nodes(node) if isinstance(each, HOLDS_FUNCTIONS)
        ]


def test_no_function_is_longer_than_sixty_lines() -> None:
    long = [
        f"{name_of(path)}:{each.lineno} {each.name}"
        for path in tracked("*.py")
        for each in functions(parsed(path))
        if (each.end_lineno or each.lineno) - each.lineno + 1 > LONGEST_FUNCTION
    ]

    assert long == []


def begins_with_words(path: Path) -> bool:
    return re.match(r'r?"""[^"]', path.read_text(encoding="utf-8")) is not None


def test_every_module_says_what_it_owns() -> None:
    silent = [
        name_of(path)
        for path in tracked("*.py")
        if not begins_with_words(path) and not ast.get_docstring(parsed(path))
    ]

    assert silent == []


@pytest.mark.parametrize("part", PARTS)
def test_the_package_docstring_draws_the_line_through_its_modules(part: str) -> None:
    package = ROOT / part
    drawn = ast.get_docstring(parsed(package / "__init__.py")) or ""
    rooms = {path.stem for path in package.glob("*.py")} | {
        path.parent.name for path in package.glob("*/__init__.py")
    }

    missing = {room for room in rooms - {"__init__"} if not re.search(rf"\b{room}\b", drawn)}

    assert missing == set()


def test_no_module_has_a_vague_name() -> None:
    vague = [name_of(path) for path in tracked("*.py") if path.stem in VAGUE_NAMES]

    assert vague == []


def test_nothing_says_it_is_unfinished() -> None:
    me = Path(__file__)
    marks = [
        f"{name_of(path)}:{number}"
        for path in tracked("*.py")
        if path != me
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if UNFINISHED.search(line) and "reason" not in line
    ]

    assert marks == []


def asserts_something(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func).rsplit(".", 1)[-1]
            if called in ASSERTING_CALLS or called.startswith(("check", "assert_")):
                return True
    return False


def test_every_test_can_fail() -> None:
    idle = [
        f"{name_of(path)}:{each.lineno} {each.name}"
        for path in tracked("tests/*.py")
        for each in functions(parsed(path))
        if each.name.startswith("test_") and not asserts_something(each)
    ]

    assert idle == []


def test_no_assertion_chooses_what_it_asserts() -> None:
    evasive = [
        f"{name_of(path)}:{node.lineno}"
        for path in tracked("tests/*.py")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Assert)
        and (
            isinstance(node.test, ast.IfExp)
            or (isinstance(node.test, ast.Constant) and bool(node.test.value))
        )
    ]

    assert evasive == []


def test_no_test_sleeps() -> None:
    sleepers = [
        f"{name_of(path)}:{node.lineno}"
        for path in tracked("tests/*.py")
        if "sleep" in path.read_text(encoding="utf-8")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"time.sleep", "sleep"}
    ]

    assert sleepers == []


def test_no_file_names_a_path_of_a_machine() -> None:
    own_path = re.compile(r"(^|[^A-Za-z0-9_.-])/(root|work|home/[a-z]+)/[A-Za-z._]")
    found = [
        name_of(path)
        for path in tracked()
        if path != Path(__file__)
        and path.suffix not in {".png", ".ttf", ".woff2", ".mo", ".db", ".sqlite3"}
        and any(own_path.search(line) for line in read_lines(path))
    ]

    assert found == []


def test_no_lock_file_names_an_index() -> None:
    named = [
        name_of(path)
        for path in tracked("*.lock", "*package-lock.json", "*.toml", "*.cfg", "*.npmrc")
        if re.search(
            r'"resolved"\s*:\s*"https?:|--(extra-)?index-url|registry\s*=\s*"?https?:',
            path.read_text(encoding="utf-8"),
        )
    ]

    assert named == []


def read_lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


def test_importing_a_part_opens_and_starts_nothing() -> None:
    """The shell's modules too: nothing but definitions at import time."""
    probe = (
        "import socket, sqlite3, threading\n"
        "before = threading.active_count()\n"
        "def refuse(*_a, **_k): raise SystemExit('opened at import')\n"
        "socket.socket.connect = refuse; sqlite3.connect = refuse\n"
        "import edge_gateway.run, sync_server.run, demo.town, firmware_profiles.decode\n"
        "assert threading.active_count() == before\n"
        "print('quiet')\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", probe],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.stdout == "quiet\n", answer.stderr
