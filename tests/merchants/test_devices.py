"""Devices: a code that is good once pairs one; it redeems at its one store, undoes nothing, and is given up at once."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from benefits import redemption_log, redemptions
from benefits.refusals import OwnCoupon, PersonRequired, StoreNotAllowed
from common.actors import MemberActor, StaffActor
from common.database import fetch_all, fetch_one
from common.errors import NotFound
from common.typed_codes import ALPHABET
from merchants import devices, self_bindings, staff, staff_accounts
from merchants.devices import CODE_GOOD_FOR
from merchants.staff import StaffRevoked
from merchants.staff_rights import StoresUnknown
from models.enums import ActorKind, StaffRole
from models.office_enums import LinkPurpose
from models.one_time_links import LinkInvalid
from server import sessions
from tests.factories.citizens import KEYS, a_citizen
from tests.factories.members import Shop, a_clerk, a_shop, an_owner, as_member
from tests.factories.moments import NOON
from tests.factories.offers import an_offer
from tests.factories.scans import SCAN_KEYS, an_order, claimed, code_of, redeemed, scan, undone
from tests.factories.settings import settings

SECOND = timedelta(seconds=1)
CONFIGURED = settings()


@pytest.fixture
async def shop(database: str) -> Shop:
    return await a_shop()


@pytest.fixture
async def owner(shop: Shop) -> MemberActor:
    return await an_owner(shop.member_id)


async def a_device(shop: Shop, owner: MemberActor) -> StaffActor:
    """A device that was paired for the shop's first store."""
    made = await devices.make(owner, "前台", shop.store_id, NOON)
    account = await devices.pair(made.code, NOON)
    return StaffActor(account.id, uuid4(), account.member_id)


async def test_nobodys_device_redeems_the_coupon_of_who_works_there(shop: Shop, owner: MemberActor) -> None:
    device, offer_id = await a_device(shop, owner), await an_offer(shop)
    himself = await a_citizen()
    own, other = await claimed(himself, offer_id), await claimed(await a_citizen(), offer_id)
    await self_bindings.bind(shop.manager.id, himself, KEYS, NOON)
    with pytest.raises(OwnCoupon):
        await scan(device, await code_of(own.id), an_order(shop.store_id))
    assert await scan(device, await code_of(other.id), an_order(shop.store_id))
    assert await scan(shop.clerk, await code_of(own.id), an_order(shop.store_id))


async def test_a_code_is_hard_to_guess_and_easy_to_type(shop: Shop, owner: MemberActor) -> None:
    assert len(ALPHABET) == len(set(ALPHABET)) == 30 and not set("0O1ILU") & set(ALPHABET)
    codes = [(await devices.make(owner, "前台", shop.store_id, NOON)).code for _ in range(3)]
    assert len(set(codes)) == 3
    for code in codes:
        assert len(code) == 11 and code[5] == "-" and set(code.replace("-", "")) <= set(ALPHABET)
    await devices.pair(codes[0], NOON)
    await devices.pair(codes[1].lower().replace("-", ""), NOON)
    await devices.pair(f" {codes[2][:3]} {codes[2][3:]}", NOON)


async def test_a_code_is_good_once_and_for_ten_minutes(shop: Shop, owner: MemberActor) -> None:
    assert timedelta(minutes=10) == CODE_GOOD_FOR
    made = await devices.make(owner, "前台", shop.store_id, NOON)
    with pytest.raises(LinkInvalid):
        await devices.pair(made.code, NOON + CODE_GOOD_FOR)
    tries = [devices.pair(made.code, NOON + CODE_GOOD_FOR - SECOND) for _ in range(4)]
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["LinkInvalid"] * 3 + ["StaffAccount"]
    again = [await devices.make_code(owner, made.device_id, NOON) for _ in range(2)]
    with pytest.raises(LinkInvalid):
        await devices.pair(again[0].code, NOON)
    await devices.pair(again[1].code, NOON)
    for other in ("", "AAAAA-AAAAA", made.code[:-1]):
        with pytest.raises(LinkInvalid):
            await devices.pair(other, NOON)


async def test_whatever_was_paired_before_is_out(shop: Shop, owner: MemberActor) -> None:
    made = await devices.make(owner, "前台", shop.store_id, NOON)
    await devices.pair(made.code, NOON)
    first = await sessions.begin(CONFIGURED, ActorKind.STAFF, made.device_id, shop.member_id, NOON)
    await devices.pair((await devices.make_code(owner, made.device_id, NOON)).code, NOON)
    with pytest.raises(sessions.RefreshTokenInvalid):
        await sessions.refresh(CONFIGURED, first.refresh_token, NOON)


async def test_a_device_redeems_and_lists_at_its_own_store_only(shop: Shop, owner: MemberActor) -> None:
    device, offer = await a_device(shop, owner), await an_offer(shop)
    coupon = await claimed(await a_citizen(), offer)
    code = await code_of(coupon.id)
    with pytest.raises(StoreNotAllowed):
        await scan(device, code, an_order(shop.second_store_id))
    assert await redemptions.preview(device, code, an_order(shop.store_id), SCAN_KEYS, NOON)
    done = await scan(device, code, an_order(shop.store_id))
    other = await claimed(await a_citizen(), offer)
    elsewhere = await scan(shop.manager, await code_of(other.id), an_order(shop.second_store_id))
    lines = await redemption_log.lines_of(device, None, (None, None), None, 10)
    assert [line.redeemed.id for line in lines] == [done.id]
    with pytest.raises(NotFound):
        await redemption_log.line_of(device, elsewhere.id)


async def test_a_device_undoes_nothing_and_a_person_does(shop: Shop, owner: MemberActor) -> None:
    device = await a_device(shop, owner)
    coupon = await claimed(await a_citizen(), await an_offer(shop))
    done = await scan(device, await code_of(coupon.id), an_order(shop.store_id))
    with pytest.raises(PersonRequired):
        await undone(device, done.id)
    other = await claimed(await a_citizen(), await an_offer(shop))
    elsewhere = await scan(shop.manager, await code_of(other.id), an_order(shop.second_store_id))
    with pytest.raises(NotFound):
        await undone(device, elsewhere.id)
    await undone(shop.clerk, done.id)


async def test_a_device_is_no_person(shop: Shop, owner: MemberActor) -> None:
    device = await a_device(shop, owner)
    row = await fetch_one("SELECT login FROM staff WHERE id = $1", device.id)
    assert row is not None and await staff.account_of(row["login"]) is None
    assert await staff.account_by_id(device.id) is None
    with pytest.raises(StaffRevoked):
        await self_bindings.bind(device.id, await a_citizen(), KEYS, NOON)
    assert device.id not in {row["id"] for row in await staff_accounts.listed(owner, None, 100)}
    calls = [
        staff_accounts.one(owner, device.id),
        staff_accounts.change(owner, device.id, StaffRole.CASHIER, [shop.store_id], NOON),
        staff_accounts.make_link(owner, device.id, LinkPurpose.STAFF_RESET, NOON),
        staff_accounts.make_link(owner, device.id, LinkPurpose.STAFF_INVITATION, NOON),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            await call


async def test_a_lost_device_is_out_with_its_sessions_and_codes(shop: Shop, owner: MemberActor) -> None:
    device = await a_device(shop, owner)
    code = (await devices.make_code(owner, device.id, NOON)).code
    signed_in = await sessions.begin(CONFIGURED, ActorKind.STAFF, device.id, shop.member_id, NOON)
    await devices.revoke(owner, device.id, NOON)
    coupon = await claimed(await a_citizen(), await an_offer(shop))
    with pytest.raises(StaffRevoked):
        await scan(device, await code_of(coupon.id), an_order(shop.store_id))
    with pytest.raises(sessions.RefreshTokenInvalid):
        await sessions.refresh(CONFIGURED, signed_in.refresh_token, NOON)
    with pytest.raises(LinkInvalid):
        await devices.pair(code, NOON)
    with pytest.raises(NotFound):
        await devices.make_code(owner, device.id, NOON)
    [shown] = await devices.listed(owner, None, 10)
    assert (shown["revoked_at"], shown["store_name"]) == (NOON, "武林店")


async def test_a_manager_has_the_devices_of_his_stores(shop: Shop, owner: MemberActor) -> None:
    manager = as_member(await a_clerk(shop.member_id, shop.store_id, role=StaffRole.MANAGER))
    with pytest.raises(StoresUnknown):
        await devices.make(manager, "前台", shop.second_store_id, NOON)
    foreign = (await devices.make(owner, "后门", shop.second_store_id, NOON)).device_id
    mine = (await devices.make(manager, "前台", shop.store_id, NOON)).device_id
    assert [row["id"] for row in await devices.listed(manager, None, 10)] == [mine]
    for call in (devices.revoke(manager, foreign, NOON), devices.make_code(manager, foreign, NOON)):
        with pytest.raises(NotFound):
            await call
    with pytest.raises(NotFound):
        await devices.make(as_member(shop.clerk), "前台", shop.store_id, NOON)
    await devices.revoke(manager, mine, NOON)


async def test_a_person_is_no_device(shop: Shop, owner: MemberActor) -> None:
    with pytest.raises(NotFound):
        await devices.revoke(owner, shop.clerk.id, NOON)
    with pytest.raises(NotFound):
        await devices.make_code(owner, shop.clerk.id, NOON)


async def test_when_it_was_seen_is_when_it_refreshed_last_and_no_scan_writes_it(
    shop: Shop, owner: MemberActor
) -> None:
    device = await a_device(shop, owner)
    [fresh] = await devices.listed(owner, None, 10)
    assert (fresh["paired_at"], fresh["last_seen_at"]) == (NOON, None)
    signed_in = await sessions.begin(CONFIGURED, ActorKind.STAFF, device.id, shop.member_id, NOON)
    await sessions.refresh(CONFIGURED, signed_in.refresh_token, NOON + timedelta(minutes=9))
    await redeemed(shop, (await claimed(await a_citizen(), await an_offer(shop))).id)
    [seen] = await devices.listed(owner, None, 10)
    assert seen["last_seen_at"] == NOON + timedelta(minutes=9)


async def test_making_pairing_and_giving_up_are_audited_without_the_code(
    shop: Shop, owner: MemberActor
) -> None:
    made = await devices.make(owner, "张三的平板", shop.store_id, NOON)
    await devices.pair(made.code, NOON)
    await devices.revoke(owner, made.device_id, NOON)
    records = await fetch_all("SELECT * FROM audit_records ORDER BY entry")
    assert [record["action"] for record in records] == ["device.create", "device.pair", "staff.revoke"]
    assert {UUID(record["object_id"]) for record in records} == {made.device_id}
    assert "张三" not in str(records) and made.code not in str(records)
