"""Using a link that a head gave: an invitation, or a reset after a lost phone or a forgotten password."""

from typing import Annotated

from pydantic import Field
from sanic import Blueprint, Request

from alliance import admin_invitations
from alliance.admin_invitations import AdminLink
from common.clock import now
from models.office_enums import LinkPurpose
from models.one_time_links import LinkInvalid
from server import passwords
from server.api.admin.sign_in import Password
from server.endpoints import endpoint
from server.passwords import PasswordWeak
from server.schemas import In, Out

routes = Blueprint("admin_enrolment", url_prefix="/auth/admin")


class LinkIn(In):
    """The link's secret, and the password that its owner wants to have."""

    secret: str = Field(min_length=1, max_length=128)
    password: Password


class EnrolmentOut(Out):
    """What is shown once. The account is complete with the first sign-in that has a good one-time code."""

    login: str
    totp_secret: Annotated[str, Field(description="base32")]
    otpauth_uri: Annotated[str, Field(description="给验证器应用扫描 / for an authenticator app to scan")]
    recovery_codes: Annotated[list[str], Field(description="每个只能用一次 / each is good once")]


@endpoint(
    routes,
    "POST",
    "/invitation",
    summary="接受管理员邀请 / Accept an invitation as an admin",
    answers={200: EnrolmentOut},
    refusals=(LinkInvalid, PasswordWeak),
)
async def accept(request: Request, body: LinkIn) -> EnrolmentOut:
    """The link is good once; a password that is refused doesn't use it up."""
    return await _enrol(request, LinkPurpose.ADMIN_INVITATION, body)


@endpoint(
    routes,
    "POST",
    "/reset",
    summary="重设管理员密码和动态口令 / Have a new password and one-time codes",
    answers={200: EnrolmentOut},
    refusals=(LinkInvalid, PasswordWeak),
)
async def reset(request: Request, body: LinkIn) -> EnrolmentOut:
    """With the link that a head made; as for an invitation."""
    return await _enrol(request, LinkPurpose.ADMIN_RESET, body)


async def _enrol(request: Request, purpose: AdminLink, body: LinkIn) -> EnrolmentOut:
    at, keys = now(), request.app.ctx.settings.data_keys
    passwords.refuse_weak(body.password, await admin_invitations.login_of(purpose, body.secret, at))
    password_hash = await passwords.hash_of(body.password)
    enrolment = await admin_invitations.enrol(purpose, body.secret, password_hash, keys, at)
    return EnrolmentOut.model_validate(enrolment)
