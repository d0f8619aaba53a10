"""The house: which package may know which, what every file says of itself, and how long it may get."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

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

FILES = sorted(
    path.relative_to(ROOT)
    for package in OURS
    for path in (ROOT / package).rglob("*.py")
    if "__pycache__" not in path.parts
)
SOURCES = [path for path in FILES if path.parts[0] in MAY_IMPORT]
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@cache
def tree_of(path: Path) -> ast.Module:
    """Parsed when a test looks at it: every process of a run imports this file, and one runs these tests."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def imported(path: Path) -> set[str]:
    """Every module that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(tree_of(path)):
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
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def at(path: Path, node: ast.AST | None = None, what: str = "") -> str:
    """Where something is, for people."""
    return f"{path}:{getattr(node, 'lineno', 1)} {what}".strip()


def test_every_package_has_its_place() -> None:
    found = {path.parent.name for path in ROOT.glob("*/*.py") if (path.parent / "__init__.py").exists()}
    assert found <= OURS and set(MAY_IMPORT) <= {path.parts[0] for path in FILES}
    assert len(SOURCES) > 80


def test_arrows_never_turn_back() -> None:
    turned = {
        at(path): unknown
        for path in SOURCES
        if (unknown := roots(path) & OURS - MAY_IMPORT[path.parts[0]] - {path.parts[0]})
    }
    assert turned == {}


def test_merchants_and_citizens_do_not_know_each_other() -> None:
    assert "citizens" not in MAY_IMPORT["merchants"] and "merchants" not in MAY_IMPORT["citizens"]


def test_only_the_server_knows_sanic() -> None:
    outside = [path for path in FILES if path.parts[0] not in KNOW_HTTP]
    assert [at(path) for path in outside if any(name.startswith("sanic") for name in roots(path))] == []


def test_nothing_but_tests_and_benches_knows_the_sandbox_package() -> None:
    outside = [path for path in SOURCES if path.parts[0] != "sandbox"]
    assert [at(path) for path in outside if "sandbox" in roots(path)] == []


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


def test_every_module_says_what_it_is_for() -> None:
    generated = {Path("migrations/__init__.py"), Path("migrations/0001_initial.py")}
    texts = {path: ast.get_docstring(tree_of(path)) or "" for path in FILES if path not in generated}
    assert [
        at(path) for path, text in texts.items() if not text.partition("\n")[0].endswith((".", "…"))
    ] == []


def test_every_public_function_and_class_says_what_it_promises() -> None:
    silent = [
        at(path, node, node.name)
        for path in SOURCES
        if path.parts[0] != "migrations"
        for node in public(tree_of(path).body)
        if not ast.get_docstring(node)
    ]
    assert silent == []


def test_no_file_gets_too_long() -> None:
    lengths = {
        path: len((ROOT / path).read_text(encoding="utf-8").splitlines())
        for path in FILES
        if path.parts[0] != "migrations"
    }
    too_long = {
        at(path): length
        for path, length in lengths.items()
        if length > (LONGEST_TEST if path.parts[0] == "tests" else LONGEST)
    }
    assert too_long == {}


def test_names_say_what_is_done_and_nothing_is_forced() -> None:
    vague = {"utils", "util", "helpers", "manager", "misc"}
    assert [at(path) for path in SOURCES if {part.removesuffix(".py") for part in path.parts} & vague] == []
    for path in SOURCES:
        for function in functions(path):
            arguments = function.args
            named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            assert not function.name.startswith(("process_", "handle_")), at(path, function)
            assert "force" not in {argument.arg for argument in named}, at(path, function)


def test_no_error_is_swallowed_unseen() -> None:
    for path in SOURCES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ExceptHandler):
                assert node.type is not None, at(path, node)
                is_silent = all(isinstance(statement, ast.Pass) for statement in node.body)
                assert not is_silent or ast.unparse(node.type) not in ("Exception", "BaseException"), at(
                    path, node
                )


def test_time_is_a_parameter_of_every_statement() -> None:
    """Clocks can be moved: no SQL asks the database what time it is."""
    clocks = ("now()", "current_timestamp", "current_date", "clock_timestamp")
    asking = []
    for path in SOURCES:
        if path.parts[0] in ("migrations", "sandbox"):
            continue
        docstrings = {
            id(node.body[0].value)  # type: ignore[attr-defined]
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.Module | Definition) and ast.get_docstring(node)
        }
        asking += [
            at(path, node, node.value)
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
            if any(clock in node.value.lower() for clock in clocks)
        ]
    assert asking == []


def test_masks_are_made_in_one_place() -> None:
    def texts(path: Path) -> Iterator[str]:
        """Of all strings but those that say what something is for."""
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value:
                yield node.value

    told = {
        ast.get_docstring(node, clean=False)
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    }
    makers = [path for path in SOURCES if any("****" in text for text in texts(path) if text not in told)]
    assert makers == [Path("common/masking.py")]


def test_algorithms_are_chosen_in_one_place() -> None:
    """Rule 15: another family can replace them by configuration; `hmac` alone is for what is no personal data."""
    ciphers = "cryptography.hazmat.primitives.ciphers"
    users = [path for path in SOURCES if any(name.startswith(ciphers) for name in imported(path))]
    assert users == [Path("common/crypto.py")]


def test_the_server_opens_no_transaction() -> None:
    """A service function owns its own; migrating and sessions have nobody below them."""
    opening = [
        path
        for path in SOURCES
        if path.parts[0] == "server"
        and imported(path) & {"tortoise.transactions.in_transaction", "common.database.transaction"}
    ]
    assert opening == [Path("server/migrate.py"), Path("server/sessions.py")]


def test_no_row_is_locked_by_a_query_that_drops_its_lock() -> None:
    """`select_for_update().values()` silently locks nothing."""
    dropping = [
        at(path, node)
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and node.attr == "select_for_update"
    ]
    assert dropping == []
