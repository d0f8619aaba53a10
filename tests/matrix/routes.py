"""The routes of admins and members, as the app itself has them: a new one is in the matrix by being there."""

import re
from dataclasses import dataclass
from typing import Any

from sanic import Sanic

from alliance.permissions import admin_may, member_may
from common.actors import AdminActor, MemberActor
from server.app import create_app
from server.config import load
from server.endpoints import Operation
from server.schemas import Page
from tests.factories.settings import sandbox

# Tried elsewhere, and why not here.
LEFT_OUT = {
    "POST /api/v1/auth/logout": "for every audience, in tests/api/test_rights; it would end the matrix's own sessions",
}


@dataclass(frozen=True)
class Route:
    """One route: `PUT /admin/offers/{offer_id}/stock`, its path and what its endpoint says of itself."""

    name: str
    path: str
    operation: Operation

    @property
    def changes(self) -> bool:
        """Whether it may change something."""
        return self.operation.method != "GET"

    @property
    def parameters(self) -> list[str]:
        """The names in its path."""
        return re.findall(r"{(\w+)}", self.path)

    @property
    def is_for_admins(self) -> bool:
        """Whether admins may call it."""
        return AdminActor in self.operation.actors

    @property
    def is_for_members(self) -> bool:
        """Whether owners and managers may call it."""
        return MemberActor in self.operation.actors

    @property
    def is_list(self) -> bool:
        """Whether it shows what there is, without being told which thing."""
        shown = [answer for status, answer in self.operation.answers.items() if status < 300]
        return not self.parameters and any(
            isinstance(each, type) and issubclass(each, Page) for each in shown
        )

    def lets_admin(self, role: str) -> bool:
        """Whether an admin of this one role may call it."""
        return self.is_for_admins and admin_may((role,), self.operation.may or "")

    def lets_staff(self, role: str) -> bool:
        """Whether somebody of a member may."""
        return self.is_for_members and member_may(role, self.operation.may or "")


def _all_routes() -> list[Route]:
    Sanic.test_mode = True  # several apps in one process
    app: Sanic[Any, Any] = create_app(load(sandbox()), name="matrix")
    found = []
    for route in app.router.routes:
        operation = getattr(route.ctx, "operation", None)
        if isinstance(operation, Operation) and {AdminActor, MemberActor} & set(operation.actors):
            path = re.sub(r"<(\w+)(:[^>]*)?>", r"{\1}", f"/{route.path}")
            if f"{operation.method} {path}" not in LEFT_OUT:
                name = f"{operation.method} {path.removeprefix('/api/v1')}"
                found.append(Route(name, path, operation))
    return sorted(found, key=lambda route: route.name)


ROUTES = _all_routes()
CHANGING = [route for route in ROUTES if route.changes]
LISTS = [route for route in ROUTES if route.is_list]
