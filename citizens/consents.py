"""授权: versioned per purpose, as easy to withdraw as to give (PIPL 14-16)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from common.database import Row, execute, fetch_all, fetch_one, transaction
from common.errors import Forbidden, NotFound, Refused
from common.ids import new_id
from models.enums import ConsentPurpose

MOST_TRIES = 3


class ConsentRequired(Forbidden):
    """No consent in force: nothing is looked up, and nothing looked up before counts or is shown (rule 1)."""

    code = "consent_required"
    zh = "这要用到信用等级，需要您的授权。请在“我的—授权”里同意信用查询；不同意也能浏览和领取不限等级的优惠。"
    en = "This needs your credit tier, and so your consent: “Me – Consents”. Without it the offers open to all stay yours."


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


async def grant(citizen_id: UUID, purpose: ConsentPurpose, version: str, now: datetime) -> Consent:
    """Agree to the text in force; agreeing again to the same version changes nothing.

    Raises:
        ConsentVersionOutdated: `version` is not the one in force.
    """
    text = await text_in_force(purpose, now)
    if version != text.version:
        raise ConsentVersionOutdated(version=text.version)
    for _ in range(MOST_TRIES):
        for consent in await in_force(citizen_id):
            if consent.purpose is purpose and consent.version == version:
                return consent
        try:
            async with transaction():
                return await _replace(citizen_id, text, now)
        except asyncpg.UniqueViolationError:
            continue  # another phone of his agreed a moment earlier
    raise AssertionError("unreachable: a consent that is neither found nor free")


async def _replace(citizen_id: UUID, text: ConsentText, now: datetime) -> Consent:
    """An older version's consent ends where the new one begins."""
    await execute(
        "UPDATE consents SET withdrawn_at = greatest($3, granted_at)"
        " WHERE citizen_id = $1 AND purpose = $2 AND withdrawn_at IS NULL AND version <> $4",
        *(citizen_id, text.purpose, now, text.version),
    )
    consent = Consent(new_id(), text.purpose, text.version, now)
    await execute(
        "INSERT INTO consents (id, citizen_id, purpose, version, text_sha256, granted_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        *(consent.id, citizen_id, text.purpose, text.version, text.sha256, now),
    )
    return consent


async def withdraw(citizen_id: UUID, purpose: ConsentPurpose, now: datetime) -> None:
    """End a consent at once; nothing in force is fine too. What was claimed stays usable (rule 13)."""
    await execute(
        "UPDATE consents SET withdrawn_at = greatest($3, granted_at)"
        " WHERE citizen_id = $1 AND purpose = $2 AND withdrawn_at IS NULL",
        *(citizen_id, purpose, now),
    )


async def in_force(citizen_id: UUID) -> Sequence[Consent]:
    """The citizen's consents that hold now."""
    rows = await fetch_all(
        "SELECT id, purpose, version, granted_at FROM consents"
        " WHERE citizen_id = $1 AND withdrawn_at IS NULL ORDER BY purpose",
        citizen_id,
    )
    return [_consent(row) for row in rows]


def _consent(row: Row) -> Consent:
    return Consent(row["id"], ConsentPurpose(row["purpose"]), row["version"], row["granted_at"])
