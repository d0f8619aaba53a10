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
from server import passwords, sessions
from server.api.sessions import TokensOut, tokens_of
from server.endpoints import endpoint
from server.passwords import LoginFailed, TooManyAttempts
from server.schemas import In, Out

routes = Blueprint("admin_sign_in", url_prefix="/auth")

# In place of a one-time code's step, where none is asked for.
NO_CODE = -1


class AdminSignInIn(In):
    """Login, password and the six digits of the authenticator; the sandbox lets the digits be left out."""

    login: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=256)
    totp: Annotated[str, Field(pattern=r"^[0-9]{6}$")] | None = None


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
    refusals=(LoginFailed, TooManyAttempts),
)
async def sign_in(request: Request, body: AdminSignInIn) -> AdminSignedInOut:
    """The same answer, and the time of a password's check, whatever was wrong; five wrong tries lock the login."""
    at, settings = now(), request.app.ctx.settings
    account = await admins.account_of(body.login, settings.data_keys)
    step = _good_step(account, body.totp, settings.sandbox) if account else None
    usable_hash = account.password_hash if account and step is not None else None
    try:
        await passwords.check("admin", body.login, body.password, usable_hash, at)
        assert account is not None and step is not None, "an unknown login never passes the check"
        # Burnt only now: a mistyped password does not cost the code as well.
        if step != NO_CODE and not await admins.use_totp_step(account.id, step):
            raise LoginFailed
        signed_in = await sessions.begin(settings, ActorKind.ADMIN, account.id, None, at)
    except LoginFailed:
        if account is not None:  # at most five in a quarter of an hour: then the login is locked
            await _record(account, at, AuditOutcome.REFUSED)
        raise
    await _record(account, at, AuditOutcome.DONE)
    admin = AdminOut(id=account.id, roles=[AdminRole(role) for role in account.roles], region=account.region)
    return AdminSignedInOut(**tokens_of(signed_in), admin=admin)  # type: ignore[arg-type]


def _good_step(account: admins.AdminAccount, code: str | None, is_sandbox: bool) -> int | None:
    """The step of a good one-time code; without a secret only the sandbox lets anybody in."""
    if account.totp_secret is None:
        return NO_CODE if is_sandbox else None
    return passwords.totp_step(account.totp_secret, code or "", account.totp_last_step, now())


async def _record(account: admins.AdminAccount, at: datetime, outcome: AuditOutcome) -> None:
    who, thing = (ActorKind.ADMIN, account.id), ("admin", account.id)
    await audit_log.record(who, "admin.sign_in", thing, at, outcome, region=account.region)
