"""The console's table of rights is a copy of the server's."""

import re
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

from alliance.permissions import ADMIN_MAY, MEMBER_MAY
from models.enums import AdminRole

RIGHTS = Path(__file__).parents[2] / "clients" / "console" / "src" / "rights.ts"


@pytest.mark.parametrize(("name", "table"), [("ADMIN_MAY", ADMIN_MAY), ("MEMBER_MAY", MEMBER_MAY)])
def test_console_offers_what_the_server_allows(name: str, table: Mapping[str, Collection[str]]) -> None:
    text = RIGHTS.read_text(encoding="utf-8")
    body = text.split(f"export const {name} = {{\n")[1].split("} as const")[0]
    shown: dict[str, set[str]] = {}
    for line in body.splitlines():
        right, roles = line.strip().rstrip(",").split(": ", 1)
        shown[right.strip("'")] = (
            set(AdminRole) if roles == "ANY_ADMIN" else set(re.findall(r"'([a-z]+)'", roles))
        )
    assert shown == {right: set(roles) for right, roles in table.items()}
    any_admin = re.search(r"ANY_ADMIN: [^=]*= \[(.*)\]", text)
    assert any_admin is not None
    assert set(re.findall(r"'([a-z]+)'", any_admin[1])) == set(AdminRole)
