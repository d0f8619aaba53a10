"""One's own account: role and stores, another password, and where one is signed in."""

from typing import Annotated
from uuid import UUID

from pydantic import Field
from sanic import Blueprint

from common.actors import StaffActor
from common.clock import now
from common.errors import Invalid
from merchants import staff, staff_accounts, staff_sessions
from merchants.staff import StaffRevoked
from server import passwords
from server.api.sessions import SessionOut, session_page
from server.api.staff.links import NewPassword
from server.api.staff.sign_in import StaffOut, person_out
from server.endpoints import endpoint
from server.errors import NotAllowed
from server.passwords import LoginFailed, PasswordWeak, TooManyAttempts
from server.schemas import In, Page, PageQuery, decode_cursor

routes = Blueprint("staff_account", url_prefix="/staff")


class OldPasswordWrong(Invalid):
    """Whoever has the phone does not know the password."""

    code = "old_password_wrong"
    zh = "原密码不对，请重新输入。忘记了请让负责人或店长给您重设。"
    en = "The old password is not right. If you forgot it, ask an owner or manager for a reset."
    pointer = "/old_password"


class PasswordChangeIn(In):
    """The password that one has, and the one to come."""

    old_password: Annotated[str, Field(min_length=1, max_length=256)]
    password: NewPassword


@endpoint(routes, "GET", "/me", summary="我的角色和门店 / My role and stores", answers={200: StaffOut})
async def me(actor: StaffActor) -> StaffOut:
    """As they are now: a manager may have changed them since the sign-in."""
    role = await staff.role_of(actor.id)
    if role is None:
        raise NotAllowed
    return await person_out(actor.id, role, actor.member_id)


@endpoint(
    routes,
    "POST",
    "/password",
    summary="修改密码 / Change one's password",
    answers={204: None},
    refusals=(OldPasswordWrong, TooManyAttempts, PasswordWeak, StaffRevoked),
)
async def change_password(actor: StaffActor, body: PasswordChangeIn) -> None:
    """One's other sessions end, this one goes on. Wrong old passwords count as wrong sign-ins; a device has none."""
    at = now()
    account = await staff.account_by_id(actor.id)
    if account is None:
        raise NotAllowed
    try:
        await passwords.check("staff", account.login, body.old_password, account.password_hash, at)
    except LoginFailed:
        raise OldPasswordWrong from None
    password_hash = await passwords.fresh(body.password, account.login)
    await staff_accounts.change_own_password(actor, account.password_hash, password_hash, at)


@endpoint(
    routes,
    "GET",
    "/sessions",
    summary="我的登录 / Where I am signed in",
    answers={200: Page[SessionOut]},
)
async def sessions(actor: StaffActor, query: PageQuery) -> Page[SessionOut]:
    """Newest first."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    rows = await staff_sessions.open_ones(actor.id, before, query.limit + 1, now())
    return session_page(rows, query.limit, actor.session_id)


@endpoint(
    routes,
    "DELETE",
    "/sessions/<session_id>",
    summary="结束我的一次登录 / End one of my sessions",
    answers={204: None},
)
async def end_session(actor: StaffActor, session_id: UUID) -> None:
    """Refused within a second."""
    await staff_sessions.end(actor, actor.id, session_id, now())
