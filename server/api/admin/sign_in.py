"""An alliance admin signs in with login, password and one-time code."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sanic import Blueprint, Request

from alliance import admins
from common.clock import now
from models import audit_log
from models.enums import ActorKind, AdminRole, AuditOutcome
from server import admin_proofs, sessions
from server.api.sessions import TokensOut, tokens_of
from server.endpoints import endpoint
from server.passwords import AdminLoginFailed, TooManyAttempts
from server.schemas import In, Out

routes = Blueprint("admin_sign_in", url_prefix="/auth")

Totp = Annotated[str, Field(pattern=r"^[0-9]{6}$")]
Password = Annotated[str, Field(min_length=1, max_length=256)]


class AdminSignInIn(In):
    """Login, password and the six digits of the authenticator, or a recovery code in place of the digits.

    The sandbox's demo admins have no authenticator: they leave both out.
    """

    login: str = Field(min_length=1, max_length=64)
    password: Password
    totp: Totp | None = None
    recovery_code: Annotated[str, Field(pattern=r"^[A-Za-z2-7 -]{16,32}$")] | None = None


class AdminOut(Out):
    """The signed-in admin; his region bounds everything he sees."""

    id: UUID
    roles: list[AdminRole]
    region: str


class AdminSignedInOut(TokensOut):
    """Tokens, and who signed in."""

    admin: AdminOut


@endpoint(
    routes,
    "POST",
    "/admin",
    summary="管理员登录 / Sign in as an admin",
    answers={200: AdminSignedInOut},
    refusals=(AdminLoginFailed, TooManyAttempts),
)
async def sign_in(request: Request, body: AdminSignInIn) -> AdminSignedInOut:
    """The same answer, and the time of a password's check, whatever was wrong; five wrong tries lock the login.

    The first good one-time code completes an invitation; a recovery code is good once.
    """
    at, settings = now(), request.app.ctx.settings
    account = await admins.account_of(body.login, settings.data_keys)
    try:
        codes = (body.totp, body.recovery_code)
        known = await admin_proofs.prove(settings, account, body.login, body.password, codes, at)
        signed_in = await sessions.begin(settings, ActorKind.ADMIN, known.id, None, at, known.password_hash)
    except AdminLoginFailed:
        if account is not None:  # at most five in a quarter of an hour: then the login is locked
            await _record(account, at, AuditOutcome.REFUSED)
        raise
    how = "recovery_code" if body.recovery_code else "one_time_code" if known.totp_secret else "password"
    await _record(known, at, AuditOutcome.DONE, how)
    admin = AdminOut(id=known.id, roles=[AdminRole(role) for role in known.roles], region=known.region)
    return AdminSignedInOut(**tokens_of(signed_in), admin=admin)  # type: ignore[arg-type]


async def _record(
    account: admins.AdminAccount, at: datetime, outcome: AuditOutcome, how: str | None = None
) -> None:
    who, thing = (ActorKind.ADMIN, account.id), ("admin", account.id)
    after = {"with": how} if how else None
    await audit_log.record(who, "admin.sign_in", thing, at, outcome, region=account.region, after=after)
