"""监护: a guardian asks to act for a child under 14, with a proof; the office's reviewer decides (PIPL 31, rule 10).

Who the child is, is kept with the request, encrypted, until it is decided; only then is there a citizen. Up to four
guardians a child, each reviewed by himself.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
from stdnum.cn import ric

from citizens.accounts import ID_NUMBER, id_number_of
from citizens.ages import ADULT, OWN_CONSENT, birth_day, birthday, is_under
from citizens.credit import IdentityUnverified
from common.clock import local_day, start_of
from common.crypto import PersonalDataKeys
from common.database import Row, constraint_of, execute, fetch_all, fetch_one, transaction
from common.errors import Forbidden, Invalid, NotFound, Refused
from common.files import MOST_UPLOADS_A_DAY, FileStore, TooManyUploads
from common.ids import new_id
from models import stored_files
from models.office_enums import FilePurpose

CHILD_NAME, CHILD_NUMBER = "guardianship_requests.name", "guardianship_requests.id_number"
MOST_OPEN = 5
MOST_EVIDENCE = 5
MOST_BYTES = 10 * 1_048_576
DAY = timedelta(days=1)
SHOWN = 20


class NotAChild(Refused):
    """Nobody acts as guardian for who is 14 or older."""

    code = "not_a_child"
    zh = "监护人代办只限未满 14 周岁的孩子。已满 14 周岁的，请孩子登录自己的账户办理，或由孩子在“亲友代办”里邀请您。"
    en = "A guardian acts for a child under 14 only. Who is 14 signs in himself, or lets you help with a code of his."


class ChildNumberInvalid(Invalid):
    """No resident's ID number: its form, day of birth or check digit is wrong."""

    code = "child_id_number_invalid"
    pointer = "/id_number"
    zh = "孩子的居民身份证号码不对。请对照户口簿核对 18 位号码（末位可能是 X）后重新填写。"
    en = "That is no resident's ID number. Check its 18 signs (the last may be X) and enter it again."


class ChildRegionInvalid(Invalid):
    """The office that looks at it is a county's."""

    code = "child_region_invalid"
    pointer = "/region"
    zh = "请选择你们所在的县（市、区），由那里的联盟审核员核对。地区列表见 /regions。"
    en = "Choose the county where you live: its reviewer looks at the proof. /regions lists them."


class AgentNotAdult(Forbidden):
    """Who acts for others is an adult."""

    code = "agent_not_adult"
    zh = "未满 18 周岁不能为别人代办。请让成年家人来办理。"
    en = "Nobody under 18 acts for others. Ask an adult of the family."


class GuardianConsentRequired(Forbidden):
    """The guardian has not agreed to what is done with the child's data."""

    code = "guardian_consent_required"
    zh = "代孩子办理要用到孩子的个人信息，请先在“我的—授权”里阅读并同意“未满十四周岁儿童个人信息处理监护人授权书”。不同意不影响您自己使用。"
    en = "This needs your consent as a guardian to the use of the child's data (“Me – Consents”, `guardianship`). Without it everything of your own stays as it is."


class AlreadyAsked(Refused):
    """The same guardian has asked for the same child, and nobody has decided yet."""

    code = "child_already_asked"
    zh = "您已经为这个孩子提出过申请，正在等待审核，不用重复提交。"
    en = "You have asked for this child already; the reviewer has not decided yet."


class TooManyRequestsOpen(Refused):
    """So many requests wait for a reviewer."""

    code = "too_many_open_requests"
    zh = "最多同时有 5 份申请等待审核。请等审核结果，或先撤回不需要的申请。"
    en = "Five requests at most may wait at once. Wait for the reviewer, or withdraw one."


class RequestNotOpen(Refused):
    """It was decided, or withdrawn."""

    code = "guardianship_not_open"
    zh = "这份申请已经审核完或者撤回了，不能再改动。请刷新查看结果；需要时重新申请。"
    en = "The request was decided or withdrawn. Look at it again; ask anew if needed."


class TooMuchEvidence(Refused):
    """As many files as there may be for one request."""

    code = "too_many_proofs"
    zh = "证明材料最多 5 份。请合并成较少的文件；已经传错的，请撤回申请重新提交。"
    en = "Five files at most. Put several into one; if one is wrong, withdraw the request and ask anew."


@dataclass(frozen=True, slots=True)
class Child:
    """Whom a guardian asks for, and the county whose office looks at the proof."""

    name: str
    id_number: str
    region: str


def until(id_number: str) -> datetime:
    """When a guardian's right ends: at the beginning of the child's 14th birthday, in Asia/Shanghai."""
    born = birth_day(id_number)
    assert born is not None
    return start_of(birthday(born, OWN_CONSENT))


async def ask(guardian_id: UUID, child: Child, keys: PersonalDataKeys, now: datetime) -> UUID:
    """Ask to act for a child; the request's id. Nothing can be done for the child before it is confirmed.

    Raises:
        IdentityUnverified, AgentNotAdult: the guardian has no real name here, or is a minor himself.
        GuardianConsentRequired: he has not agreed to the text for guardians.
        ChildNumberInvalid, NotAChild, ChildRegionInvalid: what he entered.
        AlreadyAsked, TooManyRequestsOpen: what waits already.
    """
    await must_be_adult(guardian_id, keys, now)
    _must_be_child(child.id_number, now)
    if await fetch_one("SELECT 1 FROM regions WHERE code = $1 AND level = 'county'", child.region) is None:
        raise ChildRegionInvalid
    try:
        row = await fetch_one(
            "INSERT INTO guardianship_requests (id, guardian_id, region_id, state, place, child_hash,"
            " name_encrypted, id_number_encrypted, requested_at)"
            " SELECT $1, c.citizen_id, $3, 'requested', free.place, $4, $5, $6, $7 FROM consents c,"
            "  (SELECT min(n) AS place FROM generate_series(1, $8::int) n WHERE NOT EXISTS ("
            "   SELECT FROM guardianship_requests g WHERE g.guardian_id = $2 AND g.state = 'requested'"
            "    AND g.place = n)) free"
            " WHERE c.citizen_id = $2 AND c.purpose = 'guardianship' AND c.withdrawn_at IS NULL"
            "  AND free.place IS NOT NULL RETURNING id",
            *(new_id(), guardian_id, child.region, keys.keyed_hash(child.id_number, ID_NUMBER)),
            keys.encrypt(child.name, CHILD_NAME),
            *(keys.encrypt(child.id_number, CHILD_NUMBER), now, MOST_OPEN),
        )
    except asyncpg.UniqueViolationError as error:
        if constraint_of(error) == "guardianship_requests_child_once":
            raise AlreadyAsked from None
        raise TooManyRequestsOpen from None  # several at once took the places that were free
    if row is not None:
        request_id: UUID = row["id"]
        return request_id
    if await _has_consent(guardian_id):
        raise TooManyRequestsOpen
    raise GuardianConsentRequired


async def must_be_adult(citizen_id: UUID, keys: PersonalDataKeys, now: datetime) -> None:
    """Let somebody pass who may act for others: his real name is known, and he is 18.

    Raises:
        IdentityUnverified, AgentNotAdult: he may not.
    """
    id_number = await id_number_of(citizen_id, keys)
    if id_number is None:
        raise IdentityUnverified
    if is_under(id_number, ADULT, now):
        raise AgentNotAdult


async def add_evidence(
    guardian_id: UUID,
    request_id: UUID,
    name: str,
    media_type: str,
    chunks: AsyncIterator[bytes],
    files: FileStore,
    now: datetime,
) -> UUID:
    """Keep a proof of guardianship until it is decided, and once confirmed until it ends; its id.

    Raises:
        NotFound: no such request of his.
        RequestNotOpen: it is decided.
        TooMuchEvidence: there are five.
        TooManyUploads: he sent in sixty within a day, those of withdrawn requests included.
        FileTooLarge, FileEmpty, FileNotAsSaid: as `common.files` says.
    """
    await _must_have_room(guardian_id, request_id, "", now)
    content = await files.keep(chunks, media_type, MOST_BYTES)
    evidence = FilePurpose.GUARDIAN_EVIDENCE
    async with stored_files.or_forgotten(evidence, request_id, content, now), transaction():
        # Again, one after the other: uploads at the same time all saw room for one.
        await _must_have_room(guardian_id, request_id, " FOR NO KEY UPDATE", now)
        return await stored_files.add(evidence, request_id, name, content, now)


async def withdraw(guardian_id: UUID, request_id: UUID, now: datetime) -> None:
    """Take a request back; who the child is, and the proof, are deleted.

    Raises:
        NotFound: no such request of his.
        RequestNotOpen: it is decided. Twice is once.
    """
    async with transaction():
        changed = await execute(
            "UPDATE guardianship_requests SET state = 'withdrawn', decided_at = $3, child_hash = NULL,"
            " name_encrypted = NULL, id_number_encrypted = NULL"
            " WHERE id = $1 AND guardian_id = $2 AND state = 'requested'",
            *(request_id, guardian_id, now),
        )
        if changed:
            await stored_files.delete_all(FilePurpose.GUARDIAN_EVIDENCE, request_id, now)
            return
    if (await _own(guardian_id, request_id, ""))["state"] != "withdrawn":
        raise RequestNotOpen


async def requests_of(guardian_id: UUID) -> Sequence[Row]:
    """A guardian's requests, newest first, the newest 20; `files` counts the proofs."""
    return await fetch_all(
        "SELECT g.id, g.region_id, g.state, g.requested_at, g.decided_at, g.reason, g.child_id, g.name_encrypted,"
        " (SELECT count(*) FROM stored_files f WHERE f.owner_id = g.id AND f.purpose = 'guardian_evidence'"
        "  AND f.deleted_at IS NULL) AS files"
        " FROM guardianship_requests g WHERE g.guardian_id = $1 ORDER BY g.id DESC LIMIT $2",
        *(guardian_id, SHOWN),
    )


def _must_be_child(id_number: str, now: datetime) -> None:
    born = birth_day(id_number)
    # Only the form, the day and the check digit: lists of places know not every county that there is.
    if born is None or born > local_day(now) or id_number[-1] != ric.calc_check_digit(id_number):
        raise ChildNumberInvalid
    if not is_under(id_number, OWN_CONSENT, now):
        raise NotAChild


async def _has_consent(guardian_id: UUID) -> bool:
    row = await fetch_one(
        "SELECT 1 FROM consents WHERE citizen_id = $1 AND purpose = 'guardianship' AND withdrawn_at IS NULL",
        guardian_id,
    )
    return row is not None


async def _own(guardian_id: UUID, request_id: UUID, lock: str) -> Row:
    row = await fetch_one(
        f"SELECT state FROM guardianship_requests WHERE id = $1 AND guardian_id = $2{lock}",
        *(request_id, guardian_id),
    )
    if row is None:
        raise NotFound
    return row


async def _must_have_room(guardian_id: UUID, request_id: UUID, lock: str, now: datetime) -> None:
    if (await _own(guardian_id, request_id, lock))["state"] != "requested":
        raise RequestNotOpen
    there = await fetch_one(
        "SELECT count(*) AS files FROM stored_files WHERE owner_id = $1 AND purpose = 'guardian_evidence'"
        " AND deleted_at IS NULL",
        request_id,
    )
    assert there is not None
    if there["files"] >= MOST_EVIDENCE:
        raise TooMuchEvidence
    sent = await fetch_one(
        "SELECT count(*) AS files FROM guardianship_requests g JOIN stored_files f ON f.owner_id = g.id"
        " AND f.purpose = 'guardian_evidence' AND f.stored_at > $2 WHERE g.guardian_id = $1",
        *(guardian_id, now - DAY),
    )
    if sent is None or sent["files"] >= MOST_UPLOADS_A_DAY:
        raise TooManyUploads(most=MOST_UPLOADS_A_DAY)
