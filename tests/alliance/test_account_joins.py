"""Two accounts of one person become one: nothing that was claimed is lost, and nobody gets more than his limit by it."""

import asyncio
from collections import Counter
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest

from alliance import access_log, account_joins, account_moves, citizen_channels, complaints, erasures
from alliance.account_joins import AccountsToJoin, Joined, JoinsUsedUp, JoinTokenInvalid, join, offer_to_join
from alliance.own_data import OWN_DATA
from benefits import claims, coupons
from benefits.ledger_proofs import proofs_for_citizen
from benefits.refusals import Busy, IdempotencyKeyReused, LimitReached
from citizens import consents, phones
from citizens.accounts import OtherPerson, id_number_of, identities_of, real_name_level_of
from common.database import execute, fetch_all, fetch_one, transaction
from common.errors import NotFound
from common.request_keys import RequestKey
from common.shared_statements import SharedStatement
from merchants import self_bindings
from models import notice_log
from models.citizen_enums import RealNameLevel
from models.enums import Channel
from models.seal_proofs import NotYetSealed
from tests.e2e.invariants import RULES
from tests.e2e.workbench import crowd
from tests.factories.accounts import LI, WANG, another_process, outcome, pair, phone_of, through, warm
from tests.factories.agents import a_helper_of, a_real_person
from tests.factories.citizens import KEYS, a_citizen, a_phone, consent
from tests.factories.complaints import a_complaint
from tests.factories.members import Shop, a_shop
from tests.factories.moments import NOON
from tests.factories.offers import an_offer, stock_of
from tests.factories.scans import a_key, claimed, code_of, coupon_row, redeemed

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def shop(database: str) -> Shop:
    """A member with two stores."""
    return await a_shop()


async def token_for(citizen_id: UUID, other: UUID) -> str:
    return str((await offer_to_join(citizen_id, other, NOON)).facts["join_token"])


async def joined(citizen_id: UUID, other: UUID, request: RequestKey | None = None) -> Joined:
    token = await token_for(citizen_id, other)
    return await join(phone_of(citizen_id), token, request or a_key(), KEYS, NOON)


async def held_of(citizen_id: UUID) -> list[int]:
    rows = await fetch_all(
        "SELECT slot FROM coupons WHERE citizen_id = $1 AND slot IS NOT NULL ORDER BY slot", citizen_id
    )
    return [row["slot"] for row in rows]


async def pointing_to(citizen_id: UUID) -> set[str]:
    """The tables that still name a citizen, of all that have a citizen's id."""
    rows = await fetch_all(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'citizen_id'"
    )
    return {
        row["table_name"]
        for row in rows
        if await fetch_one(f"SELECT 1 FROM {row['table_name']} WHERE citizen_id = $1", citizen_id)
    }


async def test_everything_of_both_is_there_and_nothing_points_to_who_went(shop: Shop) -> None:
    wechat, wang = await pair()
    offer_id = await an_offer(shop, total=10, uses_total=2)
    mine, his = (await claimed(wechat, offer_id)).id, (await claimed(wang, offer_id)).id
    used = await redeemed(shop, mine)
    await consent(wechat)
    complaint_id = await a_complaint(shop, citizen_id=wechat, redemption_id=used.id)
    done = await joined(wechat, wang)
    assert done == Joined(wang, NOON, is_signed_out=True)
    wallet = await coupons.coupons_of(wang, None, None, 10, NOON)
    assert {coupon.id for coupon in wallet} == {mine, his}
    assert [entry.event for entry in await coupons.history_of(mine)] == ["claimed", "redeemed"]
    assert (await complaints.refusals_of(wang, mine, None, 10)) == []
    with pytest.raises(NotYetSealed):
        await proofs_for_citizen(wang, used.id, NOON)
    with pytest.raises(NotFound):
        await proofs_for_citizen(wechat, used.id, NOON)
    await a_complaint(shop, citizen_id=wang, redemption_id=used.id)
    row = await fetch_one("SELECT citizen_id FROM complaints WHERE id = $1", complaint_id)
    assert row is not None and row["citizen_id"] == wang
    # The ledger is written once: it has the id of then, and so have the numbers made of it.
    assert await pointing_to(wechat) == {"redemptions"}
    assert await through(Channel.WECHAT, "openid") == await through(Channel.ZHELIBAN, "wang") == wang
    assert (await stock_of(offer_id))["issued"] == 2
    assert (await redeemed(shop, mine, NOON + MINUTE)).uses_left == 0


async def test_every_foreign_key_to_a_citizen_is_moved(shop: Shop) -> None:
    """A new table that points to citizens is named in `account_moves`, else no accounts could be joined any more."""
    rows = await fetch_all(
        "SELECT conrelid::regclass::text AS table FROM pg_constraint"
        " WHERE contype = 'f' AND confrelid = 'citizens'::regclass AND conparentid = 0"
    )
    moved = {*account_moves.PLAIN, "consents", "tier_snapshots", "agent_bindings", "guardianship_requests"}
    # This one has his id without a foreign key.
    moved -= {"message_quotas"}
    # Who has a person stays.
    assert {row["table"] for row in rows} == moved | {"natural_persons"}


async def test_only_the_consents_of_who_stays_hold(shop: Shop) -> None:
    wechat, wang = await pair()
    gone = await consent(wechat)
    await joined(wechat, wang)
    assert await consents.in_force(wang) == []
    (row,) = await fetch_all("SELECT id, citizen_id, withdrawn_at FROM consents")
    assert tuple(row) == (gone, wang, NOON)
    assert await consent(wang) != gone


async def test_a_consent_of_who_stays_goes_on(shop: Shop) -> None:
    wechat, wang = await pair()
    await consent(wechat)
    kept = await consent(wang)
    await joined(wang, wechat)
    assert [each.id for each in await consents.in_force(wang)] == [kept]


async def test_the_older_stays_where_neither_has_a_person(shop: Shop) -> None:
    older, younger = await through(Channel.WECHAT, "1"), await through(Channel.ALIPAY, "2")
    assert (await joined(younger, older)).citizen_id == older


async def test_sessions_and_renewal_keys_of_who_went_end(shop: Shop) -> None:
    wechat, wang = await pair()
    coupon_id = (await claimed(wechat, await an_offer(shop))).id
    gone, kept = await a_phone(wechat), await a_phone(wang)
    await execute("UPDATE coupons SET renewal_session_id = $1", gone)
    await joined(wang, wechat)
    rows = await fetch_all("SELECT id, revoked_reason FROM sessions")
    assert {row["id"]: row["revoked_reason"] for row in rows} == {gone: "account_joined", kept: None}
    row = await coupon_row(coupon_id)
    assert (row["key_generation"], row["renewal_session_id"]) == (1, None)


async def test_whoever_helps_is_told_that_it_ended_with_the_account(shop: Shop) -> None:
    wechat, wang = await pair()
    helper = await a_real_person()
    await a_helper_of(wechat, helper)
    await joined(wang, wechat)
    for citizen_id in (helper, wang):
        told = await fetch_all("SELECT kind FROM citizen_notices WHERE citizen_id = $1", citizen_id)
        assert "helper_ended" in {row["kind"] for row in told}


async def test_what_the_audit_has_of_the_account_that_went_is_his_to_read(shop: Shop) -> None:
    """In his copy and in his access log, each once: written before the join, with the id that went."""
    wechat, wang = await pair()
    session, _ = await a_phone(wechat), await a_phone(wang)
    complaint = await a_complaint(shop, citizen_id=wechat, store_id=shop.store_id)
    await complaints.withdraw(wechat, complaint, NOON)
    await joined(wang, wechat)
    by_table = {entry.table: entry.select for entry in OWN_DATA}
    audit = await fetch_all(by_table["audit_records"], wang)
    assert {"complaint.make", "account.join"} <= {row["action"] for row in audit}
    assert session in {row["id"] for row in await fetch_all(by_table["sessions"], wang)}
    log = [line.action for line in await access_log.of_citizen(wang, None, 50)]
    assert log.count("complaint.make") == log.count("complaint.withdraw") == log.count("account.join") == 1


async def test_a_clerk_is_himself_after_his_accounts_were_joined(shop: Shop) -> None:
    """Own wallet: who confirmed as the account that went can't redeem the coupons of the one that stays."""
    wechat, wang = await pair()
    await self_bindings.bind(shop.clerk.id, wechat, KEYS, NOON)
    coupon_id = (await claimed(wang, await an_offer(shop))).id
    await joined(wechat, wang)
    assert await outcome(redeemed(shop, coupon_id)) == "own_coupon"
    with pytest.raises(NotFound):
        await self_bindings.bind(shop.manager.id, wechat, KEYS, NOON)


async def test_keys_and_causes_that_both_had_are_no_hindrance(shop: Shop) -> None:
    wechat, wang = await pair()
    offer_id, request = await an_offer(shop), a_key("the-same-key")
    for citizen_id in (wechat, wang):
        await claimed(citizen_id, offer_id, request=request)
        for reason in ("a", "b"):
            facts = {"coupon_id": "1", "reason": reason}
            await notice_log.tell(
                "citizen", citizen_id, "coupon_revoked", f"coupon_revoked:{reason}", facts, NOON
            )
        for _ in range(4):
            await a_complaint(shop, citizen_id=citizen_id)
    await joined(wechat, wang)
    assert len(await coupons.coupons_of(wang, None, None, 10, NOON)) == 2
    assert len(await notice_log.newest("citizen", wang, None, 10)) == 5
    assert (await claimed(wang, offer_id, request=request)).is_replayed
    rows = await fetch_all("SELECT place FROM complaints WHERE citizen_id = $1 ORDER BY place", wang)
    assert [row["place"] for row in rows] == [1, 2, 3, 4, 5, None, None, None]
    assert await outcome(a_complaint(shop, citizen_id=wang)) == "complaints_used_up"


async def test_the_number_that_stays_is_the_one_of_who_stays(shop: Shop) -> None:
    wechat = await through(Channel.WECHAT, "1", phone="13800000001")
    alipay = await through(Channel.ALIPAY, "2")
    assert (await real_name_level_of(wechat), await real_name_level_of(alipay)) == (1, 0)
    assert (
        await joined(alipay, await through(Channel.WECHAT, "3", phone="13800000003"))
    ).citizen_id == alipay
    assert await real_name_level_of(alipay) is RealNameLevel.PHONE
    await joined(wechat, alipay)
    (row,) = await fetch_all("SELECT citizen_id, phone_encrypted FROM citizen_phones")
    assert (row["citizen_id"], KEYS.decrypt(row["phone_encrypted"], phones.PHONE)) == (
        wechat,
        "13800000001",
    )


async def test_what_is_above_the_limit_stays_and_counts(shop: Shop) -> None:
    """Rule 13, and I3 per natural person."""
    wechat, wang = await pair()
    offer_id = await an_offer(shop, per_citizen_limit=2, total=10)
    mine = [(await claimed(wechat, offer_id)).id for _ in range(2)]
    his = [(await claimed(wang, offer_id)).id for _ in range(2)]
    offered = await offer_to_join(wechat, wang, NOON)
    assert {name: offered.facts[name] for name in AccountsToJoin.shown[2:]} == {
        "own_coupons": 2,
        "their_coupons": 2,
        "offers_over_limit": [{"id": str(offer_id), "title": "全场八折", "limit": 2, "held": 4}],
    }
    await joined(wechat, wang)
    assert await held_of(wang) == [1, 2, 3, 4]
    for given_back, coupon_id in enumerate((*his, *mine)):
        if given_back < 3:
            assert await outcome(claimed(wang, offer_id)) == "limit_reached"
        await claims.give_back(wang, coupon_id, NOON)
    assert (await stock_of(offer_id))["issued"] == 0
    for _ in range(2):
        await claimed(wang, offer_id)
    assert await outcome(claimed(wang, offer_id)) == "limit_reached"


async def test_a_channel_taken_off_and_joined_again_brings_no_piece_each_time(shop: Shop) -> None:
    """I3: without a channel that verifies people each sign-in after taking it off would be somebody new."""
    wang = await through(Channel.ZHELIBAN, "wang", WANG)
    offer_id = await an_offer(shop, per_citizen_limit=1, total=100)
    for number in range(account_joins.MOST_A_YEAR + 1):
        again = await through(Channel.WECHAT, "openid")
        await claimed(again, offer_id)
        if number < account_joins.MOST_A_YEAR:
            await joined(wang, again)
            wechat, *_ = await identities_of(wang, None, 10)
            await citizen_channels.remove(phone_of(wang), wechat["id"], NOON)
    with pytest.raises(JoinsUsedUp):
        await joined(wang, again)
    with pytest.raises(JoinsUsedUp):  # nor the other way round
        await joined(again, wang)
    assert len(await held_of(wang)) == account_joins.MOST_A_YEAR
    assert await held_of(again) == [1]
    await execute(
        "UPDATE citizen_joins SET joined_at = joined_at - interval '1 year' WHERE absorbed_id <> $1", again
    )
    assert (await joined(wang, again)).citizen_id == wang


COUNTED = """most > (SELECT count(*) FROM coupons held
                                       WHERE held.offer_id = asked.offer_id AND held.citizen_id = asked.citizen_id
                                         AND held.limit_period = asked.period AND held.slot IS NOT NULL)"""


@pytest.mark.parametrize("is_guarded", [True, False])
async def test_places_are_counted_when_some_are_above_the_limit(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, *, is_guarded: bool
) -> None:
    wechat, wang = await pair()
    offer_id = await an_offer(shop, per_citizen_limit=2)
    [await claimed(wechat, offer_id) for _ in range(2)]
    his = [(await claimed(wang, offer_id)).id for _ in range(2)]
    await joined(wechat, wang)
    for coupon_id in his:
        await claims.give_back(wang, coupon_id, NOON)
    (extra, _) = await held_of(wang)
    assert extra == 3
    await claims.give_back(wang, (await coupons.coupons_of(wang, "claimed", None, 1, NOON))[0].id, NOON)
    assert len(await held_of(wang)) == 1
    if not is_guarded:
        assert COUNTED in claims.CLAIM
        monkeypatch.setattr(
            claims, "writes", SharedStatement(claims.CLAIM.replace(COUNTED, "most IS NOT NULL"))
        )
    # He is judged, and before he writes his other phone has claimed.
    judged = await claims._read(wang, offer_id, a_key(), NOON)
    await claimed(wang, offer_id)
    late = await claims._write(wang, offer_id, a_key(), judged, NOON, alone=True)
    assert (late is None) is is_guarded
    assert len(await held_of(wang)) == (2 if is_guarded else 3)


async def test_a_token_is_good_once_for_ten_minutes_and_for_its_account(shop: Shop) -> None:
    wechat, wang = await pair()
    token = await token_for(wechat, wang)
    for who, text, at in (
        (wang, token, NOON),
        (await a_citizen(), token, NOON),
        (wechat, token + "x", NOON),
        (wechat, token, NOON + 10 * MINUTE),
    ):
        with pytest.raises(JoinTokenInvalid):
            await join(phone_of(who), text, a_key(), KEYS, at)
    request = a_key()
    first = await join(phone_of(wechat), token, request, KEYS, NOON)
    again = [await join(phone_of(who), token, request, KEYS, NOON + MINUTE) for who in (wechat, wang)]
    assert [(each.citizen_id, each.joined_at, each.is_replayed) for each in again] == [(wang, NOON, True)] * 2
    assert not first.is_replayed
    with pytest.raises(IdempotencyKeyReused):
        await join(phone_of(wang), token, RequestKey(request.key, b"x" * 32), KEYS, NOON)
    with pytest.raises(JoinTokenInvalid):
        await join(phone_of(wang), token, a_key(), KEYS, NOON)


async def test_two_people_are_never_joined(shop: Shop) -> None:
    wechat, wang = await pair()
    token = await token_for(wechat, wang)
    assert await through(Channel.WECHAT, "openid", LI) == wechat  # she is verified now
    with pytest.raises(OtherPerson):
        await join(phone_of(wechat), token, a_key(), KEYS, NOON)
    assert await id_number_of(wechat, KEYS) == LI.id_number
    assert await pointing_to(wechat) == {"channel_identities", "natural_persons"}


async def test_an_erased_account_is_joined_to_none(shop: Shop) -> None:
    """His request was under way when his account was erased on another phone."""
    wechat, wang = await pair()
    token = await token_for(wechat, wang)
    await erasures.erase(wechat, KEYS, NOON)
    with pytest.raises(JoinTokenInvalid):
        await join(phone_of(wechat), token, a_key(), KEYS, NOON)
    assert await fetch_one("SELECT 1 FROM citizens WHERE id = $1 AND erased_at IS NOT NULL", wechat)


async def test_a_chain_of_joins_ends_at_who_is_left(shop: Shop) -> None:
    ids = [await through(Channel.WECHAT, str(number)) for number in range(3)]
    await joined(ids[2], ids[1])
    await joined(ids[1], ids[0])
    rows = await fetch_all("SELECT absorbed_id, citizen_id FROM citizen_joins")
    assert {(row["absorbed_id"], row["citizen_id"]) for row in rows} == {(ids[1], ids[0]), (ids[2], ids[0])}
    rows = await fetch_all("SELECT citizen_id FROM channel_identities")
    assert {row["citizen_id"] for row in rows} == {ids[0]}


# At the same moment -------------------------------------------------------------------------------


@pytest.fixture
def everybody_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody shares a statement: each as in a process of his own."""

    async def ask_alone(shared: SharedStatement, *values: object, apart: object = None) -> Any:
        return await shared.ask_alone(*values)

    monkeypatch.setattr(SharedStatement, "ask_together", ask_alone)


async def test_accounts_that_are_joined_crosswise_are_joined_once(shop: Shop) -> None:
    one, two = await through(Channel.WECHAT, "1"), await through(Channel.ALIPAY, "2")
    tokens = await token_for(one, two), await token_for(two, one)
    await warm()
    done = await asyncio.gather(
        join(phone_of(one), tokens[0], a_key(), KEYS, NOON),
        join(phone_of(two), tokens[1], a_key(), KEYS, NOON),
    )
    assert {each.citizen_id for each in done} == {one}
    assert [each.is_signed_out for each in done] == [False, True]
    assert len(await fetch_all("SELECT 1 FROM citizen_joins")) == 1


async def test_one_request_sent_many_times_at_once_joins_once(shop: Shop) -> None:
    wechat, wang = await pair()
    token, request = await token_for(wechat, wang), a_key()
    await warm()
    done = await asyncio.gather(*(join(phone_of(wechat), token, request, KEYS, NOON) for _ in range(6)))
    assert sorted(each.is_replayed for each in done) == [False, *[True] * 5]


async def test_an_account_is_joined_to_one_of_two_at_once_or_to_both(shop: Shop) -> None:
    ids = [await through(Channel.WECHAT, str(number)) for number in range(3)]
    offer_id = await an_offer(shop, per_citizen_limit=1, total=9)
    for citizen_id in ids:
        await claimed(citizen_id, offer_id)
    tokens = [await token_for(ids[1], other) for other in (ids[0], ids[2])]
    await warm()
    outcomes = await asyncio.gather(
        *(outcome(join(phone_of(ids[1]), token, a_key(), KEYS, NOON)) for token in tokens)
    )
    assert set(outcomes) <= {"done", "join_token_invalid"} and "done" in outcomes
    rows = await fetch_all(
        "SELECT citizen_id, array_agg(slot ORDER BY slot) AS slots FROM coupons GROUP BY 1"
    )
    assert sum(len(row["slots"]) for row in rows) == 3
    assert all(row["slots"] == [*range(1, len(row["slots"]) + 1)] for row in rows)


@pytest.mark.alone
@pytest.mark.parametrize("is_guarded", [True, False])
async def test_a_coupon_that_is_being_given_back_keeps_no_place(
    shop: Shop, database: str, monkeypatch: pytest.MonkeyPatch, *, is_guarded: bool
) -> None:
    wechat, wang = await pair()
    coupon_id = (await claimed(wechat, await an_offer(shop, per_citizen_limit=2, total=5))).id
    token = await token_for(wechat, wang)
    if not is_guarded:
        monkeypatch.setattr(account_moves, "HOLD_COUPONS", "SELECT $1::uuid, $2::uuid")
        monkeypatch.setattr(account_moves, "FORGET_PHONES", "SELECT $1::uuid")
        monkeypatch.setattr(account_joins, "WAIT", "SET LOCAL lock_timeout = '5s'")
    async with another_process(database) as phone:
        giving = phone.transaction()
        await giving.start()
        await phone.execute(claims.GIVE_BACK, coupon_id, wechat, NOON)
        joining = asyncio.create_task(join(phone_of(wechat), token, a_key(), KEYS, NOON))
        await crowd(phone.fetch, 1)
        await giving.commit()
    await joining
    row = await coupon_row(coupon_id)
    assert (row["citizen_id"], row["status"]) == (wang, "given_back")
    assert (row["slot"] is None) is is_guarded


@pytest.mark.alone
async def test_a_revocation_that_tells_its_citizen_never_meets_a_join_crosswise(
    shop: Shop, database: str
) -> None:
    """It holds the coupon and wants the citizen; the join holds the citizen and wants the coupon, and gives way."""
    wechat, wang = await pair()
    coupon_id = (await claimed(wechat, await an_offer(shop))).id
    token = await token_for(wechat, wang)
    async with another_process(database) as office:
        revoking = office.transaction()
        await revoking.start()
        await office.execute(
            "UPDATE coupons SET status = 'revoked', ended_at = $2 WHERE id = $1", coupon_id, NOON
        )
        joining = asyncio.create_task(join(phone_of(wechat), token, a_key(), KEYS, NOON))
        await crowd(office.fetch, 1)
        await office.execute("SET LOCAL lock_timeout = '900ms'")
        await office.execute(
            "INSERT INTO citizen_notices (id, citizen_id, kind, facts, once_key, noticed_at)"
            " VALUES ($1, $2, 'coupon_revoked', '{}', 'x', $3)",
            *(uuid4(), wechat, NOON),
        )
        await revoking.commit()
    await joining
    assert await pointing_to(wechat) == set()
    assert len(await notice_log.newest("citizen", wang, None, 9)) == 2


@pytest.mark.alone
async def test_a_join_that_finds_no_moment_says_so_and_changes_nothing(
    shop: Shop, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_joins, "WAIT", "SET LOCAL lock_timeout = '5ms'")
    monkeypatch.setattr(account_joins, "PAUSE_S", 0.0)
    wechat, wang = await pair()
    coupon_id = (await claimed(wechat, await an_offer(shop))).id
    token, request = await token_for(wechat, wang), a_key()
    async with another_process(database) as other, other.transaction():
        await other.execute("SELECT 1 FROM coupons WHERE id = $1 FOR UPDATE", coupon_id)
        with pytest.raises(Busy):
            await join(phone_of(wechat), token, request, KEYS, NOON)
    assert (await coupon_row(coupon_id))["citizen_id"] == wechat
    assert (await join(phone_of(wechat), token, request, KEYS, NOON)).citizen_id == wang


async def test_whoever_comes_too_late_with_the_id_that_went_writes_nothing(shop: Shop) -> None:
    wechat, wang = await pair()
    offer_id = await an_offer(shop, total=5)
    await joined(wechat, wang)
    late = [
        claimed(wechat, offer_id),
        consent(wechat),
        a_complaint(shop, citizen_id=wechat),
        notice_log.tell("citizen", wechat, "complaint_answered", "x", {}, NOON),
    ]
    assert {await outcome(each) for each in late} == {"ForeignKeyViolationError"}
    assert await pointing_to(wechat) == set()
    assert (await stock_of(offer_id))["issued"] == 0


@pytest.mark.usefixtures("everybody_alone")
@pytest.mark.parametrize("seed", range(4))
async def test_whatever_both_do_while_they_are_joined_nothing_is_lost_and_no_limit_is_passed(
    shop: Shop, seed: int
) -> None:
    """Three channels of one person on two accounts: random claims, gifts back and scans, and the join among them."""
    random = Random(seed)
    wechat, wang = await pair()
    assert await through(Channel.ALIPAY, "uid", WANG) == wang
    limit = random.randint(1, 3)
    offer_id = await an_offer(shop, per_citizen_limit=limit, total=50, uses_total=1)
    for citizen_id in (wechat, wang):
        for _ in range(random.randint(0, limit)):
            await claimed(citizen_id, offer_id)
    before = {row["id"] for row in await fetch_all("SELECT id FROM coupons")}
    made: list[UUID] = []

    async def claim(citizen_id: UUID) -> None:
        made.append((await claimed(citizen_id, offer_id)).id)

    async def give_back(citizen_id: UUID) -> None:
        wallet = await coupons.coupons_of(citizen_id, "claimed", None, 9, NOON)
        if wallet:
            await claims.give_back(citizen_id, random.choice(wallet).id, NOON)

    async def scan(citizen_id: UUID) -> None:
        wallet = await coupons.coupons_of(citizen_id, "claimed", None, 9, NOON)
        if wallet:
            await redeemed(shop, random.choice(wallet).id)

    works = [random.choice((claim, claim, give_back, scan))(random.choice((wechat, wang))) for _ in range(24)]
    token = await token_for(wechat, wang)
    works.insert(random.randrange(12), join(phone_of(wechat), token, a_key(), KEYS, NOON))  # type: ignore[arg-type]
    await warm()
    outcomes = Counter(await asyncio.gather(*(outcome(work) for work in works)))
    late = {"ForeignKeyViolationError", "not_found"}  # with the id that went
    refused = {"limit_reached", "already_redeemed", "coupon_revoked", "busy", "code_used", "code_forged"}
    assert set(outcomes) <= {"done"} | late | refused, outcomes
    rows = {row["id"]: row for row in await fetch_all("SELECT * FROM coupons")}
    assert rows.keys() == before | set(made)
    assert {row["citizen_id"] for row in rows.values()} <= {wang}
    for name in ("stock:", "uses:", "status:", "claim:"):
        for rule, sql in RULES.items():
            if rule.startswith(name):
                assert not await fetch_all(sql), rule
    held = await held_of(wang)
    assert len(held) == len(set(held)) == sum(row["status"] != "given_back" for row in rows.values())
    new = Counter(await asyncio.gather(*(outcome(claimed(wang, offer_id)) for _ in range(limit + 2))))
    assert new["done"] == max(0, limit - len(held))
    assert set(new) <= {"done", "limit_reached"}
    with pytest.raises(LimitReached):
        await claimed(wang, offer_id)


async def test_a_transaction_that_fails_leaves_both_as_they_were(shop: Shop) -> None:
    wechat, wang = await pair()
    await claimed(wechat, await an_offer(shop))
    token = await token_for(wechat, wang)
    with pytest.raises(ZeroDivisionError):
        async with transaction():
            await join(phone_of(wechat), token, a_key(), KEYS, NOON)
            raise ZeroDivisionError
    assert await pointing_to(wechat) == {"channel_identities", "coupons"}
    assert await code_of((await coupons.coupons_of(wechat, None, None, 1, NOON))[0].id)
