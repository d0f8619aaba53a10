"""Rows that become staff of members that are in the alliance.

Nobody gets a password: each chooses his own through a one-time link (`alliance.import_invitations`). Until then no
password signs him in.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from alliance.import_cells import Cells, Row, RowError
from alliance.import_stores import members_of, named_stores, stores_of, unknown_members
from common.database import execute, fetch_all
from models.enums import StaffRole

COLUMNS = ("member_uscc", "login", "role", "stores")
EXAMPLE = ("91330106XY0000017X", "wulin-01", "cashier", "武林店;西溪店")
LOGIN = re.compile(r"[0-9A-Za-z._@-]{3,64}")
TAKEN = "SELECT login FROM staff WHERE login = ANY ($1)"
# "!" is the hash of no password.
WRITE = """
INSERT INTO staff (id, member_id, login, password_hash, role, created_at)
SELECT r.id, m.id, r.login, '!', r.role, $5
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS r (id, uscc, login, role)
  JOIN members m ON m.uscc = r.uscc
"""
PLACE = """
INSERT INTO staff_stores (staff_id, store_id, member_id, position)
SELECT r.staff_id, r.store_id, s.member_id, r.position
  FROM unnest($1::uuid[], $2::uuid[], $3::smallint[]) AS r (staff_id, store_id, position)
  JOIN stores s ON s.id = r.store_id
"""


def read(cells: Cells) -> dict[str, object]:
    """The values of a row."""
    login = cells.text("login", 64)
    if login is not None and not LOGIN.fullmatch(login):
        cells.wrong("login", "login_invalid")
    return {
        "member_uscc": cells.code_of_member("member_uscc"),
        "login": login,
        "role": cells.choice("role", StaffRole),
        "stores": list(cells.names("stores")),
    }


def key(content: dict[str, object]) -> tuple[str, object]:
    """What no two rows of a file may share, and its column."""
    return "login", content["login"]


async def check(rows: Sequence[Row], prefix: str) -> list[RowError]:
    """What the database says against the rows; finds the ids of their stores."""
    taken = {row["login"] for row in await fetch_all(TAKEN, [row.content["login"] for row in rows])}
    members = await members_of(rows, prefix)
    stores = await stores_of(members)
    errors = unknown_members(rows, members)
    errors += [RowError(row.number, "login", "login_taken") for row in rows if row.content["login"] in taken]
    for row in rows:
        member = members.get(row.content["member_uscc"])
        if member is not None:
            names: list[str] = row.content["stores"]  # type: ignore[assignment]
            found, wrong = named_stores(row, names, stores.get(member["id"], ()))
            row.content["store_ids"] = [store["id"] for store in found]
            errors += wrong
    return errors


async def write(rows: Sequence[Row], ids: Sequence[UUID], now: datetime) -> None:
    """Make the staff and their places, inside the import's transaction, after `check`."""
    names = ("member_uscc", "login", "role")
    await execute(WRITE, ids, *([row.content[name] for row in rows] for name in names), now)
    places = [
        (id_, store_id, position)
        for row, id_ in zip(rows, ids, strict=True)
        for position, store_id in enumerate(_store_ids(row))
    ]
    await execute(PLACE, *([place[part] for place in places] for part in range(3)))


def _store_ids(row: Row) -> Sequence[UUID]:
    found: Sequence[UUID] = row.content["store_ids"]  # type: ignore[assignment]
    return found
