"""Admins of the alliance's offices, as the interface sees them."""

from uuid import UUID, uuid4

from common.actors import AdminActor
from common.database import execute
from tests.factories.moments import NOON


async def an_admin(
    region: str = "330000", *roles: str, status: str = "active", linked_by: UUID | None = None
) -> AdminActor:
    """A signed-in admin of a region, by default a head; his row and his session are there.

    Args:
        linked_by: who was shown the link that opened the account; by default it was made at the command line.
    """
    admin_id, session_id = uuid4(), uuid4()
    await execute(
        "INSERT INTO admins (id, login, password_hash, roles, region_id, status, created_at, revoked_at, linked_by)"
        " VALUES ($1::uuid, 'admin-' || $1::text, 'x', $2, $3, $4::varchar, $5::timestamptz, CASE WHEN $4::varchar = 'revoked' THEN $5::timestamptz END, $6)",
        *(admin_id, list(roles or ("head",)), region, status, NOON, linked_by),
    )
    return AdminActor(admin_id, await a_session(admin_id, session_id), roles or ("head",), region)


async def a_session(admin_id: UUID, session_id: UUID | None = None) -> UUID:
    """A sign-in of an admin; its id."""
    session_id = session_id or uuid4()
    await execute(
        "INSERT INTO sessions (id, actor_kind, actor_id, created_at, rotated_at, expires_at)"
        " VALUES ($1, 'admin', $2, $3, $3, $3::timestamptz + interval '1 day')",
        *(session_id, admin_id, NOON),
    )
    return session_id
