"""The citizen's rights to his data: a copy of all of it, who looked at it, correcting it, erasing it (PIPL 45-47)."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field
from sanic import Blueprint, HTTPResponse, Request

from alliance import access_log, data_copies, erasures
from alliance.data_copies import DataCopiesUsedUp
from alliance.erasures import ConfirmationInvalid
from benefits.refusals import Busy
from citizens import phones
from common.actors import CitizenActor
from common.clock import local_day, now
from models import audit_log
from models.citizen_enums import AgentKind, DataCopyFormat
from server import sessions
from server.endpoints import endpoint
from server.file_answers import send_file
from server.schemas import In, Moment, Out, Page, PageQuery, Query, decode_cursor, page_of
from server.sessions import SignInTooOld

routes = Blueprint("rights", url_prefix="/me")
# A child under 14 has these by his guardian (PIPL 31).
GUARDIANS = frozenset({AgentKind.GUARDIAN})
MEDIA_TYPES = {DataCopyFormat.JSON: "application/json", DataCopyFormat.HTML: "text/html; charset=utf-8"}


class CopyQuery(Query):
    """`json` for programs, `html` to read."""

    format: DataCopyFormat = DataCopyFormat.JSON


class SaidOut(Out):
    """A sentence in both languages."""

    zh: str
    en: str


class OwnSectionOut(Out):
    """What one table keeps of him, why, how long, who sees it, how it is corrected and what an erasure does with it.

    `items` have the table's columns; without keyed hashes, and with what is encrypted in the clear.
    """

    name: str
    title: SaidOut
    why: SaidOut
    kept: SaidOut
    seen_by: SaidOut
    correct: SaidOut
    erasure: SaidOut
    items: list[dict[str, Any]]
    is_complete: bool


class OwnDataOut(Out):
    """The copy. `version` changes when a program that reads it would have to."""

    format: Literal["xinyi-own-data"]
    version: Literal[1]
    made_at: Moment
    sections: list[OwnSectionOut]


class AccessOut(Out):
    """One access: `who` is `citizen`, `staff`, `admin`, `system` or `credit_source`, never a person."""

    id: UUID
    at: Moment
    who: str
    action: str
    object_kind: str
    object_id: str
    store_name: str | None
    outcome: str


class LostCouponOut(Out):
    """A coupon that could still be used."""

    id: UUID
    title: str
    valid_until: Moment


class ErasedShareOut(Out):
    """How much of one kind there is, and what becomes of it."""

    name: str
    title: SaidOut
    rows: int
    erasure: SaidOut


class ErasureOut(Out):
    """What an erasure would do now; `confirmation` is sent back within five minutes to have it done."""

    shares: list[ErasedShareOut]
    coupons_lost: list[LostCouponOut]
    confirmation: str


class EraseIn(In):
    """The confirmation of GET `/me/erasure`."""

    confirmation: Annotated[str, Field(min_length=1, max_length=200)]


@endpoint(
    routes,
    "GET",
    "/data",
    summary="我的全部数据 / A copy of all my data",
    answers={200: {"application/json": OwnDataOut, "text/html": None}},
    refusals=(SignInTooOld, DataCopiesUsedUp, Busy),
    for_agents=GUARDIANS,
)
async def copy(request: Request, actor: CitizenActor, query: CopyQuery) -> HTTPResponse | None:
    """In full, to himself (of a child under 14, his guardian) alone: after a sign-in of the last five minutes, three times a day, kept nowhere."""
    at = now()
    await sessions.must_be_recent(actor.session_id, at)
    if request.method != "HEAD":
        await data_copies.count(actor.id, query.format, at)
    pieces = data_copies.pieces(actor.id, query.format, request.app.ctx.settings.data_keys, at)
    name = f"my-data-{local_day(at):%Y-%m-%d}.{query.format}"
    return await send_file(request, name, MEDIA_TYPES[query.format], pieces)


@endpoint(
    routes,
    "GET",
    "/access-log",
    summary="谁查看过我的信息 / Who read or changed what of mine",
    answers={200: Page[AccessOut]},
    for_agents=GUARDIANS,
)
async def accesses(actor: CitizenActor, query: PageQuery) -> Page[AccessOut]:
    """Look-ups, scans, what the office did, what he did himself, newest first."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    found = await access_log.of_citizen(actor.id, before, query.limit + 1)
    return page_of(Page[AccessOut], found, query.limit, AccessOut.model_validate, lambda line: (line.id,))


@endpoint(routes, "DELETE", "/phone", summary="删除我的手机号 / Delete my number", answers={204: None})
async def forget_phone(actor: CitizenActor) -> None:
    """To correct it, sign in again where it is verified. Deleting twice is deleting once."""
    await phones.forget(actor.id)


@endpoint(
    routes,
    "GET",
    "/erasure",
    summary="注销前看清楚 / What an erasure would do",
    answers={200: ErasureOut},
    refusals=(SignInTooOld,),
    for_agents=GUARDIANS,
)
async def preview(request: Request, actor: CitizenActor) -> ErasureOut:
    """What goes, what stays and why, which coupons are lost. After a sign-in of the last five minutes."""
    at = now()
    await sessions.must_be_recent(actor.session_id, at)
    return ErasureOut(
        shares=[
            ErasedShareOut(
                name=share.entry.table,
                title=_said(share.entry.title),
                rows=share.rows,
                erasure=_said(share.entry.erasure),
            )
            for share in await erasures.shares_of(actor.id)
        ],
        coupons_lost=[
            LostCouponOut.model_validate(dict(row)) for row in await erasures.coupons_lost(actor.id, at)
        ],
        confirmation=erasures.confirmation(actor, request.app.ctx.settings.data_keys, at),
    )


@endpoint(
    routes,
    "DELETE",
    "",
    summary="注销账户 / Erase my account",
    answers={204: None},
    refusals=(ConfirmationInvalid,),
    for_agents=GUARDIANS,
)
async def erase(request: Request, actor: CitizenActor, body: EraseIn) -> None:
    """Everything of the person goes at once and for good; whoever signs in anew is somebody new."""
    at, keys = now(), request.app.ctx.settings.data_keys
    erasures.check_confirmation(body.confirmation, actor, keys, at)
    await erasures.erase(actor.id, keys, at, audit_log.who(actor))
    await request.app.ctx.authenticate.revoked.refresh(now())


def _said(text: tuple[str, str]) -> SaidOut:
    return SaidOut(zh=text[0], en=text[1])
