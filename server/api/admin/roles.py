"""What each role may do; everything else is forbidden."""

from common.actors import AdminActor
from models.enums import AdminRole
from server.errors import NotAllowed


def must_be(actor: AdminActor, *roles: AdminRole) -> None:
    """Let an admin pass who has one of the roles.

    Raises:
        NotAllowed: he has none of them.
    """
    if not set(roles) & set(actor.roles):
        raise NotAllowed
