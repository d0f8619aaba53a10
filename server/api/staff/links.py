"""What is done with a link or a code instead of a token: a first password, a new one, a device's pairing."""

from typing import Annotated

from pydantic import Field
from sanic import Blueprint, Request

from common.clock import now
from merchants import devices, staff_accounts
from merchants.staff_accounts import LinkFor
from models.enums import ActorKind
from models.office_enums import LinkPurpose
from models.one_time_links import LinkInvalid
from server import passwords, sessions
from server.api.staff.sign_in import StaffSignedInOut, signed_in_out
from server.endpoints import endpoint
from server.passwords import LoginFailed, PasswordWeak
from server.schemas import In, Out

routes = Blueprint("staff_links", url_prefix="/auth")

NewPassword = Annotated[str, Field(min_length=passwords.STAFF_MIN_LENGTH, max_length=256)]


class PasswordIn(In):
    """The link's secret, and the password to come: ten characters or more, of any kind."""

    secret: Annotated[str, Field(min_length=1, max_length=128)]
    password: NewPassword


class LoginOut(Out):
    """What to sign in with."""

    login: str


class PairingIn(In):
    """The code that an owner or manager was shown."""

    code: Annotated[str, Field(min_length=8, max_length=32)]


@endpoint(
    routes,
    "POST",
    "/staff/invitation",
    summary="接受邀请，设置密码 / Take up an invitation",
    answers={200: LoginOut},
    refusals=(LinkInvalid, PasswordWeak),
)
async def accept(body: PasswordIn) -> LoginOut:
    """Good once; then one signs in with the login in the answer."""
    return await _set_password(LinkPurpose.STAFF_INVITATION, body)


@endpoint(
    routes,
    "POST",
    "/staff/password-reset",
    summary="重设密码 / Set a forgotten password anew",
    answers={200: LoginOut},
    refusals=(LinkInvalid, PasswordWeak),
)
async def reset(body: PasswordIn) -> LoginOut:
    """Good once; every session of the person ends."""
    return await _set_password(LinkPurpose.STAFF_RESET, body)


async def _set_password(purpose: LinkFor, body: PasswordIn) -> LoginOut:
    at = now()
    login = await staff_accounts.login_of_link(purpose, body.secret, at)
    password_hash = await passwords.fresh(body.password, login)
    await staff_accounts.set_password(purpose, body.secret, password_hash, at)
    await passwords.forgive("staff", login)
    return LoginOut(login=login)


@endpoint(
    routes,
    "POST",
    "/device",
    summary="扫码终端配对 / Pair a device",
    answers={200: StaffSignedInOut},
    refusals=(LinkInvalid, LoginFailed),
)
async def pair(request: Request, body: PairingIn) -> StaffSignedInOut:
    """The code is good once, for ten minutes; upper or lower case, with or without the dash."""
    at = now()
    device = await devices.pair(body.code, at)
    settings = request.app.ctx.settings
    signed_in = await sessions.begin(settings, ActorKind.STAFF, device.id, device.member_id, at)
    return await signed_in_out(device, signed_in)
