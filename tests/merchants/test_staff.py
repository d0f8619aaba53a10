"""Staff: who may sign in, where they may redeem, and that rights taken away are gone at once."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from common.actors import AdminActor
from common.database import execute, fetch_all, fetch_one, transaction
from common.errors import NotFound
from merchants import staff
from models.enums import ActorKind, StaffRole
from server import sessions
from tests.factories.members import Shop, a_clerk, a_shop
from tests.factories.moments import NOON
from tests.factories.settings import settings

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
async def shop(database: str) -> Shop:
    return await a_shop()


def admin(region: str = "330000") -> AdminActor:
    return AdminActor(uuid4(), uuid4(), ("operator",), region)


async def status_of(staff_id: UUID) -> tuple[str, object]:
    row = await fetch_one("SELECT status, revoked_at FROM staff WHERE id = $1", staff_id)
    assert row is not None
    return row["status"], row["revoked_at"]


async def login_of(staff_id: UUID) -> str:
    row = await fetch_one("SELECT login FROM staff WHERE id = $1", staff_id)
    assert row is not None
    return str(row["login"])


async def test_an_account_is_found_by_its_login_exactly(shop: Shop) -> None:
    login = await login_of(shop.clerk.id)
    account = await staff.account_of(login)
    assert account is not None
    assert (account.id, account.member_id, account.role) == (
        shop.clerk.id,
        shop.member_id,
        StaffRole.CASHIER,
    )
    for other in (login.upper(), login + " ", "", "' OR true --"):
        assert await staff.account_of(other) is None


async def test_stores_come_in_their_order_and_closed_ones_not_at_all(shop: Shop) -> None:
    clerk = await a_clerk(shop.member_id, shop.second_store_id, shop.store_id)
    assert [id_ for id_, _ in await staff.stores_of(clerk.id)] == [shop.second_store_id, shop.store_id]
    await execute("UPDATE stores SET is_active = false WHERE id = $1", shop.second_store_id)
    assert await staff.stores_of(clerk.id) == [(shop.store_id, "武林店")]
    assert await staff.stores_of(uuid4()) == []


@pytest.mark.parametrize("region", ["330000", "330100", "330106"])
async def test_an_admin_of_the_region_takes_rights_and_sessions_away(shop: Shop, region: str) -> None:
    configured, actor = settings(), admin(region)
    signed_in = [
        await sessions.begin(configured, ActorKind.STAFF, person.id, shop.member_id, NOON)
        for person in (shop.clerk, shop.clerk, shop.manager)
    ]
    login = await login_of(shop.clerk.id)
    await staff.revoke(actor, shop.clerk.id, NOON)
    assert await status_of(shop.clerk.id) == ("revoked", NOON)
    assert await staff.account_of(login) is None
    rows = await fetch_all("SELECT id, revoked_reason FROM sessions WHERE revoked_at = $1", NOON)
    assert {row["id"] for row in rows} == {one.session_id for one in signed_in[:2]}
    assert {row["revoked_reason"] for row in rows} == {"staff_revoked"}
    for ended in signed_in[:2]:
        with pytest.raises(sessions.RefreshTokenInvalid):
            await sessions.refresh(configured, ended.refresh_token, NOON)
    assert await sessions.refresh(configured, signed_in[2].refresh_token, NOON)


async def test_a_sign_in_that_is_under_way_is_ended_with_the_others(shop: Shop) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def sign_in() -> None:
        async with transaction():
            await sessions.begin(settings(), ActorKind.STAFF, shop.clerk.id, shop.member_id, NOON)
            begun.set()
            await go_on.wait()

    signing_in = asyncio.create_task(sign_in())
    await begun.wait()
    revoking = asyncio.create_task(staff.revoke(admin(), shop.clerk.id, NOON))
    await asyncio.sleep(0.2)
    assert not revoking.done()
    go_on.set()
    await asyncio.gather(signing_in, revoking)
    (row,) = await fetch_all("SELECT revoked_reason FROM sessions")
    assert row["revoked_reason"] == "staff_revoked"


async def test_taking_rights_away_is_audited(shop: Shop) -> None:
    actor = admin()
    await staff.revoke(actor, shop.clerk.id, NOON)
    (row,) = await fetch_all("SELECT * FROM audit_records")
    assert (row["actor_kind"], row["actor_id"], row["action"]) == ("admin", actor.id, "staff.revoke")
    assert (row["object_kind"], row["object_id"]) == ("staff", str(shop.clerk.id))
    assert (row["outcome"], row["recorded_at"]) == ("done", NOON)


async def test_taking_rights_away_twice_keeps_the_first_date(shop: Shop) -> None:
    for moment in (NOON, NOON + timedelta(days=1)):
        await staff.revoke(admin(), shop.clerk.id, moment)
    assert await status_of(shop.clerk.id) == ("revoked", NOON)


@pytest.mark.parametrize("region", ["330200", "330105", "330110", "340000"])
async def test_an_admin_of_another_region_finds_nobody(shop: Shop, region: str) -> None:
    await sessions.begin(settings(), ActorKind.STAFF, shop.clerk.id, shop.member_id, NOON)
    with pytest.raises(NotFound):
        await staff.revoke(admin(region), shop.clerk.id, NOON)
    assert await status_of(shop.clerk.id) == ("active", None)
    assert await fetch_all("SELECT 1 FROM sessions WHERE revoked_at IS NOT NULL") == []
    assert await fetch_all("SELECT 1 FROM audit_records") == []


async def test_nobody_is_not_found() -> None:
    with pytest.raises(NotFound):
        await staff.revoke(admin(), uuid4(), NOON)
