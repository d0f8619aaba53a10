"""门店: opened, changed and closed for good by their member's owner.

A store lies where it stands, in whatever county of the register: its member's region only says which office looks
after the member, and a chain has shops in many. Each level's office counts it where it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from common.actors import MemberActor
from common.database import Row, fetch_all, fetch_one, transaction, wait_for_older_statements
from common.errors import Invalid, NotFound, Refused
from common.ids import new_id
from merchants.opening_hours import Span, minutes_of
from merchants.regions import RegionUnknown
from merchants.staff_rights import hold_member
from models import audit_log

# All are held in memory by every process, with the offers.
MOST_STORES = 500

# 浙江省: 27°02′–31°11′ N, 118°01′–123°10′ E (浙江省人民政府, 浙江概况), with some minutes to spare. A store lies in one of its counties.
LATITUDES, LONGITUDES = (27.0, 31.3), (118.0, 123.2)

COLUMNS = "id, region_id, name, address, lat, lng, hours, is_active"


class TooManyStores(Refused):
    """More than a member can have."""

    code = "too_many_stores"
    zh = "门店数已到上限（500 家）。如确有需要，请联系联盟管理员。"
    en = "A member has 500 stores at most. If you really need more, contact the alliance office."


class PositionOutside(Invalid):
    """No store of the province can stand there: mostly latitude and longitude the wrong way round."""

    code = "position_outside"
    zh = "这个位置不在浙江省内：纬度应在 27.0–31.3 之间，经度应在 118.0–123.2 之间。请看看是不是填反了。"
    en = "That is not in Zhejiang: latitudes are 27.0–31.3 there, longitudes 118.0–123.2. Check that they are not the wrong way round."
    pointer = "/lat"


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What is told of a store; coordinates in degrees of WGS 84."""

    name: str
    address: str
    region: str
    lat: float
    lng: float
    hours: Sequence[Span] | None


def is_in_province(lat: float, lng: float) -> bool:
    """Whether a position may lie in the province, by the box around it."""
    return LATITUDES[0] <= lat <= LATITUDES[1] and LONGITUDES[0] <= lng <= LONGITUDES[1]


async def create(actor: MemberActor, facts: StoreFacts, now: datetime) -> UUID:
    """Open a store. Offers name their stores, so none is valid there yet.

    Raises:
        RegionUnknown, HoursInvalid, PositionOutside, TooManyStores.
    """
    store_id, hours = new_id(), minutes_of(facts.hours)
    if not is_in_province(facts.lat, facts.lng):
        raise PositionOutside
    async with transaction():
        region = await hold_member(actor)
        made = await fetch_one(
            "INSERT INTO stores (id, member_id, region_id, name, address, lat, lng, hours)"
            " SELECT $1, $2, r.code, $4, $5, $6, $7, $8 FROM regions r WHERE r.code = $3 AND r.level = 'county'"
            "  AND (SELECT count(*) FROM stores WHERE member_id = $2) < $9 RETURNING id",
            *(store_id, actor.member_id, facts.region, facts.name, facts.address, facts.lat, facts.lng),
            *(hours, MOST_STORES),
        )
        if made is None:
            raise await _why_not(facts.region)
        after = _shown(facts, hours)
        await audit_log.record(
            audit_log.who(actor), "store.create", ("store", store_id), now, region=region, after=after
        )
    return store_id


async def change(actor: MemberActor, store_id: UUID, facts: StoreFacts, now: datetime) -> None:
    """Tell everything of a store anew.

    Raises:
        NotFound: no store of the member's.
        RegionUnknown, HoursInvalid, PositionOutside.
    """
    hours = minutes_of(facts.hours)
    if not is_in_province(facts.lat, facts.lng):
        raise PositionOutside
    async with transaction():
        region = await hold_member(actor)
        before = await one(actor, store_id)
        changed = await fetch_one(
            "UPDATE stores s SET region_id = r.code, name = $4, address = $5, lat = $6, lng = $7, hours = $8"
            " FROM regions r WHERE s.id = $1 AND s.member_id = $2 AND r.code = $3 AND r.level = 'county'"
            " RETURNING s.id",
            *(
                store_id,
                actor.member_id,
                facts.region,
                facts.name,
                facts.address,
                facts.lat,
                facts.lng,
                hours,
            ),
        )
        if changed is None:
            raise RegionUnknown
        shown = {name: before[name] for name in ("region_id", "lat", "lng", "hours")}
        await audit_log.record(
            audit_log.who(actor),
            "store.change",
            ("store", store_id),
            now,
            region=region,
            before={**shown, "is_renamed": False},
            after=_shown(facts, hours) | {"is_renamed": before["name"] != facts.name},
        )


async def close(actor: MemberActor, store_id: UUID, now: datetime) -> None:
    """Close a store for good: nothing is redeemed there any more. Closing twice is closing once.

    Raises:
        NotFound: no store of the member's.
    """
    async with transaction():
        region = await hold_member(actor)
        before = await one(actor, store_id)
        if before["is_active"]:
            await fetch_one(
                "UPDATE stores SET is_active = false WHERE id = $1 AND member_id = $2 RETURNING id",
                *(store_id, actor.member_id),
            )
            await audit_log.record(
                audit_log.who(actor),
                "store.close",
                ("store", store_id),
                now,
                region=region,
                before={"is_active": True},
                after={"is_active": False},
            )
    # A redemption that had begun before may still be written; once this is answered, none is.
    await wait_for_older_statements()


async def listed(actor: MemberActor, after: UUID | None, limit: int) -> Sequence[Row]:
    """The member's stores by id, those closed for good too."""
    return await fetch_all(
        f"SELECT {COLUMNS} FROM stores WHERE member_id = $1 AND id > $2 ORDER BY id LIMIT $3",
        *(actor.member_id, after or UUID(int=0), limit),
    )


async def one(actor: MemberActor, store_id: UUID) -> Row:
    """One of them.

    Raises:
        NotFound: no store of the member's.
    """
    row = await fetch_one(
        f"SELECT {COLUMNS} FROM stores WHERE id = $1 AND member_id = $2", store_id, actor.member_id
    )
    if row is None:
        raise NotFound
    return row


async def _why_not(region: str) -> RegionUnknown | TooManyStores:
    found = await fetch_one("SELECT code FROM regions WHERE code = $1 AND level = 'county'", region)
    return TooManyStores() if found else RegionUnknown()


def _shown(facts: StoreFacts, hours: list[int] | None) -> dict[str, object]:
    """What the audit may hold: no text that somebody typed."""
    return {"region_id": facts.region, "lat": facts.lat, "lng": facts.lng, "hours": hours}
