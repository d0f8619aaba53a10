"""Citizens and their consents; the keys that their data is kept with."""

from datetime import datetime, timedelta
from itertools import count
from uuid import UUID, uuid4

from citizens import consents
from citizens.accounts import citizen_of
from citizens.channels.sandbox import SandboxChannel
from common.crypto import PersonalDataKeys
from common.database import execute
from models.enums import Channel, ConsentPurpose
from tests.factories.moments import NOON

KEYS = PersonalDataKeys("international", {"1": b"a test's key of thirty-two bytes"}, b"a test's hash key")
PURPOSE = ConsentPurpose.CREDIT_CHECK
_numbers = count(1)


async def a_citizen() -> UUID:
    """A subject id and nothing else."""
    citizen_id = uuid4()
    await execute("INSERT INTO citizens (id, created_at) VALUES ($1, $2)", citizen_id, NOON)
    return citizen_id


async def a_phone(citizen_id: UUID) -> UUID:
    """A phone that the citizen is signed in with: its session."""
    session_id = uuid4()
    await execute(
        "INSERT INTO sessions (id, actor_kind, actor_id, created_at, rotated_at, expires_at)"
        " VALUES ($1, 'citizen', $2, $3, $3, $4)",
        *(session_id, citizen_id, NOON, NOON + timedelta(days=30)),
    )
    return session_id


async def a_person(code: str | None = None) -> UUID:
    """A natural person who came through the sandbox channel: `demo-good`, or one nobody knows."""
    login = await SandboxChannel().exchange(code or f"load-{next(_numbers)}")
    return await citizen_of(Channel.SANDBOX, login, KEYS)


async def consent(citizen_id: UUID, at: datetime = NOON) -> UUID:
    """Agree to the credit check as it is worded now; the proof's id."""
    text = await consents.text_in_force(PURPOSE, at)
    return (await consents.grant(citizen_id, PURPOSE, text.version, at)).id
