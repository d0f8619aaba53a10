"""What speaks against a member counts for five years and is not shown after that (rule 9)."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from alliance import complaint_decisions, suspensions
from common.database import execute, fetch_all
from merchants import organisation_checks, promises
from merchants.adverse_records import counts_since
from models import audit_log
from models.enums import PromiseCause, PromiseOutcome, SuspensionCause
from tests.factories.citizens import KEYS
from tests.factories.complaints import a_complaint, an_admin
from tests.factories.members import a_member, a_shop
from tests.factories.moments import NOON, shanghai
from tests.factories.objections import a_check

pytestmark = pytest.mark.usefixtures("database")
SECOND = timedelta(seconds=1)
# What is of NOON's day counts on the day five years later for the last time.
LAST, OVER = shanghai("2031-03-04 23:59"), shanghai("2031-03-05 00:00")


@pytest.mark.parametrize(
    ("now", "since"),
    [
        ("2031-03-04 00:00", "2026-03-04 00:00"),
        ("2031-03-04 23:59", "2026-03-04 00:00"),
        ("2028-02-29 12:00", "2023-03-01 00:00"),
        ("2029-02-28 12:00", "2024-02-28 00:00"),
        ("2029-03-01 00:00", "2024-03-01 00:00"),
    ],
)
def test_five_years_end_by_the_calendar(now: str, since: str) -> None:
    assert counts_since(shanghai(now)) == shanghai(since)


async def test_a_broken_promise_is_shown_for_five_years_and_a_kept_one_always() -> None:
    member_id = await a_member()
    for outcome in PromiseOutcome:
        cause = PromiseCause.INSPECTION, f"2026-{outcome}"
        await promises.record(an_admin(), member_id, outcome, cause, "", NOON)

    async def shown(at: datetime) -> set[str]:
        return {row["outcome"] for row in await promises.of_member(member_id, None, 9, at)}

    assert await shown(LAST) == {"kept", "broken"} and await shown(OVER) == {"kept"}


async def test_a_suspension_is_shown_for_five_years_after_it_was_lifted() -> None:
    member_id = await a_member()
    cause, facts = SuspensionCause.OFFICE, {"reason": "违规"}
    long_ago = NOON - timedelta(days=4000)
    assert await suspensions.suspend(member_id, cause, facts, audit_log.SYSTEM, long_ago)
    assert len(await suspensions.of_member(member_id, OVER)) == 1  # it holds
    assert await suspensions.lift(member_id, cause, audit_log.SYSTEM, NOON)
    assert len(await suspensions.of_member(member_id, LAST)) == 1
    assert await suspensions.of_member(member_id, OVER) == []


@pytest.mark.parametrize(
    ("finding", "left"), [("grade_too_low", 0), ("dishonest", 0), ("passed", 1), ("no_grade", 1)]
)
async def test_a_bad_check_is_shown_for_five_years(finding: str, left: int) -> None:
    member_id = await a_member()
    await a_check(member_id, finding)
    assert len(await organisation_checks.newest("member", member_id, None, 9, LAST)) == 1
    assert len(await organisation_checks.newest("member", member_id, None, 9, OVER)) == left


@pytest.mark.parametrize(("upheld_at", "is_suspended"), [(SECOND, False), (-SECOND, True)])
async def test_upheld_complaints_count_no_longer_than_that_whatever_the_policy_says(
    upheld_at: timedelta, is_suspended: bool
) -> None:
    """A region may look back ten years; the law lets it look back five."""
    shop = await a_shop()
    await execute(
        "INSERT INTO region_policies (region_id, min_grade, review_levels, complaint_answer_days, complaint_limit,"
        " complaint_window_days) VALUES ('330106', 3, 1, 5, 2, 3660)"
    )
    for _ in range(2):
        await a_complaint(shop)
    rows = await fetch_all("SELECT id FROM complaints ORDER BY id")
    since = counts_since(LAST)
    await execute(
        "UPDATE complaints SET status = 'upheld', upheld_at = $2, decided_at = $2, decided_by = $3 WHERE id = $1",
        *(rows[0]["id"], since - upheld_at, uuid4()),
    )
    await execute("UPDATE complaints SET status = 'reopened' WHERE id = $1", rows[1]["id"])
    await complaint_decisions.uphold(an_admin(), rows[1]["id"], "属实", KEYS, LAST)
    causes = await suspensions.open_causes(shop.member_id)
    assert bool(causes) == is_suspended
