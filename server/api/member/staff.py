"""A member's people: invited, changed, let in again, sent away."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field
from sanic import Blueprint

from common.actors import MemberActor
from common.clock import now
from common.database import Row
from merchants import staff, staff_accounts, staff_sessions
from merchants.staff import LastOwner
from merchants.staff_accounts import Link, StaffLoginTaken
from merchants.staff_rights import RoleNotYours, StoresUnknown
from models.enums import StaffRole
from models.office_enums import LinkPurpose
from server.api.sessions import SessionOut, session_page
from server.endpoints import Answer, endpoint
from server.schemas import In, Moment, Out, Page, PageQuery, decode_cursor, page_of

routes = Blueprint("member_staff", url_prefix="/staff")

Role = Literal["owner", "manager", "cashier"]
Stores = Annotated[list[UUID], Field(max_length=500)]


class InvitationIn(In):
    """The login that the person will have, his role and his stores; the first store is what his screen opens with."""

    login: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{3,63}$")]
    role: Role
    store_ids: Stores


class StaffChangeIn(In):
    """Role and stores from now on."""

    role: Role
    store_ids: Stores


class LinkOut(Out):
    """A secret that is good once, shown only here; give it to the person yourself."""

    staff_id: UUID
    secret: str
    expires_at: Moment


class MemberStaffOut(Out):
    """One of the member's people; `invited` has not set a password yet."""

    id: UUID
    login: str
    role: StaffRole
    status: Literal["invited", "active", "revoked"]
    store_ids: list[UUID]
    created_at: Moment
    revoked_at: Moment | None


def person(row: Row) -> MemberStaffOut:
    """A row of `staff_accounts.listed` or `of_member`."""
    status = "invited" if row["status"] == "active" and row["is_invited"] else row["status"]
    return MemberStaffOut.model_validate({**row, "status": status})


def _link(link: Link) -> Answer:
    body = LinkOut(staff_id=link.staff_id, secret=link.secret, expires_at=link.expires_at)
    return Answer(201, body, {"Cache-Control": "no-store"})


@endpoint(
    routes,
    "GET",
    "",
    summary="店员列表 / The member's people",
    answers={200: Page[MemberStaffOut]},
    may="staff.read",
)
async def listed(actor: MemberActor, query: PageQuery) -> Page[MemberStaffOut]:
    """Oldest account first; a manager sees the cashiers of his stores, and himself."""
    after = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    rows = await staff_accounts.listed(actor, after, query.limit + 1)
    return page_of(Page[MemberStaffOut], rows, query.limit, person, lambda row: (row["id"],))


@endpoint(
    routes,
    "POST",
    "",
    summary="邀请店员 / Invite somebody",
    answers={201: LinkOut},
    refusals=(RoleNotYours, StaffLoginTaken, StoresUnknown),
    may="staff.invite",
)
async def invite(actor: MemberActor, body: InvitationIn) -> Answer:
    """The link is good for 72 hours: with it the person sets his own password. A manager invites cashiers only."""
    return _link(await staff_accounts.invite(actor, body.login, StaffRole(body.role), body.store_ids, now()))


@endpoint(
    routes,
    "GET",
    "/<staff_id>",
    summary="一位店员 / One of them",
    answers={200: MemberStaffOut},
    may="staff.read",
)
async def show(actor: MemberActor, staff_id: UUID) -> MemberStaffOut:
    """Role and stores as they are now."""
    return person(await staff_accounts.one(actor, staff_id))


@endpoint(
    routes,
    "PUT",
    "/<staff_id>",
    summary="改角色和门店 / Change role and stores",
    answers={204: None},
    refusals=(RoleNotYours, StoresUnknown),
    may="staff.change",
)
async def change(actor: MemberActor, staff_id: UUID, body: StaffChangeIn) -> None:
    """Holds from the next scan on. Nobody changes his own role, and one owner stays."""
    await staff_accounts.change(actor, staff_id, StaffRole(body.role), body.store_ids, now())


@endpoint(
    routes,
    "POST",
    "/<staff_id>/revocation",
    summary="停用店员 / Revoke somebody",
    answers={204: None},
    refusals=(LastOwner,),
    may="staff.revoke",
)
async def revoke(actor: MemberActor, staff_id: UUID) -> None:
    """Bites at once, also for what he is doing at the moment; his sessions and links end. One owner stays."""
    await staff.revoke_by_member(actor, staff_id, now())


@endpoint(
    routes,
    "POST",
    "/<staff_id>/invitation",
    summary="重新邀请 / Invite again",
    answers={201: LinkOut},
    may="staff.invite",
)
async def invite_again(actor: MemberActor, staff_id: UUID) -> Answer:
    """For whoever has not set a password yet; the link before is good no more."""
    return _link(await staff_accounts.make_link(actor, staff_id, LinkPurpose.STAFF_INVITATION, now()))


@endpoint(
    routes,
    "POST",
    "/<staff_id>/password-reset",
    summary="忘记密码 / A forgotten password",
    answers={201: LinkOut},
    may="staff.reset_password",
)
async def make_reset(actor: MemberActor, staff_id: UUID) -> Answer:
    """Good for 24 hours. When it is used, every session of the person ends; nobody makes one for himself."""
    return _link(await staff_accounts.make_link(actor, staff_id, LinkPurpose.STAFF_RESET, now()))


@endpoint(
    routes,
    "GET",
    "/<staff_id>/sessions",
    summary="登录设备 / Where somebody is signed in",
    answers={200: Page[SessionOut]},
    may="staff.read",
)
async def sessions(actor: MemberActor, staff_id: UUID, query: PageQuery) -> Page[SessionOut]:
    """Newest first."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    rows = await staff_sessions.of_staff(actor, staff_id, before, query.limit + 1, now())
    return session_page(rows, query.limit, actor.session_id)


@endpoint(
    routes,
    "DELETE",
    "/<staff_id>/sessions/<session_id>",
    summary="结束一次登录 / End one session",
    answers={204: None},
    may="staff.revoke",
)
async def end_session(actor: MemberActor, staff_id: UUID, session_id: UUID) -> None:
    """Refused within a second."""
    await staff_sessions.end(actor, staff_id, session_id, now())
