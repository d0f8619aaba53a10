"""Applying for membership: anybody begins, and goes on with the key that he is given."""

from functools import partial
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sanic import Blueprint, Request

from common.actors import ApplicantActor
from common.clock import now
from common.database import Row
from common.files import DOCUMENTS, TooManyUploads
from common.masking import masked_name, masked_phone
from merchants import (
    application_documents,
    applications,
    commitments,
    organisation_checks,
    owners,
    submissions,
)
from merchants.application_documents import TooManyDocuments
from merchants.applications import CONTACT_NAME, CONTACT_PHONE, ApplicationNotOpen, Form
from merchants.commitments import CommitmentVersionOutdated
from merchants.owners import OwnerExists
from merchants.regions import RegionUnknown
from merchants.staff_accounts import StaffLoginTaken
from merchants.submissions import AlreadyMember, CommitmentMissing, DocumentsMissing
from models.enums import ApplicationAction, ApplicationState, Category, CheckFinding, MemberKind
from server import passwords
from server.api.organisation_views import (
    CheckOut,
    DocumentOut,
    Name,
    Uscc,
    check_out,
    document_out,
)
from server.endpoints import endpoint
from server.problems import sentence_of
from server.schemas import In, Moment, Out, Page, PageQuery, Query, RegionCode, decode_cursor, page_of
from server.uploads import Upload

routes = Blueprint("applicant")

Phone = Annotated[str, Field(pattern=r"^(1[3-9][0-9]{9}|0[0-9]{2,3}-?[0-9]{7,8})$")]
FileName = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f/\\]+$")]
PersonName = Annotated[
    str, Field(min_length=2, max_length=64, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")
]
SHOWN_CHECKS = 10


class ApplicationIn(In):
    """Who applies; the contact is kept encrypted and shown masked."""

    uscc: Uscc
    kind: MemberKind
    sector: Category
    region: RegionCode
    name: Name
    contact_name: PersonName
    contact_phone: Phone

    @property
    def form(self) -> Form:
        """As the domain takes it."""
        return Form(**self.model_dump())


class BegunOut(Out):
    """Keep the key: it is shown this once, and who has it acts for the applicant."""

    id: UUID
    application_key: str


class ApplicationOut(Out):
    """The application as it stands."""

    id: UUID
    uscc: str
    is_uscc_in_doubt: bool = Field(
        description="校验位不符，需管理员放行 / the check digit is wrong; two admins decide"
    )
    kind: MemberKind
    sector: Category
    region: str
    name: str
    contact_name: str
    contact_phone: str
    state: ApplicationState
    begun_at: Moment
    submitted_at: Moment | None
    decided_at: Moment | None
    member_id: UUID | None
    owner_made_at: Moment | None
    commitment_version: str | None
    commitment_signed_at: Moment | None
    documents: list[DocumentOut]
    checks: list[CheckOut]


class StateOut(Out):
    """Where it stands now."""

    state: ApplicationState


# What the automatic check's findings mean for an applicant, and what to do next; Chinese and English.
WHY_REFUSED = {
    CheckFinding.DISHONEST: (
        "这家单位在严重失信主体名单上，暂不能加入。移出名单后，可以重新申请。",
        "The organisation is on the list of the seriously dishonest. Apply again once it is off the list.",
    ),
    CheckFinding.GRADE_TOO_LOW: (
        "信用等级低于所在地的要求。完成信用修复、等级提高后，可以重新申请。",
        "The credit grade is below what the region asks for. Have it repaired, and apply again with a better one.",
    ),
    CheckFinding.NO_GRADE: (
        "信用平台上还没有这家单位的等级。请先向信用平台查询，有了等级后再申请。",
        "The credit platform has no grade of the organisation yet. Ask there first, and apply once it has one.",
    ),
}


class EventOut(Out):
    """What happened to the application, with the reviewer's reason, or with the check's code and its sentence."""

    id: UUID
    action: ApplicationAction
    state: ApplicationState
    code: str | None
    detail: str | None
    reason: str | None
    happened_at: Moment


def event_out(request: Request, row: Row) -> EventOut:
    """A row of `applications.events`."""
    return EventOut.model_validate({**row, "detail": sentence_of(request, WHY_REFUSED.get(row["code"]))})


class CommitmentTextOut(Out):
    """The text in force."""

    version: str
    title: str
    text: str
    sha256: str


class SignatureIn(In):
    """Under which text, and who signs."""

    version: Annotated[str, Field(max_length=32)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    signer: PersonName


class FileNameQuery(Query):
    """What the file is called."""

    name: FileName


class FileOut(Out):
    """The document's id."""

    id: UUID


class OwnerIn(In):
    """The login that the owner chooses; the password is not the login."""

    login: Annotated[str, Field(min_length=4, max_length=64, pattern=r"^[0-9A-Za-z._@-]+$")]
    password: Annotated[str, Field(min_length=passwords.STAFF_MIN_LENGTH, max_length=256)]


class OwnerOut(Out):
    """Who can sign in now, at /auth/staff."""

    staff_id: UUID
    member_id: UUID


async def application_out(request: Request, row: Row) -> ApplicationOut:
    """An application with everything that belongs to it, contact masked."""
    keys = request.app.ctx.settings.data_keys
    signed = await commitments.signed(row["id"])
    return ApplicationOut.model_validate(
        {
            **dict(row),
            "region": row["region_id"],
            "is_uscc_in_doubt": row["uscc_overridden_at"] is None
            and not applications.is_uscc_right(row["uscc"]),
            "contact_name": masked_name(keys.decrypt(row["contact_name"], CONTACT_NAME)),
            "contact_phone": masked_phone(keys.decrypt(row["contact_phone"], CONTACT_PHONE)),
            "commitment_version": signed and signed[0],
            "commitment_signed_at": signed and signed[1],
            "documents": [
                document_out(file) for file in await application_documents.of_application(row["id"])
            ],
            "checks": [
                check_out(check)
                for check in await organisation_checks.newest(
                    "application", row["id"], None, SHOWN_CHECKS, now()
                )
            ],
        }
    )


@endpoint(
    routes,
    "POST",
    "/member-applications",
    summary="申请入盟 / Begin an application for membership",
    answers={201: BegunOut},
    refusals=(RegionUnknown,),
)
async def begin(request: Request, body: ApplicationIn) -> BegunOut:
    """Go on with `Authorization: Bearer <application_key>`. A code whose check digit is wrong waits for two admins."""
    keys = request.app.ctx.settings.data_keys
    application_id, key = await applications.begin(body.form, keys, now())
    return BegunOut(id=application_id, application_key=key)


@endpoint(
    routes,
    "GET",
    "/commitment-text",
    summary="现行信用承诺书 / The commitment in force",
    answers={200: CommitmentTextOut},
)
async def commitment_text() -> CommitmentTextOut:
    """What a member signs."""
    return CommitmentTextOut.model_validate(await commitments.text_in_force(now()))


@endpoint(
    routes,
    "GET",
    "/member-application",
    summary="我的入盟申请 / The applicant's own application",
    answers={200: ApplicationOut},
)
async def show(actor: ApplicantActor, request: Request) -> ApplicationOut:
    """With its documents, its signature and the results of its checks."""
    return await application_out(request, await applications.by_id(actor.id))


@endpoint(
    routes,
    "PUT",
    "/member-application",
    summary="修改草稿 / Fill a draft in anew",
    answers={204: None},
    refusals=(ApplicationNotOpen, RegionUnknown),
)
async def change(actor: ApplicantActor, request: Request, body: ApplicationIn) -> None:
    """As long as it is not submitted."""
    await applications.change(actor, body.form, request.app.ctx.settings.data_keys, now())


@endpoint(
    routes,
    "GET",
    "/member-application/events",
    summary="申请进度 / What happened to the application",
    answers={200: Page[EventOut]},
)
async def events(request: Request, actor: ApplicantActor, query: PageQuery) -> Page[EventOut]:
    """Newest first; a refusal has its reason."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    return page_of(
        Page[EventOut],
        await applications.events(actor.id, before, query.limit + 1),
        query.limit,
        partial(event_out, request),
        lambda row: (row["id"],),
    )


@endpoint(
    routes,
    "POST",
    "/member-application/documents",
    summary="上传证明材料 / Upload a document",
    answers={201: FileOut},
    refusals=(ApplicationNotOpen, TooManyDocuments, TooManyUploads),
    takes=DOCUMENTS,
)
async def add_document(
    actor: ApplicantActor, request: Request, upload: Upload, query: FileNameQuery
) -> FileOut:
    """PDF, JPEG or PNG of at most 10 MB, at most 20, and 60 sent in within a day; the body is the file itself."""
    files = request.app.ctx.files
    return FileOut(
        id=await application_documents.add(
            actor, query.name, upload.media_type, upload.chunks(), files, now()
        )
    )


@endpoint(
    routes,
    "DELETE",
    "/member-application/documents/<document_id>",
    summary="删除材料 / Delete a document",
    answers={204: None},
    refusals=(ApplicationNotOpen,),
)
async def remove_document(actor: ApplicantActor, document_id: UUID) -> None:
    """As long as the application is not submitted."""
    await application_documents.remove(actor, document_id, now())


@endpoint(
    routes,
    "PUT",
    "/member-application/commitment",
    summary="签署信用承诺书 / Sign the commitment",
    answers={204: None},
    refusals=(ApplicationNotOpen, CommitmentVersionOutdated),
)
async def sign(actor: ApplicantActor, request: Request, body: SignatureIn) -> None:
    """The text in force, by its version and hash."""
    keys = request.app.ctx.settings.data_keys
    await commitments.sign(actor, body.version, body.sha256, body.signer, keys, now())


@endpoint(
    routes,
    "POST",
    "/member-application/submission",
    summary="提交申请 / Submit",
    answers={200: StateOut},
    refusals=(ApplicationNotOpen, DocumentsMissing, CommitmentMissing, AlreadyMember),
)
async def submit(actor: ApplicantActor) -> StateOut:
    """The credit platform is asked in the background; then the county and the city review."""
    return StateOut(state=await submissions.submit(actor, now()))


@endpoint(
    routes,
    "POST",
    "/member-application/withdrawal",
    summary="撤回申请 / Withdraw",
    answers={204: None},
    refusals=(ApplicationNotOpen,),
)
async def withdraw(actor: ApplicantActor) -> None:
    """As long as it is not decided."""
    await applications.withdraw(actor, now())


@endpoint(
    routes,
    "POST",
    "/member-application/owner",
    summary="创建负责人账号 / Make the owner's login",
    answers={201: OwnerOut},
    refusals=(ApplicationNotOpen, OwnerExists, StaffLoginTaken, passwords.PasswordWeak),
)
async def make_owner(actor: ApplicantActor, body: OwnerIn) -> OwnerOut:
    """Once, after the approval; the owner signs in with it at /auth/staff."""
    await owners.must_be_possible(actor)
    password_hash = await passwords.fresh(body.password, body.login)
    staff_id, member_id = await owners.make(actor, body.login, password_hash, now())
    return OwnerOut(staff_id=staff_id, member_id=member_id)
