"""Staff accounts: who may invite, change and send away whom; an owner stays; links are good once."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from common.actors import AdminActor, MemberActor
from common.database import execute, fetch_all, fetch_one
from common.errors import DomainError, NotFound
from merchants import staff, staff_accounts, staff_sessions
from merchants.staff import LastOwner, StaffRevoked
from merchants.staff_accounts import INVITED_FOR, RESET_FOR, StaffLoginTaken
from merchants.staff_rights import RoleNotYours, StoresUnknown
from models.enums import ActorKind, StaffRole
from models.office_enums import LinkPurpose
from models.one_time_links import LinkInvalid
from server import sessions
from server.passwords import LoginFailed
from tests.factories.members import Shop, a_clerk, a_shop, a_store, an_owner, as_member
from tests.factories.moments import NOON
from tests.factories.settings import settings

OWNER, MANAGER, CASHIER = StaffRole.OWNER, StaffRole.MANAGER, StaffRole.CASHIER
INVITATION, RESET = LinkPurpose.STAFF_INVITATION, LinkPurpose.STAFF_RESET
SECOND = timedelta(seconds=1)
CONFIGURED = settings()


@pytest.fixture
async def shop(database: str) -> Shop:
    return await a_shop()


@pytest.fixture
async def owner(shop: Shop) -> MemberActor:
    return await an_owner(shop.member_id, shop.store_id)


async def row_of(staff_id: UUID) -> dict[str, object]:
    row = await fetch_one("SELECT * FROM staff WHERE id = $1", staff_id)
    assert row is not None
    return dict(row)


async def stores(staff_id: UUID) -> list[UUID]:
    return [store_id for store_id, _ in await staff.stores_of(staff_id)]


async def actions() -> list[str]:
    return [row["action"] for row in await fetch_all("SELECT action FROM audit_records ORDER BY entry")]


async def outcomes(*calls: object) -> list[str]:
    """`done`, or the code of what was refused, of calls at once."""
    results = await asyncio.gather(*calls, return_exceptions=True)  # type: ignore[call-overload]
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, DomainError):
            raise result
    return sorted(result.code if isinstance(result, DomainError) else "done" for result in results)


# Invitations --------------------------------------------------------------------------------------


async def test_an_invited_person_sets_his_own_password_and_only_then_signs_in(
    shop: Shop, owner: MemberActor
) -> None:
    link = await staff_accounts.invite(owner, "xiao-wang", CASHIER, [shop.second_store_id], NOON)
    assert link.expires_at == NOON + timedelta(hours=72)
    assert await staff.account_of("xiao-wang") is None
    last = NOON + INVITED_FOR - SECOND
    assert await staff_accounts.login_of_link(INVITATION, link.secret, last) == "xiao-wang"
    await staff_accounts.set_password(INVITATION, link.secret, "the hash", last)
    account = await staff.account_of("xiao-wang")
    assert account is not None and (account.password_hash, account.role) == ("the hash", CASHIER)
    assert await stores(link.staff_id) == [shop.second_store_id]
    assert await actions() == ["staff.invite", "staff.accept_invitation"]
    kept = str(await fetch_all("SELECT * FROM audit_records"))
    assert "xiao-wang" not in kept and link.secret not in kept


async def test_a_link_is_good_once_in_its_time_and_for_its_purpose(shop: Shop, owner: MemberActor) -> None:
    link = await staff_accounts.invite(owner, "a-b-c", CASHIER, [shop.store_id], NOON)
    for purpose, at in ((RESET, NOON), (INVITATION, NOON + INVITED_FOR)):
        with pytest.raises(LinkInvalid):
            await staff_accounts.login_of_link(purpose, link.secret, at)  # type: ignore[arg-type]
        with pytest.raises(LinkInvalid):
            await staff_accounts.set_password(purpose, link.secret, "x", at)  # type: ignore[arg-type]
    again = await staff_accounts.make_link(owner, link.staff_id, INVITATION, NOON)
    with pytest.raises(LinkInvalid):
        await staff_accounts.set_password(INVITATION, link.secret, "x", NOON)
    calls = [staff_accounts.set_password(INVITATION, again.secret, f"hash {n}", NOON) for n in range(4)]
    assert await outcomes(*calls) == ["done"] + ["link_invalid"] * 3
    with pytest.raises(NotFound):  # who has a password is not invited again
        await staff_accounts.make_link(owner, link.staff_id, INVITATION, NOON)


async def test_a_login_is_taken_once_by_any_member(shop: Shop, owner: MemberActor) -> None:
    other = await a_shop()
    other_owner = await an_owner(other.member_id)
    said = await outcomes(
        staff_accounts.invite(owner, "same", CASHIER, [shop.store_id], NOON),
        staff_accounts.invite(other_owner, "same", CASHIER, [other.store_id], NOON),
    )
    assert said == ["done", "staff_login_taken"] and StaffLoginTaken.code == "staff_login_taken"


async def test_a_manager_invites_cashiers_for_his_own_stores_only(shop: Shop) -> None:
    manager = as_member(await a_clerk(shop.member_id, shop.store_id, role=MANAGER))
    await staff_accounts.invite(manager, "mine", CASHIER, [shop.store_id], NOON)
    for role in (OWNER, MANAGER):
        with pytest.raises(RoleNotYours):
            await staff_accounts.invite(manager, "not-mine", role, [shop.store_id], NOON)
    for store_ids in ([shop.second_store_id], [shop.store_id, shop.second_store_id], [], [uuid4()]):
        with pytest.raises(StoresUnknown):
            await staff_accounts.invite(manager, "not-mine", CASHIER, store_ids, NOON)
    assert await fetch_all("SELECT 1 FROM staff WHERE login = 'not-mine'") == []


async def test_nobody_is_placed_at_another_members_or_a_closed_store(shop: Shop, owner: MemberActor) -> None:
    foreign, closed = (await a_shop()).store_id, await a_store(shop.member_id)
    await execute("UPDATE stores SET is_active = false WHERE id = $1", closed)
    for store_id in (foreign, closed):
        with pytest.raises(StoresUnknown):
            await staff_accounts.invite(owner, "somebody", CASHIER, [shop.store_id, store_id], NOON)


async def test_a_cashier_and_a_revoked_owner_invite_nobody(shop: Shop, owner: MemberActor) -> None:
    await execute("UPDATE staff SET status = 'revoked', revoked_at = $2 WHERE id = $1", owner.id, NOON)
    for actor in (as_member(shop.clerk, OWNER), owner):
        with pytest.raises(RoleNotYours):
            await staff_accounts.invite(actor, "nobody", CASHIER, [shop.store_id], NOON)


# Changing and sending away ------------------------------------------------------------------------


async def test_an_owner_changes_roles_and_stores_and_it_is_audited(shop: Shop, owner: MemberActor) -> None:
    await staff_accounts.change(owner, shop.clerk.id, MANAGER, [shop.second_store_id, shop.store_id], NOON)
    assert (await row_of(shop.clerk.id))["role"] == "manager"
    assert await stores(shop.clerk.id) == [shop.second_store_id, shop.store_id]
    [record] = await fetch_all("SELECT * FROM audit_records")
    assert record["action"] == "staff.change" and record["region_id"] == "330106"
    assert '"cashier"' in record["before"] and '"manager"' in record["after"]


async def test_nobody_changes_his_own_role(shop: Shop, owner: MemberActor) -> None:
    await an_owner(shop.member_id)
    with pytest.raises(RoleNotYours):
        await staff_accounts.change(owner, owner.id, MANAGER, [shop.store_id], NOON)
    # His own stores he may.
    await staff_accounts.change(owner, owner.id, OWNER, [shop.second_store_id], NOON)
    assert await stores(owner.id) == [shop.second_store_id]
    manager = as_member(shop.manager)
    for role in StaffRole:
        with pytest.raises(NotFound):
            await staff_accounts.change(manager, manager.id, role, [shop.store_id], NOON)


@pytest.mark.parametrize("what", ["change", "revoke", "reset", "one", "sessions"])
async def test_a_manager_reaches_only_cashiers_of_his_own_stores(shop: Shop, what: str) -> None:
    manager = as_member(await a_clerk(shop.member_id, shop.store_id, role=MANAGER))
    mine = await a_clerk(shop.member_id, shop.store_id)
    beyond = [
        await a_clerk(shop.member_id, shop.store_id, role=OWNER),
        await a_clerk(shop.member_id, shop.store_id, role=MANAGER),
        await a_clerk(shop.member_id, shop.store_id, shop.second_store_id),
        await a_clerk(shop.member_id),
        (await a_shop()).clerk,
    ]

    async def reach(staff_id: UUID) -> None:
        await {
            "change": lambda: staff_accounts.change(manager, staff_id, CASHIER, [shop.store_id], NOON),
            "revoke": lambda: staff.revoke_by_member(manager, staff_id, NOON),
            "reset": lambda: staff_accounts.make_link(manager, staff_id, RESET, NOON),
            "one": lambda: staff_accounts.one(manager, staff_id),
            "sessions": lambda: staff_sessions.of_staff(manager, staff_id, None, 10, NOON),
        }[what]()

    for person in beyond:
        with pytest.raises(NotFound):
            await reach(person.id)
    await reach(mine.id)
    seen = {row["id"] for row in await staff_accounts.listed(manager, None, 100)}
    assert seen == {manager.id, mine.id, shop.clerk.id}


async def test_revoked_by_an_owner_is_revoked_as_by_an_admin(shop: Shop, owner: MemberActor) -> None:
    signed_in = await sessions.begin(CONFIGURED, ActorKind.STAFF, shop.clerk.id, shop.member_id, NOON)
    link = await staff_accounts.make_link(owner, shop.clerk.id, RESET, NOON)
    await staff.revoke_by_member(owner, shop.clerk.id, NOON)
    await staff.revoke_by_member(owner, shop.clerk.id, NOON + SECOND)
    row = await row_of(shop.clerk.id)
    assert (row["status"], row["revoked_at"]) == ("revoked", NOON)
    with pytest.raises(sessions.RefreshTokenInvalid):
        await sessions.refresh(CONFIGURED, signed_in.refresh_token, NOON)
    with pytest.raises(LinkInvalid):
        await staff_accounts.set_password(RESET, link.secret, "x", NOON)
    assert await fetch_all("SELECT 1 FROM one_time_links WHERE used_at IS NULL") == []


async def test_the_last_owner_can_not_leave_and_one_without_a_password_is_none(
    shop: Shop, owner: MemberActor
) -> None:
    invited = await staff_accounts.invite(owner, "second-owner", OWNER, [], NOON)
    with pytest.raises(LastOwner):
        await staff.revoke_by_member(owner, owner.id, NOON)
    await staff_accounts.set_password(INVITATION, invited.secret, "a hash", NOON)
    await staff.revoke_by_member(owner, owner.id, NOON)
    assert (await row_of(owner.id))["status"] == "revoked"


def both(how: str, one: MemberActor, two: MemberActor, stores: list[UUID]) -> list[Any]:
    """What two owners do at the same time."""
    leave, demote = staff.revoke_by_member, staff_accounts.change
    if how == "both leave":
        return [leave(one, one.id, NOON), leave(two, two.id, NOON)]
    if how == "each revokes the other":
        return [leave(one, two.id, NOON), leave(two, one.id, NOON)]
    first = (
        leave(one, one.id, NOON) if how == "leave and demote" else demote(two, one.id, CASHIER, stores, NOON)
    )
    return [first, demote(one, two.id, CASHIER, stores, NOON)]


@pytest.mark.parametrize(
    "how", ["both leave", "each revokes the other", "each demotes the other", "leave and demote"]
)
async def test_of_two_owners_at_once_one_stays(shop: Shop, how: str) -> None:
    for _ in range(5):
        await execute("UPDATE staff SET status = 'revoked', revoked_at = $1 WHERE role = 'owner'", NOON)
        one, two = [await an_owner(shop.member_id, shop.store_id) for _ in range(2)]
        await outcomes(*both(how, one, two, [shop.store_id]))
        left = await fetch_all("SELECT id FROM staff WHERE role = 'owner' AND status = 'active'")
        assert len(left) == 1, how


# Passwords and sessions ---------------------------------------------------------------------------


async def test_a_reset_sets_a_new_password_and_ends_every_session(shop: Shop, owner: MemberActor) -> None:
    await execute("UPDATE staff SET password_hash = 'old' WHERE id = $1", shop.clerk.id)
    for _ in range(2):
        await sessions.begin(CONFIGURED, ActorKind.STAFF, shop.clerk.id, shop.member_id, NOON)
    link = await staff_accounts.make_link(owner, shop.clerk.id, RESET, NOON)
    assert link.expires_at == NOON + RESET_FOR
    assert (await row_of(shop.clerk.id))["password_hash"] == "old", "good until the link is used"
    await staff_accounts.set_password(RESET, link.secret, "new", NOON)
    assert (await row_of(shop.clerk.id))["password_hash"] == "new"
    assert await staff_sessions.open_ones(shop.clerk.id, None, 10, NOON) == []


async def test_nobody_makes_a_reset_for_himself(owner: MemberActor) -> None:
    with pytest.raises(NotFound):
        await staff_accounts.make_link(owner, owner.id, RESET, NOON)


@pytest.mark.parametrize(("region", "is_reached"), [("330000", True), ("330106", True), ("330200", False)])
async def test_an_admin_of_the_region_lets_an_owner_in_again_and_nobody_else(
    shop: Shop, owner: MemberActor, region: str, is_reached: bool
) -> None:
    admin = AdminActor(uuid4(), uuid4(), ("operator",), region)
    with pytest.raises(NotFound):
        await staff_accounts.make_link_for_owner(admin, shop.manager.id, NOON)
    if not is_reached:
        with pytest.raises(NotFound):
            await staff_accounts.make_link_for_owner(admin, owner.id, NOON)
        return
    link = await staff_accounts.make_link_for_owner(admin, owner.id, NOON)
    await staff_accounts.set_password(RESET, link.secret, "new", NOON)


async def test_a_password_that_was_changed_meanwhile_begins_no_session_and_is_not_changed_again(
    shop: Shop,
) -> None:
    await execute("UPDATE staff SET password_hash = 'old' WHERE id = $1", shop.clerk.id)
    kept = await sessions.begin(CONFIGURED, ActorKind.STAFF, shop.clerk.id, shop.member_id, NOON, "old")
    other = await sessions.begin(CONFIGURED, ActorKind.STAFF, shop.clerk.id, shop.member_id, NOON, "old")
    actor = type(shop.clerk)(shop.clerk.id, kept.session_id, shop.member_id)
    await staff_accounts.change_own_password(actor, "old", "new", NOON)
    open_ones = await staff_sessions.open_ones(shop.clerk.id, None, 10, NOON)
    assert [row["id"] for row in open_ones] == [kept.session_id] != [other.session_id]
    with pytest.raises(StaffRevoked):
        await staff_accounts.change_own_password(actor, "old", "newer", NOON)
    with pytest.raises(LoginFailed):
        await sessions.begin(CONFIGURED, ActorKind.STAFF, shop.clerk.id, shop.member_id, NOON, "old")


async def test_sessions_are_ended_one_by_one_by_oneself_and_by_the_owner(
    shop: Shop, owner: MemberActor
) -> None:
    begun = [
        await sessions.begin(CONFIGURED, ActorKind.STAFF, shop.clerk.id, shop.member_id, NOON + n * SECOND)
        for n in range(3)
    ]
    listed = await staff_sessions.of_staff(owner, shop.clerk.id, None, 10, NOON)
    assert [row["id"] for row in listed] == [each.session_id for each in reversed(begun)]
    await staff_sessions.end(owner, shop.clerk.id, begun[0].session_id, NOON)
    await staff_sessions.end(shop.clerk, shop.clerk.id, begun[1].session_id, NOON)
    assert len(await staff_sessions.of_staff(owner, shop.clerk.id, None, 10, NOON)) == 1
    for actor, staff_id in ((shop.clerk, shop.manager.id), (owner, shop.manager.id), (owner, owner.id)):
        with pytest.raises(NotFound):  # not a session of that person
            await staff_sessions.end(actor, staff_id, begun[2].session_id, NOON)
