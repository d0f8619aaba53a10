"""A member's staff signs in with login and password."""

from uuid import UUID

from pydantic import Field
from sanic import Blueprint, Request

from common.clock import now
from merchants import staff
from merchants.staff import StaffAccount
from models.enums import ActorKind, StaffRole
from server import passwords, sessions
from server.api.sessions import TokensOut, tokens_of
from server.endpoints import endpoint
from server.passwords import LoginFailed, TooManyAttempts
from server.schemas import In, Out
from server.sessions import SignedIn

routes = Blueprint("staff_sign_in", url_prefix="/auth")


class StaffSignInIn(In):
    """Login and password."""

    login: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=256)


class StoreOut(Out):
    """A store where the person may redeem."""

    id: UUID
    name: str


class StaffOut(Out):
    """The signed-in person; the first store is the one that the screen opens with."""

    id: UUID
    role: StaffRole
    member_id: UUID
    stores: list[StoreOut]


class StaffSignedInOut(TokensOut):
    """Tokens, and who signed in."""

    staff: StaffOut


@endpoint(
    routes,
    "POST",
    "/staff",
    summary="店员登录 / Sign in as staff",
    answers={200: StaffSignedInOut},
    refusals=(LoginFailed, TooManyAttempts),
)
async def sign_in(request: Request, body: StaffSignInIn) -> StaffSignedInOut:
    """The same answer in the same time for an unknown login and a wrong password; five wrong ones lock it."""
    at = now()
    account = await staff.account_of(body.login)
    await passwords.check("staff", body.login, body.password, account.password_hash if account else None, at)
    assert account is not None, "an unknown login never passes the check"
    signed_in = await sessions.begin(
        request.app.ctx.settings, ActorKind.STAFF, account.id, account.member_id, at, account.password_hash
    )
    return await signed_in_out(account, signed_in)


async def signed_in_out(account: StaffAccount, signed_in: SignedIn) -> StaffSignedInOut:
    """The tokens, and who has them."""
    person = await person_out(account.id, account.role, account.member_id)
    return StaffSignedInOut(**tokens_of(signed_in), staff=person)  # type: ignore[arg-type]


async def person_out(staff_id: UUID, role: StaffRole, member_id: UUID) -> StaffOut:
    """Somebody of a member's staff, with his stores as they are now."""
    stores = [StoreOut(id=store_id, name=name) for store_id, name in await staff.stores_of(staff_id)]
    return StaffOut(id=staff_id, role=role, member_id=member_id, stores=stores)
