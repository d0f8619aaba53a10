"""Releases of the product side by side: copies of its sources, the newer ones with a migration more."""

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PACKAGES = (
    "alliance", "benefits", "citizens", "common", "merchants", "migrations", "models", "sandbox", "server",
)  # fmt: skip
NEWER = "9001_of_the_next_release"
# What an upgrade may do while the old code serves: columns that it need not know, tables, indexes.
_MIGRATION = """
from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "{last}")]
    initial = False
    operations = [ops.RunSQL(statement, atomic=True) for statement in (
        "ALTER TABLE coupons ADD COLUMN next_release text NOT NULL DEFAULT 'x'",
        "ALTER TABLE redemptions ADD COLUMN next_release text",
        "CREATE TABLE of_the_next_release (n int)",
    )]
"""


def make_release(folder: Path, *, with_migration: bool = False) -> Path:
    """Lay a release into `folder`, with its interpreter, as an operator does: the sources and `.venv`."""
    for package in PACKAGES:
        # Compiled files too: with the times of their sources they stay good, and every start is faster.
        shutil.copytree(ROOT / package, folder / package)
    for part in ("deploy", "docs"):
        shutil.copytree(ROOT / part, folder / part)
    shutil.copy(ROOT / "Makefile", folder)
    (folder / ".venv").symlink_to(Path(sys.executable).parent.parent)
    if with_migration:
        last = max(path.stem for path in (folder / "migrations").glob("[0-9]*.py"))
        (folder / "migrations" / f"{NEWER}.py").write_text(_MIGRATION.format(last=last))
    return folder


def environment_of(release: Path) -> dict[str, str]:
    """What makes `python -m server` run this release's code, wherever it is started; as the units do."""
    return {"PYTHONSAFEPATH": "1", "PYTHONPATH": str(release)}
