"""What each role may do; everything else is forbidden, and trying it is recorded."""

from common.actors import AdminActor
from common.clock import now
from models import audit_log
from models.enums import ActorKind, AdminRole, AuditOutcome
from server.errors import NotAllowed


async def must_be(actor: AdminActor, role: AdminRole, action: str, thing: tuple[str, object]) -> None:
    """Let an admin pass who has the role.

    Args:
        action, thing: what he wants to do, as the audit writes it.

    Raises:
        NotAllowed: he has not; the audit has his try.
    """
    if role not in actor.roles:
        await audit_log.record((ActorKind.ADMIN, actor.id), action, thing, now(), AuditOutcome.REFUSED)
        raise NotAllowed
