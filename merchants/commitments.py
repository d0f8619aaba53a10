"""信用承诺书: the text in force, and signing it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from common.actors import ApplicantActor
from common.crypto import PersonalDataKeys
from common.database import execute, fetch_one, transaction
from common.errors import NotFound, Refused
from common.ids import new_id
from merchants.applications import ApplicationNotOpen
from models import audit_log

SIGNER = "commitments.signer"


class CommitmentVersionOutdated(Refused):
    """What was read is not (or no longer) the text in force."""

    code = "commitment_version_outdated"
    zh = "信用承诺书已更新到 {version} 版。请重新阅读后再签署。"
    en = "The commitment is now version {version}. Please read it, then sign again."
    shown = ("version",)


@dataclass(frozen=True, slots=True)
class Text:
    """The text in force, with its SHA-256 (hexadecimal)."""

    version: str
    title: str
    text: str
    sha256: str


async def text_in_force(now: datetime) -> Text:
    """The newest text that is effective.

    Raises:
        NotFound: there is none.
    """
    row = await fetch_one(
        "SELECT version, title, text, sha256 FROM commitment_texts WHERE effective_from <= $1"
        " ORDER BY effective_from DESC, version DESC LIMIT 1",
        now,
    )
    if row is None:
        raise NotFound
    return Text(**row)


async def sign(
    actor: ApplicantActor, version: str, sha256: str, signer: str, keys: PersonalDataKeys, now: datetime
) -> None:
    """Sign the text in force, as somebody named; signing the same version again changes nothing.

    Args:
        sha256: of the text that was read: a signature is under these words and no others.
        signer: the name of the person who signs; kept encrypted.

    Raises:
        CommitmentVersionOutdated: another text was read.
        ApplicationNotOpen: the application is decided.
    """
    text = await text_in_force(now)
    if (version, sha256) != (text.version, text.sha256):
        raise CommitmentVersionOutdated(version=text.version)
    async with transaction():
        row = await fetch_one(
            "SELECT region_id FROM member_applications WHERE id = $1 AND decided_at IS NULL FOR NO KEY UPDATE",
            actor.id,
        )
        if row is None:
            raise ApplicationNotOpen
        signed = await execute(
            "INSERT INTO commitments (id, application_id, version, text_sha256, signer, signed_at)"
            " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (application_id, version) DO NOTHING",
            *(new_id(), actor.id, version, sha256, keys.encrypt(signer, SIGNER), now),
        )
        if signed:
            await audit_log.record(
                audit_log.who(actor),
                "commitment.sign",
                ("application", actor.id),
                now,
                region=row["region_id"],
                after={"version": version, "sha256": sha256},
            )


async def is_signed(application_id: UUID, now: datetime) -> bool:
    """Whether an application has a signature under the text in force."""
    text = await text_in_force(now)
    row = await fetch_one(
        "SELECT 1 FROM commitments WHERE application_id = $1 AND version = $2", application_id, text.version
    )
    return row is not None


async def signed(application_id: UUID) -> tuple[str, datetime] | None:
    """Version and time of an application's newest signature."""
    row = await fetch_one(
        "SELECT version, signed_at FROM commitments WHERE application_id = $1 ORDER BY version DESC LIMIT 1",
        application_id,
    )
    return None if row is None else (row["version"], row["signed_at"])
