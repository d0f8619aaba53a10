"""Lets an admin or a member's owner pass whose role allows the action; trying it in vain is recorded."""

from collections.abc import Collection, Mapping

from alliance.permissions import ADMIN_MAY, MEMBER_MAY, admin_may, member_may
from common.actors import AdminActor, MemberActor
from common.clock import now
from models import audit_log
from models.enums import AuditOutcome
from server.errors import NotAllowed

TABLES: Mapping[type, Collection[str]] = {AdminActor: ADMIN_MAY, MemberActor: MEMBER_MAY}


def actions_for(kinds: tuple[type, ...]) -> Collection[str | None]:
    """What a route for these kinds of actors may name as its action: nothing where no table is asked."""
    tables = [frozenset(TABLES[kind]) for kind in kinds if kind in TABLES]
    return frozenset.intersection(*tables) if tables else (None,)


async def must_be_allowed(actor: object, action: str, path: Mapping[str, str]) -> None:
    """Let the actor pass.

    Args:
        path: the parameters of the path; the first one names the thing, for the audit.

    Raises:
        NotAllowed: his role does not allow the action; the audit has his try.
    """
    if isinstance(actor, AdminActor):
        is_allowed, region = admin_may(actor.roles, action), actor.region
    elif isinstance(actor, MemberActor):
        is_allowed, region = member_may(actor.role, action), None
    else:
        return  # somebody else whom the same route is for
    if not is_allowed:
        thing = action.partition(".")[0], next(iter(path.values()), "")[:64]
        await audit_log.record(
            audit_log.who(actor), action, thing, now(), AuditOutcome.REFUSED, region=region
        )
        raise NotAllowed
