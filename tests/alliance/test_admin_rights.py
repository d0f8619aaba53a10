"""Rights of admins: a head gives and takes them, in his region and below, never his own, and one head always stays."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import asyncpg
import pytest

from alliance import admin_invitations, admin_rights, own_account
from alliance.admin_rights import AdminRevoked, HeadNoMore, NotToConfirm, OwnAccount, RolesConflict
from common.actors import AdminActor
from common.database import execute, fetch_all, fetch_one
from common.errors import DomainError, NotFound
from models.enums import AdminRole
from tests.factories.admins import a_session, an_admin
from tests.factories.moments import NOON

pytestmark = pytest.mark.usefixtures("database")
Act = Callable[[AdminActor, UUID], Awaitable[object]]


async def demote(actor: AdminActor, admin_id: UUID) -> None:
    await admin_rights.set_roles(actor, admin_id, [AdminRole.REVIEWER], NOON)


async def revoke(actor: AdminActor, admin_id: UUID) -> None:
    await admin_rights.revoke(actor, admin_id, NOON)


async def reset(actor: AdminActor, admin_id: UUID) -> None:
    await admin_invitations.reset(actor, admin_id, NOON)


async def confirm(actor: AdminActor, admin_id: UUID) -> None:
    await admin_rights.confirm(actor, admin_id, NOON)


ACTS = {"demote": demote, "revoke": revoke, "reset": reset}
ALL_ACTS = {**ACTS, "confirm": confirm}


async def row_of(admin_id: UUID) -> dict[str, object]:
    row = await fetch_one("SELECT * FROM admins WHERE id = $1", admin_id)
    assert row is not None
    return dict(row)


async def open_sessions(admin_id: UUID) -> int:
    return len(await fetch_all("SELECT 1 FROM sessions WHERE actor_id = $1 AND revoked_at IS NULL", admin_id))


async def everything() -> list[dict[str, object]]:
    tables = ("admins", "sessions", "audit_records", "one_time_links", "admin_recovery_codes")
    return [dict(row) for table in tables for row in await fetch_all(f"SELECT * FROM {table} ORDER BY id")]


@pytest.mark.parametrize("act", ALL_ACTS)
async def test_nobody_does_it_to_himself(act: str) -> None:
    head = await an_admin()
    before = await everything()
    with pytest.raises(OwnAccount):
        await ALL_ACTS[act](head, head.id)
    assert await everything() == before


@pytest.mark.parametrize("act", ALL_ACTS)
@pytest.mark.parametrize(
    ("region", "other"),
    [
        ("330100", "330200"),
        ("330100", "330000"),
        ("330106", "330100"),
        ("330106", "330105"),
        ("330106", "330206"),
    ],
)
async def test_another_region_is_not_found(act: str, region: str, other: str) -> None:
    head, stranger = await an_admin(region), await an_admin(other)
    before = await everything()
    for admin_id in (stranger.id, uuid4()):
        with pytest.raises(NotFound):
            await ALL_ACTS[act](head, admin_id)
    assert await everything() == before


@pytest.mark.parametrize("act", ALL_ACTS)
@pytest.mark.parametrize(
    ("region", "below"),
    [("330000", "330000"), ("330000", "330106"), ("330100", "330106"), ("330106", "330106")],
)
async def test_it_is_done_in_ones_region_and_below_and_audited(act: str, region: str, below: str) -> None:
    head, other = await an_admin(region), await an_admin(below, linked_by=uuid4())
    await ALL_ACTS[act](head, other.id)
    assert await row_of(other.id) != await row_of(head.id)
    (record,) = await fetch_all("SELECT * FROM audit_records")
    assert (record["actor_id"], record["object_id"], record["region_id"]) == (head.id, str(other.id), below)
    assert record["before"] and record["after"] and record["before"] != record["after"]


@pytest.mark.parametrize("act", ALL_ACTS)
@pytest.mark.parametrize("roles", [("operator",), ("reviewer", "operator"), ("auditor",), ("supervisor",)])
async def test_who_is_no_head_in_the_database_does_nothing(act: str, roles: tuple[str, ...]) -> None:
    """His token's time is over: the roles count that his row has now."""
    stale, other = await an_admin("330000", *roles), await an_admin("330100")
    before = await everything()
    with pytest.raises(HeadNoMore):
        await ALL_ACTS[act](AdminActor(stale.id, stale.session_id, ("head",), "330000"), other.id)
    with pytest.raises(HeadNoMore):
        await admin_invitations.invite(stale, "new", "330100", [AdminRole.HEAD], NOON)
    assert await everything() == before


@pytest.mark.parametrize("act", ALL_ACTS)
async def test_a_revoked_account_stays_revoked(act: str) -> None:
    head, other = await an_admin(), await an_admin("330100", status="revoked")
    before = await everything()
    with pytest.raises(AdminRevoked):
        await ALL_ACTS[act](head, other.id)
    assert await everything() == before


async def test_the_person_is_confirmed_by_another_head_than_who_had_his_link() -> None:
    """The link's head could be the person himself, and so could whom he would have confirm him."""
    one, another = await an_admin("330100"), await an_admin("330100")
    link = await admin_invitations.invite(one, "new", "330100", [AdminRole.HEAD], NOON)
    for head in (one, another):
        with pytest.raises(NotToConfirm):
            await confirm(head, link.admin_id)  # nobody has signed in with it yet
    await execute("UPDATE admins SET status = 'active' WHERE id = $1", link.admin_id)
    puppet = await an_admin("330100", linked_by=one.id)
    before = await everything()
    for head in (one, puppet):
        with pytest.raises(NotToConfirm):
            await confirm(head, link.admin_id)
    assert await everything() == before
    await confirm(another, link.admin_id)
    row = await row_of(link.admin_id)
    assert (row["linked_by"], row["confirmed_by"], row["confirmed_at"]) == (one.id, another.id, NOON)
    with pytest.raises(NotToConfirm):
        await confirm(another, link.admin_id)
    # A new link is somebody else's chance again.
    await reset(another, link.admin_id)
    row = await row_of(link.admin_id)
    assert (row["linked_by"], row["confirmed_by"], row["confirmed_at"]) == (another.id, None, None)


async def test_the_database_itself_lets_nobody_confirm_his_own_link() -> None:
    head = await an_admin()
    other = await an_admin(linked_by=head.id)
    for by in (head.id, other.id):
        with pytest.raises(asyncpg.CheckViolationError):
            await execute(
                "UPDATE admins SET confirmed_by = $2, confirmed_at = $3 WHERE id = $1", other.id, by, NOON
            )


async def test_new_roles_count_at_once_and_sessions_go_on() -> None:
    head, other = await an_admin(), await an_admin("330100", "operator")
    await admin_rights.set_roles(head, other.id, [AdminRole.REVIEWER, AdminRole.OPERATOR], NOON)
    assert (await row_of(other.id))["roles"] == ["operator", "reviewer"]
    assert await open_sessions(other.id) == 1


async def test_an_auditor_has_no_other_role() -> None:
    head, other = await an_admin(), await an_admin("330100", "operator")
    before = await everything()
    for roles in ([AdminRole.AUDITOR, AdminRole.HEAD], [AdminRole.OPERATOR, AdminRole.AUDITOR]):
        with pytest.raises(RolesConflict):
            await admin_rights.set_roles(head, other.id, roles, NOON)
        with pytest.raises(RolesConflict):
            await admin_invitations.invite(head, "new", "330100", roles, NOON)
    assert await everything() == before
    await admin_rights.set_roles(head, other.id, [AdminRole.AUDITOR, AdminRole.AUDITOR], NOON)
    assert (await row_of(other.id))["roles"] == ["auditor"]


@pytest.mark.parametrize("act", ["revoke", "reset"])
async def test_who_is_revoked_or_reset_is_out_with_all_his_sessions(act: str) -> None:
    head, other = await an_admin(), await an_admin("330100")
    await a_session(other.id)
    bystander = await an_admin("330100")
    await ACTS[act](head, other.id)
    assert [await open_sessions(each.id) for each in (head, other, bystander)] == [1, 0, 1]
    assert (await row_of(other.id))["status"] == {"revoke": "revoked", "reset": "invited"}[act]


async def warm() -> None:
    """Both take their connection at once."""
    await asyncio.gather(*(fetch_all("SELECT pg_sleep(0.02)") for _ in range(8)))


@pytest.mark.parametrize("first", ACTS)
@pytest.mark.parametrize("second", ACTS)
async def test_of_two_heads_who_end_each_other_one_stays(first: str, second: str) -> None:
    for _ in range(3):
        await execute("UPDATE admins SET status = 'revoked', revoked_at = $1 WHERE status <> 'revoked'", NOON)
        one, other = await an_admin(), await an_admin()
        await warm()
        done = await asyncio.gather(
            ACTS[first](one, other.id), ACTS[second](other, one.id), return_exceptions=True
        )
        assert [type(result) for result in done if result is not None] in ([HeadNoMore], [AdminRevoked])
        heads = await fetch_all("SELECT id FROM admins WHERE status = 'active' AND 'head' = ANY (roles)")
        assert len(heads) == 1


async def test_of_three_heads_in_a_ring_one_stays_however_it_goes() -> None:
    ring = [await an_admin() for _ in range(3)]
    await warm()
    done = await asyncio.gather(
        *(revoke(ring[at], ring[(at + 1) % 3].id) for at in range(3)), return_exceptions=True
    )
    assert all(result is None or isinstance(result, DomainError) for result in done)
    left = await fetch_all("SELECT id FROM admins WHERE status = 'active'")
    assert len(left) >= 1


async def test_a_list_holds_ones_region_and_below_newest_first() -> None:
    city, county, other = await an_admin("330100"), await an_admin("330106"), await an_admin("330200")
    province = await an_admin("330000", "auditor")
    seen = {
        each.id: {row["id"] for row in await admin_rights.listed(each, None, 10)}
        for each in (city, county, other, province)
    }
    assert seen[city.id] == {city.id, county.id} and seen[county.id] == {county.id}
    assert seen[other.id] == {other.id} and len(seen[province.id]) == 4
    ids = [row["id"] for row in await admin_rights.listed(province, None, 10)]
    assert ids == sorted(ids, reverse=True)
    assert [row["id"] for row in await admin_rights.listed(province, ids[1], 1)] == [ids[2]]
    with pytest.raises(NotFound):
        await admin_rights.one(county, city.id)


async def test_sessions_of_ones_region_are_seen_and_ended_and_no_others() -> None:
    head, other, stranger = await an_admin("330100"), await an_admin("330106"), await an_admin("330200")
    [own] = await own_account.sessions_of(head, head.id, NOON, None, 10)
    assert own["id"] == head.session_id and own["is_this_one"]
    [row] = await own_account.sessions_of(head, other.id, NOON, None, 10)
    assert row["id"] == other.session_id and not row["is_this_one"]
    for admin_id, session_id in (
        (stranger.id, stranger.session_id),
        (other.id, stranger.session_id),
        (head.id, other.session_id),
    ):
        with pytest.raises(NotFound):
            await own_account.end_session(head, admin_id, session_id, NOON)
    with pytest.raises(NotFound):
        await own_account.sessions_of(head, stranger.id, NOON, None, 10)
    for _ in range(2):
        await own_account.end_session(head, other.id, other.session_id, NOON)
    assert [await open_sessions(each.id) for each in (head, other, stranger)] == [1, 0, 1]
    assert await own_account.sessions_of(head, other.id, NOON, None, 10) == []
