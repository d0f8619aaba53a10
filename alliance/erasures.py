"""注销: a citizen has his data erased (rule 7). His random id stays for the books and leads to nobody any more.

Why nothing of him is written afterwards: the mark on his row is set first, and triggers refuse whatever is to be tied
to a marked citizen. A statement that began before the mark may not have seen it; so, when all of those are over, the
same statements run once more. The mark writes the job that does this, too: a process that is killed in between, or a
statement that outlives every limit, leaves nothing behind for good.

Coupons and complaints come after, one by one: they lock what others want (an offer's stock, a complaint that is being
decided), which no longer transaction should hold.
"""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from alliance import complaints
from alliance.complaint_states import ComplaintNotPossible
from alliance.own_data import OWN_DATA
from alliance.own_data_terms import OwnData
from benefits import claims
from citizens import agents
from common import jobs
from common.actors import CitizenActor
from common.crypto import PersonalDataKeys
from common.database import Row, execute, fetch_all, fetch_one, transaction, wait_for_older_statements
from common.errors import Malformed
from common.files import append_line
from merchants.self_bindings import self_hash
from models import audit_log
from models.enums import ActorKind

# The second is for a statement that outlived every limit.
FINISH_JOB, LATE_JOB = "erasures.finish", "erasures.finish_late"
LATE = timedelta(minutes=2)
JOURNAL = "erasures.jsonl"
CONTEXT = "erasure confirmation"
CONFIRM_WITHIN = timedelta(minutes=5)


class ConfirmationInvalid(Malformed):
    """Not a confirmation of ours, of another citizen or sign-in, or older than five minutes."""

    code = "confirmation_invalid"
    zh = "确认码无效或已过期，没有删除任何数据。请重新打开注销页面，看清会失去什么，五分钟内确认。"
    en = "The confirmation is not valid or too old; nothing was erased. Open the page again, read what is lost, and confirm within five minutes."


class JournalBroken(Exception):
    """The journal of erasures can't be read; an operator has to look at it."""


@dataclass(frozen=True, slots=True)
class Share:
    """One table's share: how many rows there are, and what becomes of them."""

    entry: OwnData
    rows: int


async def shares_of(citizen_id: UUID) -> Sequence[Share]:
    """What there is of him now, and what an erasure does with each."""
    counted = []
    for entry in OWN_DATA:
        if entry.select:
            row = await fetch_one(f"SELECT count(*) AS rows FROM ({entry.select}) own", citizen_id)
            counted.append(Share(entry, row["rows"] if row else 0))
    return counted


async def coupons_lost(citizen_id: UUID, now: datetime) -> Sequence[Row]:
    """The coupons that he could still use, which an erasure ends: `id`, `title`, `valid_until`; a hundred at most."""
    return await fetch_all(
        "SELECT c.id, t.title, c.valid_until FROM coupons c JOIN offer_terms t ON t.id = c.terms_id"
        " WHERE c.citizen_id = $1 AND c.status = 'claimed' AND c.valid_until > $2 ORDER BY c.id LIMIT 100",
        *(citizen_id, now),
    )


def confirmation(actor: CitizenActor, keys: PersonalDataKeys, now: datetime) -> str:
    """What he sends back to say that he has read what is lost; good for five minutes, in this sign-in alone."""
    body = int((now + CONFIRM_WITHIN).timestamp()).to_bytes(8)
    return urlsafe_b64encode(body + _mac(body, actor, keys)).rstrip(b"=").decode()


def check_confirmation(text: str, actor: CitizenActor, keys: PersonalDataKeys, now: datetime) -> None:
    """Let his own confirmation pass.

    Raises:
        ConfirmationInvalid: it is none, or too old.
    """
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (NotBase64, ValueError):
        raise ConfirmationInvalid from None
    body, mac = raw[:8], raw[8:]
    if not hmac.compare_digest(mac, _mac(body, actor, keys)) or int.from_bytes(body) < now.timestamp():
        raise ConfirmationInvalid


async def erase(
    citizen_id: UUID, keys: PersonalDataKeys, now: datetime, by: audit_log.Who | None = None
) -> bool:
    """Erase a citizen; False where he was erased before, or never was. When it returns nothing of him is left.

    His sessions end with it.

    Args:
        by: who asked for it, where it was not he himself: a child's guardian.
    """
    async with transaction():
        # Before the citizen, as a reviewer who confirms one holds them.
        await fetch_all(
            "SELECT id FROM guardianship_requests WHERE guardian_id = $1 AND state = 'requested' ORDER BY id FOR UPDATE",
            citizen_id,
        )
        marked = await execute(
            "UPDATE citizens SET erased_at = $2 WHERE id = $1 AND erased_at IS NULL", citizen_id, now
        )
        if not marked:
            return False
        # A backup of before a join has those as accounts of their own.
        joined = await fetch_all("SELECT absorbed_id FROM citizen_joins WHERE citizen_id = $1", citizen_id)
        await _sweep(citizen_id, keys, now)
        who = by or (ActorKind.CITIZEN, citizen_id)
        await audit_log.record(who, "citizen.erase", ("citizen", citizen_id), now)
        payload = {
            "citizen_id": citizen_id,
            "erased_at": now.isoformat(),
            "absorbed_ids": [row["absorbed_id"] for row in joined],
        }
        for job, after in ((FINISH_JOB, None), (LATE_JOB, LATE)):
            await jobs.enqueue(job, payload, once=f"{job}:{citizen_id}", after=after)
    await finish(citizen_id, keys, now)
    return True


async def finish(citizen_id: UUID, keys: PersonalDataKeys, now: datetime) -> None:
    """Sweep up what statements in flight have left, end coupons and complaints. Twice is once."""
    await wait_for_older_statements()
    async with transaction():
        await _sweep(citizen_id, keys, now)
    await claims.end_all(citizen_id, now)
    for row in await fetch_all(
        "SELECT id FROM complaints WHERE citizen_id = $1 AND status IN ('open', 'answered', 'overdue', 'reopened')",
        citizen_id,
    ):
        with suppress(ComplaintNotPossible):  # decided meanwhile
            await complaints.withdraw(citizen_id, row["id"], now)


async def finish_job(
    payload: Mapping[str, Any], keys: PersonalDataKeys, folder: Path | None, now: datetime
) -> None:
    """Finish an erasure, and put it into the journal: what a restored backup of before has to do again.

    Args:
        folder: where the journal is, beside the database and its backups; None where it was written before.
    """
    await finish(UUID(payload["citizen_id"]), keys, now)
    if folder is not None:
        for each in (payload["citizen_id"], *payload.get("absorbed_ids", ())):
            line = {"citizen_id": each, "erased_at": payload["erased_at"]}
            await append_line(folder / JOURNAL, json.dumps(line, sort_keys=True))


async def erase_again(folder: Path, keys: PersonalDataKeys, now: datetime) -> tuple[int, int]:
    """Erase whom the journal names and the database, an older one, still knows; how many of how many named.

    Raises:
        OSError: there is no journal.
        JournalBroken: a line of it is none of ours; nobody was erased.
    """
    named = set()
    for number, line in enumerate((folder / JOURNAL).read_text().splitlines(), 1):
        try:
            named.add(UUID(json.loads(line)["citizen_id"]))
        except (ValueError, KeyError, TypeError):
            raise JournalBroken(f"{folder / JOURNAL}: line {number} is not whole.") from None
    done = [citizen_id for citizen_id in sorted(named) if await erase(citizen_id, keys, now)]
    return len(done), len(named)


async def _sweep(citizen_id: UUID, keys: PersonalDataKeys, now: datetime) -> None:
    own_hash = self_hash(citizen_id, keys)
    await agents.end_all(citizen_id, now)
    for entry in reversed(OWN_DATA):
        values = (own_hash if entry.is_by_self_hash else citizen_id, now)
        for statement in entry.erase:
            await execute(statement, *values[: 2 if "$2" in statement else 1])


def _mac(body: bytes, actor: CitizenActor, keys: PersonalDataKeys) -> bytes:
    return keys.keyed_hash(f"{body.hex()}:{actor.id}:{actor.session_id}", CONTEXT)
