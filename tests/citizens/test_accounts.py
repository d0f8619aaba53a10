"""Accounts: one natural person is one citizen, whatever he comes through, and nothing of him lies in the open."""

import asyncio
from uuid import UUID

import pytest

from citizens import accounts, phones, sandbox_people
from citizens.accounts import (
    AccountGone,
    NaturalPersonRequired,
    add_identity,
    citizen_of,
    id_number_of,
    profile,
    real_name_level_of,
)
from citizens.channels import LegalPerson, Login, LoginCodeInvalid, Person
from citizens.channels.sandbox import SandboxChannel
from common.crypto import PersonalDataKeys
from common.database import execute, fetch_all, fetch_one
from models.citizen_enums import RealNameLevel
from models.enums import Channel
from tests.factories.citizens import KEYS, a_citizen, a_person

WANG = Person("王大友", "330106198003120010")
pytestmark = pytest.mark.usefixtures("database")


async def count_of(table: str) -> int:
    row = await fetch_one(f"SELECT count(*) AS rows FROM {table}")
    assert row is not None
    return int(row["rows"])


async def log_in(channel: Channel, subject: str, person: Person | None = WANG) -> UUID:
    return await citizen_of(channel, Login(subject, person), KEYS)


async def name_of(citizen_id: UUID) -> str:
    row = await fetch_one("SELECT name_encrypted FROM natural_persons WHERE citizen_id = $1", citizen_id)
    assert row is not None
    return KEYS.decrypt(row["name_encrypted"], accounts.NAME)


async def test_the_same_login_is_the_same_citizen() -> None:
    assert await log_in(Channel.WECHAT, "openid-1") == await log_in(Channel.WECHAT, "openid-1")
    assert await count_of("citizens") == await count_of("channel_identities") == 1


async def test_two_channels_of_one_person_are_one_citizen() -> None:
    ids = {await log_in(channel, "a subject") for channel in Channel}
    assert len(ids) == 1
    assert (await count_of("citizens"), await count_of("channel_identities")) == (1, len(Channel))
    assert (await profile(ids.pop(), KEYS))[1] == list(Channel)


async def test_the_same_subject_of_another_channel_is_somebody_else() -> None:
    first = await log_in(Channel.WECHAT, "1", person=None)
    assert first != await log_in(Channel.ALIPAY, "1", person=None)


async def test_people_of_one_name_are_told_apart_by_their_number() -> None:
    other = Person(WANG.name, "330106198003120029")
    assert await log_in(Channel.WECHAT, "1") != await log_in(Channel.WECHAT, "2", other)


@pytest.mark.parametrize("logins", [2, 8])
async def test_one_person_who_logs_in_everywhere_at_once_is_made_once(logins: int) -> None:
    """Every first login has looked, and found nobody, before any of them writes."""
    everybody_looked = asyncio.Barrier(logins)
    fetch = accounts.fetch_one
    looked: set[asyncio.Task[object] | None] = set()

    async def fetch_together(sql: str, *values: object) -> object:
        found = await fetch(sql, *values)
        if "person_hash = $1" in sql and asyncio.current_task() not in looked:
            looked.add(asyncio.current_task())
            await everybody_looked.wait()
        return found

    accounts.fetch_one = fetch_together  # type: ignore[assignment]
    try:
        ids = await asyncio.gather(
            *(asyncio.create_task(log_in(Channel.WECHAT, f"openid-{number}")) for number in range(logins))
        )
    finally:
        accounts.fetch_one = fetch
    assert len(set(ids)) == 1
    assert (await count_of("citizens"), await count_of("natural_persons")) == (1, 1)
    assert await count_of("channel_identities") == logins


async def test_one_identity_that_logs_in_many_times_at_once_is_one_citizen() -> None:
    ids = await asyncio.gather(*(log_in(Channel.WECHAT, "openid", person=None) for _ in range(8)))
    assert len(set(ids)) == await count_of("citizens") == await count_of("channel_identities") == 1


async def test_nothing_personal_is_readable_in_any_table() -> None:
    """Rule 15: every column of every table is searched for what the person is called and known by."""
    await log_in(Channel.WECHAT, "the-openid-of-wang")
    await log_in(Channel.SANDBOX, "the-subject-of-wang")
    secrets = [WANG.name, WANG.id_number, "the-openid-of-wang", "the-subject-of-wang", "大友"]
    columns = await fetch_all(
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = 'public' AND data_type IN ('bytea', 'text', 'character varying', 'ARRAY', 'jsonb')"
    )
    assert {"natural_persons", "channel_identities"} <= {column["table_name"] for column in columns}
    searched = 0
    for table, column, kind in columns:
        cast = "" if kind == "bytea" else "::text"
        for (value,) in await fetch_all(f'SELECT "{column}"{cast} FROM {table} WHERE "{column}" IS NOT NULL'):
            searched += 1
            found = value if isinstance(value, bytes) else value.encode()
            for secret in secrets:
                assert secret.encode() not in found and secret.encode().hex().encode() not in found
    assert searched > 100


async def test_ciphers_of_the_same_name_differ_and_can_only_be_read_with_the_key() -> None:
    citizen_id = await log_in(Channel.WECHAT, "1")
    await log_in(Channel.WECHAT, "2", Person(WANG.name, "330106198003120029"))
    first, second = await fetch_all("SELECT name_encrypted FROM natural_persons")
    assert first["name_encrypted"] != second["name_encrypted"]
    assert await id_number_of(citizen_id, KEYS) == WANG.id_number
    stranger = PersonalDataKeys("international", {"1": b"x" * 32}, KEYS.hash_key)
    with pytest.raises(ValueError, match="changed"):
        await id_number_of(citizen_id, stranger)


async def test_an_id_number_moved_into_the_name_is_not_shown_as_one() -> None:
    citizen_id = await log_in(Channel.WECHAT, "1")
    await execute("UPDATE natural_persons SET name_encrypted = id_number_encrypted")
    with pytest.raises(ValueError, match="changed"):
        await profile(citizen_id, KEYS)


async def test_a_person_is_found_again_after_the_encryption_key_was_replaced() -> None:
    before = await log_in(Channel.WECHAT, "1")
    rotated = PersonalDataKeys("international", {"2": b"n" * 32, **KEYS.keys}, KEYS.hash_key)
    assert await citizen_of(Channel.ALIPAY, Login("1", WANG), rotated) == before
    assert await id_number_of(before, rotated) == WANG.id_number


async def test_a_citizen_sees_his_masked_name_and_his_channels() -> None:
    citizen_id = await log_in(Channel.ZHELIBAN, "1")
    await log_in(Channel.ZHELIBAN, "2")
    await log_in(Channel.WECHAT, "3")
    assert await profile(citizen_id, KEYS) == ("*大友", [Channel.ZHELIBAN, Channel.WECHAT])


async def test_who_came_through_a_channel_that_verifies_nobody_has_no_name_and_no_number() -> None:
    citizen_id = await log_in(Channel.WECHAT, "1", person=None)
    assert await profile(citizen_id, KEYS) == ("", [Channel.WECHAT])
    assert await id_number_of(citizen_id, KEYS) is None
    assert await profile(await a_citizen(), KEYS) == ("", [])


async def test_erasing_the_one_row_leaves_the_subject_and_nobody_behind_it() -> None:
    """Rule 7."""
    citizen_id = await log_in(Channel.WECHAT, "1")
    await execute("DELETE FROM natural_persons")
    assert await id_number_of(citizen_id, KEYS) is None
    assert await profile(citizen_id, KEYS) == ("", [Channel.WECHAT])


async def test_subject_ids_are_random_and_tell_no_time() -> None:
    assert (await a_person()).version == 4


@pytest.mark.parametrize("name", sandbox_people.DEMO)
async def test_every_demo_person_logs_in_with_his_name_again_and_again(name: str) -> None:
    first = await a_person(name)
    assert first == await a_person(name) == await a_person(name + "@b")


@pytest.mark.parametrize(
    "code",
    ["", "demo-", "demo-nobody", "load-", "load--1", "load-x", "load-１", "load-" + "1" * 101, "load-1@c"],
)
async def test_other_codes_are_invalid(code: str) -> None:
    with pytest.raises(LoginCodeInvalid):
        await SandboxChannel().exchange(code)


def test_load_people_are_natural_persons_of_their_own() -> None:
    numbers = [0, 1, 999, 1000, 18_499_999, 18_500_000, 199_999_999, 200_000_000, 10**99, *range(5000, 7000)]
    people = [sandbox_people.person_of(f"load-{number}") for number in numbers]
    ids = {person.id_number for person in people if person}
    assert len(ids) == len(numbers)
    demo = {person.id_number for name in sandbox_people.DEMO if (person := sandbox_people.person_of(name))}
    assert not demo & ids


@pytest.mark.parametrize(
    "spelling", ["11010519491231002x", " 11010519491231002X ", "１１０１０５１９４９１２３１００２Ｘ"]
)
def test_an_id_number_has_one_spelling_however_a_channel_writes_it(spelling: str) -> None:
    """One person must not become two, with twice the limits."""
    assert Person("王大友", spelling) == Person("王大友", "11010519491231002X")


async def test_a_name_that_changed_is_taken_over_at_the_next_verified_login() -> None:
    """PIPL 46: who marries and takes another name corrects it where it is verified."""
    married = Person("王李大友", WANG.id_number)
    citizen_id = await log_in(Channel.WECHAT, "openid-1")
    assert await log_in(Channel.WECHAT, "openid-1", married) == citizen_id
    assert await name_of(citizen_id) == "王李大友"
    assert await log_in(Channel.ALIPAY, "2088-1") == citizen_id, "a first login through another channel"
    assert await name_of(citizen_id) == "王大友"
    assert await log_in(Channel.WECHAT, "openid-1", None) == citizen_id, (
        "one that verifies nothing changes nothing"
    )
    other = Person("陈小芳", "330106198506070020")
    assert await log_in(Channel.WECHAT, "openid-1", other) == citizen_id
    assert await name_of(citizen_id) == "王大友", "another person's name is nobody's correction"


async def test_a_number_that_is_forgotten_is_gone() -> None:
    citizen_id = await log_in(Channel.WECHAT, "openid-1")
    await execute(
        "INSERT INTO citizen_phones (citizen_id, phone_encrypted, channel, verified_at) VALUES ($1, 'x', 'wechat', now())",
        citizen_id,
    )
    for _ in "12":
        await phones.forget(citizen_id)
        assert await count_of("citizen_phones") == 0


async def phone_of(citizen_id: UUID) -> str | None:
    row = await fetch_one("SELECT phone_encrypted FROM citizen_phones WHERE citizen_id = $1", citizen_id)
    return KEYS.decrypt(row["phone_encrypted"], phones.PHONE) if row else None


async def test_a_known_identity_becomes_the_person_that_its_channel_verifies_now() -> None:
    citizen_id = await log_in(Channel.ALIPAY, "uid", person=None)
    assert await real_name_level_of(citizen_id) is RealNameLevel.NONE
    assert await log_in(Channel.ALIPAY, "uid") == citizen_id == await log_in(Channel.ZHELIBAN, "1")
    assert await real_name_level_of(citizen_id) is RealNameLevel.REAL_NAME
    assert await id_number_of(citizen_id, KEYS) == WANG.id_number


async def test_a_person_who_is_another_citizen_already_is_not_joined_by_a_login() -> None:
    wang, alipay = await log_in(Channel.ZHELIBAN, "1"), await log_in(Channel.ALIPAY, "uid", person=None)
    assert await log_in(Channel.ALIPAY, "uid") == alipay != wang
    assert await id_number_of(alipay, KEYS) is None
    other = Person("李小芳", "330106198003120029")
    assert await log_in(Channel.ZHELIBAN, "1", other) == wang
    assert await id_number_of(wang, KEYS) == WANG.id_number


@pytest.mark.parametrize("known", [1, 4])
async def test_known_identities_that_bring_one_person_at_once_make_one_of_them_the_person(known: int) -> None:
    """All of them have looked, and found no such person, before any of them writes."""
    ids = [await log_in(Channel.ALIPAY, str(number), person=None) for number in range(known)]
    everybody_looked, fetch = asyncio.Barrier(known + 1), accounts.fetch_one
    looked: set[object] = set()

    async def fetch_together(sql: str, *values: object) -> object:
        found = await fetch(sql, *values)
        if "FROM channel_identities i" in sql and asyncio.current_task() not in looked:
            looked.add(asyncio.current_task())
            await everybody_looked.wait()
        return found

    accounts.fetch_one = fetch_together  # type: ignore[assignment]
    try:
        logins = [log_in(Channel.ALIPAY, str(number)) for number in range(known)]
        *same, new = await asyncio.gather(
            *(asyncio.create_task(each) for each in (*logins, log_in(Channel.ZHELIBAN, "1")))
        )
    finally:
        accounts.fetch_one = fetch
    assert same == ids
    (person,) = await fetch_all("SELECT citizen_id FROM natural_persons")
    assert person["citizen_id"] in {*ids, new}
    assert await count_of("citizens") == known + (new not in ids)


async def test_an_identity_from_before_can_be_written_to_after_its_next_login() -> None:
    await log_in(Channel.WECHAT, "openid", person=None)
    await execute("UPDATE channel_identities SET subject_encrypted = NULL")
    await asyncio.gather(*(log_in(Channel.WECHAT, "openid", person=None) for _ in range(4)))
    (row,) = await fetch_all("SELECT subject_encrypted FROM channel_identities")
    assert KEYS.decrypt(row["subject_encrypted"], accounts.SUBJECT) == "openid"
    await log_in(Channel.WECHAT, "openid", person=None)
    (again,) = await fetch_all("SELECT subject_encrypted FROM channel_identities")
    assert again == row


async def test_the_number_that_a_channel_verified_last_is_kept() -> None:
    async def from_phone(phone: str | None) -> UUID:
        return await citizen_of(Channel.WECHAT, Login("openid", None, phone), KEYS)

    citizen_id = await from_phone(None)
    assert await phone_of(citizen_id) is None
    for phone, kept in (("13800000001", 1), (None, 1), ("13800000002", 2), ("13800000002", 2)):
        assert await from_phone(phone) == citizen_id
        assert await phone_of(citizen_id) == f"1380000000{kept}"
    assert await real_name_level_of(citizen_id) is RealNameLevel.PHONE
    # Nobody is found by a number: they change hands.
    assert await citizen_of(Channel.WECHAT, Login("another", None, "13800000002"), KEYS) != citizen_id


async def test_an_organisation_is_no_citizen() -> None:
    login = Login("legal", None, legal_person=LegalPerson("91330106XY0000017X", "某公司"))
    with pytest.raises(NaturalPersonRequired):
        await citizen_of(Channel.ZHELIBAN, login, KEYS)
    with pytest.raises(NaturalPersonRequired):
        await add_identity(await a_citizen(), Channel.ZHELIBAN, login, KEYS)
    assert await count_of("channel_identities") == 0


async def test_nothing_is_added_to_an_account_that_is_no_more() -> None:
    with pytest.raises(AccountGone):
        await add_identity(UUID(int=1), Channel.WECHAT, Login("openid", WANG), KEYS)
    assert await count_of("channel_identities") == await count_of("natural_persons") == 0
