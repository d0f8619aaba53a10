"""One good call for each route that changes something: what it needs besides the things in its path.

A new changing route needs an entry: a body, None where there is none, or a function that prepares a `Call`
(`things` that must be in a certain state, a file as `content`, another `token`).
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import uuid4

from tests.matrix.things import admin, coupon
from tests.matrix.world import ADMIN, Call, World

REASON = {"reason": "测试"}
BANDS = [
    {"code": "low", "name": "较低", "level": 2, "low": 0, "high": 500},
    {"code": "high", "name": "较高", "level": 4, "low": 500, "high": 1001},
]


async def own_request(world: World) -> Call:
    """Only what one asked for oneself can be withdrawn."""
    asked = await world.client.post(
        f"/api/v1/admin/coupons/{await coupon(world)}/revocation",
        json=REASON,
        headers={"Authorization": f"Bearer {world.tokens[ADMIN]}"},
    )
    return Call({"approval_id": asked.json()["approval_id"]})


async def own_session(world: World) -> Call:
    """Another sign-in of the same admin."""
    await world.service.admin(world.logins[ADMIN])
    [row] = await world.service.fetch(
        "SELECT s.id FROM sessions s JOIN admins a ON a.id = s.actor_id WHERE a.login = $1 ORDER BY s.id DESC LIMIT 1",
        world.logins[ADMIN],
    )
    return Call({"session_id": str(row["id"])})


async def session_of_admin(world: World) -> Call:
    """A session of just that admin."""
    admin_id = await admin(world)
    [row] = await world.service.fetch("SELECT id FROM sessions WHERE actor_id = $1::uuid", admin_id)
    return Call({"admin_id": admin_id, "session_id": str(row["id"])})


async def invitation(_: World) -> Call:
    """A login that nobody has."""
    body = {"login": f"new-{uuid4().hex[:12]}", "region": "330106", "roles": ["operator"]}
    return Call(body=body)


async def tier_scheme(_: World) -> Call:
    """A scheme that waits for nobody else."""
    return Call(
        body={
            "code": f"s{uuid4().hex[:12]}",
            "name": "试行方案",
            "explanation": "只用来给您更多优惠。",
            "grace_points": 5,
            "validity_days": 30,
            "notice_days": 30,
            "effective_from": "2099-01-01T00:00:00+08:00",
            "bands": BANDS,
            "reason": "年度调整",
        }
    )


async def own_proof(world: World) -> Call:
    """The matrix's admin has no authenticator; his password is his login."""
    return Call(body={"old_password": world.logins[ADMIN]})


async def new_password(world: World) -> Call:
    """By somebody whose other sessions nobody needs."""
    return Call(
        body={"old_password": world.logins["admin: reviewer"], "password": "four unrelated words here"},
        token=world.tokens["admin: reviewer"],
    )


Prepare = Callable[[World], Awaitable[Call]]

CALLS: dict[str, Mapping[str, Any] | Prepare | None] = {
    "DELETE /admin/account/sessions/{session_id}": own_session,
    "DELETE /admin/admins/{admin_id}/sessions/{session_id}": session_of_admin,
    "DELETE /admin/approvals/{approval_id}": own_request,
    "POST /admin/account/recovery-codes": own_proof,
    "POST /admin/admins": invitation,
    "POST /admin/admins/{admin_id}/reset": None,
    "POST /admin/admins/{admin_id}/revocation": None,
    "POST /admin/approvals/{approval_id}/approval": REASON,
    "POST /admin/approvals/{approval_id}/refusal": REASON,
    "POST /admin/coupons/{coupon_id}/revocation": REASON,
    "POST /admin/jobs/{job_id}/retry": None,
    "POST /admin/staff/{staff_id}/revocation": None,
    "POST /admin/tier-schemes": tier_scheme,
    "PUT /admin/account/password": new_password,
    "PUT /admin/admins/{admin_id}/roles": {"roles": ["auditor"]},
    "PUT /admin/offers/{offer_id}/status": {"status": "paused"},
    "PUT /admin/offers/{offer_id}/stock": {"stock_total": 50},
    "PUT /member/notices/{notice_id}/read": None,
}
# What changes something and leaves no record in the audit, and why that is right.
UNAUDITED: dict[str, str] = {
    "PUT /member/notices/{notice_id}/read": "that somebody has read a notice is nobody's right and nobody's duty",
}
