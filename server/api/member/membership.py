"""A member's own standing: status, checks with their dates, suspensions with their reasons, promises; and leaving."""

from uuid import UUID

from sanic import Blueprint

from alliance import memberships, objections, suspensions
from alliance.memberships import MemberLeft
from common.actors import MemberActor
from common.clock import now
from merchants import organisation_checks, policies, promises
from models.enums import Category, MemberKind, MemberStatus
from server.api.organisation_views import (
    CheckOut,
    PromiseOut,
    SuspensionOut,
    check_out,
    promise_out,
    suspension_out,
)
from server.endpoints import endpoint
from server.schemas import Moment, Out, Page, PageQuery, decode_cursor, page_of

routes = Blueprint("membership")


class MembershipOut(Out):
    """Where the member stands; `min_grade` is what its region asks for now."""

    id: UUID
    name: str
    uscc: str
    kind: MemberKind
    sector: Category | None
    region: str
    status: MemberStatus
    status_since: Moment | None
    joined_at: Moment
    min_grade: int
    checks: list[CheckOut]
    suspensions: list[SuspensionOut]
    promises: list[PromiseOut]


async def membership_out(member_id: UUID) -> MembershipOut:
    """A member with its newest checks and promises, and all its suspensions."""
    row = await memberships.of_member(member_id)
    policy, _ = await policies.of_region(row["region_id"])
    disputed = await objections.disputed("member", member_id)
    return MembershipOut.model_validate(
        {
            **dict(row),
            "region": row["region_id"],
            "min_grade": policy.min_grade,
            "checks": [
                check_out(each, disputed)
                for each in await organisation_checks.newest("member", member_id, None, 10, now())
            ],
            "suspensions": [
                suspension_out(each, disputed) for each in await suspensions.of_member(member_id, now())
            ],
            "promises": [promise_out(each) for each in await promises.of_member(member_id, None, 20, now())],
        }
    )


@endpoint(
    routes,
    "GET",
    "",
    summary="成员资格 / The member's own standing",
    answers={200: MembershipOut},
    may="membership.read",
)
async def show(actor: MemberActor) -> MembershipOut:
    """The newest ten checks and twenty promises."""
    return await membership_out(actor.member_id)


@endpoint(
    routes,
    "GET",
    "/promises",
    summary="承诺践诺记录 / Promises kept and broken",
    answers={200: Page[PromiseOut]},
    may="membership.read",
)
async def list_promises(actor: MemberActor, query: PageQuery) -> Page[PromiseOut]:
    """Newest first."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    rows = await promises.of_member(actor.member_id, before, query.limit + 1, now())
    return page_of(Page[PromiseOut], rows, query.limit, promise_out, lambda row: (row["id"],))


@endpoint(
    routes,
    "POST",
    "/leaving",
    summary="退出联盟 / Leave the alliance",
    answers={204: None},
    refusals=(MemberLeft,),
    may="membership.leave",
)
async def leave(actor: MemberActor) -> None:
    """At once: offers end. Coupons stay usable, and staff go on redeeming until the last one has ended."""
    await memberships.leave(actor, now())
