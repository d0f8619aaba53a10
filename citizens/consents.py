"""授权: versioned per purpose and recipient, as easy to withdraw as to give (PIPL 14-16, 23).

A consent to an older text stays in force until its citizen agrees to the new one, unless the new one allows more
(`is_wider`): then it ends as soon as that text takes effect, and he is asked anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from common.database import Row, execute, fetch_all, fetch_one, transaction
from common.errors import Forbidden, Invalid, NotFound, Refused
from common.ids import new_id
from models.enums import ConsentPurpose

MOST_TRIES = 3
AT_ONCE = 5_000


class ConsentRequired(Forbidden):
    """No consent in force: nothing is looked up, and nothing looked up before counts or is shown (rule 1)."""

    code = "consent_required"
    zh = "这要用到信用等级，需要您的授权。请在“我的—授权”里同意信用查询；不同意也能浏览和领取不限等级的优惠。"
    en = "This needs your credit tier, and so your consent: “Me – Consents”. Without it the offers open to all stay yours."


class SharingConsentRequired(Forbidden):
    """The offer shows staff the holder's masked name, and he has not agreed that this member sees it (rule 6)."""

    code = "sharing_consent_required"
    zh = "这个优惠要实名核对：用券时，“{member_name}”的店员会看到您打码后的姓名（如“*大友”），用来核对是不是本人，看不到其他信息。同意的话，请在“我的—授权”里同意向“{member_name}”出示姓名，再来领取；不同意也能领取其他优惠。"
    en = "Staff of “{member_name}” would see your masked name (such as “*大友”) when you use it, to see that it is you, and nothing else. To claim it, agree to that for this member under “Me – Consents”; other offers stay yours without it."
    shown = ("member_id", "member_name", "what")


class RecipientRequired(Invalid):
    """A consent to share names whom with; no other consent names anybody."""

    code = "consent_recipient_invalid"
    pointer = "/recipient_member_id"
    zh = "向商家出示姓名的授权要写明是哪一家（recipient_member_id）；其他授权不写。请改正后重试。"
    en = "Consent to share names the member (recipient_member_id); no other consent does. Correct it and try again."


class ConsentVersionOutdated(Refused):
    """The citizen agreed to a text that is not (or no longer) the one in force."""

    code = "consent_version_outdated"
    zh = "授权书已更新到 {version} 版。请重新阅读后再同意。"
    en = "The consent text is now version {version}. Please read it, then agree again."
    shown = ("version",)


@dataclass(frozen=True, slots=True)
class ConsentText:
    """The text in force for a purpose."""

    purpose: ConsentPurpose
    version: str
    title: str
    text: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent in force; `id` is the proof's id."""

    id: UUID
    purpose: ConsentPurpose
    version: str
    granted_at: datetime
    recipient_member_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """How a consent is given: for which member, by which guardian instead of the child, in which session."""

    recipient: UUID | None = None
    by: UUID | None = None
    session_id: UUID | None = None


BY_HIMSELF = Given()


async def text_in_force(purpose: ConsentPurpose, now: datetime) -> ConsentText:
    """The newest text that is effective.

    Raises:
        NotFound: nothing is asked for this purpose.
    """
    row = await fetch_one(
        "SELECT purpose, version, title, text, sha256 FROM consent_texts"
        " WHERE purpose = $1 AND effective_from <= $2 ORDER BY effective_from DESC, version DESC LIMIT 1",
        *(purpose, now),
    )
    if row is None:
        raise NotFound
    return ConsentText(**{**row, "purpose": ConsentPurpose(row["purpose"])})


async def grant(
    citizen_id: UUID, purpose: ConsentPurpose, version: str, now: datetime, given: Given = BY_HIMSELF
) -> Consent:
    """Agree to the text in force; agreeing again to the same version changes nothing.

    Raises:
        ConsentVersionOutdated: `version` is not the one in force.
        RecipientRequired: it should name a member and does not, or the other way round.
        NotFound: no such member of the alliance.
    """
    must_name_recipient(purpose, given.recipient)
    text = await text_in_force(purpose, now)
    if version != text.version:
        raise ConsentVersionOutdated(version=text.version)
    recipient_name = await _name_of(given.recipient) if given.recipient else None
    for _ in range(MOST_TRIES):
        for consent in await in_force(citizen_id):
            if (consent.purpose, consent.version, consent.recipient_member_id) == (
                purpose,
                version,
                given.recipient,
            ):
                return consent
        try:
            async with transaction():
                return await _replace(citizen_id, text, given, recipient_name, now)
        except asyncpg.UniqueViolationError:
            continue  # another phone of his agreed a moment earlier
    raise AssertionError("unreachable: a consent that is neither found nor free")


def must_name_recipient(purpose: ConsentPurpose, recipient: UUID | None) -> None:
    """A consent to share names a member, and no other does.

    Raises:
        RecipientRequired: this one does not keep to it.
    """
    if (purpose is ConsentPurpose.MEMBER_SHARING) != (recipient is not None):
        raise RecipientRequired


async def _name_of(member_id: UUID) -> str:
    row = await fetch_one("SELECT name FROM members WHERE id = $1 AND status = 'active'", member_id)
    if row is None:
        raise NotFound
    name: str = row["name"]
    return name


async def _replace(
    citizen_id: UUID, text: ConsentText, given: Given, recipient_name: str | None, now: datetime
) -> Consent:
    """An older version's consent ends where the new one begins."""
    await execute(
        "UPDATE consents SET withdrawn_at = greatest($3, granted_at), ended_because = 'replaced'"
        " WHERE citizen_id = $1 AND purpose = $2 AND withdrawn_at IS NULL AND version <> $4"
        " AND recipient_member_id IS NOT DISTINCT FROM $5",
        *(citizen_id, text.purpose, now, text.version, given.recipient),
    )
    consent = Consent(new_id(), text.purpose, text.version, now, given.recipient)
    await execute(
        "INSERT INTO consents (id, citizen_id, purpose, version, text_sha256, granted_at, recipient_member_id,"
        " recipient_name, given_by, given_through)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, (SELECT channel FROM sessions WHERE id = $10))",
        *(consent.id, citizen_id, text.purpose, text.version, text.sha256, now),
        *(given.recipient, recipient_name, given.by, given.session_id),
    )
    return consent


async def withdraw(
    citizen_id: UUID, purpose: ConsentPurpose, now: datetime, recipient: UUID | None = None
) -> None:
    """End a consent at once; nothing in force is fine too. What was claimed stays usable (rule 13).

    Args:
        recipient: of the consents to share, the one that names this member; without it all of them.
    """
    await execute(
        "UPDATE consents SET withdrawn_at = greatest($3, granted_at), ended_because = 'withdrawn'"
        " WHERE citizen_id = $1 AND purpose = $2 AND withdrawn_at IS NULL"
        " AND ($4::uuid IS NULL OR recipient_member_id = $4)",
        *(citizen_id, purpose, now, recipient),
    )


async def in_force(citizen_id: UUID) -> Sequence[Consent]:
    """The citizen's consents that hold now."""
    rows = await fetch_all(
        "SELECT id, purpose, version, granted_at, recipient_member_id FROM consents"
        " WHERE citizen_id = $1 AND withdrawn_at IS NULL ORDER BY purpose, granted_at",
        citizen_id,
    )
    return [_consent(row) for row in rows]


async def end_outdated_consents(at: datetime) -> int:
    """The background process's part: end those whose text was followed by one that allows more; how many, a batch at a time."""
    return await execute(
        "WITH outdated AS (SELECT c.id FROM consent_texts t JOIN consents c ON c.purpose = t.purpose"
        "  AND c.granted_at < t.effective_from AND c.withdrawn_at IS NULL AND c.version <> t.version"
        "  WHERE t.is_wider AND t.effective_from <= $1 ORDER BY c.id LIMIT $2)"
        " UPDATE consents SET withdrawn_at = $1, ended_because = 'outdated'"
        " WHERE id IN (SELECT id FROM outdated) AND withdrawn_at IS NULL",
        *(at, AT_ONCE),
    )


def _consent(row: Row) -> Consent:
    return Consent(**{**row, "purpose": ConsentPurpose(row["purpose"])})
