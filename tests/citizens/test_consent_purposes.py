"""Consents by purpose and recipient: their texts, their proofs, no nagging, and what a wider text ends."""

import asyncio
from datetime import date, timedelta
from uuid import uuid4

import pytest

from citizens import ages, consent_records, consents, credit
from citizens.ages import CreditSubjectAdult, GuardianNeeded, birth_day, birthday, is_under
from citizens.consents import Given, RecipientRequired
from common.database import execute, fetch_all
from common.errors import NotFound
from models.citizen_enums import ConsentEnd
from models.enums import ConsentPurpose, LookupReason
from tests.factories.agents import a_real_person, agree, id_number
from tests.factories.citizens import KEYS, a_citizen, a_phone, consent
from tests.factories.members import Shop, a_shop, suspend
from tests.factories.moments import NOON, shanghai

CREDIT, SHARING = ConsentPurpose.CREDIT_CHECK, ConsentPurpose.MEMBER_SHARING
NOTICES, GUARDIANSHIP = ConsentPurpose.NOTICES, ConsentPurpose.GUARDIANSHIP
DAY = timedelta(days=1)


@pytest.fixture
async def shop(database: str) -> Shop:
    return await a_shop()


async def wider_text(effective_from: object, *, is_wider: bool) -> None:
    await execute(
        "INSERT INTO consent_texts (purpose, version, title, text, sha256, effective_from, is_wider)"
        " VALUES ('credit_check', '2026-05-01', '信用查询授权书', '还查别的', repeat('0', 64), $1, $2)",
        *(effective_from, is_wider),
    )


async def standing(citizen_id: object, purpose: ConsentPurpose, at: object) -> consent_records.Standing:
    (found,) = [
        each
        for each in await consent_records.standings_of(citizen_id, at)  # type: ignore[arg-type]
        if each.purpose is purpose
    ]
    return found


@pytest.mark.usefixtures("database")
async def test_every_purpose_has_a_text_in_plain_chinese_that_says_how_to_refuse_and_to_withdraw() -> None:
    texts = await consent_records.texts_in_force(NOON)
    assert [text.purpose for text in texts] == sorted(ConsentPurpose)
    assert all("可以不同意" in text.text and "可以撤回" in text.text for text in texts)


async def test_a_consent_to_share_names_its_member_and_no_other_does(shop: Shop) -> None:
    citizen_id = await a_citizen()
    with pytest.raises(RecipientRequired):
        await agree(citizen_id, SHARING)
    with pytest.raises(RecipientRequired):
        await agree(citizen_id, NOTICES, recipient=shop.member_id)
    with pytest.raises(NotFound):
        await agree(citizen_id, SHARING, recipient=uuid4())
    await suspend(shop.member_id)
    with pytest.raises(NotFound):
        await agree(citizen_id, SHARING, recipient=shop.member_id)
    assert await consents.in_force(citizen_id) == []


async def test_each_member_is_agreed_to_and_withdrawn_by_itself(shop: Shop) -> None:
    citizen_id, other = await a_citizen(), await a_shop()
    first = await agree(citizen_id, SHARING, recipient=shop.member_id)
    second = await agree(citizen_id, SHARING, recipient=other.member_id)
    assert first != second
    assert await agree(citizen_id, SHARING, recipient=shop.member_id) == first
    await consents.withdraw(citizen_id, SHARING, NOON, shop.member_id)
    holding = {each.recipient_member_id: each.id for each in await consents.in_force(citizen_id)}
    assert holding == {other.member_id: second}
    await agree(citizen_id, SHARING, recipient=shop.member_id)
    await consents.withdraw(citizen_id, SHARING, NOON)
    assert await consents.in_force(citizen_id) == []


async def test_agreeing_to_one_member_many_times_at_once_is_one_consent(shop: Shop) -> None:
    citizen_id = await a_citizen()
    ids = await asyncio.gather(*(agree(citizen_id, SHARING, recipient=shop.member_id) for _ in range(8)))
    assert len(set(ids)) == 1 and len(await consents.in_force(citizen_id)) == 1


async def test_a_proof_keeps_the_text_the_recipient_the_channel_and_who_agreed(shop: Shop) -> None:
    citizen_id, guardian_id = await a_citizen(), await a_citizen()
    phone = await a_phone(citizen_id)
    await execute("UPDATE sessions SET channel = 'zheliban' WHERE id = $1", phone)
    text = await consents.text_in_force(SHARING, NOON)
    given = Given(shop.member_id, guardian_id, phone)
    await consents.grant(citizen_id, SHARING, text.version, NOON, given)
    await consents.withdraw(citizen_id, SHARING, NOON + DAY)
    (proof,) = await consent_records.history_of(citizen_id, None, 9)
    assert (proof["text"], proof["sha256"], proof["title"]) == (text.text, text.sha256, text.title)
    assert (proof["recipient_name"], proof["given_by"], proof["given_through"]) == (
        *("湖畔百货", "guardian", "zheliban"),
    )
    assert (proof["granted_at"], proof["withdrawn_at"]) == (NOON, NOON + DAY)
    assert proof["ended_because"] == ConsentEnd.WITHDRAWN
    # The member's new name changes no proof.
    await execute("UPDATE members SET name = '新名' WHERE id = $1", shop.member_id)
    assert [row["recipient_name"] for row in await consent_records.history_of(citizen_id, None, 9)] == [
        "湖畔百货"
    ]


async def test_the_history_is_ones_own_and_pages_backwards(shop: Shop) -> None:
    citizen_id, other = await a_citizen(), await a_citizen()
    await consent(other)
    made = [await consent(citizen_id)]
    await consents.withdraw(citizen_id, CREDIT, NOON)
    made += [await consent(citizen_id, NOON + DAY), await agree(citizen_id, NOTICES)]
    first = await consent_records.history_of(citizen_id, None, 2)
    rest = await consent_records.history_of(citizen_id, first[-1]["id"], 2)
    assert [row["id"] for row in (*first, *rest)] == made[::-1]


async def test_nobody_asks_again_for_thirty_days_after_a_not_now_or_a_withdrawal(shop: Shop) -> None:
    citizen_id = await a_citizen()
    assert (await standing(citizen_id, CREDIT, NOON)).may_ask
    await consent_records.refuse(citizen_id, CREDIT, None, NOON)
    said = await standing(citizen_id, CREDIT, NOON + 30 * DAY - timedelta(seconds=1))
    assert (said.may_ask, said.not_before) == (False, NOON + 30 * DAY)
    assert (await standing(citizen_id, CREDIT, NOON + 30 * DAY)).may_ask
    assert (await standing(citizen_id, NOTICES, NOON)).may_ask, "each purpose by itself"
    await agree(citizen_id, NOTICES)
    assert not (await standing(citizen_id, NOTICES, NOON)).may_ask, "it is given"
    await consents.withdraw(citizen_id, NOTICES, NOON)
    assert (await standing(citizen_id, NOTICES, NOON)).not_before == NOON + 30 * DAY


async def test_a_refusal_changes_no_consent_and_the_last_one_counts(shop: Shop) -> None:
    citizen_id = await a_citizen()
    proof = await consent(citizen_id)
    for at in (NOON + DAY, NOON):
        await consent_records.refuse(citizen_id, CREDIT, None, at)
    assert (await standing(citizen_id, CREDIT, NOON)).proof_id == proof
    rows = await fetch_all("SELECT refused_at FROM consent_refusals WHERE citizen_id = $1", citizen_id)
    assert [row["refused_at"] for row in rows] == [NOON + DAY]


async def test_refusing_one_member_keeps_only_that_one_from_being_asked_for(shop: Shop) -> None:
    citizen_id, other = await a_citizen(), await a_shop()
    with pytest.raises(NotFound):
        await consent_records.refuse(citizen_id, SHARING, uuid4(), NOON)
    with pytest.raises(RecipientRequired):
        await consent_records.refuse(citizen_id, SHARING, None, NOON)
    await consent_records.refuse(citizen_id, SHARING, shop.member_id, NOON)
    said = await standing(citizen_id, SHARING, NOON)
    assert (said.recipient_member_id, said.recipient_name, said.may_ask) == (
        shop.member_id,
        "湖畔百货",
        False,
    )
    await agree(citizen_id, SHARING, recipient=other.member_id)
    found = {
        each.recipient_member_id: each.may_ask
        for each in await consent_records.standings_of(citizen_id, NOON)
        if each.purpose is SHARING
    }
    assert found == {shop.member_id: False, other.member_id: False}


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("is_wider", [False, True])
async def test_an_older_consent_stays_in_force_unless_the_new_text_allows_more(*, is_wider: bool) -> None:
    citizen_id, begins = await a_citizen(), shanghai("2026-05-01 00:00")
    proof = await consent(citizen_id)
    await wider_text(begins, is_wider=is_wider)
    assert await consents.end_outdated_consents(begins - timedelta(seconds=1)) == 0
    assert await consents.end_outdated_consents(begins) == (1 if is_wider else 0)
    assert await consents.end_outdated_consents(begins) == 0
    held = [each.id for each in await consents.in_force(citizen_id)]
    assert held == ([] if is_wider else [proof])
    if is_wider:
        # It was not the citizen who said no: he may be asked.
        assert (await standing(citizen_id, CREDIT, begins)).may_ask
        new = await consent(citizen_id, begins)
        assert await consents.end_outdated_consents(begins + DAY) == 0
        assert [each.id for each in await consents.in_force(citizen_id)] == [new]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("330106201805010010", date(2018, 5, 1)),
        ("330106201813010010", None),
        ("330106201802300010", None),
        ("33010620180501", None),
        ("load-200000001", None),
        ("330106２０１８0501001X", None),
        ("", None),
    ],
)
def test_the_day_of_birth_is_read_from_a_number_that_has_one(number: str, expected: date | None) -> None:
    assert birth_day(number) == expected


def test_a_birthday_begins_at_midnight_in_shanghai() -> None:
    number = id_number(date(2012, 3, 5))
    assert is_under(number, 14, shanghai("2026-03-04 23:59:59.999"))
    assert not is_under(number, 14, shanghai("2026-03-05 00:00"))
    assert birthday(date(2012, 2, 29), 14) == date(2026, 3, 1)
    assert birthday(date(2012, 2, 29), 16) == date(2028, 2, 29)


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("born", "purpose", "by_guardian", "refusal"),
    [
        (date(2018, 5, 1), NOTICES, False, GuardianNeeded),
        (date(2018, 5, 1), NOTICES, True, None),
        (date(2018, 5, 1), CREDIT, True, CreditSubjectAdult),
        (date(2010, 5, 1), NOTICES, False, None),
        (date(2010, 5, 1), CREDIT, False, CreditSubjectAdult),
        (date(2008, 3, 4), CREDIT, False, None),
    ],
)
async def test_who_may_agree_to_what_at_which_age(
    born: date, purpose: ConsentPurpose, by_guardian: bool, refusal: type[Exception] | None
) -> None:
    citizen_id = await a_real_person(born)
    asked = ages.must_be_old_enough(citizen_id, purpose, KEYS, NOON, by_guardian=by_guardian)
    if refusal is None:
        await asked
    else:
        with pytest.raises(refusal):
            await asked


@pytest.mark.usefixtures("database")
async def test_a_minors_credit_is_refused_before_it_is_logged_or_asked_for() -> None:
    class Never:
        name = "never"

        async def look_up(self, *_: object) -> None:
            raise AssertionError("the source was asked about a minor")

    citizen_id = await a_real_person(date(2010, 5, 1))
    await consent(citizen_id)
    with pytest.raises(CreditSubjectAdult):
        await credit.CreditDesk(Never(), KEYS).tier(citizen_id, LookupReason.MY_CREDIT, NOON)  # type: ignore[arg-type]
    assert await fetch_all("SELECT 1 FROM credit_lookups WHERE citizen_id = $1", citizen_id) == []
