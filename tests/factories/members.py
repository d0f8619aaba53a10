"""Members with their stores and staff."""

from dataclasses import dataclass, replace
from itertools import count
from uuid import UUID, uuid4

from common.actors import MemberActor, StaffActor
from common.database import execute
from models import Member, Staff, StaffStore, Store
from models.enums import MemberKind, MemberStatus, StaffRole, StaffStatus
from tests.factories.moments import NOON

_numbers = count(1)


@dataclass(frozen=True)
class Shop:
    """One member with two stores; the clerk redeems at the first, the manager at both."""

    member_id: UUID
    store_id: UUID
    second_store_id: UUID
    clerk: StaffActor
    manager: StaffActor


async def a_member(
    kind: MemberKind = MemberKind.MERCHANT, region: str = "330106", uscc: str | None = None
) -> UUID:
    """An active member."""
    member_id = uuid4()
    await Member.create(
        id=member_id,
        kind=kind,
        name="湖畔百货",
        uscc=uscc or f"9{next(_numbers):017d}",
        region_id=region,
        status=MemberStatus.ACTIVE,
        joined_at=NOON,
    )
    return member_id


async def a_store(member_id: UUID, region: str = "330106") -> UUID:
    """An open store of a member."""
    store_id = uuid4()
    await Store.create(
        id=store_id,
        member_id=member_id,
        region_id=region,
        name="武林店",
        address="延安路 1 号",
        lat=30.27,
        lng=120.16,
        is_active=True,
    )
    return store_id


async def a_clerk(member_id: UUID, *store_ids: UUID, role: StaffRole = StaffRole.CASHIER) -> StaffActor:
    """Somebody of a member's staff who may redeem at these stores, signed in."""
    staff_id = uuid4()
    await Staff.create(
        id=staff_id,
        member_id=member_id,
        login=f"clerk-{staff_id.hex}",
        password_hash="none",
        role=role,
        status=StaffStatus.ACTIVE,
        created_at=NOON,
    )
    for position, store_id in enumerate(store_ids):
        await StaffStore.create(staff_id=staff_id, store_id=store_id, member_id=member_id, position=position)
    return StaffActor(staff_id, uuid4(), member_id)


async def a_shop(kind: MemberKind = MemberKind.MERCHANT, region: str = "330106") -> Shop:
    """A member that can redeem."""
    member_id = await a_member(kind, region)
    stores = [await a_store(member_id, region) for _ in range(2)]
    clerk = await a_clerk(member_id, stores[0])
    manager = await a_clerk(member_id, *stores, role=StaffRole.MANAGER)
    return Shop(member_id, *stores, clerk, manager)


async def suspend(member_id: UUID) -> None:
    """Stop a member, as the alliance does."""
    await execute("UPDATE members SET status = 'suspended' WHERE id = $1", member_id)


def somebody_else(actor: StaffActor) -> StaffActor:
    """The same member's actor with an account that is not there."""
    return replace(actor, id=uuid4())


async def an_owner(member_id: UUID, *store_ids: UUID, role: StaffRole = StaffRole.OWNER) -> MemberActor:
    """Somebody who acts for a member, with a password that nobody knows."""
    person = await a_clerk(member_id, *store_ids, role=role)
    return MemberActor(person.id, person.session_id, member_id, role)


def as_member(person: StaffActor, role: StaffRole = StaffRole.MANAGER) -> MemberActor:
    """The same person at the member's API."""
    return MemberActor(person.id, person.session_id, person.member_id, role)
