"""The page for offices has every route of theirs with the roles that may call it; in both languages.

`python -m tests.test_office_page en` (or `zh`) prints the table as it has to be.
"""

import sys
from pathlib import Path

import pytest

from alliance.permissions import ADMIN_MAY, ANY_ADMIN
from tests.matrix.routes import LEFT_OUT, ROUTES

ROOT = Path(__file__).parent.parent
PAGES = {"en": "docs/office.md", "zh": "docs/office.zh-CN.md"}
HEADS = {"en": "| Call | What | Roles |", "zh": "| 接口 | 做什么 | 角色 |"}
ANYBODY = {"en": "all", "zh": "全部"}


def table(language: str) -> str:
    """The routes by their path, each with its summary and its roles."""
    rows = [HEADS[language], "| --- | --- | --- |"]
    for route in sorted(ROUTES, key=lambda route: (route.path, route.operation.method)):
        if route.is_for_admins:
            what = route.operation.summary.split(" / ")[language == "en"]
            may = ADMIN_MAY[route.operation.may or ""]
            roles = ANYBODY[language] if may == ANY_ADMIN else " ".join(f"`{role}`" for role in sorted(may))
            rows.append(f"| `{route.name}` | {what} | {roles} |")
    return "\n".join(rows)


@pytest.mark.parametrize("language", PAGES)
def test_every_route_of_an_office_is_there_with_its_roles(language: str) -> None:
    text = (ROOT / PAGES[language]).read_text(encoding="utf-8")
    shown = [line for line in text.splitlines() if line.startswith("|")]
    assert shown == table(language).splitlines()
    assert len(shown) > 60 and not any("/admin/" in route for route in LEFT_OUT)


if __name__ == "__main__":
    print(table(sys.argv[1]))
