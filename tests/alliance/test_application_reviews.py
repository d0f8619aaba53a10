"""Checks and reviews: rule 12 decides first, then the county and the city, and an approval makes one member."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from alliance import (
    application_reviews,
    approvals,
    decisions,
    memberships,
    suspensions,
    uscc_overrides,
    white_list,
)
from alliance.application_reviews import ASK_AGAIN, MemberKindDiffers, NotYourStep, SuspensionOpen
from alliance.approvals import OwnRequest
from alliance.uscc_overrides import UsccNotInDoubt
from alliance.white_list import WhiteListed
from common.actors import AdminActor, ApplicantActor, MemberActor
from common.database import execute, fetch_all, fetch_one
from common.errors import NotFound
from merchants import applications, organisation_checks, policies, submissions
from merchants.applications import ApplicationNotOpen
from merchants.organisation_checks import finding_of
from merchants.organisation_sources.none import NoOrganisationSource
from merchants.organisation_sources.sandbox import SandboxOrganisationSource
from merchants.policies import DEFAULT, Policy
from merchants.submissions import CHECK_JOB, AlreadyMember
from models import audit_log
from models.enums import CheckFinding, MemberKind, SuspensionCause, TierLevel
from tests.factories.applications import (
    Organisations,
    a_draft,
    a_form,
    a_uscc,
    a_wrong_uscc,
    an_admin,
    approved,
    audited,
    in_review,
    record,
    state_of,
    submitted,
    waiting_jobs,
    white_listed,
)
from tests.factories.citizens import KEYS
from tests.factories.moments import NOON

pytestmark = pytest.mark.usefixtures("database")
COUNTY, CITY, PROVINCE = an_admin("330106"), an_admin("330100"), an_admin("330000")


def head(region: str = "330100") -> AdminActor:
    return an_admin(region, "head")


async def last_event(actor: ApplicantActor) -> tuple[str, str | None, str | None]:
    [event, *_] = await applications.events(actor.id, None, 1)
    return event["state"], event["code"], event["reason"]


# The checks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grade", "dishonest", "white", "expected"),
    [
        (TierLevel.EXCELLENT, False, False, "passed"),
        (TierLevel.FAIR, False, False, "passed"),
        (TierLevel.POOR, False, False, "grade_too_low"),
        (None, False, False, "no_grade"),
        (TierLevel.BAD, False, True, "passed"),
        (None, False, True, "passed"),
        (TierLevel.EXCELLENT, True, False, "dishonest"),
        # Rule 12: the white list never beats the list of the seriously dishonest.
        (TierLevel.EXCELLENT, True, True, "dishonest"),
        (None, True, True, "dishonest"),
    ],
)
async def test_what_the_source_says_decides(
    grade: TierLevel | None, dishonest: bool, white: bool, expected: str
) -> None:
    answer = record(grade, is_dishonest=dishonest)
    assert finding_of(answer, 3, is_white_listed=white) == expected
    actor = await submitted()
    if white:
        await white_listed((await applications.by_id(actor.id))["uscc"], "330100")
    assert await application_reviews.check(Organisations(answer), actor.id, NOON) == expected
    state, code, _ = await last_event(actor)
    assert (state, code) == (("county_review", None) if expected == "passed" else ("refused", expected))
    [check] = await organisation_checks.newest("application", actor.id, None, 9, NOON)
    assert (check["finding"], check["grade"], check["is_white_listed"]) == (expected, grade, white)
    assert (check["checked_at"], check["data_date"], check["min_grade"]) == (NOON, answer.data_date, 3)


@pytest.mark.parametrize(
    "source",
    [
        NoOrganisationSource(),
        *(Organisations(error) for error in (OSError("away"), TimeoutError(), ValueError("nonsense"))),
    ],
)
async def test_a_source_without_an_answer_decides_nothing_and_is_asked_again(source: Organisations) -> None:
    actor = await submitted()
    assert await application_reviews.check(source, actor.id, NOON) is CheckFinding.UNAVAILABLE
    assert await state_of(actor.id) == "submitted"
    await execute("DELETE FROM pgqueuer")
    assert await application_reviews.ask_again(NOON + ASK_AGAIN - timedelta(seconds=1)) == 0
    assert await application_reviews.ask_again(NOON + ASK_AGAIN) == 1
    assert await application_reviews.ask_again(NOON + ASK_AGAIN) == 1  # the job waits already
    assert await waiting_jobs(CHECK_JOB) == 1
    await execute("UPDATE pgqueuer SET status = 'failed'")
    assert await application_reviews.ask_again(NOON + ASK_AGAIN) == 0, "that is an operator's now"
    assert await application_reviews.check(Organisations(), actor.id, NOON + ASK_AGAIN) is CheckFinding.PASSED
    findings = [
        row["finding"] for row in await organisation_checks.newest("application", actor.id, None, 9, NOON)
    ]
    assert findings == ["passed", "unavailable"]


async def test_a_check_that_runs_twice_passes_an_application_on_once() -> None:
    actor = await submitted()
    done = await asyncio.gather(
        *(application_reviews.check(Organisations(), actor.id, NOON) for _ in range(4))
    )
    assert sorted(each or "" for each in done) == ["", "", "", "passed"]
    assert len(await organisation_checks.newest("application", actor.id, None, 9, NOON)) == 1
    assert await application_reviews.check(Organisations(), actor.id, NOON) is None


async def test_the_sandbox_says_what_the_code_says() -> None:
    source = SandboxOrganisationSource()
    said = [await source.look_up(a_uscc(mark)) for mark in ("MA2", "LQW", "NNN", "BAD")]
    assert [each.grade for each in said] == [TierLevel.GOOD, TierLevel.POOR, None, TierLevel.GOOD]
    assert [each.is_dishonest for each in said] == [False, False, False, True]
    assert await organisation_checks.ask(source, a_uscc("DWN")) is None


# Who reviews --------------------------------------------------------------------------------------


async def test_the_county_then_the_city_then_a_member() -> None:
    actor = await in_review()
    assert await application_reviews.approve(COUNTY, actor.id, "材料齐全", NOON) == ("city_review", None)
    assert await last_event(actor) == ("city_review", None, "材料齐全")
    state, member_id = await application_reviews.approve(CITY, actor.id, None, NOON)
    assert state == "approved" and member_id is not None
    member, application = await memberships.of_member(member_id), await applications.by_id(actor.id)
    for column in ("uscc", "kind", "sector", "region_id", "name"):
        assert member[column] == application[column]
    assert (member["status"], member["joined_at"]) == ("active", NOON)
    assert application["member_id"] == member_id
    [due] = await fetch_all("SELECT * FROM member_rechecks")
    assert due["member_id"] == member_id


@pytest.mark.parametrize(
    ("region", "levels", "first"),
    [
        ("330106", 2, "county_review"),
        ("330106", 1, "county_review"),
        ("330100", 2, "city_review"),
        ("330100", 1, "city_review"),
        ("330000", 2, "city_review"),
    ],
)
async def test_the_policy_says_who_reviews(region: str, levels: int, first: str) -> None:
    if levels == 1:
        await policies.put(head("330000"), "330000", Policy(3, 1, 5, 3, 180), NOON)
    actor = await in_review(region=region)
    assert await state_of(actor.id) == first
    state, _ = await application_reviews.approve(an_admin(region), actor.id, None, NOON)
    assert state == ("city_review" if (region, levels) == ("330106", 2) else "approved")


async def test_a_region_follows_the_nearest_one_above_that_has_a_policy() -> None:
    assert await policies.of_region("330106") == (DEFAULT, None)
    for number, region in enumerate(("330000", "330100", "330106"), 1):
        policy = Policy(number, 1, 5, 3, 180)
        await policies.put(head("330000"), region, policy, NOON)
        assert await policies.of_region("330106") == (policy, region)
    assert await policies.of_region("330203") == (Policy(1, 1, 5, 3, 180), "330000")
    for foreign in ("330203", "330000", "330999", "x"):
        with pytest.raises(NotFound):
            await policies.put(head("330100"), foreign, DEFAULT, NOON)
    assert await audited("policy.set") == 3


@pytest.mark.parametrize(
    ("who", "at_county", "at_city"),
    [
        ("330106", True, False),
        # Above, but not his step.
        ("330100", False, True),
        ("330000", True, True),
    ],
)
async def test_each_level_decides_at_its_own_step(who: str, at_county: bool, at_city: bool) -> None:
    for is_allowed, passes in ((at_county, 0), (at_city, 1)):
        for decide in ("approve", "refuse"):
            actor = await in_review()
            for _ in range(passes):
                await application_reviews.approve(COUNTY, actor.id, None, NOON)
            before = await state_of(actor.id)
            call = (
                application_reviews.approve(an_admin(who), actor.id, None, NOON)
                if decide == "approve"
                else application_reviews.refuse(an_admin(who), actor.id, "材料不全", NOON)
            )
            if is_allowed:
                await call
                assert await state_of(actor.id) != before
            else:
                with pytest.raises(NotYourStep):
                    await call
                assert await state_of(actor.id) == before


@pytest.mark.parametrize("region", ["330105", "330200", "330203", "320000"])
async def test_elsewhere_nobody_finds_it(region: str) -> None:
    actor, foreigner = await in_review(), an_admin(region)
    for call in (
        application_reviews.approve(foreigner, actor.id, None, NOON),
        application_reviews.refuse(foreigner, actor.id, "不行", NOON),
        application_reviews.one(foreigner, actor.id),
        uscc_overrides.ask(foreigner, actor.id, "是真的", NOON),
    ):
        with pytest.raises(NotFound):
            await call
    assert await application_reviews.listed(foreigner, None, None, "", None, 9) == []
    assert await application_reviews.listed(foreigner, "330106", None, "", None, 9) == []
    assert len(await application_reviews.listed(CITY, "330106", None, "", None, 9)) == 1


async def test_a_refusal_has_a_reason_and_is_final() -> None:
    actor = await in_review()
    await application_reviews.refuse(COUNTY, actor.id, "执照已过期", NOON)
    assert await last_event(actor) == ("refused", None, "执照已过期")
    for call in (
        application_reviews.approve(PROVINCE, actor.id, None, NOON),
        application_reviews.refuse(PROVINCE, actor.id, "再来", NOON),
    ):
        with pytest.raises(ApplicationNotOpen):
            await call
    assert await fetch_all("SELECT 1 FROM members") == []


async def test_what_is_no_more_than_a_draft_is_not_reviewed() -> None:
    actor = await a_draft()
    with pytest.raises(ApplicationNotOpen):
        await application_reviews.approve(COUNTY, actor.id, None, NOON)
    waiting = await submitted()
    with pytest.raises(ApplicationNotOpen):
        await application_reviews.approve(COUNTY, waiting.id, None, NOON)
    await application_reviews.refuse(COUNTY, waiting.id, "系统一直查不到", NOON)


async def test_of_many_approvals_at_once_one_makes_the_member() -> None:
    """Several applications of one organisation, approved together: one member, the others stay in review."""
    uscc = a_uscc()
    actors = [await in_review(uscc=uscc) for _ in range(4)]
    for actor in actors:
        await application_reviews.approve(COUNTY, actor.id, None, NOON)
    done = await asyncio.gather(
        *(application_reviews.approve(CITY, actor.id, None, NOON) for actor in actors), return_exceptions=True
    )
    assert sum(isinstance(each, AlreadyMember) for each in done) == 3
    assert len(await fetch_all("SELECT 1 FROM members")) == 1
    assert sorted([await state_of(actor.id) for actor in actors]) == ["approved"] + ["city_review"] * 3


# Rejoining ----------------------------------------------------------------------------------------


async def gone(uscc: str, cause: SuspensionCause | None = None, **changes: object) -> UUID:
    """A member that has left, perhaps while it was suspended."""
    member_id = await approved(uscc=uscc, **changes)
    if cause:
        await suspensions.suspend(member_id, cause, {"reason": "x"}, audit_log.SYSTEM, NOON)
    await memberships.leave(MemberActor(uuid4(), uuid4(), member_id, "owner"), NOON)
    return member_id


async def test_who_comes_back_is_the_member_of_old() -> None:
    uscc, later = a_uscc(), NOON + timedelta(days=90)
    member_id = await gone(uscc)
    assert await approved(later, uscc=uscc, name="湖畔新店") == member_id
    member = await memberships.of_member(member_id)
    assert (member["status"], member["name"], member["joined_at"]) == ("active", "湖畔新店", later)
    assert len(await fetch_all("SELECT 1 FROM member_rechecks")) == 1


async def test_a_grade_that_is_mended_does_not_bar_the_way_back() -> None:
    uscc = a_uscc()
    member_id = await gone(uscc, SuspensionCause.GRADE)
    assert await approved(uscc=uscc) == member_id
    assert await suspensions.open_causes(member_id) == []


@pytest.mark.parametrize("cause", [SuspensionCause.COMPLAINTS, SuspensionCause.OFFICE])
async def test_leaving_is_no_way_around_a_suspension(cause: SuspensionCause) -> None:
    uscc = a_uscc()
    member_id = await gone(uscc, cause)
    with pytest.raises(SuspensionOpen):
        await approved(uscc=uscc)
    assert (await memberships.of_member(member_id))["status"] == "left"
    assert await suspensions.lift(member_id, cause, audit_log.SYSTEM, NOON)
    assert (await memberships.of_member(member_id))["status"] == "left"
    assert await approved(uscc=uscc) == member_id


async def test_who_comes_back_as_something_else_is_refused() -> None:
    uscc = a_uscc()
    await gone(uscc)
    with pytest.raises(MemberKindDiffers):
        await approved(uscc=uscc, kind=MemberKind.PUBLIC_UNIT)


# Two admins ---------------------------------------------------------------------------------------


async def test_a_wrong_check_digit_waits_for_two_admins() -> None:
    actor = await submitted(uscc=a_wrong_uscc())
    assert await application_reviews.check(Organisations(), actor.id, NOON) is None
    assert await application_reviews.ask_again(NOON) == 0
    assert await state_of(actor.id) == "submitted"
    await execute("DELETE FROM pgqueuer")
    asked_by, other = head(), head()
    approval = await uscc_overrides.ask(asked_by, actor.id, "登记机关确认无误", NOON)
    with pytest.raises(OwnRequest):
        await decisions.approve(asked_by, approval, "自己", NOON)
    assert await application_reviews.check(Organisations(), actor.id, NOON) is None
    await decisions.approve(other, approval, "同意", NOON)
    assert await waiting_jobs(CHECK_JOB) == 1
    assert await application_reviews.check(Organisations(), actor.id, NOON) is CheckFinding.PASSED
    with pytest.raises(UsccNotInDoubt):
        await uscc_overrides.ask(asked_by, actor.id, "再来", NOON)
    assert await audited("application.override_uscc") == 1


async def test_an_override_is_for_the_code_that_was_looked_at() -> None:
    actor = await a_draft(uscc=a_wrong_uscc())
    approval = await uscc_overrides.ask(head(), actor.id, "确认无误", NOON)
    await applications.change(actor, a_form(uscc=a_wrong_uscc()), KEYS, NOON)
    with pytest.raises(ApplicationNotOpen):
        await decisions.approve(head(), approval, "同意", NOON)
    row = await fetch_one("SELECT status FROM approvals")
    assert row is not None and row["status"] == "open"
    with pytest.raises(UsccNotInDoubt):
        await uscc_overrides.ask(head(), (await a_draft()).id, "没问题", NOON)


async def test_the_white_list_takes_two_admins_and_counts_in_its_region() -> None:
    uscc, asked_by = a_uscc(), head()
    approval = await white_list.ask(asked_by, uscc, "330100", "新设企业", NOON)
    with pytest.raises(OwnRequest):
        await decisions.approve(asked_by, approval, "自己", NOON)
    poor = Organisations(record(TierLevel.BAD))
    refused = await submitted(uscc=uscc)
    assert await application_reviews.check(poor, refused.id, NOON) is CheckFinding.GRADE_TOO_LOW
    await decisions.approve(head(), approval, "同意", NOON)
    for region, finding in (("330106", "passed"), ("330203", "grade_too_low")):
        actor = await submitted(uscc=uscc, region=region)
        assert await application_reviews.check(poor, actor.id, NOON) == finding
    with pytest.raises(WhiteListed):
        await white_list.ask(head(), uscc, "330100", "再来", NOON)
    [entry] = await white_list.listed(head(), None, 9)
    assert await white_list.listed(head("330200"), None, 9) == []
    with pytest.raises(NotFound):
        await white_list.end(head("330200"), entry["id"], NOON)
    await white_list.end(head(), entry["id"], NOON)
    actor = await submitted(uscc=uscc)
    assert await application_reviews.check(poor, actor.id, NOON) is CheckFinding.GRADE_TOO_LOW


async def test_nobody_white_lists_for_a_region_that_is_not_his() -> None:
    for region in ("330200", "330000", "330199", "x"):
        with pytest.raises(NotFound):
            await white_list.ask(head("330100"), a_uscc(), region, "新设企业", NOON)
    assert await approvals.listed(head("330000"), None, None, 9) == []


async def test_the_job_is_written_by_the_submission_and_goes_with_it() -> None:
    actor = await a_draft()
    with pytest.raises(submissions.DocumentsMissing):
        await submissions.submit(actor, NOON)
    assert await waiting_jobs(CHECK_JOB) == 0
