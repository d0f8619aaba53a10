"""Deciding applications: the automatic checks first, then the county and the city, as the region's policy says."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from alliance import suspensions
from common.actors import AdminActor
from common.database import Row, execute, fetch_all, fetch_one, transaction
from common.errors import Forbidden, NotFound, Refused
from common.ids import AFTER_ALL, new_id
from common.jobs import GIVEN_UP
from merchants import applications, member_states, organisation_checks, policies, submissions
from merchants.applications import ApplicationNotOpen
from merchants.organisation_sources import OrganisationSource
from merchants.register import FOUND_BY
from merchants.submissions import AlreadyMember
from models import audit_log
from models.enums import ApplicationAction as Action
from models.enums import ApplicationState as State
from models.enums import CheckFinding, SuspensionCause
from models.region import lineage, shared_prefix, subtree_prefix

# What a source did not answer is asked again after this long.
ASK_AGAIN = timedelta(minutes=15)
BATCH = 200
ONCE = f"concat_ws(':', '{submissions.CHECK_JOB}', a.id)"
BEFORE_ALL = UUID(int=0)
FIRST_RECHECK = timedelta(days=1)


class NotYourStep(Forbidden):
    """Another level reviews at this step; the province may at any."""

    code = "not_your_step"
    zh = "这一步由地区 {region} 的联盟办公室审核。请等待对方审核，或联系省级管理员。"
    en = "The office of region {region} reviews now. Wait for it, or ask the province's office."


class MemberKindDiffers(Refused):
    """A member that comes back is what it was: merchant or public unit."""

    code = "member_kind_differs"
    zh = "该单位退出前登记的成员类型与申请不一致，不能直接恢复。请退回申请，让对方按原类型重新申请。"
    en = "The organisation was a member of another kind before. Refuse, and let it apply as what it was."


class SuspensionOpen(Refused):
    """It left while it was suspended, and the cause still holds."""

    code = "suspension_open"
    zh = "该单位退出时仍在暂停中，原因尚未解除。请先解除暂停，再批准重新加入。"
    en = "It left while suspended and the cause still holds. Lift the suspension first, then approve."


async def check(source: OrganisationSource, application_id: UUID, now: datetime) -> CheckFinding | None:
    """Ask about a submitted application and pass it on or refuse it; None where nothing is to be asked (now).

    A source that gives no answer leaves it as it is: it is asked again. Run twice, the second time does nothing.
    """
    application = await applications.by_id(application_id)
    if application["state"] != State.SUBMITTED or _waits_for_override(application):
        return None
    uscc, region = application["uscc"], application["region_id"]
    record = await organisation_checks.ask(source, uscc)
    async with transaction():
        held = await fetch_one(
            "SELECT 1 FROM member_applications WHERE id = $1 AND state = 'submitted' FOR NO KEY UPDATE",
            application_id,
        )
        if held is None:
            return None
        found = await organisation_checks.keep(
            ("application", application_id), uscc, region, source, record, now
        )
        if found.finding is CheckFinding.PASSED:
            policy, _ = await policies.of_region(region)
            await applications.advance(
                application, steps_of(region, policy.review_levels)[0], audit_log.SYSTEM, now
            )
        elif found.finding is not CheckFinding.UNAVAILABLE:
            await applications.advance(
                application, Action.REFUSE, audit_log.SYSTEM, now, code=found.finding.value
            )
    return found.finding


def steps_of(region: str, review_levels: int) -> tuple[Action, ...]:
    """The reviews that an application of a region goes through: one of a city or of the province skips the county."""
    if region.endswith("00"):
        return (Action.TO_CITY,)
    return (Action.TO_COUNTY, Action.TO_CITY)[:review_levels]


def step_region(region: str, state: State) -> str:
    """Whose admins review in a state: the region's own at the county's step, those above it at the city's."""
    if region.endswith("00") or state is State.COUNTY_REVIEW:
        return region
    if state is State.SUBMITTED:
        return region  # nobody's step yet: whoever comes first may refuse what waits for ever
    return lineage(region)[1]


async def approve(
    actor: AdminActor, application_id: UUID, reason: str | None, now: datetime
) -> tuple[State, UUID | None]:
    """Pass an application on, or make (or wake) the member after its last review; new state and member.

    Raises:
        NotFound: no such application in the admin's region.
        NotYourStep: another level reviews now.
        ApplicationNotOpen: nobody reviews it (any more).
        AlreadyMember, MemberKindDiffers, SuspensionOpen: it can't become one; it stays in review.
    """
    async with transaction():
        application = await _mine(actor, application_id)
        state, region = State(application["state"]), application["region_id"]
        if state not in (State.COUNTY_REVIEW, State.CITY_REVIEW):
            raise ApplicationNotOpen
        by, (policy, _) = audit_log.who(actor), await policies.of_region(region)
        if state is State.COUNTY_REVIEW and Action.TO_CITY in steps_of(region, policy.review_levels):
            after = await applications.advance(application, Action.TO_CITY, by, now, reason=reason)
            return after, None
        member_id = await _join(application, by, now)
        after = await applications.advance(
            application, Action.APPROVE, by, now, reason=reason, member_id=member_id
        )
    return after, member_id


async def refuse(actor: AdminActor, application_id: UUID, reason: str, now: datetime) -> None:
    """Refuse an application with a reason that its applicant reads.

    Raises:
        NotFound, NotYourStep, ApplicationNotOpen: as for `approve`.
    """
    async with transaction():
        application = await _mine(actor, application_id)
        await applications.advance(application, Action.REFUSE, audit_log.who(actor), now, reason=reason)


async def ask_again(now: datetime) -> int:
    """Have submitted applications checked whose last answer is too long ago; how many. The background process calls it.

    One whose check failed for good waits for an operator.
    """
    asked, after = 0, BEFORE_ALL
    while rows := await fetch_all(
        "SELECT a.id, a.uscc, a.uscc_overridden_at FROM member_applications a WHERE a.state = 'submitted'"
        " AND a.id > $1 AND NOT EXISTS (SELECT FROM organisation_checks c WHERE c.application_id = a.id"
        f"  AND c.checked_at > $2) AND NOT {GIVEN_UP.format(once=ONCE)} ORDER BY a.id LIMIT $3",
        *(after, now - ASK_AGAIN, BATCH),
    ):
        # Those that wait for two admins are passed over, however many they are.
        for row in rows:
            if not _waits_for_override(row):
                await submissions.ask_for_check(str(row["id"]))
                asked += 1
        after = rows[-1]["id"]
    return asked


async def listed(
    actor: AdminActor, region: str | None, state: State | None, q: str, before: UUID | None, limit: int
) -> Sequence[Row]:
    """Applications of the admin's region, newest first; `region` and `q`, as in `FOUND_BY`, narrow it down."""
    prefix = shared_prefix(actor.region, region or actor.region)
    if prefix is None:
        return []
    return await fetch_all(
        f"SELECT {applications.COLUMNS} FROM member_applications"
        " WHERE region_id LIKE $1 || '%' AND id < $2 AND state = ANY ($3)"
        f" AND {FOUND_BY.format('$4')} ORDER BY id DESC LIMIT $5",
        *(prefix, before or AFTER_ALL, [state] if state else [*State], q, limit),
    )


async def one(actor: AdminActor, application_id: UUID) -> Row:
    """An application of the admin's region.

    Raises:
        NotFound: there is none.
    """
    application = await applications.by_id(application_id)
    if not application["region_id"].startswith(subtree_prefix(actor.region)):
        raise NotFound
    return application


async def _mine(actor: AdminActor, application_id: UUID) -> Row:
    """The application, if it is the admin's turn. The province may act at any step, another level at its own."""
    application = await one(actor, application_id)
    state = State(application["state"])
    if state in applications.FINAL or state is State.DRAFT:
        raise ApplicationNotOpen
    own = step_region(application["region_id"], state)
    if actor.region not in (own, lineage(own)[-1]):
        raise NotYourStep(region=own)
    return application


async def _join(application: Row, by: audit_log.Who, now: datetime) -> UUID:
    """Make the member, or wake the one of this USCC that had left."""
    known = await fetch_one("SELECT id FROM members WHERE uscc = $1", application["uscc"])
    if known is not None and await member_states.held(known["id"]) in member_states.MAY_REJOIN:
        # Grade and list were checked for this application; what citizens or the office hold against it stays.
        for cause in (SuspensionCause.GRADE, SuspensionCause.DISHONEST_LIST):
            await suspensions.lift(known["id"], cause, by, now)
    row = await fetch_one(
        "INSERT INTO members (id, kind, name, uscc, region_id, sector, status, joined_at, status_since)"
        " VALUES ($1, $2, $3, $4, $5, $6, 'active', $7, $7) ON CONFLICT (uscc) DO UPDATE"
        " SET name = excluded.name, region_id = excluded.region_id, sector = excluded.sector, status = 'active',"
        "  joined_at = excluded.joined_at, status_since = excluded.status_since"
        # As a value, not EXISTS: for that PostgreSQL would rather read all suspensions once.
        " WHERE members.status = ANY ($8) AND members.kind = excluded.kind AND (SELECT s.id FROM suspensions s"
        "  WHERE s.member_id = members.id AND s.lifted_at IS NULL LIMIT 1) IS NULL"
        " RETURNING id",
        *(new_id(), application["kind"], application["name"], application["uscc"], application["region_id"]),
        *(application["sector"], now, member_states.MAY_REJOIN),
    )
    if row is None:
        raise await _why_not(application)
    member_id: UUID = row["id"]
    await execute(
        "INSERT INTO member_rechecks (member_id, due_at) VALUES ($1, $2)"
        " ON CONFLICT (member_id) DO UPDATE SET due_at = excluded.due_at",
        *(member_id, now + FIRST_RECHECK),
    )
    return member_id


async def _why_not(application: Row) -> AlreadyMember | MemberKindDiffers | SuspensionOpen:
    row = await fetch_one("SELECT kind, status FROM members WHERE uscc = $1", application["uscc"])
    if row is None or row["status"] not in member_states.MAY_REJOIN:
        return AlreadyMember()
    return MemberKindDiffers() if row["kind"] != application["kind"] else SuspensionOpen()


def _waits_for_override(application: Row) -> bool:
    return application["uscc_overridden_at"] is None and not applications.is_uscc_right(application["uscc"])
