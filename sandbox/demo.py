"""`python -m sandbox demo`: fill a migrated database with the demo data, as often as you like.

What is there stays as it is: counters of stock, coupons and whatever somebody changed are never reset.
Ids follow from the entries' names, so every sandbox has the same ones.
"""

import os
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from argon2 import PasswordHasher
from tortoise.models import Model
from tortoise.transactions import in_transaction

from citizens.accounts import citizen_of
from citizens.channels.sandbox import SandboxChannel
from common.clock import now, start_of
from common.crypto import PersonalDataKeys
from common.database import connect, disconnect, execute
from merchants import self_bindings
from models import (
    Admin,
    Member,
    MemberRecheck,
    Offer,
    OfferStock,
    OfferTerms,
    Programme,
    Region,
    Staff,
    StaffStore,
    Store,
    TierBand,
    TierScheme,
)
from models.enums import Channel, MemberStatus, OfferStatus, StaffStatus
from sandbox import demo_data
from sandbox.demo_data import DemoData
from sandbox.demo_data.entries import MemberEntry, SchemeEntry
from sandbox.demo_data.rows import demo_id, offer_row, stock_row, terms_row
from server import config
from server.migrate import WrongInstallation, must_be_installation

LOCK = 0x78696E79692D64  # any number will do, as long as it stays the same and is not the migrations'

Row = TypeVar("Row", bound=Model)


class ReferenceDataMissing(RuntimeError):
    """The database has no regions or programmes yet."""


@dataclass(frozen=True)
class DemoReport:
    """How many rows a load added, by what they are; all 0 when it is loaded again."""

    tier_schemes: int
    members: int
    stores: int
    offers: int
    staff: int
    admins: int

    @property
    def added(self) -> int:
        """All of them together."""
        return sum(asdict(self).values())

    def __str__(self) -> str:
        return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in asdict(self).items())


async def main() -> None:
    """Load the demo data into the environment's `DATABASE_URL` and say what is new.

    Raises:
        SystemExit: the environment makes no sandbox, or the database is none.
    """
    try:
        settings = config.load(os.environ)
    except config.ConfigError as error:
        raise SystemExit(str(error)) from None
    await connect(settings.database_url, pool_size=2)
    try:
        await must_be_installation(is_sandbox=True)
        print(f"demo data added: {await load(now())}")
        await bind_demo_clerk(settings.data_keys)
    except (WrongInstallation, ReferenceDataMissing) as error:
        raise SystemExit(str(error)) from None
    finally:
        await disconnect()


async def load(at: datetime) -> DemoReport:
    """Add what is missing of the demo data, all or nothing; loads at the same time wait for each other.

    Raises:
        DemoDataError: a demo file is wrong.
        ReferenceDataMissing: regions and programmes have to be loaded first.
    """
    data = demo_data.read()
    async with in_transaction():
        # Another load may take longer than the service would wait for a lock, or for a statement.
        await execute("SET LOCAL lock_timeout = 0")
        await execute("SET LOCAL statement_timeout = '60s'")
        await execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        if not await Region.exists() or not await Programme.exists():
            raise ReferenceDataMissing("Run the migrations first: they also load regions and programmes.")
        return DemoReport(
            tier_schemes=await _add_tier_schemes(data.tier_schemes),
            members=await _add_members(data.members),
            stores=await _add_stores(data.members),
            offers=await _add_offers(data, at),
            staff=await _add_staff(data, at),
            admins=await _add_admins(data, at),
        )


async def bind_demo_clerk(keys: PersonalDataKeys) -> None:
    """Tie `demo-cashier` to the person behind `demo-cashier-self`, who can't redeem his own coupons."""
    login = await SandboxChannel().exchange("demo-cashier-self")
    citizen_id = await citizen_of(Channel.SANDBOX, login, keys)
    await self_bindings.bind(demo_id("staff", "demo-cashier"), citizen_id, keys, now())


async def _missing(table: type[Row], ids: Collection[UUID]) -> set[UUID]:
    return set(ids) - set(await table.filter(id__in=ids).values_list("id", flat=True))


async def _add(table: type[Row], rows: Sequence[Row]) -> int:
    # Without a row there is no statement: even an empty one would count as a change of the catalogue.
    if rows:
        await table.bulk_create(rows)
    return len(rows)


async def _add_tier_schemes(entries: Sequence[SchemeEntry]) -> int:
    known = set(await TierScheme.all().values_list("code", "version"))
    fresh = [entry for entry in entries if (entry.code, entry.version) not in known]
    for entry in fresh:
        scheme = await TierScheme.create(
            **entry.model_dump(exclude={"published_on", "effective_on", "bands"}),
            published_at=start_of(entry.published_on),
            effective_from=start_of(entry.effective_on),
        )
        await _add(TierBand, [TierBand(scheme=scheme, **band.model_dump()) for band in entry.bands])
    return len(fresh)


async def _add_members(entries: Sequence[MemberEntry]) -> int:
    by_id = {demo_id("member", entry.slug): entry for entry in entries}
    fresh = await _missing(Member, by_id)
    rows = [
        Member(
            id=id_,
            kind=entry.kind,
            name=entry.name,
            uscc=entry.uscc,
            region_id=entry.region,
            status=MemberStatus.ACTIVE,
            joined_at=start_of(entry.joined_on),
        )
        for id_, entry in by_id.items()
        if id_ in fresh
    ]
    added = await _add(Member, rows)
    # Each is checked for the first time when a background process runs.
    await _add(MemberRecheck, [MemberRecheck(member_id=row.id, due_at=row.joined_at) for row in rows])
    return added


async def _add_stores(entries: Sequence[MemberEntry]) -> int:
    by_id = {demo_id("store", store.slug): (member, store) for member in entries for store in member.stores}
    fresh = await _missing(Store, by_id)
    rows = [
        Store(
            id=id_,
            member_id=demo_id("member", member.slug),
            region_id=store.region,
            is_active=True,
            **store.model_dump(include={"name", "address", "lat", "lng"}),
        )
        for id_, (member, store) in by_id.items()
        if id_ in fresh
    ]
    return await _add(Store, rows)


async def _add_offers(data: DemoData, at: datetime) -> int:
    members = {member.slug: member for member in data.members}
    by_id = {demo_id("offer", entry.slug): entry for entry in data.offers}
    fresh = await _missing(Offer, by_id)
    if not fresh:
        return 0
    entries = [(entry, members[entry.member]) for id_, entry in by_id.items() if id_ in fresh]
    # A draft first: the terms name the offer, and a published offer names its terms.
    await _add(Offer, [offer_row(entry, member, at) for entry, member in entries])
    await _add(OfferTerms, [terms_row(entry, member, at) for entry, member in entries])
    await _add(OfferStock, [stock_row(entry, entry.stock) for entry, _ in entries if entry.stock])
    await execute(
        "UPDATE offers SET terms_id = offer_terms.id, status = $2 FROM offer_terms"
        " WHERE offer_terms.offer_id = offers.id AND offers.id = ANY($1::uuid[])",
        *(list(fresh), OfferStatus.PUBLISHED.value),
    )
    return len(fresh)


async def _add_staff(data: DemoData, at: datetime) -> int:
    by_id = {demo_id("staff", entry.login): entry for entry in data.staff}
    fresh = await _missing(Staff, by_id)
    people = [
        Staff(
            id=id_,
            member_id=demo_id("member", entry.member),
            login=entry.login,
            password_hash=PasswordHasher().hash(entry.login),
            role=entry.role,
            status=StaffStatus.ACTIVE,
            created_at=at,
        )
        for id_, entry in by_id.items()
        if id_ in fresh
    ]
    links = [
        StaffStore(
            staff_id=id_,
            store_id=demo_id("store", store),
            member_id=demo_id("member", entry.member),
            position=position,
        )
        for id_, entry in by_id.items()
        if id_ in fresh
        for position, store in enumerate(entry.stores)
    ]
    added = await _add(Staff, people)
    await _add(StaffStore, links)
    return added


async def _add_admins(data: DemoData, at: datetime) -> int:
    by_id = {demo_id("admin", entry.login): entry for entry in data.admins}
    fresh = await _missing(Admin, by_id)
    rows = [
        Admin(
            id=id_,
            login=entry.login,
            password_hash=PasswordHasher().hash(entry.login),
            totp_last_step=0,
            roles=[role.value for role in entry.roles],
            region_id=entry.region,
            status=StaffStatus.ACTIVE,
            created_at=at,
        )
        for id_, entry in by_id.items()
        if id_ in fresh
    ]
    return await _add(Admin, rows)
