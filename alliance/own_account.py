"""What an admin does with his own account: another password, new recovery codes, ending sessions."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from alliance import recovery_codes
from common.actors import AdminActor
from common.crypto import PersonalDataKeys
from common.database import Row, execute, fetch_all, fetch_one, transaction
from common.errors import NotFound
from common.ids import AFTER_ALL
from models import audit_log
from models.region import subtree_prefix


async def set_password(actor: AdminActor, old_hash: str, password_hash: str, now: datetime) -> bool:
    """Have another password; every other session ends. False when it was changed by somebody else meanwhile."""
    async with transaction():
        if not await execute(
            "UPDATE admins SET password_hash = $3 WHERE id = $1 AND password_hash = $2 AND status = 'active'",
            *(actor.id, old_hash, password_hash),
        ):
            return False
        await execute(
            "UPDATE sessions SET revoked_at = $2, revoked_reason = 'password_changed'"
            " WHERE actor_kind = 'admin' AND actor_id = $1 AND id <> $3 AND revoked_at IS NULL",
            *(actor.id, now, actor.session_id),
        )
        await _record(actor, "admin.set_password", actor.id, now)
    return True


async def renew_recovery_codes(actor: AdminActor, keys: PersonalDataKeys, now: datetime) -> Sequence[str]:
    """Ten new codes, shown once; the earlier ones are good no more."""
    async with transaction():
        # One after the other: of two requests at once the later one's codes are good.
        await fetch_one("SELECT 1 FROM admins WHERE id = $1 FOR NO KEY UPDATE", actor.id)
        codes = await recovery_codes.renew(actor.id, keys, now)
        await _record(actor, "admin.renew_recovery_codes", actor.id, now)
    return codes


async def sessions_of(
    actor: AdminActor, admin_id: UUID, now: datetime, before: UUID | None, limit: int
) -> Sequence[Row]:
    """Sessions that are open, of oneself or of an admin in one's region, newest first.

    Raises:
        NotFound: no such admin in the region.
    """
    await _must_be_near(actor, admin_id)
    return await fetch_all(
        "SELECT id, created_at, rotated_at, expires_at, id = $2 AS is_this_one FROM sessions"
        " WHERE actor_kind = 'admin' AND actor_id = $1 AND revoked_at IS NULL AND expires_at > $3 AND id < $4"
        " ORDER BY id DESC LIMIT $5",
        *(admin_id, actor.session_id, now, before or AFTER_ALL, limit),
    )


async def end_session(actor: AdminActor, admin_id: UUID, session_id: UUID, now: datetime) -> None:
    """End a session of one's own or of an admin in one's region; ending it twice is ending it once.

    Raises:
        NotFound: no such session of that admin, or no such admin in the region.
    """
    async with transaction():
        region = await _must_be_near(actor, admin_id)
        if not await execute(
            "UPDATE sessions SET revoked_at = coalesce(revoked_at, $3),"
            " revoked_reason = coalesce(revoked_reason, 'ended')"
            " WHERE id = $1 AND actor_id = $2 AND actor_kind = 'admin'",
            *(session_id, admin_id, now),
        ):
            raise NotFound
        await audit_log.record(
            *(audit_log.who(actor), "session.end", ("session", session_id), now),
            region=region,
            after={"admin_id": admin_id},
        )


async def _must_be_near(actor: AdminActor, admin_id: UUID) -> str:
    row = await fetch_one(
        "SELECT region_id FROM admins WHERE id = $1 AND (id = $2 OR region_id LIKE $3 || '%')",
        *(admin_id, actor.id, subtree_prefix(actor.region)),
    )
    if row is None:
        raise NotFound
    return str(row["region_id"])


async def _record(actor: AdminActor, action: str, admin_id: UUID, now: datetime) -> None:
    await audit_log.record(audit_log.who(actor), action, ("admin", admin_id), now, region=actor.region)
