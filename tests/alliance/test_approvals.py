"""四眼: nobody decides what he asked for, one decision counts, and it is carried out once or not at all."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from alliance import admin_rights, approvals, decisions, tier_scheme_changes
from alliance.admin_rights import NotConfirmed
from alliance.approvals import GOOD_FOR, AlreadyAsked, NotOpen, OwnRequest
from alliance.permissions import ProvinceAlone
from citizens import tier_scheme_versions
from citizens.tier_scheme_versions import BandsNotInOrder, Draft, LaterVersionAnnounced, NoticeTooShort
from citizens.tier_schemes import Band, find_in_force
from common.actors import AdminActor
from common.database import execute, fetch_all, fetch_one
from common.errors import DomainError, NotFound, Refused
from models.enums import TierLevel
from models.office_enums import ApprovalKind, ApprovalStatus
from tests.factories.admins import an_admin
from tests.factories.moments import NOON
from tests.factories.what_ifs import count_waiting

pytestmark = pytest.mark.usefixtures("database")
KIND = ApprovalKind.COUPON_REVOCATION
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


class CannotBeDone(Refused):
    """What carrying out may say."""

    code = "cannot_be_done"
    zh = en = "no."


@pytest.fixture
def carried_out(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was carried out, in the place of revoking a coupon; a payload of `refuse` is refused."""
    done: list[Any] = []

    async def carry(actor: AdminActor, asked: Any, payload: Any, now: Any) -> None:
        # It leaves a mark in the database: undone with the decision when it is refused.
        await execute("INSERT INTO region_policies VALUES ($1, 1, 1, 1, 1, 1)", str(len(done)))
        if payload.get("refuse"):
            raise CannotBeDone
        await fetch_all("SELECT pg_sleep(0.02)")
        done.append((asked["id"], asked["asked_by"], actor.id, payload))

    monkeypatch.setitem(decisions.CARRY_OUT, KIND, carry)
    return done


async def ask(actor: AdminActor, thing: str = "1", region: str = "330100", **payload: object) -> UUID:
    return await approvals.ask(actor, KIND, ("coupon", thing), region, payload, "发错了", NOON)


async def approve(actor: AdminActor, approval_id: UUID) -> None:
    await decisions.approve(actor, approval_id, "同意", NOON + SECOND)


async def refuse(actor: AdminActor, approval_id: UUID) -> None:
    await decisions.refuse(actor, approval_id, "不同意", NOON + SECOND)


async def withdraw(actor: AdminActor, approval_id: UUID) -> None:
    await approvals.withdraw(actor, approval_id, NOON + SECOND)


async def expire(_: AdminActor, __: UUID) -> None:
    if not await approvals.expire(NOON + GOOD_FOR):
        raise NotOpen


Step = Callable[[AdminActor, UUID], Awaitable[None]]
STEPS: dict[ApprovalStatus, Step] = {
    ApprovalStatus.APPROVED: approve,
    ApprovalStatus.REFUSED: refuse,
    ApprovalStatus.WITHDRAWN: withdraw,
    ApprovalStatus.EXPIRED: expire,
}
OTHERS = (ApprovalStatus.APPROVED, ApprovalStatus.REFUSED)


async def row_of(approval_id: UUID) -> dict[str, Any]:
    row = await fetch_one("SELECT * FROM approvals WHERE id = $1", approval_id)
    assert row is not None
    return dict(row)


async def take(status: ApprovalStatus, asker: AdminActor, head: AdminActor, approval_id: UUID) -> None:
    """The step that leads to a status, by whoever takes it."""
    await STEPS[status](head if status in OTHERS else asker, approval_id)


async def test_every_kind_is_carried_out_by_a_function() -> None:
    assert set(decisions.CARRY_OUT) == set(ApprovalKind)


@pytest.mark.parametrize("first", STEPS)
@pytest.mark.parametrize("second", STEPS)
async def test_what_is_decided_stays_decided(
    carried_out: list[Any], first: ApprovalStatus, second: ApprovalStatus
) -> None:
    """The whole table of transitions: from open to each, and from none of these to any."""
    asker, head, third = await an_admin(), await an_admin(), await an_admin()
    approval_id = await ask(asker)
    assert (await row_of(approval_id))["status"] == "open"
    await take(first, asker, head, approval_id)
    before = await row_of(approval_id)
    assert before["status"] == first and before["decided_at"] is not None
    with pytest.raises(NotOpen):
        await take(second, asker, third, approval_id)
    assert await row_of(approval_id) == before
    assert len(carried_out) == (first == ApprovalStatus.APPROVED)


async def test_it_is_carried_out_with_what_was_asked_by_whom(carried_out: list[Any]) -> None:
    asker, head = await an_admin("330100"), await an_admin("330000")
    approval_id = await ask(asker, coupon_id="7")
    await approve(head, approval_id)
    assert carried_out == [(approval_id, asker.id, head.id, {"coupon_id": "7"})]
    asked, decided = await fetch_all("SELECT * FROM audit_records ORDER BY entry")
    assert (asked["action"], decided["action"]) == ("coupon_revocation.ask", "coupon_revocation.approved")
    assert {asked["region_id"], decided["region_id"]} == {"330100"}


@pytest.mark.parametrize("who", ["asker", "head"])
async def test_an_account_whose_link_another_had_is_no_second_person_until_it_is_confirmed(
    carried_out: list[Any], who: str
) -> None:
    """Else a head would invite himself under another name, and be both pairs of eyes."""
    sponsor = await an_admin()
    asker = await an_admin(linked_by=sponsor.id if who == "asker" else None)
    head = await an_admin(linked_by=sponsor.id if who == "head" else None)
    first, second = await ask(asker), await ask(asker, "2")
    for approval_id in (first, second):
        with pytest.raises(NotConfirmed):
            await approve(head, approval_id)
        assert (await row_of(approval_id))["status"] == "open" and not carried_out
    await refuse(head, second)  # nothing follows from it
    await admin_rights.confirm(await an_admin(), {"asker": asker, "head": head}[who].id, NOON)
    await approve(head, first)
    assert len(carried_out) == 1


async def test_what_nobody_decided_ends_with_a_record() -> None:
    approval_id = await ask(await an_admin())
    assert await approvals.expire(NOON + GOOD_FOR) == 1
    (record,) = await fetch_all("SELECT * FROM audit_records WHERE action = 'coupon_revocation.expired'")
    assert (record["actor_kind"], record["actor_id"], record["object_id"]) == (
        "system",
        None,
        str(approval_id),
    )
    assert await approvals.expire(NOON + GOOD_FOR) == 0


@pytest.mark.parametrize("step", OTHERS)
async def test_nobody_decides_what_he_asked_for(carried_out: list[Any], step: ApprovalStatus) -> None:
    asker = await an_admin()
    approval_id = await ask(asker)
    with pytest.raises(OwnRequest):
        await STEPS[step](asker, approval_id)
    assert (await row_of(approval_id))["status"] == "open" and carried_out == []


@pytest.mark.parametrize("status", OTHERS)
async def test_nor_does_the_database_let_him(status: ApprovalStatus) -> None:
    asker = await an_admin()
    approval_id = await ask(asker)
    with pytest.raises(asyncpg.CheckViolationError, match="approvals_four_eyes"):
        await execute(
            "UPDATE approvals SET status = $2, decided_by = asked_by, decided_at = $3 WHERE id = $1",
            *(approval_id, status, NOON),
        )


@pytest.mark.parametrize(
    ("own", "region", "may"),
    [
        ("330000", "330106", True),
        ("330100", "330106", True),
        ("330106", "330106", True),
        ("330100", "330200", False),
        ("330106", "330100", False),
        ("330106", "330105", False),
        ("330100", "330000", False),
    ],
)
async def test_ones_region_and_below_and_nothing_else(
    carried_out: list[Any], own: str, region: str, may: bool
) -> None:
    asker, head = await an_admin("330000"), await an_admin(own)
    for number, step in enumerate((approve, refuse)):
        approval_id = await ask(asker, str(number), region)
        listed = {row["id"] for row in await approvals.listed(head, None, None, 10)}
        assert (approval_id in listed) == may
        if may:
            await step(head, approval_id)
            continue
        with pytest.raises(NotFound):
            await step(head, approval_id)
        assert (await row_of(approval_id))["status"] == "open"
    with pytest.raises(NotFound):
        await approve(head, uuid4())
    assert len(carried_out) == may


async def test_only_who_asked_withdraws(carried_out: list[Any]) -> None:
    asker, head = await an_admin(), await an_admin()
    approval_id = await ask(asker)
    for stranger in (head, await an_admin("330100")):
        with pytest.raises(NotFound):
            await withdraw(stranger, approval_id)
    await withdraw(asker, approval_id)
    assert (await row_of(approval_id))["decided_by"] is None


async def warm() -> None:
    await asyncio.gather(*(fetch_all("SELECT pg_sleep(0.02)") for _ in range(8)))


@pytest.mark.parametrize("second", STEPS)
async def test_of_several_at_once_one_counts(carried_out: list[Any], second: ApprovalStatus) -> None:
    asker, *heads = [await an_admin() for _ in range(4)]
    for number in range(4):
        carried_out.clear()
        await execute("DELETE FROM region_policies")
        approval_id = await ask(asker, str(number))
        await warm()
        others = [take(second, asker, head, approval_id) for head in heads[1:]]
        done = await asyncio.gather(approve(heads[0], approval_id), *others, return_exceptions=True)
        assert [result for result in done if not isinstance(result, NotOpen)] == [None], done
        status = (await row_of(approval_id))["status"]
        assert status in (ApprovalStatus.APPROVED, second)
        assert len(carried_out) == (status == ApprovalStatus.APPROVED)
        marks = await fetch_all("SELECT 1 FROM region_policies")
        assert len(marks) == len(carried_out)


async def test_what_can_not_be_carried_out_stays_open(carried_out: list[Any]) -> None:
    asker, head = await an_admin(), await an_admin()
    approval_id = await ask(asker, refuse=True)
    with pytest.raises(CannotBeDone):
        await approve(head, approval_id)
    row = await row_of(approval_id)
    assert (row["status"], row["decided_by"]) == ("open", None)
    assert await fetch_all("SELECT 1 FROM region_policies") == [] == carried_out
    assert len(await fetch_all("SELECT 1 FROM audit_records")) == 1, "asked for, and nothing else"
    await refuse(head, approval_id)


async def test_one_request_for_a_thing_is_open_at_a_time() -> None:
    asker, head = await an_admin(), await an_admin()
    await warm()
    done = await asyncio.gather(*(ask(asker) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(result, AlreadyAsked) for result in done) == 4
    assert len(await fetch_all("SELECT 1 FROM audit_records")) == 1
    (approval_id,) = [result for result in done if isinstance(result, UUID)]
    await ask(asker, "2")
    await refuse(head, approval_id)
    await ask(asker)


async def test_what_nobody_decides_in_time_is_over(carried_out: list[Any]) -> None:
    asker, head = await an_admin(), await an_admin()
    approval_id = await ask(asker)
    assert await approvals.expire(NOON + GOOD_FOR - SECOND) == 0
    for step in (decisions.approve, decisions.refuse):  # before the background process came by
        with pytest.raises(NotOpen):
            await step(head, approval_id, "晚了", NOON + GOOD_FOR)
    assert (await row_of(approval_id))["status"] == "open" and carried_out == []
    assert [await approvals.expire(NOON + GOOD_FOR) for _ in range(2)] == [1, 0]
    assert timedelta(days=14) == GOOD_FOR


async def test_requests_are_listed_newest_first_by_status(carried_out: list[Any]) -> None:
    asker, head = await an_admin(), await an_admin()
    made = [await ask(asker, str(number)) for number in range(3)]
    await refuse(head, made[1])
    rows = await approvals.listed(head, None, None, 2)
    assert [row["id"] for row in rows] == made[:0:-1]
    assert [row["id"] for row in await approvals.listed(head, None, rows[-1]["id"], 2)] == made[:1]
    still_open = await approvals.listed(head, ApprovalStatus.OPEN, None, 10)
    assert [row["id"] for row in still_open] == [made[2], made[0]]


# Tier schemes ---------------------------------------------------------------------------------------

LOW, HIGH = Band("low", "较低", TierLevel.POOR, 0, 500), Band("high", "较高", TierLevel.GOOD, 500, 1001)


def draft(days: int = 60, *bands: Band, notice: int = 30) -> Draft:
    return Draft("zj", "方案", "说明", 5, 30, notice, NOON + days * DAY, bands or (LOW, HIGH))


async def versions() -> list[tuple[int, int]]:
    rows = await fetch_all(
        "SELECT version, count(b.id) AS bands FROM tier_schemes s JOIN tier_bands b ON b.scheme_id = s.id"
        " GROUP BY s.id ORDER BY version"
    )
    return [(row["version"], row["bands"]) for row in rows]


async def test_a_version_is_announced_by_two_heads_and_counts_from_its_date() -> None:
    asker, head = await an_admin("330000", "operator"), await an_admin()
    approval_id = await tier_scheme_changes.ask(asker, draft(), "年度调整", NOON)
    await count_waiting()
    assert await versions() == []
    with pytest.raises(NotFound):
        await decisions.approve(await an_admin("330100"), approval_id, "同意", NOON)
    await decisions.approve(head, approval_id, "同意", NOON + DAY)
    assert await versions() == [(1, 2)]
    assert await find_in_force("zj", NOON + 60 * DAY - SECOND) is None
    scheme = await find_in_force("zj", NOON + 60 * DAY)
    assert scheme is not None
    assert list(scheme.bands) == [LOW, HIGH] and scheme.grace_points == 5
    [(row, bands)] = await tier_scheme_versions.listed(None, 10)
    assert (row["published_at"], list(bands)) == (NOON + DAY, [LOW, HIGH])
    assert (await fetch_all("SELECT action FROM audit_records ORDER BY entry"))[-1]["action"] == (
        "tier_scheme.publish"
    )


async def test_the_promised_notice_counts_from_the_decision_and_the_request_stays_open() -> None:
    asker, head = await an_admin(), await an_admin()
    approval_id = await tier_scheme_changes.ask(asker, draft(30), "年度调整", NOON)
    await count_waiting()
    with pytest.raises(NoticeTooShort):
        await decisions.approve(head, approval_id, "同意", NOON + SECOND)
    assert (await row_of(approval_id))["status"] == "open" and await versions() == []


async def publish(*drafts: Draft) -> None:
    asker, head = await an_admin(), await an_admin()
    for each in drafts:
        approval_id = await tier_scheme_changes.ask(asker, each, "年度调整", NOON)
        await count_waiting()
        await decisions.approve(head, approval_id, "同意", NOON)


async def test_a_version_keeps_the_notice_of_the_one_before_and_comes_after_it() -> None:
    await publish(draft(100, notice=90), draft(101, notice=0))
    assert await versions() == [(1, 2), (2, 2)]
    await publish(draft(200, notice=90))
    asker = await an_admin()
    for days, refusal in ((89, NoticeTooShort), (200, LaterVersionAnnounced), (199, LaterVersionAnnounced)):
        with pytest.raises(refusal):
            await tier_scheme_changes.ask(asker, draft(days, notice=0), "年度调整", NOON)


LADDERS: dict[str, tuple[int, tuple[Band, ...]]] = {
    "a gap": (2, (LOW, Band("high", "较高", TierLevel.GOOD, 501, 1001))),
    "an overlap": (2, (LOW, Band("high", "较高", TierLevel.GOOD, 499, 1001))),
    "from high to low": (2, (HIGH, LOW)),
    "an empty band": (2, (LOW, Band("high", "较高", TierLevel.GOOD, 500, 500))),
    "a code twice": (2, (LOW, Band("low", "较高", TierLevel.GOOD, 500, 1001))),
    "a name twice": (2, (LOW, Band("high", "较低", TierLevel.GOOD, 500, 1001))),
    "falling on the ladder": (2, (LOW, Band("high", "较高", TierLevel.BAD, 500, 1001))),
    "upside down": (1, (Band("low", "较低", TierLevel.POOR, 500, 0), HIGH)),
}


@pytest.mark.parametrize("what", LADDERS)
async def test_bands_are_a_ladder_without_gaps(what: str) -> None:
    place, bands = LADDERS[what]
    with pytest.raises(BandsNotInOrder) as refused:
        await tier_scheme_changes.ask(await an_admin(), draft(60, *bands), "年度调整", NOON)
    assert refused.value.facts["place"] == place
    assert await fetch_all("SELECT 1 FROM approvals") == []


async def test_several_bands_may_be_the_same_step_of_the_ladder() -> None:
    """Suqian has eight grades, the ladder five."""
    bands = (LOW, HIGH, Band("top", "最高", TierLevel.GOOD, 1001, 2000))
    await publish(draft(60, *bands))
    assert await versions() == [(1, 3)]


@pytest.mark.parametrize("region", ["330100", "330106"])
async def test_a_city_asks_for_no_scheme(region: str) -> None:
    with pytest.raises(ProvinceAlone):
        await tier_scheme_changes.ask(await an_admin(region), draft(), "年度调整", NOON)


async def test_of_two_versions_published_at_once_one_is_the_next() -> None:
    from common.database import transaction

    async def publish_now() -> None:
        async with transaction():
            await tier_scheme_versions.publish(draft(), NOON)

    await warm()
    done = await asyncio.gather(*(publish_now() for _ in range(4)), return_exceptions=True)
    assert sum(result is None for result in done) == 1
    assert all(result is None or isinstance(result, DomainError) for result in done)
    assert await versions() == [(1, 2)]
