"""One thing for each name in a path: it belongs to Hangzhou (330100) and, where it is a member's, to hz-hupan.

A new route with a new `<name>` needs a function here that makes such a thing and gives its id.
"""

from collections.abc import Awaitable, Callable
from uuid import uuid4

from sandbox.demo_data.rows import demo_id
from tests.api.kit import coupon_of
from tests.api.offers import make_admin, make_offer, make_staff
from tests.matrix.world import World


async def offer(world: World) -> str:
    """A published offer with a stock."""
    return await make_offer(world.service, total=100)


async def coupon(world: World) -> str:
    """A claimed coupon."""
    return await coupon_of(world.as_citizen(), await offer(world))


async def clerk(world: World) -> str:
    """A cashier."""
    login = await make_staff(world.service)
    [row] = await world.service.fetch("SELECT id FROM staff WHERE login = $1", login)
    return str(row["id"])


async def admin(world: World) -> str:
    """A signed-in admin of Hangzhou."""
    login = await make_admin(world.service, "330100", "operator")
    await world.service.admin(login)
    [row] = await world.service.fetch("SELECT id FROM admins WHERE login = $1", login)
    return str(row["id"])


async def session(world: World) -> str:
    """His session."""
    admin_id = await admin(world)
    [row] = await world.service.fetch("SELECT id FROM sessions WHERE actor_id = $1::uuid", admin_id)
    return str(row["id"])


async def approval(world: World) -> str:
    """A request by the province's head that waits for another one."""
    head = await world.service.admin("demo-head")
    path = f"/admin/coupons/{await coupon(world)}/revocation"
    asked = await head.post(path, json={"reason": "测试"})
    assert asked.status_code == 202, asked.text
    return str(asked.json()["approval_id"])


async def member_notice(world: World) -> str:
    """Something that hz-hupan was told."""
    notice_id = uuid4()
    await world.service.fetch(
        "INSERT INTO member_notices (id, member_id, kind, facts, once_key, noticed_at)"
        " VALUES ($1::uuid, $2, 'coupon_revoked', '{\"reason\": \"x\"}', $1::text, now())",
        *(notice_id, demo_id("member", "hz-hupan")),
    )
    return str(notice_id)


async def job(world: World) -> str:
    """A background job that failed for good."""
    [row] = await world.service.fetch(
        "INSERT INTO pgqueuer (priority, entrypoint, payload, status, created, updated, execute_after)"
        " VALUES (0, 'nothing', '{}', 'failed', now(), now(), now()) RETURNING id"
    )
    return str(row["id"])


Make = Callable[[World], Awaitable[str]]

# Name in the path → what makes one. Where the same name means something else on one route: that route's name.
THINGS: dict[str, Make] = {
    "admin_id": admin,
    "approval_id": approval,
    "coupon_id": coupon,
    "job_id": job,
    "notice_id": member_notice,
    "offer_id": offer,
    "session_id": session,
    "staff_id": clerk,
}
# Things that have no region or member; what a stranger is answered instead of 404, and why.
OF_NOBODY: dict[str, tuple[int, str]] = {
    "job_id": (403, "jobs have no region; whoever is not of the province may not even ask"),
}
# Lists that show no id of a thing above, and why.
LISTS_OF_NOBODY: dict[str, str] = {
    "GET /admin/tier-schemes": "a scheme holds for the whole province",
    "GET /admin/account/sessions": "one's own, whoever one is",
}
