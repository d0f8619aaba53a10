"""Rows that become stores of members that are in the alliance."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from alliance.import_cells import Cells, Row, RowError
from alliance.import_members import region_errors
from common.database import Row as Record
from common.database import execute, fetch_all
from merchants.stores import is_in_province

COLUMNS = ("member_uscc", "name", "region", "address", "lat", "lng")
EXAMPLE = ("91330106XY0000017X", "武林店", "330105", "杭州市拱墅区延安路 1 号", "30.27", "120.16")
MEMBERS = "SELECT id, uscc, kind FROM members WHERE uscc = ANY ($1) AND region_id LIKE $2 || '%' AND status = 'active'"
STORES = """
SELECT s.id, s.member_id, s.name, s.region_id, s.is_active
  FROM unnest($1::uuid[]) AS asked (id) JOIN stores s ON s.member_id = asked.id ORDER BY s.name, s.id
"""
WRITE = """
INSERT INTO stores (id, member_id, region_id, name, address, lat, lng)
SELECT r.id, m.id, r.region, r.name, r.address, r.lat, r.lng
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::float8[], $7::float8[])
       AS r (id, uscc, region, name, address, lat, lng)
  JOIN members m ON m.uscc = r.uscc
"""


def read(cells: Cells) -> dict[str, object]:
    """The values of a row."""
    lat, lng = cells.degrees("lat", 90), cells.degrees("lng", 180)
    if lat is not None and lng is not None and not is_in_province(lat, lng):
        cells.wrong("lat", "place_outside")
    return {
        "member_uscc": cells.code_of_member("member_uscc"),
        "region": cells.text("region", 6),
        "name": cells.text("name", 128),
        "address": cells.text("address", 256),
        "lat": lat,
        "lng": lng,
    }


def key(content: dict[str, object]) -> tuple[str, object]:
    """What no two rows of a file may share, and its column."""
    return "name", (content["member_uscc"], content["name"])


async def check(rows: Sequence[Row], prefix: str) -> list[RowError]:
    """What the database says against the rows."""
    members = await members_of(rows, prefix)
    stores = await stores_of(members)
    return [
        *unknown_members(rows, members),
        *(
            RowError(row.number, "name", "store_exists")
            for row in rows
            if (member := members.get(row.content["member_uscc"])) is not None
            and any(store["name"] == row.content["name"] for store in stores.get(member["id"], ()))
        ),
        *await region_errors(rows, prefix),
    ]


async def members_of(rows: Collection[Row], prefix: str) -> Mapping[object, Record]:
    """The active members of the rows in the import's region, by their code."""
    found = await fetch_all(MEMBERS, [*{row.content["member_uscc"] for row in rows}], prefix)
    return {row["uscc"]: row for row in found}


def unknown_members(rows: Sequence[Row], members: Mapping[object, Record]) -> list[RowError]:
    """Rows of members that are not there."""
    return [
        RowError(row.number, "member_uscc", "member_unknown")
        for row in rows
        if row.content["member_uscc"] not in members
    ]


async def stores_of(members: Mapping[object, Record]) -> Mapping[UUID, Sequence[Record]]:
    """All stores of some members, by member."""
    found: dict[UUID, list[Record]] = {}
    for row in await fetch_all(STORES, [member["id"] for member in members.values()]):
        found.setdefault(row["member_id"], []).append(row)
    return found


def named_stores(
    row: Row, names: Sequence[str], stores: Sequence[Record]
) -> tuple[Sequence[Record], list[RowError]]:
    """The open stores that a row names, in its order; all of the member's where it names none."""
    is_open = [store for store in stores if store["is_active"]]
    if not names:
        return is_open, [] if is_open else [RowError(row.number, "stores", "store_missing")]
    found, errors = [], []
    for name in dict.fromkeys(names):
        same = [store for store in is_open if store["name"] == name]
        if len(same) == 1:
            found += same
        else:
            errors.append(RowError(row.number, "stores", "store_ambiguous" if same else "store_unknown"))
    return found, errors


async def write(rows: Sequence[Row], ids: Sequence[UUID], now: datetime) -> None:
    """Make the stores, inside the import's transaction."""
    names = ("member_uscc", "region", "name", "address", "lat", "lng")
    await execute(WRITE, ids, *([row.content[name] for row in rows] for name in names))
