"""Members: the list, one in detail, suspending and lifting by the office, re-checks, promises."""

from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field
from sanic import Blueprint

from alliance import memberships, objections, rechecks
from alliance.memberships import NotSuspendable, NotSuspendedForThat
from common.actors import AdminActor
from common.clock import now
from merchants import organisation_checks, promises, staff_accounts
from merchants.promises import PromiseRecorded
from models.enums import Category, MemberKind, MemberStatus, PromiseCause, PromiseOutcome, SuspensionCause
from server.api.member.membership import MembershipOut, membership_out
from server.api.member.staff import MemberStaffOut, person
from server.api.organisation_views import CheckOut, PromiseOut, SearchText, check_out, promise_out
from server.endpoints import endpoint
from server.schemas import In, Moment, Out, Page, PageQuery, Reason, RegionCode, decode_cursor, page_of

routes = Blueprint("admin_members", url_prefix="/members")


class MemberQuery(PageQuery):
    """Which ones; all of the admin's region without any."""

    region: RegionCode | None = None
    status: MemberStatus | None = None
    q: SearchText = ""


class MemberLineOut(Out):
    """A member in the list."""

    id: UUID
    name: str
    uscc: str
    kind: MemberKind
    sector: Category | None
    region: str = Field(validation_alias="region_id")
    status: MemberStatus
    status_since: Moment | None
    joined_at: Moment


class SuspensionIn(In):
    """Why; the member reads it."""

    reason: Reason


class LiftIn(In):
    """Which cause; what the credit platform says is lifted by the next check that is good, never by hand."""

    cause: Literal["office", "complaints"]


class PromiseIn(In):
    """What was kept or broken, what showed it, and the id of that."""

    outcome: PromiseOutcome
    cause: PromiseCause
    cause_id: Annotated[str, Field(pattern=r"^[0-9A-Za-z_.:-]{1,64}$")]
    note: Annotated[str, Field(max_length=200)] = ""


class RecordedOut(Out):
    """The record's id."""

    id: UUID


@endpoint(
    routes,
    "GET",
    "",
    summary="成员列表 / Members",
    answers={200: Page[MemberLineOut]},
    may="member.read",
)
async def listed(actor: AdminActor, query: MemberQuery) -> Page[MemberLineOut]:
    """Of the admin's region and below."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    return page_of(
        Page[MemberLineOut],
        await memberships.listed(actor, query.region, query.status, query.q, before, query.limit + 1),
        query.limit,
        lambda row: MemberLineOut.model_validate(dict(row)),
        lambda row: (row["id"],),
    )


@endpoint(
    routes,
    "GET",
    "/<member_id>",
    summary="成员详情 / One member",
    answers={200: MembershipOut},
    may="member.read",
)
async def show(actor: AdminActor, member_id: UUID) -> MembershipOut:
    """With its suspensions, its newest ten checks and twenty promises."""
    await memberships.of_admin(actor, member_id)
    return await membership_out(member_id)


@endpoint(
    routes,
    "GET",
    "/<member_id>/checks",
    summary="成员的信用核查 / A member's credit checks",
    answers={200: Page[CheckOut]},
    may="member.read",
)
async def list_checks(actor: AdminActor, member_id: UUID, query: PageQuery) -> Page[CheckOut]:
    """Each with its date, newest first."""
    await memberships.of_admin(actor, member_id)
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    rows = await organisation_checks.newest("member", member_id, before, query.limit + 1, now())
    show = partial(check_out, disputed=await objections.disputed("member", member_id))
    return page_of(Page[CheckOut], rows, query.limit, show, lambda row: (row["id"],))


@endpoint(
    routes,
    "GET",
    "/<member_id>/promises",
    summary="成员的承诺践诺记录 / A member's promises kept and broken",
    answers={200: Page[PromiseOut]},
    may="member.read",
)
async def list_promises(actor: AdminActor, member_id: UUID, query: PageQuery) -> Page[PromiseOut]:
    """Newest first."""
    await memberships.of_admin(actor, member_id)
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    rows = await promises.of_member(member_id, before, query.limit + 1, now())
    return page_of(Page[PromiseOut], rows, query.limit, promise_out, lambda row: (row["id"],))


@endpoint(
    routes,
    "GET",
    "/<member_id>/staff",
    summary="成员的店员 / A member's people",
    answers={200: Page[MemberStaffOut]},
    may="member.read",
)
async def people(actor: AdminActor, member_id: UUID, query: PageQuery) -> Page[MemberStaffOut]:
    """Oldest account first: whom an owner's forgotten password or a clerk's revocation is about."""
    await memberships.of_admin(actor, member_id)
    after = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    rows = await staff_accounts.of_member(member_id, after, query.limit + 1)
    return page_of(Page[MemberStaffOut], rows, query.limit, person, lambda row: (row["id"],))


@endpoint(
    routes,
    "POST",
    "/<member_id>/suspension",
    summary="暂停成员 / Suspend a member",
    answers={204: None},
    refusals=(NotSuspendable,),
    may="member.suspend",
)
async def suspend(actor: AdminActor, member_id: UUID, body: SuspensionIn) -> None:
    """Claims stop at once and offers pause; what was claimed stays usable."""
    await memberships.suspend_by_office(actor, member_id, body.reason, now())


@endpoint(
    routes,
    "POST",
    "/<member_id>/reinstatement",
    summary="解除暂停 / Lift a suspension",
    answers={204: None},
    refusals=(NotSuspendedForThat,),
    may="member.lift",
)
async def lift(actor: AdminActor, member_id: UUID, body: LiftIn) -> None:
    """With the last cause the member is active again, and its paused offers are published."""
    await memberships.lift(actor, member_id, SuspensionCause(body.cause), now())


@endpoint(
    routes,
    "POST",
    "/<member_id>/recheck",
    summary="立即复查信用 / Check a member again now",
    answers={204: None},
    may="member.recheck",
)
async def recheck(actor: AdminActor, member_id: UUID) -> None:
    """For instance after its credit was repaired; the credit platform is asked in the background."""
    await rechecks.ask(actor, member_id, now())


@endpoint(
    routes,
    "POST",
    "/<member_id>/promises",
    summary="登记承诺践诺 / Record a promise kept or broken",
    answers={201: RecordedOut},
    refusals=(PromiseRecorded,),
    may="promise.record",
)
async def record_promise(actor: AdminActor, member_id: UUID, body: PromiseIn) -> RecordedOut:
    """For good; the member reads it."""
    cause = body.cause, body.cause_id
    return RecordedOut(id=await promises.record(actor, member_id, body.outcome, cause, body.note, now()))
