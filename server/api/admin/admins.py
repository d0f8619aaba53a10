"""Accounts of admins: a head invites, changes roles, resets and revokes, in his region and never himself."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from sanic import Blueprint, Request

from alliance import admin_invitations, admin_rights, own_account
from alliance.admin_invitations import Link, RegionBeyond
from alliance.admin_rights import AdminRevoked, HeadNoMore, NotToConfirm, OwnAccount, RolesConflict
from alliance.admins import GRANTABLE, LoginTaken
from common.actors import AdminActor
from common.clock import now
from models.enums import AdminRole, AdminStatus
from server.api.admin.account import SessionOut, session_page
from server.endpoints import endpoint
from server.schemas import In, Moment, Out, Page, PageQuery, RegionCode, decode_cursor, page_of

routes = Blueprint("admin_admins", url_prefix="/admins")

ABOUT_ANOTHER = (OwnAccount, HeadNoMore, AdminRevoked)


def _grantable(role: AdminRole) -> AdminRole:
    if role not in GRANTABLE:
        raise PydanticCustomError("enum", "can't be granted")
    return role


Roles = Annotated[
    list[Annotated[AdminRole, Field(strict=False), AfterValidator(_grantable)]],
    Field(min_length=1, max_length=4),
]


class InvitationIn(In):
    """Who is invited: what he signs in with, where he acts, and as what."""

    login: str = Field(min_length=3, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]+$")
    region: RegionCode
    roles: Roles


class RolesIn(In):
    """All roles that he has from now on."""

    roles: Roles


class LinkOut(Out):
    """A link's secret, shown once: hand it to that person and to nobody else."""

    admin_id: UUID
    secret: str
    expires_at: Moment


class AdminAccountOut(Out):
    """One account; `invited` until its person has confirmed a one-time code."""

    id: UUID
    login: str
    roles: list[AdminRole]
    region: str = Field(validation_alias="region_id")
    status: AdminStatus
    created_at: Moment
    revoked_at: Moment | None
    # Who has had its last link and who confirmed its person; no link: made at the command line.
    linked_by: UUID | None
    confirmed_by: UUID | None
    confirmed_at: Moment | None


def _link_out(link: Link) -> LinkOut:
    return LinkOut.model_validate(link)


@endpoint(
    routes,
    "GET",
    "",
    summary="管理员账号 / Accounts of admins",
    answers={200: Page[AdminAccountOut]},
    may="admin.read",
)
async def listed(actor: AdminActor, query: PageQuery) -> Page[AdminAccountOut]:
    """Newest first, of the admin's region and below."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    rows = await admin_rights.listed(actor, before, query.limit + 1)
    return page_of(
        Page[AdminAccountOut],
        rows,
        query.limit,
        lambda row: AdminAccountOut.model_validate(dict(row)),
        lambda row: (row["id"],),
    )


@endpoint(
    routes,
    "POST",
    "",
    summary="邀请管理员 / Invite an admin",
    answers={201: LinkOut},
    refusals=(RolesConflict, RegionBeyond, LoginTaken, HeadNoMore),
    may="admin.invite",
)
async def invite(actor: AdminActor, body: InvitationIn) -> LinkOut:
    """For one's own region or one below; the link is good for 72 hours."""
    return _link_out(await admin_invitations.invite(actor, body.login, body.region, body.roles, now()))


@endpoint(
    routes,
    "GET",
    "/<admin_id>",
    summary="一个管理员账号 / One account",
    answers={200: AdminAccountOut},
    may="admin.read",
)
async def read(actor: AdminActor, admin_id: UUID) -> AdminAccountOut:
    """In the admin's region or below."""
    return AdminAccountOut.model_validate(dict(await admin_rights.one(actor, admin_id)))


@endpoint(
    routes,
    "PUT",
    "/<admin_id>/roles",
    summary="调整角色 / Change roles",
    answers={204: None},
    refusals=(RolesConflict, *ABOUT_ANOTHER),
    may="admin.set_roles",
)
async def set_roles(actor: AdminActor, admin_id: UUID, body: RolesIn) -> None:
    """Roles are read at each request, so they count from the next one on; sessions go on."""
    await admin_rights.set_roles(actor, admin_id, body.roles, now())


@endpoint(
    routes,
    "POST",
    "/<admin_id>/reset",
    summary="重设密码和动态口令 / Reset password and one-time codes",
    answers={201: LinkOut},
    refusals=ABOUT_ANOTHER,
    may="admin.reset",
)
async def reset(request: Request, actor: AdminActor, admin_id: UUID) -> LinkOut:
    """A fresh link, good for 24 hours; what he signed in with before is good no more, and his sessions end."""
    link = await admin_invitations.reset(actor, admin_id, now())
    await request.app.ctx.authenticate.revoked.refresh(now())
    return _link_out(link)


@endpoint(
    routes,
    "POST",
    "/<admin_id>/confirmation",
    summary="确认管理员本人 / Confirm an admin's person",
    answers={204: None},
    refusals=(NotToConfirm, *ABOUT_ANOTHER),
    may="admin.confirm",
)
async def confirm(actor: AdminActor, admin_id: UUID) -> None:
    """By another head than the one who handed out the link; until then he is nobody's second person."""
    await admin_rights.confirm(actor, admin_id, now())


@endpoint(
    routes,
    "POST",
    "/<admin_id>/revocation",
    summary="停用管理员 / Revoke an admin",
    answers={204: None},
    refusals=ABOUT_ANOTHER,
    may="admin.revoke",
)
async def revoke(request: Request, actor: AdminActor, admin_id: UUID) -> None:
    """For good; bites at once."""
    await admin_rights.revoke(actor, admin_id, now())
    await request.app.ctx.authenticate.revoked.refresh(now())


@endpoint(
    routes,
    "GET",
    "/<admin_id>/sessions",
    summary="管理员的登录 / An admin's sessions",
    answers={200: Page[SessionOut]},
    may="admin.read",
)
async def sessions(actor: AdminActor, admin_id: UUID, query: PageQuery) -> Page[SessionOut]:
    """Those that are open, newest first."""
    return await session_page(actor, admin_id, query)


@endpoint(
    routes,
    "DELETE",
    "/<admin_id>/sessions/<session_id>",
    summary="结束管理员的一次登录 / End an admin's session",
    answers={204: None},
    may="admin.revoke",
)
async def end_session(request: Request, actor: AdminActor, admin_id: UUID, session_id: UUID) -> None:
    """Refused within a second, everywhere."""
    await own_account.end_session(actor, admin_id, session_id, now())
    await request.app.ctx.authenticate.revoked.refresh(now())
