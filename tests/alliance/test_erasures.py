"""Erasing a citizen: what goes, what stays, and that nothing comes back, whatever is in flight."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import Context
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest

from alliance import erasures, objection_answers
from alliance.erasures import ConfirmationInvalid, check_confirmation, confirmation, erase, erase_again
from alliance.own_data import OWN_DATA
from benefits import coupon_notices
from benefits.refusals import Busy, CouponRevoked
from citizens import accounts, agents, consents
from citizens.accounts import citizen_of
from citizens.channels import Login, Person
from citizens.consents import ConsentRequired
from common.actors import CitizenActor
from common.database import connect_alone, execute, fetch_all, fetch_one
from merchants import self_bindings
from models import notice_log, stored_files
from models.citizen import NOT_ERASED
from models.citizen_enums import AgentKind
from models.enums import ActorKind, Channel, CouponStatus, LookupReason
from models.office_enums import ComplaintStatus, FilePurpose
from server import sessions
from server.passwords import LoginFailed
from tests.factories.admins import an_admin
from tests.factories.agents import a_child_of, a_guardian, a_helper_of, a_real_person, a_request
from tests.factories.citizens import KEYS, a_citizen, a_phone, consent
from tests.factories.complaints import a_complaint, complaint_row, happen
from tests.factories.members import Shop, a_shop
from tests.factories.moments import NOON
from tests.factories.objections import REGION, a_citizens, filed
from tests.factories.offers import an_offer
from tests.factories.scans import an_order, claimed, code_of, coupon_row, redeemed, scan, undone
from tests.factories.settings import settings
from tests.factories.sources import Source, demo_scheme, desk, rating

WANG = Login("openid-of-his", Person("王大友", "330106198003120012"))
FACTS = {"coupon_id": "1", "reason": "王大友多领"}
# Of each a statement that writes something of a person, as somebody who read before the erasure may send it.
LATE_WRITES = {
    "natural_persons": "INSERT INTO natural_persons (citizen_id, person_hash, name_encrypted, id_number_encrypted)"
    " VALUES ($1, decode(repeat('07', 32), 'hex'), 'x', 'x')",
    "channel_identities": "INSERT INTO channel_identities (citizen_id, channel, subject_hash, created_at)"
    " VALUES ($1, 'wechat', decode(repeat('07', 32), 'hex'), now())",
    "citizen_phones": "INSERT INTO citizen_phones (citizen_id, phone_encrypted, channel, verified_at)"
    " VALUES ($1, 'x', 'wechat', now())",
    "citizen_notices": "INSERT INTO citizen_notices (id, citizen_id, kind, facts, once_key, noticed_at)"
    " VALUES (gen_random_uuid(), $1, 'coupon_revoked', '{}', 'late', now())",
    "data_copies": "INSERT INTO data_copies (id, citizen_id, format, copied_at, copied_on, place)"
    " VALUES (gen_random_uuid(), $1, 'json', now(), current_date, 1)",
    "tier_snapshots": "INSERT INTO tier_snapshots (id, citizen_id, lookup_id, scheme_id, data_date, taken_at, valid_until)"
    " SELECT gen_random_uuid(), $1, gen_random_uuid(), id, current_date, now(), now() + interval '1 day' FROM tier_schemes",
}


@dataclass(frozen=True)
class Life:
    """A citizen who did everything once."""

    id: UUID
    shop: Shop
    offer: UUID
    unused: UUID
    begun: UUID
    used: UUID
    complaint: UUID
    decided: UUID
    session: UUID


@pytest.fixture
async def life(database: str) -> Life:
    """Somebody with a name, a phone, a tier, coupons, complaints and notices."""
    await demo_scheme()
    citizen_id, shop = await citizen_of(Channel.WECHAT, WANG, KEYS), await a_shop()
    await execute(
        "INSERT INTO citizen_phones (citizen_id, phone_encrypted, channel, verified_at) VALUES ($1, $2, 'wechat', $3)",
        *(citizen_id, KEYS.encrypt("13712349050", "citizen_phones.phone"), NOON),
    )
    await consent(citizen_id)
    await desk(Source(rating(880))).tier(citizen_id, LookupReason.MY_CREDIT, NOON)
    offer = await an_offer(shop, total=10, daily_limit=9, uses_total=2)
    unused, begun, used = [(await claimed(citizen_id, offer)).id for _ in range(3)]
    await redeemed(shop, begun)
    done = await redeemed(shop, used, uses=2)
    await undone(shop.manager, done.id)
    await redeemed(shop, used, NOON + timedelta(minutes=1), uses=2)
    complaint, decided = [
        await a_complaint(shop, citizen_id=citizen_id, store_id=shop.store_id) for _ in "12"
    ]
    for event in ("answer", "uphold"):
        await happen(shop, decided, erasures.complaints.ComplaintEvent(event))
    await notice_log.tell("citizen", citizen_id, "coupon_revoked", "once", FACTS, NOON)
    await self_bindings.bind(shop.clerk.id, citizen_id, KEYS, NOON)
    session = await a_phone(citizen_id)
    return Life(citizen_id, shop, offer, unused, begun, used, complaint, decided, session)


async def rows_of(citizen_id: UUID, *tables: str) -> dict[str, int]:
    """How many rows there are of him in tables with his id."""
    found = {}
    for table in tables:
        row = await fetch_one(f"SELECT count(*) AS rows FROM {table} WHERE citizen_id = $1", citizen_id)
        assert row is not None
        found[table] = row["rows"]
    return found


async def test_what_is_of_the_person_goes_and_what_the_books_need_stays(life: Life) -> None:
    assert await erase(life.id, KEYS, NOON)
    gone = await rows_of(
        life.id,
        *("natural_persons", "channel_identities", "citizen_phones", "tier_snapshots", "citizen_notices"),
    )
    assert set(gone.values()) == {0}
    stays = await rows_of(life.id, "consents", "credit_lookups", "coupons", "redemptions", "complaints")
    assert stays == {"consents": 1, "credit_lookups": 1, "coupons": 3, "redemptions": 3, "complaints": 2}
    for table in ("complaint_texts", "reversal_reasons"):
        assert await fetch_all(f"SELECT 1 FROM {table}") == []
    assert await consents.in_force(life.id) == []
    [session] = await fetch_all("SELECT revoked_reason FROM sessions WHERE id = $1", life.session)
    assert session["revoked_reason"] == "erased"
    [clerk] = await fetch_all("SELECT self_hash FROM staff WHERE id = $1", life.shop.clerk.id)
    assert clerk["self_hash"] is None
    assert (await complaint_row(life.complaint))["status"] == ComplaintStatus.WITHDRAWN
    assert (await complaint_row(life.decided))["status"] == ComplaintStatus.UPHELD


async def test_coupons_end_and_unused_ones_go_back_to_the_stock(life: Life) -> None:
    await erase(life.id, KEYS, NOON)
    assert [(await coupon_row(coupon))["status"] for coupon in (life.unused, life.begun, life.used)] == [
        *(CouponStatus.GIVEN_BACK, CouponStatus.REVOKED, CouponStatus.REDEEMED)
    ]
    [stock] = await fetch_all("SELECT issued FROM offer_stock WHERE offer_id = $1", life.offer)
    [day] = await fetch_all("SELECT issued FROM offer_days WHERE offer_id = $1", life.offer)
    assert stock["issued"] == day["issued"] == 2


async def test_the_audit_has_the_random_id_and_nothing_else(life: Life) -> None:
    await erase(life.id, KEYS, NOON)
    [line] = await fetch_all("SELECT * FROM audit_records WHERE action = 'citizen.erase'")
    assert line["object_id"] == str(life.id) == str(line["actor_id"])
    assert line["before"] is line["after"] is None


async def names_of_files() -> set[str]:
    """What files are called whose rows are there, deleted or not."""
    return {row["name"] for row in await fetch_all("SELECT name FROM stored_files")}


async def test_a_childs_proof_goes_with_the_child_and_its_guardian_is_told(database: str) -> None:
    """The household register names the child, and lies with the guardian's request."""
    guardian = await a_guardian()
    _, child = await a_child_of(guardian)
    assert await erase(child, KEYS, NOON)
    assert await fetch_all("SELECT 1 FROM stored_files WHERE deleted_at IS NULL") == []
    assert "户口簿.pdf" not in await names_of_files()
    told = await fetch_all("SELECT kind FROM citizen_notices WHERE citizen_id = $1 ORDER BY id", guardian)
    assert [row["kind"] for row in told] == ["guardianship_confirmed", "guardian_ended"]
    assert await agents.of_agent(AgentKind.GUARDIAN, guardian, KEYS) == []


async def test_who_is_helped_is_told_that_his_helper_is_gone(database: str) -> None:
    elder, helper = await a_real_person(), await a_real_person()
    await a_helper_of(elder, helper)
    await erase(helper, KEYS, NOON)
    told = await fetch_all("SELECT kind FROM citizen_notices WHERE citizen_id = $1", elder)
    assert "helper_ended" in {row["kind"] for row in told}


async def test_why_an_official_wanted_more_time_is_in_the_copy_and_goes(life: Life) -> None:
    objection_id = await filed(a_citizens(life.id))
    office = await an_admin(REGION, "operator")
    await objection_answers.ask_extension(office, objection_id, 10, "王大友的材料还没到", NOON)
    [entry] = [entry for entry in OWN_DATA if entry.table == "approvals"]
    assert [row["reason"] for row in await fetch_all(entry.select, life.id)] == ["王大友的材料还没到"]
    await erase(life.id, KEYS, NOON)
    [asked] = await fetch_all("SELECT reason FROM approvals WHERE kind = 'objection_extension'")
    assert asked["reason"] == "erased"


async def test_looking_through_claims_again_plans_no_reminder_of_his(life: Life) -> None:
    """His notices are gone, by which a claim is known as told; the sweep finds his claims of the last two days anew."""
    await coupon_notices.tell_claims(NOON)
    assert await fetch_all("SELECT 1 FROM coupon_reminders") != []
    await erase(life.id, KEYS, NOON)
    await execute("UPDATE notice_marks SET mark = 0 WHERE source = 'sweep'")
    await coupon_notices.sweep_claims(NOON)
    await coupon_notices.tell_claims(NOON)
    assert await fetch_all("SELECT 1 FROM coupon_reminders") == []


async def test_what_a_file_was_called_is_deleted_with_it(database: str) -> None:
    """A withdrawn request's file leaves a row until its content is gone; nothing of what a person typed is in it."""
    guardian = await a_guardian()
    request = await a_request(guardian)
    await stored_files.delete_all(FilePurpose.GUARDIAN_EVIDENCE, request, NOON)
    assert "户口簿.pdf" not in await names_of_files()
    await execute("UPDATE stored_files SET name = '王大友.pdf'")  # deleted before names were
    await erase(guardian, KEYS, NOON)
    assert "王大友.pdf" not in await names_of_files()


async def test_a_reviewer_who_confirms_and_an_erasure_never_wait_for_each_other(database: str) -> None:
    """The reviewer holds the request, then the guardian; so does the erasure."""
    guardian = await a_guardian()
    request = await a_request(guardian)
    connection = await connect_alone(database)
    change = connection.transaction()
    await change.start()
    await connection.execute("SELECT 1 FROM guardianship_requests WHERE id = $1 FOR UPDATE", request)
    erasing = asyncio.create_task(erase(guardian, KEYS, NOON))
    await asyncio.sleep(0.1)
    lock = "SELECT 1 FROM citizens WHERE id = $1 FOR NO KEY UPDATE"
    await asyncio.wait_for(connection.execute(lock, guardian), 0.5)
    await change.commit()
    await connection.close()
    assert await erasing


async def test_twice_is_once(life: Life) -> None:
    assert sorted(await asyncio.gather(*(erase(life.id, KEYS, NOON) for _ in range(3)))) == [
        False,
        False,
        True,
    ]
    assert not await erase(uuid4(), KEYS, NOON)
    assert len(await fetch_all("SELECT 1 FROM audit_records WHERE action = 'citizen.erase'")) == 1
    await erasures.finish(life.id, KEYS, NOON)


async def test_who_comes_again_is_somebody_new(life: Life) -> None:
    await erase(life.id, KEYS, NOON)
    again = await citizen_of(Channel.WECHAT, WANG, KEYS)
    assert again != life.id
    assert await rows_of(again, "coupons", "consents", "complaints") == dict.fromkeys(
        ("coupons", "consents", "complaints"), 0
    )
    assert (await accounts.profile(again, KEYS))[0] == "*大友"


# What is in flight when he is erased.


@asynccontextmanager
async def in_flight(url: str, sql: str, *values: object) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """A statement of another process that is done and not committed yet; call what is given to commit it."""
    connection = await connect_alone(url)
    change = connection.transaction()
    await change.start()
    await connection.execute(sql, *values)
    try:
        yield change.commit
    finally:
        await connection.close()


async def erase_while(life: Life, url: str, sql: str, swept: asyncio.Event | None = None) -> None:
    async with in_flight(url, sql, life.id) as commit:
        erasing = asyncio.create_task(erase(life.id, KEYS, NOON))
        await (swept.wait() if swept else asyncio.sleep(0.1))
        assert not erasing.done(), "it waits for whoever may have seen him before"
        await commit()
        await erasing


@pytest.mark.parametrize("table", LATE_WRITES)
async def test_what_was_being_written_meanwhile_is_swept_up(life: Life, database: str, table: str) -> None:
    for name in ("natural_persons", "citizen_phones"):
        await execute(f"DELETE FROM {name}")  # of these there is one for each citizen
    await erase_while(life, database, LATE_WRITES[table])
    assert await rows_of(life.id, table) == {table: 0}


async def test_without_the_second_sweep_it_would_stay(
    life: Life, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin of the test above."""

    swept = asyncio.Event()

    async def nothing(*_: object) -> None:
        swept.set()
        await asyncio.sleep(0.2)

    monkeypatch.setattr(erasures, "finish", nothing)
    await erase_while(life, database, LATE_WRITES["channel_identities"], swept)
    assert await rows_of(life.id, "channel_identities") == {"channel_identities": 1}


@pytest.mark.parametrize("table", LATE_WRITES)
async def test_what_is_written_afterwards_is_refused(life: Life, table: str) -> None:
    await erase(life.id, KEYS, NOON)
    if table == "citizen_notices":  # told to nobody; its cause goes on
        assert await execute(LATE_WRITES[table], life.id) == 0
        assert not await notice_log.tell("citizen", life.id, "coupon_revoked", "late", FACTS, NOON)
    else:
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await execute(LATE_WRITES[table], life.id)
        assert refused.value.constraint_name == NOT_ERASED
    assert await rows_of(life.id, table) == {table: 0}


async def test_a_tier_that_arrives_afterwards_is_not_kept(life: Life) -> None:
    await execute("DELETE FROM tier_snapshots")
    source = Source(rating(880), meanwhile=lambda: erase(life.id, KEYS, NOON))
    with pytest.raises(ConsentRequired):
        await desk(source).tier(life.id, LookupReason.MY_CREDIT, NOON)
    assert len(source.asked) == 1 and await rows_of(life.id, "tier_snapshots") == {"tier_snapshots": 0}


async def test_a_sign_in_that_found_him_just_before_gets_no_session(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    production = settings()
    found = await citizen_of(Channel.WECHAT, WANG, KEYS)
    await erase(life.id, KEYS, NOON)
    with pytest.raises(LoginFailed):
        await sessions.begin(production, ActorKind.CITIZEN, found, None, NOON)
    assert await fetch_all("SELECT 1 FROM sessions WHERE revoked_at IS NULL") == []


async def test_another_channel_that_found_him_just_before_makes_somebody_new(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    find, tried = accounts._person, []

    async def find_then_erase(person: Person, keys: object) -> UUID:
        found = await find(person, KEYS)
        if not tried:
            tried.append(found)
            # In a task of its own: another process's connection, while this transaction is open.
            erasing = asyncio.create_task(erase(life.id, KEYS, NOON), context=Context())
            while not await fetch_all("SELECT 1 FROM citizens WHERE erased_at IS NOT NULL"):
                await asyncio.sleep(0.01)
            tried.append(erasing)
        return found

    monkeypatch.setattr(accounts, "_person", find_then_erase)
    again = await citizen_of(Channel.ALIPAY, WANG, KEYS)
    await tried[1]
    assert tried[0] == life.id != again
    assert await rows_of(life.id, "natural_persons", "channel_identities") == {
        "natural_persons": 0,
        "channel_identities": 0,
    }
    assert await accounts.id_number_of(again, KEYS) == "330106198003120012"


async def test_nobody_erased_claims_agrees_or_is_bound(life: Life) -> None:
    await erase(life.id, KEYS, NOON)
    with pytest.raises(Busy):
        await claimed(life.id, life.offer)
    with pytest.raises(asyncpg.CheckViolationError):
        await consent(life.id)
    with pytest.raises(self_bindings.AlreadyBound):
        await self_bindings.bind(life.shop.manager.id, life.id, KEYS, NOON)
    assert await rows_of(life.id, "coupons") == {"coupons": 3}


async def test_claims_and_an_erasure_at_once_leave_no_usable_coupon(life: Life) -> None:
    """Whoever is first: a claim's piece is back in the stock afterwards."""
    tasks = [asyncio.create_task(claimed(life.id, life.offer)) for _ in range(5)]
    await asyncio.gather(erase(life.id, KEYS, NOON), *tasks, return_exceptions=True)
    await erasures.finish(life.id, KEYS, NOON)
    assert await fetch_all("SELECT 1 FROM coupons WHERE status = 'claimed'") == []
    [stock] = await fetch_all("SELECT issued FROM offer_stock WHERE offer_id = $1", life.offer)
    assert stock["issued"] == 2


async def test_a_scan_and_an_erasure_at_once_are_one_or_the_other(life: Life) -> None:
    code = await code_of(life.unused)
    results = await asyncio.gather(
        scan(life.shop.manager, code, an_order(life.shop.store_id)),
        erase(life.id, KEYS, NOON),
        return_exceptions=True,
    )
    status = (await coupon_row(life.unused))["status"]
    if isinstance(results[0], BaseException):
        assert isinstance(results[0], CouponRevoked) and status == CouponStatus.GIVEN_BACK
    else:
        assert status == CouponStatus.REVOKED


async def test_a_decision_and_an_erasure_at_once_never_wait_for_each_other(life: Life, database: str) -> None:
    """The office holds the complaint and tells the citizen; the erasure holds him and deletes the words."""
    held = "UPDATE complaint_texts SET decision_encrypted = 'x' WHERE complaint_id = (SELECT id FROM complaints WHERE citizen_id = $1 AND status = 'open')"
    connection = await connect_alone(database)
    change = connection.transaction()
    await change.start()
    await connection.execute(held, life.id)
    erasing = asyncio.create_task(erase(life.id, KEYS, NOON))
    await asyncio.sleep(0.1)
    await asyncio.wait_for(connection.execute(LATE_WRITES["citizen_notices"], life.id), 0.5)
    await change.commit()
    await connection.close()
    assert await erasing
    assert await fetch_all("SELECT 1 FROM complaint_texts") == []
    assert await rows_of(life.id, "citizen_notices") == {"citizen_notices": 0}


async def test_a_killed_process_leaves_a_job_that_finishes(
    life: Life, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def killed(*_: object) -> None:
        raise KeyboardInterrupt

    finish = erasures.finish
    monkeypatch.setattr(erasures, "finish", killed)
    with pytest.raises(KeyboardInterrupt):
        await erase(life.id, KEYS, NOON)
    monkeypatch.setattr(erasures, "finish", finish)
    jobs = await fetch_all("SELECT entrypoint FROM pgqueuer ORDER BY id")
    assert [job["entrypoint"] for job in jobs] == [erasures.FINISH_JOB, erasures.LATE_JOB]
    payload = {"citizen_id": str(life.id), "erased_at": NOON.isoformat()}
    for _ in range(2):  # at least once
        await erasures.finish_job(payload, KEYS, tmp_path, NOON)
    assert (await coupon_row(life.unused))["status"] == CouponStatus.GIVEN_BACK
    assert set((tmp_path / erasures.JOURNAL).read_text().splitlines()) == {
        f'{{"citizen_id": "{life.id}", "erased_at": "{NOON.isoformat()}"}}'
    }


async def test_a_restored_backup_is_brought_up_to_date_by_the_journal(life: Life, tmp_path: Path) -> None:
    other = await a_citizen()
    lines = [f'{{"citizen_id": "{each}", "erased_at": "x"}}\n' for each in (life.id, life.id, uuid4())]
    (tmp_path / erasures.JOURNAL).write_text("".join(lines))
    assert await erase_again(tmp_path, KEYS, NOON) == (1, 2)
    assert await rows_of(life.id, "natural_persons") == {"natural_persons": 0}
    assert await erase_again(tmp_path, KEYS, NOON) == (0, 2)
    (tmp_path / erasures.JOURNAL).write_text(f'{{"citizen_id": "{other}"}}\n{{"citizen_id": "')
    with pytest.raises(erasures.JournalBroken, match="line 2"):
        await erase_again(tmp_path, KEYS, NOON)
    [row] = await fetch_all("SELECT erased_at FROM citizens WHERE id = $1", other)
    assert row["erased_at"] is None


async def test_an_account_that_was_joined_to_his_is_in_the_journal_too(life: Life, tmp_path: Path) -> None:
    """In a backup of before the join it is an account of its own, with his channel."""
    absorbed = uuid4()
    await execute(
        "INSERT INTO citizen_joins (absorbed_id, citizen_id, joined_at, request_key, request_hash)"
        " VALUES ($1, $2, $3, 'a-key-of-his', decode(repeat('00', 32), 'hex'))",
        *(absorbed, life.id, NOON),
    )
    await erase(life.id, KEYS, NOON)
    [job] = await fetch_all("SELECT payload FROM pgqueuer WHERE entrypoint = $1", erasures.FINISH_JOB)
    await erasures.finish_job(json.loads(job["payload"]), KEYS, tmp_path, NOON)
    lines = (tmp_path / erasures.JOURNAL).read_text().splitlines()
    assert {json.loads(line)["citizen_id"] for line in lines} == {str(life.id), str(absorbed)}


def test_a_confirmation_is_his_own_and_good_for_five_minutes() -> None:
    actor = CitizenActor(uuid4(), uuid4())
    text = confirmation(actor, KEYS, NOON)
    check_confirmation(text, actor, KEYS, NOON + timedelta(seconds=299))
    for other, sent, at in (
        (actor, text, NOON + timedelta(seconds=301)),
        (CitizenActor(actor.id, uuid4()), text, NOON),
        (CitizenActor(uuid4(), actor.session_id), text, NOON),
        *((actor, wrong, NOON) for wrong in ("", "x", "é", text[:-2], text + "AA", "A" * len(text))),
    ):
        with pytest.raises(ConfirmationInvalid):
            check_confirmation(sent, other, KEYS, at)
