"""白名单: organisations that may join and stay in spite of their grade, each wanted by two admins."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from alliance import approvals
from common.actors import AdminActor
from common.database import Row, fetch_all, fetch_one, transaction
from common.errors import NotFound, Refused
from common.ids import AFTER_ALL, new_id
from models import audit_log
from models.office_enums import ApprovalKind
from models.region import subtree_prefix


class WhiteListed(Refused):
    """It is on the region's list."""

    code = "already_white_listed"
    zh = "该单位已在本地区白名单中，不用重复添加。"
    en = "The organisation is on this region's white list already."


async def ask(actor: AdminActor, uscc: str, region: str, reason: str, now: datetime) -> UUID:
    """Ask for an entry; the approval's id. The list of the seriously dishonest goes before it, whatever it says.

    Raises:
        NotFound: no such region, or not his.
        WhiteListed: it is there.
        AlreadyAsked: it waits for a second admin.
    """
    known = await fetch_one("SELECT 1 FROM regions WHERE code = $1", region)
    if known is None or not region.startswith(subtree_prefix(actor.region)):
        raise NotFound
    listed_already = await fetch_one(
        "SELECT 1 FROM white_list WHERE uscc = $1 AND region_id = $2 AND ended_at IS NULL", uscc, region
    )
    if listed_already is not None:
        raise WhiteListed
    payload = {"uscc": uscc, "region": region}
    thing = ("white_list", f"{uscc}:{region}")
    return await approvals.ask(actor, ApprovalKind.WHITE_LIST, thing, region, payload, reason, now)


async def carry_out(actor: AdminActor, asked: Row, payload: Mapping[str, Any], now: datetime) -> None:
    """Write the entry; it counts from the next check on.

    Raises:
        WhiteListed: it came there meanwhile.
    """
    entry_id = new_id()
    made = await fetch_one(
        "INSERT INTO white_list (id, uscc, region_id, reason, approval_id, added_at)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (uscc, region_id) WHERE ended_at IS NULL DO NOTHING RETURNING id",
        *(entry_id, payload["uscc"], payload["region"], asked["reason"], asked["id"], now),
    )
    if made is None:
        raise WhiteListed
    thing, after = ("white_list", entry_id), {"uscc": payload["uscc"], "approval_id": asked["id"]}
    region = payload["region"]
    await audit_log.record(audit_log.who(actor), "white_list.add", thing, now, region=region, after=after)


async def end(actor: AdminActor, entry_id: UUID, now: datetime) -> None:
    """Take an entry off the list; the grade counts again at the next check. Ending twice is ending once.

    Raises:
        NotFound: no such entry in the admin's region.
    """
    async with transaction():
        row = await fetch_one(
            "UPDATE white_list SET ended_at = coalesce(ended_at, greatest($3, added_at))"
            " WHERE id = $1 AND region_id LIKE $2 || '%' RETURNING region_id, uscc",
            *(entry_id, subtree_prefix(actor.region), now),
        )
        if row is None:
            raise NotFound
        thing, who, region = ("white_list", entry_id), audit_log.who(actor), row["region_id"]
        await audit_log.record(who, "white_list.end", thing, now, region=region, after={"uscc": row["uscc"]})


async def listed(actor: AdminActor, before: UUID | None, limit: int) -> Sequence[Row]:
    """Entries of the admin's region, ended ones too, newest first."""
    return await fetch_all(
        "SELECT id, uscc, region_id, reason, approval_id, added_at, ended_at FROM white_list"
        " WHERE region_id LIKE $1 || '%' AND id < $2 ORDER BY id DESC LIMIT $3",
        *(subtree_prefix(actor.region), before or AFTER_ALL, limit),
    )
