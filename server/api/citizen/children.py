"""A guardian's children under 14: asking to act for one, with a proof; taking it back; ending it."""

from typing import Annotated
from uuid import UUID

from pydantic import Field
from sanic import Blueprint, Request

from citizens import agents, children
from citizens.children import (
    AgentNotAdult,
    AlreadyAsked,
    Child,
    ChildNumberInvalid,
    ChildRegionInvalid,
    GuardianConsentRequired,
    NotAChild,
    RequestNotOpen,
    TooManyRequestsOpen,
    TooMuchEvidence,
)
from citizens.credit import IdentityUnverified
from common.actors import CitizenActor
from common.clock import now
from common.database import Row
from common.files import DOCUMENTS, TooManyUploads
from common.masking import masked_name
from models.citizen_enums import AgentKind, BindingEnd, GuardianshipState
from server.endpoints import endpoint
from server.schemas import In, Moment, Out, Query, RegionCode
from server.uploads import Upload

routes = Blueprint("children", url_prefix="/me/children")

PersonName = Annotated[
    str, Field(min_length=2, max_length=64, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")
]
FileName = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f/\\]+$")]
IdNumber = Annotated[str, Field(pattern=r"^[0-9]{17}[0-9Xx]$")]


class ChildIn(In):
    """The child, and the county whose office looks at the proof."""

    name: PersonName
    id_number: IdNumber
    region: RegionCode


class AskedOut(Out):
    """The request's id; upload the proof next."""

    id: UUID


class EvidenceQuery(Query):
    """What the file is called."""

    name: FileName


class EvidenceOut(Out):
    """The file's id."""

    id: UUID


class ChildOut(Out):
    """A child that one acts for; `id` ends it, `citizen_id` is for `/auth/acting`, `until` is the 14th birthday."""

    id: UUID
    citizen_id: UUID
    masked_name: str
    since: Moment
    until: Moment


class RequestOut(Out):
    """A request; the name is there until it is decided. `reason`: why it was refused."""

    id: UUID
    state: GuardianshipState
    region: str
    masked_name: str | None
    files: int
    requested_at: Moment
    decided_at: Moment | None
    reason: str | None
    citizen_id: UUID | None


class ChildrenOut(Out):
    """The children one acts for, and the newest requests."""

    children: list[ChildOut]
    requests: list[RequestOut]


@endpoint(
    routes,
    "POST",
    "",
    summary="申请代孩子办理 / Ask to act for a child",
    answers={201: AskedOut},
    refusals=(
        *(IdentityUnverified, AgentNotAdult, GuardianConsentRequired, ChildNumberInvalid, NotAChild),
        *(ChildRegionInvalid, AlreadyAsked, TooManyRequestsOpen),
    ),
)
async def ask(request: Request, actor: CitizenActor, body: ChildIn) -> AskedOut:
    """For a child under 14, under the consent `guardianship`; a reviewer of the county looks at it."""
    child = Child(body.name.strip(), body.id_number.upper(), body.region)
    return AskedOut(id=await children.ask(actor.id, child, request.app.ctx.settings.data_keys, now()))


@endpoint(routes, "GET", "", summary="我的孩子 / My children", answers={200: ChildrenOut})
async def listed(request: Request, actor: CitizenActor) -> ChildrenOut:
    """Names are masked."""
    keys = request.app.ctx.settings.data_keys
    bound = await agents.of_agent(AgentKind.GUARDIAN, actor.id, keys)

    def asked(row: Row) -> RequestOut:
        sealed = row["name_encrypted"]
        name = masked_name(keys.decrypt(sealed, children.CHILD_NAME)) if sealed else None
        return RequestOut.model_validate(
            {**row, "region": row["region_id"], "masked_name": name, "citizen_id": row["child_id"]}
        )

    return ChildrenOut(
        children=[
            ChildOut(
                id=each.id,
                citizen_id=each.citizen_id,
                masked_name=each.masked_name,
                since=each.made_at,
                until=each.ends_at,
            )
            for each in bound
            if each.ends_at is not None
        ],
        requests=[asked(row) for row in await children.requests_of(actor.id)],
    )


@endpoint(
    routes,
    "POST",
    "/<request_id>/evidence",
    summary="上传监护关系证明 / Upload a proof of guardianship",
    answers={201: EvidenceOut},
    refusals=(RequestNotOpen, TooMuchEvidence, TooManyUploads),
    takes=DOCUMENTS,
)
async def upload(
    request: Request, actor: CitizenActor, request_id: UUID, upload: Upload, query: EvidenceQuery
) -> EvidenceOut:
    """PDF, JPEG or PNG of at most 10 MB, five at most, until the request is decided."""
    file_id = await children.add_evidence(
        *(actor.id, request_id, query.name, upload.media_type, upload.chunks(), request.app.ctx.files, now())
    )
    return EvidenceOut(id=file_id)


@endpoint(
    routes,
    "POST",
    "/<request_id>/withdrawal",
    summary="撤回申请 / Withdraw a request",
    answers={204: None},
    refusals=(RequestNotOpen,),
)
async def withdraw(actor: CitizenActor, request_id: UUID) -> None:
    """Before it is decided; who the child is, and the proof, are deleted."""
    await children.withdraw(actor.id, request_id, now())


@endpoint(
    routes,
    "DELETE",
    "/<child_id>",
    summary="不再代这个孩子办理 / End acting for a child",
    answers={204: None},
)
async def end(actor: CitizenActor, child_id: UUID) -> None:
    """At once; the child keeps what was claimed. Twice is once."""
    whose = BindingEnd.AGENT, actor.id
    await agents.end(child_id, AgentKind.GUARDIAN, whose, BindingEnd.AGENT, now())
