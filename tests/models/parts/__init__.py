"""Each part of the alliance's business: a valid row of its tables, and the rows that may not be.

A module has `MAKE` (SQL that makes what the demo data leaves empty), `FRESH` (the columns in which a second row of a
table differs from the first) and `CASES` (a constraint, and changes that it refuses).
"""

from importlib import import_module
from pathlib import Path

PARTS = [
    import_module(f"tests.models.parts.{path.stem}")
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py"))
]
