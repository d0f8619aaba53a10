"""One's own account as an admin: password, recovery codes, sessions."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sanic import Blueprint, Request

from alliance import admins, own_account, recovery_codes
from alliance.admins import AdminAccount
from common.actors import AdminActor
from common.clock import now
from models.enums import AdminRole
from server import admin_proofs, passwords
from server.api.admin.sign_in import Password, Totp
from server.endpoints import endpoint
from server.errors import NotSignedIn
from server.passwords import AdminLoginFailed, PasswordWeak, TooManyAttempts
from server.schemas import In, Moment, Out, Page, PageQuery, decode_cursor, page_of

routes = Blueprint("admin_account", url_prefix="/account")


class ProofIn(In):
    """What one signs in with; the sandbox's demo admins have no authenticator."""

    old_password: Password
    totp: Totp | None = None


class NewPasswordIn(ProofIn):
    """The password from now on."""

    password: Password


class AccountOut(Out):
    """Who one is, and how many recovery codes are left."""

    id: UUID
    login: str
    roles: list[AdminRole]
    region: str
    recovery_codes_left: int


class RecoveryCodesOut(Out):
    """Shown once; each is good once."""

    recovery_codes: list[str]


class SessionOut(Out):
    """One sign-in that is still good."""

    id: UUID
    created_at: Moment
    last_used_at: Annotated[Moment, Field(validation_alias="rotated_at")]
    expires_at: Moment
    is_this_one: bool


@endpoint(routes, "GET", "", summary="我的账号 / My account", answers={200: AccountOut}, may="account.own")
async def mine(request: Request, actor: AdminActor) -> AccountOut:
    """As the database has it now."""
    account = await _account(request, actor)
    left = await recovery_codes.how_many_left(actor.id)
    roles = [AdminRole(role) for role in account.roles]
    return AccountOut(
        id=account.id, login=account.login, roles=roles, region=account.region, recovery_codes_left=left
    )


@endpoint(
    routes,
    "PUT",
    "/password",
    summary="修改密码 / Change one's password",
    answers={204: None},
    refusals=(AdminLoginFailed, TooManyAttempts, PasswordWeak),
    may="account.own",
)
async def set_password(request: Request, actor: AdminActor, body: NewPasswordIn) -> None:
    """With the old one and a one-time code; every other session ends."""
    at = now()
    passwords.refuse_weak(body.password, (await _account(request, actor)).login)
    account = await _proved(request, actor, body, at)
    new_hash = await passwords.hash_of(body.password)
    if not await own_account.set_password(actor, account.password_hash, new_hash, at):
        raise AdminLoginFailed
    await request.app.ctx.authenticate.revoked.refresh(now())


@endpoint(
    routes,
    "POST",
    "/recovery-codes",
    summary="重新生成恢复码 / Have new recovery codes",
    answers={201: RecoveryCodesOut},
    refusals=(AdminLoginFailed, TooManyAttempts),
    may="account.own",
)
async def renew_recovery_codes(request: Request, actor: AdminActor, body: ProofIn) -> RecoveryCodesOut:
    """With password and one-time code; the earlier ones are good no more."""
    at = now()
    await _proved(request, actor, body, at)
    codes = await own_account.renew_recovery_codes(actor, request.app.ctx.settings.data_keys, at)
    return RecoveryCodesOut(recovery_codes=list(codes))


@endpoint(
    routes,
    "GET",
    "/sessions",
    summary="我的登录 / My sessions",
    answers={200: Page[SessionOut]},
    may="session.own",
)
async def sessions(actor: AdminActor, query: PageQuery) -> Page[SessionOut]:
    """Those that are open, newest first."""
    return await session_page(actor, actor.id, query)


@endpoint(
    routes,
    "DELETE",
    "/sessions/<session_id>",
    summary="结束我的一次登录 / End one of my sessions",
    answers={204: None},
    may="session.own",
)
async def end_session(request: Request, actor: AdminActor, session_id: UUID) -> None:
    """Refused within a second, everywhere."""
    await own_account.end_session(actor, actor.id, session_id, now())
    await request.app.ctx.authenticate.revoked.refresh(now())


async def session_page(actor: AdminActor, admin_id: UUID, query: PageQuery) -> Page[SessionOut]:
    """Sessions of oneself or of somebody in one's region."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    rows = await own_account.sessions_of(actor, admin_id, now(), before, query.limit + 1)
    return page_of(
        Page[SessionOut],
        rows,
        query.limit,
        lambda row: SessionOut.model_validate(dict(row)),
        lambda row: (row["id"],),
    )


async def _account(request: Request, actor: AdminActor) -> AdminAccount:
    account = await admins.account_by_id(actor.id, request.app.ctx.settings.data_keys)
    if account is None:  # revoked a moment ago
        raise NotSignedIn
    return account


async def _proved(request: Request, actor: AdminActor, body: ProofIn, at: datetime) -> AdminAccount:
    """The account, once it is proved that its owner asks and not somebody at his open screen."""
    account = await _account(request, actor)
    codes = (body.totp, None)
    settings = request.app.ctx.settings
    return await admin_proofs.prove(settings, account, account.login, body.old_password, codes, at)
