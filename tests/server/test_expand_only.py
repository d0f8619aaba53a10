"""Migrations that older code can live with (decision 20): a release adds, the next one drops.

One that takes something away says in a constant `CONTRACTS` why no process of the release before needs it.
"""

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
# Before there was a release to go back to.
FOUNDATION = {"0001_initial", "0002_constraints"}
TAKES_AWAY = {"DeleteModel", "RemoveField", "RenameModel", "RenameField", "AlterField"}
TAKES_AWAY_SQL = re.compile(
    r"\bDROP\s+(TABLE|COLUMN|VIEW|FUNCTION)|\bRENAME\b|\bALTER\s+COLUMN\s+\w+\s+(SET\s+NOT\s+NULL|(SET\s+DATA\s+)?TYPE)"
    r"|\bADD\s+COLUMN\s+(?!.*\bDEFAULT\b)[^,;]*\bNOT\s+NULL\b",
    re.IGNORECASE | re.DOTALL,
)
MIGRATIONS = sorted(path.stem for path in (ROOT / "migrations").glob("[0-9]*.py"))


def takes_away(module: ModuleType) -> list[str]:
    """Operations after which code that does not know of them would fail."""
    found = []
    for operation in module.Migration.operations:
        kind = type(operation).__name__
        if kind in TAKES_AWAY:
            found.append(operation.describe())
        statements = getattr(operation, "sql", [])
        for statement in [statements] if isinstance(statements, str) else statements or []:
            if TAKES_AWAY_SQL.search(str(statement)):
                found.append(str(statement)[:80])
    return found


@pytest.mark.parametrize("name", [name for name in MIGRATIONS if name not in FOUNDATION])
def test_migration_takes_nothing_away_from_the_release_before(name: str) -> None:
    module = importlib.import_module(f"migrations.{name}")
    found = takes_away(module)
    reason = getattr(module, "CONTRACTS", "")
    assert not found or len(reason) > 20, (
        f"{name} takes away, and has no CONTRACTS that says why it may: {found}"
    )
    assert found or not reason, f"{name} takes nothing away: CONTRACTS says something else"


@pytest.mark.parametrize(
    ("statement", "is_fit"),
    [
        ("ALTER TABLE coupons ADD COLUMN note text", True),
        ("ALTER TABLE coupons ADD COLUMN note text NOT NULL DEFAULT ''", True),
        ("CREATE TABLE notes (n int NOT NULL)", True),
        ("ALTER TABLE coupons ADD COLUMN note text NOT NULL", False),
        ("ALTER TABLE coupons DROP COLUMN status", False),
        ("ALTER TABLE coupons RENAME TO vouchers", False),
        ("ALTER TABLE coupons ALTER COLUMN status SET NOT NULL", False),
        ("ALTER TABLE coupons ALTER COLUMN number TYPE bigint", False),
        ("DROP TABLE coupons", False),
    ],
)
def test_what_takes_away_is_known(statement: str, is_fit: bool) -> None:
    assert (TAKES_AWAY_SQL.search(statement) is None) is is_fit
