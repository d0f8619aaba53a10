"""市民账户: whoever logs in becomes one citizen, however many channels he comes from (decision 0030)."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from citizens import agents, phones
from citizens.channels import Login, NaturalPersonRequired, Person
from common.clock import now
from common.crypto import PersonalDataKeys
from common.database import Row, constraint_of, execute, fetch_all, fetch_one, transaction
from common.errors import Refused, Unauthenticated
from common.ids import new_subject_id
from common.masking import masked_name
from models.citizen import NOT_ERASED
from models.citizen_enums import RealNameLevel
from models.enums import Channel

NAME, ID_NUMBER, SUBJECT = "natural_persons.name", "natural_persons.id_number", "channel_identities.subject"
MOST_TRIES = 4
AFTER_ALL = (1 << 63) - 1
# Lost to another request of the same person, or to one that joined the account to another: judged anew.
LOST = (asyncpg.UniqueViolationError, asyncpg.ForeignKeyViolationError)

KNOWN = """
SELECT i.citizen_id, i.subject_encrypted IS NULL AS lacks_subject, p.citizen_id IS NOT NULL AS is_person,
       f.phone_encrypted
  FROM channel_identities i
  LEFT JOIN natural_persons p ON p.citizen_id = i.citizen_id
  LEFT JOIN citizen_phones f ON f.citizen_id = i.citizen_id
 WHERE i.channel = $1 AND i.subject_hash = $2
"""
# What stands between a citizen and an identity that he wants to add: whose it is, and who its person is.
OWNERS = """
SELECT own.person_hash AS own_hash, i.citizen_id AS owner, theirs.person_hash AS owner_hash,
       (SELECT p.citizen_id FROM natural_persons p WHERE p.person_hash = $4) AS person_owner
  FROM citizens c
  LEFT JOIN natural_persons own ON own.citizen_id = c.id
  LEFT JOIN channel_identities i ON i.channel = $2 AND i.subject_hash = $3
  LEFT JOIN natural_persons theirs ON theirs.citizen_id = i.citizen_id
 WHERE c.id = $1
"""


class OtherPerson(Refused):
    """The channel says that he is somebody else than the account's person."""

    code = "other_person"
    zh = "这个渠道的实名信息和当前账号不是同一个人，不能添加。请核对登录的是不是您本人的账号。"
    en = "This channel belongs to another person than this account, so it can't be added. Check that it is your own."


class NameDiffers(Refused):
    """The number is a known person's, whose name is another one: it is not who was meant."""

    code = "name_differs"
    zh = "这个证件号码已实名登记，姓名和申请里填写的不一致，不能通过。请写明原因退回，请申请人对照户口簿核对姓名和证件号码。"
    en = "Whoever has this ID number is known by another name, so it can't be confirmed. Refuse it and say why; the applicant should check name and number."


class AccountGone(Unauthenticated):
    """It was joined to another of his a moment ago."""

    code = "unauthenticated"
    zh = "您的账号已与另一个账号合并。请重新登录。"
    en = "Your account was joined to another one of yours. Sign in again."


@dataclass(frozen=True, slots=True)
class Added:
    """An identity that a citizen added; `other` is another citizen who has it, or who is its person."""

    id: int
    other: UUID | None


async def citizen_of(channel: Channel, login: Login, keys: PersonalDataKeys) -> UUID:
    """The citizen behind a login, made at the first one.

    Two channels of one natural person find the same citizen by the keyed hash of the ID number. Who is known without a
    person becomes the one that his channel verifies now, unless that is another citizen already: accounts are joined
    by their owner only.

    Raises:
        NaturalPersonRequired: an organisation logged in.
    """
    _must_be_a_person(login)
    subject = _subject_hash(channel, login, keys)
    for _ in range(MOST_TRIES):
        known = await fetch_one(KNOWN, channel, subject)
        try:
            if known is None:
                citizen_id = await _join(channel, login, subject, keys)
            else:
                citizen_id = known["citizen_id"]
                if login.person and not known["is_person"]:
                    await _become(citizen_id, login.person, keys)
                elif login.person:
                    await _keep_name(citizen_id, login.person, keys)
                if known["lacks_subject"]:
                    await _keep_subject(channel, login, subject, keys)
            await _keep_phone(citizen_id, channel, login, known["phone_encrypted"] if known else None, keys)
            return citizen_id
        except LOST:
            # The same person logs in twice for the first time: the other request has made him.
            continue
        except asyncpg.CheckViolationError as error:
            if constraint_of(error) != NOT_ERASED:
                raise
            # He was found, and had himself erased in the same moment: he comes as somebody new.
            continue
    raise AssertionError("unreachable: a unique row that is neither found nor free")


async def add_identity(citizen_id: UUID, channel: Channel, login: Login, keys: PersonalDataKeys) -> Added:
    """Add a channel's identity to a citizen, and the person that it brings, if both are nobody's.

    What is another citizen's stays his, and so does an unknown identity of his person.

    Raises:
        NaturalPersonRequired: an organisation logged in.
        OtherPerson: account, identity and login are not of one person.
        AccountGone: the account was joined to another.
    """
    _must_be_a_person(login)
    subject = _subject_hash(channel, login, keys)
    person = login.person and keys.keyed_hash(login.person.id_number, ID_NUMBER)
    for _ in range(MOST_TRIES):
        found = await fetch_one(OWNERS, citizen_id, channel, subject, person)
        if found is None:
            raise AccountGone
        if len({found["own_hash"], found["owner_hash"], person} - {None}) > 1:
            raise OtherPerson
        try:
            await _add(citizen_id, channel, login, found, keys)
        except LOST:
            continue
        identity = await fetch_one(
            "SELECT id, citizen_id FROM channel_identities WHERE channel = $1 AND subject_hash = $2",
            *(channel, subject),
        )
        if identity is None:
            continue  # taken off again meanwhile
        others = [
            each for each in (identity["citizen_id"], found["person_owner"]) if each not in (None, citizen_id)
        ]
        return Added(identity["id"], others[0] if others else None)
    raise AssertionError("unreachable: a unique row that is neither found nor free")


async def _add(citizen_id: UUID, channel: Channel, login: Login, found: Row, keys: PersonalDataKeys) -> None:
    owner, person_owner = found["owner"], found["person_owner"]
    async with transaction():
        # The person first: it is what refuses when the account has become somebody else meanwhile.
        if login.person and person_owner is None and owner in (None, citizen_id):
            await _insert_person(citizen_id, login.person, keys)
        if owner is None:
            subject = _subject_hash(channel, login, keys)
            await _insert_identity(person_owner or citizen_id, channel, login, subject, keys)
    if owner in (None, citizen_id) and person_owner in (None, citizen_id):
        await _keep_phone(citizen_id, channel, login, None, keys)


async def _join(channel: Channel, login: Login, subject_hash: bytes, keys: PersonalDataKeys) -> UUID:
    async with transaction():
        citizen_id = await _person(login.person, keys) if login.person else await _new_citizen()
        await _insert_identity(citizen_id, channel, login, subject_hash, keys)
        return citizen_id


async def citizen_of_person(person: Person, keys: PersonalDataKeys) -> UUID:
    """The citizen that a natural person is, made if he never came: a child whose guardian was confirmed.

    His name is what somebody else typed: it does not take the place of the one that is known.

    Raises:
        NameDiffers: whoever has the number has another name.
    """
    for _ in range(MOST_TRIES):
        known = await fetch_one(
            "SELECT citizen_id, name_encrypted FROM natural_persons WHERE person_hash = $1",
            keys.keyed_hash(person.id_number, ID_NUMBER),
        )
        if known is not None:
            if _plain_name(keys.decrypt(known["name_encrypted"], NAME)) != _plain_name(person.name):
                raise NameDiffers
            citizen_id: UUID = known["citizen_id"]
            return citizen_id
        try:
            async with transaction():
                return await _new_person(person, keys)
        except asyncpg.UniqueViolationError:
            continue  # he came himself at this moment
    raise AssertionError("unreachable: a unique row that is neither found nor free")


def _plain_name(name: str) -> str:
    """Without what one person's name is typed with and without: blanks, the dot between its parts, widths, cases."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", name).casefold() if sign.isalnum())


async def _new_citizen() -> UUID:
    citizen_id = new_subject_id()
    await execute("INSERT INTO citizens (id, created_at) VALUES ($1, $2)", citizen_id, now())
    return citizen_id


async def _person(person: Person, keys: PersonalDataKeys) -> UUID:
    person_hash = keys.keyed_hash(person.id_number, ID_NUMBER)
    known = await fetch_one("SELECT citizen_id FROM natural_persons WHERE person_hash = $1", person_hash)
    if known is not None:
        citizen_id: UUID = known["citizen_id"]
        await _keep_name(citizen_id, person, keys)
        return citizen_id
    return await _new_person(person, keys)


async def _new_person(person: Person, keys: PersonalDataKeys) -> UUID:
    citizen_id = await _new_citizen()
    await _insert_person(citizen_id, person, keys)
    return citizen_id


async def _become(citizen_id: UUID, person: Person, keys: PersonalDataKeys) -> None:
    """The person of a citizen who has none; nothing when it is another's already, or he has one meanwhile."""
    await _insert_person(citizen_id, person, keys, " ON CONFLICT DO NOTHING")


async def _insert_person(
    citizen_id: UUID, person: Person, keys: PersonalDataKeys, on_conflict: str = ""
) -> None:
    await execute(
        "INSERT INTO natural_persons (citizen_id, person_hash, name_encrypted, id_number_encrypted)"
        f" VALUES ($1, $2, $3, $4){on_conflict}",
        *(citizen_id, keys.keyed_hash(person.id_number, ID_NUMBER)),
        *(keys.encrypt(person.name, NAME), keys.encrypt(person.id_number, ID_NUMBER)),
    )


async def _insert_identity(
    citizen_id: UUID, channel: Channel, login: Login, subject_hash: bytes, keys: PersonalDataKeys
) -> None:
    await execute(
        "INSERT INTO channel_identities (citizen_id, channel, subject_hash, subject_encrypted, created_at)"
        " VALUES ($1, $2, $3, $4, $5)",
        *(citizen_id, channel, subject_hash, keys.encrypt(login.subject, SUBJECT), now()),
    )


async def _keep_subject(channel: Channel, login: Login, subject_hash: bytes, keys: PersonalDataKeys) -> None:
    """Of an identity from before this was kept."""
    await execute(
        "UPDATE channel_identities SET subject_encrypted = $3"
        " WHERE channel = $1 AND subject_hash = $2 AND subject_encrypted IS NULL",
        *(channel, subject_hash, keys.encrypt(login.subject, SUBJECT)),
    )


async def _keep_phone(
    citizen_id: UUID, channel: Channel, login: Login, sealed: bytes | None, keys: PersonalDataKeys
) -> None:
    """The number that the channel verified now, in place of the one before."""
    if login.phone is None or (sealed is not None and keys.decrypt(sealed, phones.PHONE) == login.phone):
        return
    await phones.keep(citizen_id, login.phone, channel, keys, now())


def _subject_hash(channel: Channel, login: Login, keys: PersonalDataKeys) -> bytes:
    return keys.keyed_hash(f"{channel}:{login.subject}", SUBJECT)


def _must_be_a_person(login: Login) -> None:
    if login.legal_person is not None:
        raise NaturalPersonRequired


async def _keep_name(citizen_id: UUID, person: Person, keys: PersonalDataKeys) -> None:
    """Take over the name that a channel verified now, for instance after a marriage (PIPL 46); nobody else's.

    Of a child whose name was what a guardian had typed, and is another one, that guardian is none: he was confirmed for
    the child of the name.
    """
    person_hash = keys.keyed_hash(person.id_number, ID_NUMBER)
    row = await fetch_one(
        "SELECT name_encrypted FROM natural_persons WHERE citizen_id = $1 AND person_hash = $2",
        *(citizen_id, person_hash),
    )
    if row is None or (before := keys.decrypt(row["name_encrypted"], NAME)) == person.name:
        return
    async with transaction():
        await execute(
            "UPDATE natural_persons SET name_encrypted = $3 WHERE citizen_id = $1 AND person_hash = $2",
            *(citizen_id, person_hash, keys.encrypt(person.name, NAME)),
        )
        if _plain_name(before) != _plain_name(person.name):
            await agents.end_guardians(citizen_id, now())


async def id_number_of(citizen_id: UUID, keys: PersonalDataKeys) -> str | None:
    """The ID number, for a credit source that the citizen has consented to, and for his age; nobody else gets it."""
    row = await fetch_one("SELECT id_number_encrypted FROM natural_persons WHERE citizen_id = $1", citizen_id)
    return keys.decrypt(row["id_number_encrypted"], ID_NUMBER) if row else None


async def profile(citizen_id: UUID, keys: PersonalDataKeys) -> tuple[str, list[Channel]]:
    """What the citizen sees of himself: masked name (`*大友`) and his channels."""
    rows = await fetch_all(
        "SELECT i.channel, p.name_encrypted FROM citizens c"
        " LEFT JOIN natural_persons p ON p.citizen_id = c.id"
        " LEFT JOIN channel_identities i ON i.citizen_id = c.id"
        " WHERE c.id = $1 ORDER BY i.id",
        citizen_id,
    )
    sealed = rows[0]["name_encrypted"] if rows else None
    name = masked_name(keys.decrypt(sealed, NAME)) if sealed else ""
    return name, list(dict.fromkeys(Channel(row["channel"]) for row in rows if row["channel"]))


async def real_name_level_of(citizen_id: UUID) -> RealNameLevel:
    """How well a citizen is known: a person that a channel verified, a mobile number, or nothing."""
    row = await fetch_one(
        "SELECT EXISTS (SELECT FROM natural_persons WHERE citizen_id = $1) AS is_person,"
        " EXISTS (SELECT FROM citizen_phones WHERE citizen_id = $1) AS has_phone",
        citizen_id,
    )
    if row and row["is_person"]:
        return RealNameLevel.REAL_NAME
    return RealNameLevel.PHONE if row and row["has_phone"] else RealNameLevel.NONE


async def identities_of(citizen_id: UUID, before: int | None, limit: int) -> Sequence[Row]:
    """A citizen's channel identities, newest first; `before` is the last id of the page before."""
    return await fetch_all(
        "SELECT id, channel, created_at AS since FROM channel_identities WHERE citizen_id = $1 AND id < $2"
        " ORDER BY id DESC LIMIT $3",
        *(citizen_id, before or AFTER_ALL, limit),
    )
