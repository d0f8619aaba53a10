"""市民账户: whoever logs in becomes one citizen, however many channels he comes from."""

from uuid import UUID

import asyncpg

from citizens.channels import Login, Person
from common.clock import now
from common.crypto import PersonalDataKeys
from common.database import constraint_of, execute, fetch_all, fetch_one, transaction
from common.ids import new_subject_id
from common.masking import masked_name
from models.citizen import NOT_ERASED
from models.enums import Channel

NAME, ID_NUMBER, SUBJECT = "natural_persons.name", "natural_persons.id_number", "channel_identities.subject"
MOST_TRIES = 4


async def citizen_of(channel: Channel, login: Login, keys: PersonalDataKeys) -> UUID:
    """The citizen behind a login, made at the first one.

    Two channels of one natural person find the same citizen by the keyed hash of the ID number.
    """
    subject = keys.keyed_hash(f"{channel}:{login.subject}", SUBJECT)
    for _ in range(MOST_TRIES):
        known = await fetch_one(
            "SELECT citizen_id FROM channel_identities WHERE channel = $1 AND subject_hash = $2",
            channel,
            subject,
        )
        if known is not None:
            citizen_id: UUID = known["citizen_id"]
            if login.person:
                await _keep_name(citizen_id, login.person, keys)
            return citizen_id
        try:
            return await _join(channel, login, subject, keys)
        except asyncpg.UniqueViolationError:
            # The same person logs in twice for the first time: the other request has made him.
            continue
        except asyncpg.CheckViolationError as error:
            if constraint_of(error) != NOT_ERASED:
                raise
            # He was found, and had himself erased in the same moment: he comes as somebody new.
            continue
    raise AssertionError("unreachable: a unique row that is neither found nor free")


async def _join(channel: Channel, login: Login, subject_hash: bytes, keys: PersonalDataKeys) -> UUID:
    async with transaction():
        citizen_id = await _person(login.person, keys) if login.person else await _new_citizen()
        await execute(
            "INSERT INTO channel_identities (citizen_id, channel, subject_hash, subject_encrypted, created_at)"
            " VALUES ($1, $2, $3, $4, $5)",
            *(citizen_id, channel, subject_hash, keys.encrypt(login.subject, SUBJECT), now()),
        )
        return citizen_id


async def citizen_of_person(person: Person, keys: PersonalDataKeys) -> UUID:
    """The citizen that a natural person is, made if he never came: a child whose guardian was confirmed."""
    for _ in range(MOST_TRIES):
        try:
            async with transaction():
                return await _person(person, keys)
        except asyncpg.UniqueViolationError:
            continue  # he came himself at this moment
    raise AssertionError("unreachable: a unique row that is neither found nor free")


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
    citizen_id = await _new_citizen()
    await execute(
        "INSERT INTO natural_persons (citizen_id, person_hash, name_encrypted, id_number_encrypted)"
        " VALUES ($1, $2, $3, $4)",
        *(
            citizen_id,
            person_hash,
            keys.encrypt(person.name, NAME),
            keys.encrypt(person.id_number, ID_NUMBER),
        ),
    )
    return citizen_id


async def _keep_name(citizen_id: UUID, person: Person, keys: PersonalDataKeys) -> None:
    """Take over the name that a channel verified now, for instance after a marriage (PIPL 46); nobody else's."""
    person_hash = keys.keyed_hash(person.id_number, ID_NUMBER)
    row = await fetch_one(
        "SELECT name_encrypted FROM natural_persons WHERE citizen_id = $1 AND person_hash = $2",
        *(citizen_id, person_hash),
    )
    if row is not None and keys.decrypt(row["name_encrypted"], NAME) != person.name:
        await execute(
            "UPDATE natural_persons SET name_encrypted = $3 WHERE citizen_id = $1 AND person_hash = $2",
            *(citizen_id, person_hash, keys.encrypt(person.name, NAME)),
        )


async def forget_phone(citizen_id: UUID) -> None:
    """Delete the verified number; none is fine too. Signing in where it is verified brings it again."""
    await execute("DELETE FROM citizen_phones WHERE citizen_id = $1", citizen_id)


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
