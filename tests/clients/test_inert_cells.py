"""The files that the console makes itself: no cell of them is a formula, as in those that the server makes."""

import re
from pathlib import Path

from common.table_exports import _STARTS_A_FORMULA

SAVE = Path(__file__).parents[2] / "clients" / "console" / "src" / "save.ts"


def test_the_same_signs_are_made_harmless() -> None:
    (signs,) = re.findall(r"/\^\[(.+?)\]/\.test\(value\)", SAVE.read_text(encoding="utf-8"))
    for escaped, sign in (("\\t", "\t"), ("\\r", "\r"), ("\\n", "\n"), ("\\-", "-")):
        signs = signs.replace(escaped, sign)
    assert sorted(signs) == sorted(_STARTS_A_FORMULA)
