"""The house: which package may know which, what every file says of itself, and how long it may get."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.factories.settings import production

ROOT = Path(__file__).parent.parent
# server → alliance → benefits → {merchants, citizens} → models → common: may skip levels, never turn back.
MAY_IMPORT = {
    "common": set(),
    "models": {"common"},
    "migrations": {"models"},
    "merchants": {"models", "common"},
    "citizens": {"models", "common"},
    "benefits": {"merchants", "citizens", "models", "common"},
    "alliance": {"benefits", "merchants", "citizens", "models", "common"},
    "server": {"alliance", "benefits", "merchants", "citizens", "models", "common"},
    "sandbox": {"server", "alliance", "benefits", "merchants", "citizens", "models", "common"},
}
BESIDES = {"bench", "tests"}
OURS = set(MAY_IMPORT) | BESIDES
KNOW_HTTP = {"server", "sandbox", *BESIDES}
LONGEST = 400
# Tables of cases are long by nature; past this a reader loses his way in them too.
LONGEST_TEST = 600
FEW_PARAMETERS = 6

FILES = sorted(
    path.relative_to(ROOT)
    for package in OURS
    for path in (ROOT / package).rglob("*.py")
    if "__pycache__" not in path.parts
)
SOURCES = [path for path in FILES if path.parts[0] in MAY_IMPORT]
TREES = {path: ast.parse((ROOT / path).read_text(encoding="utf-8")) for path in FILES}
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def name_of(path: object) -> str:
    return str(path)


def imported(path: Path) -> set[str]:
    """Every module that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def roots(path: Path) -> set[str]:
    return {module.partition(".")[0] for module in imported(path)}


def public(body: list[ast.stmt]) -> Iterator[Definition]:
    """Public functions and classes, and the public methods of those classes."""
    for node in body:
        if isinstance(node, Definition) and not node.name.startswith("_") and node.name != "Meta":
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body)


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_every_package_has_its_place() -> None:
    found = {path.parent.name for path in ROOT.glob("*/*.py") if (path.parent / "__init__.py").exists()}
    assert found <= OURS and set(MAY_IMPORT) <= {path.parts[0] for path in FILES}


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_arrows_never_turn_back(path: Path) -> None:
    package = path.parts[0]
    assert roots(path) & OURS <= MAY_IMPORT[package] | {package}


def test_merchants_and_citizens_do_not_know_each_other() -> None:
    assert "citizens" not in MAY_IMPORT["merchants"] and "merchants" not in MAY_IMPORT["citizens"]


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_only_the_server_knows_sanic(path: Path) -> None:
    assert path.parts[0] in KNOW_HTTP or not {name for name in roots(path) if name.startswith("sanic")}


@pytest.mark.parametrize("path", [path for path in SOURCES if path.parts[0] != "sandbox"], ids=name_of)
def test_nothing_but_tests_and_benches_knows_the_sandbox_package(path: Path) -> None:
    assert "sandbox" not in roots(path)


def test_a_production_loads_nothing_of_the_sandbox() -> None:
    program = (
        "import os, sys; from server.app import create_app; from server.config import load;"
        " create_app(load(os.environ)); print([name for name in sys.modules if 'sandbox' in name])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env=production(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    text = ast.get_docstring(TREES[path])
    is_generated = path.parts[0] == "migrations" and path.name in ("__init__.py", "0001_initial.py")
    assert is_generated or (text and text.splitlines()[0].endswith((".", ":", ";", "…")))


@pytest.mark.parametrize("path", [path for path in SOURCES if path.parts[0] != "migrations"], ids=name_of)
def test_every_public_function_and_class_says_what_it_promises(path: Path) -> None:
    silent = [
        f"{path}:{node.lineno} {node.name}"
        for node in public(TREES[path].body)
        if not ast.get_docstring(node)
    ]
    assert silent == []


@pytest.mark.parametrize("path", [path for path in FILES if path.parts[0] != "migrations"], ids=name_of)
def test_no_file_gets_too_long(path: Path) -> None:
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) <= (
        LONGEST_TEST if path.parts[0] == "tests" else LONGEST
    )


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_names_say_what_is_done_and_nothing_is_forced(path: Path) -> None:
    assert not {part.removesuffix(".py") for part in path.parts} & {
        "utils",
        "helpers",
        "manager",
        "misc",
        "util",
    }
    for function in functions(path):
        arguments = function.args
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        assert not function.name.startswith(("process_", "handle_")), f"{path}:{function.lineno}"
        assert "force" not in {argument.arg for argument in named}, f"{path}:{function.lineno}"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_no_error_is_swallowed_unseen(path: Path) -> None:
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"{path}:{node.lineno}: a bare except"
            is_silent = all(isinstance(statement, ast.Pass) for statement in node.body)
            assert not is_silent or ast.unparse(node.type) not in ("Exception", "BaseException")


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if path.parts[0] not in ("migrations", "sandbox")], ids=name_of
)
def test_time_is_a_parameter_of_every_statement(path: Path) -> None:
    """Clocks can be moved: no SQL asks the database what time it is."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.Module | Definition) and ast.get_docstring(node)
    }
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            words = node.value.lower()
            assert not any(
                asks in words for asks in ("now()", "current_timestamp", "current_date", "clock_timestamp")
            )


@pytest.mark.parametrize("path", [path for path in SOURCES if path.parts[0] == "server"], ids=name_of)
def test_the_server_opens_no_transaction(path: Path) -> None:
    """A service function owns its own; migrating is the one that has nobody below it."""
    is_open = any(module.endswith("in_transaction") for module in imported(path))
    assert not is_open or path == Path("server/migrate.py")


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_no_row_is_locked_by_a_query_that_drops_its_lock(path: Path) -> None:
    """`select_for_update().values()` silently locks nothing."""
    attributes = {node.attr for node in ast.walk(TREES[path]) if isinstance(node, ast.Attribute)}
    assert "select_for_update" not in attributes
