"""A member's legal person signs in as its owner, through a channel that knows legal persons."""

from pydantic import Field
from sanic import Blueprint, Request

from alliance import owner_sign_in
from alliance.memberships import MemberLeft
from alliance.owner_sign_in import NoActiveOwner, NotAMember
from citizens.channels import ChannelUnavailable, LegalPersonRequired, LoginBlocked, LoginCodeInvalid
from common.clock import now
from models.enums import ActorKind, Channel
from server import sessions
from server.api.citizen.sign_in import exchanged
from server.api.staff.sign_in import StaffSignedInOut, signed_in_out
from server.endpoints import endpoint
from server.passwords import LoginFailed
from server.schemas import In

routes = Blueprint("staff_legal_person", url_prefix="/auth/staff")


class LegalPersonSignInIn(In):
    """The one-time ticket that the channel gave the page."""

    channel: Channel
    code: str = Field(min_length=1, max_length=512)


@endpoint(
    routes,
    "POST",
    "/legal-person",
    summary="法人登录 / Sign in as a member's legal person",
    answers={200: StaffSignedInOut},
    refusals=(
        *(LoginCodeInvalid, LoginBlocked, LegalPersonRequired, NotAMember, MemberLeft, NoActiveOwner),
        *(LoginFailed, ChannelUnavailable),
    ),
)
async def sign_in(request: Request, body: LegalPersonSignInIn) -> StaffSignedInOut:
    """The member with the legal person's 统一社会信用代码, by the owner's account that was made first."""
    login = await exchanged(request, body.channel, body.code)
    if login.legal_person is None:
        raise LegalPersonRequired
    at = now()
    account = await owner_sign_in.owner_of(login.legal_person.uscc)
    signed_in = await sessions.begin(
        request.app.ctx.settings, ActorKind.STAFF, account.id, account.member_id, at, account.password_hash
    )
    await owner_sign_in.record(account.id, body.channel, at)
    return await signed_in_out(account, signed_in)
