"""What a citizen was asked, agreed to, refused and took back; and whether he may be asked again (PIPL 16: no nagging)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from citizens.consents import ConsentText, must_name_recipient
from common.database import Row, execute, fetch_all, fetch_one
from common.errors import NotFound
from common.ids import AFTER_ALL, new_id
from models.enums import ConsentPurpose

# After a "not now" or a withdrawal nobody asks for so long, unless the citizen comes to it himself.
QUIET = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a citizen stands with one purpose (and member).

    `may_ask`: whether a client may ask him on its own; `not_before`: if not, from when on.
    """

    purpose: ConsentPurpose
    recipient_member_id: UUID | None
    recipient_name: str | None
    proof_id: UUID | None
    version: str | None
    granted_at: datetime | None
    may_ask: bool
    not_before: datetime | None


async def texts_in_force(now: datetime) -> Sequence[ConsentText]:
    """The text in force of every purpose."""
    rows = await fetch_all(
        "SELECT DISTINCT ON (purpose) purpose, version, title, text, sha256 FROM consent_texts"
        " WHERE effective_from <= $1 ORDER BY purpose, effective_from DESC, version DESC",
        now,
    )
    return [ConsentText(**{**row, "purpose": ConsentPurpose(row["purpose"])}) for row in rows]


async def refuse(citizen_id: UUID, purpose: ConsentPurpose, recipient: UUID | None, now: datetime) -> None:
    """Remember a "not now"; a consent in force stays as it is.

    Raises:
        RecipientRequired: it should name a member and does not, or the other way round.
        NotFound: no such member.
    """
    must_name_recipient(purpose, recipient)
    if recipient and await fetch_one("SELECT 1 FROM members WHERE id = $1", recipient) is None:
        raise NotFound
    await execute(
        "INSERT INTO consent_refusals (id, citizen_id, purpose, recipient_member_id, refused_at)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT"
        " (citizen_id, purpose, (coalesce(recipient_member_id, '00000000-0000-0000-0000-000000000000'::uuid)))"
        " DO UPDATE SET refused_at = greatest(consent_refusals.refused_at, excluded.refused_at)",
        *(new_id(), citizen_id, purpose, recipient, now),
    )


async def standings_of(citizen_id: UUID, now: datetime) -> Sequence[Standing]:
    """Every purpose, and every member that the citizen was ever asked about; a member that is not here may be asked for."""
    rows = await fetch_all(
        "WITH asked AS ("
        "  SELECT DISTINCT purpose, NULL::uuid AS recipient FROM consent_texts"
        "   WHERE effective_from <= $2 AND purpose <> 'member_sharing'"
        "  UNION SELECT purpose, recipient_member_id FROM consents WHERE citizen_id = $1"
        "  UNION SELECT purpose, recipient_member_id FROM consent_refusals WHERE citizen_id = $1)"
        " SELECT a.purpose, a.recipient AS recipient_member_id, m.name AS recipient_name,"
        "  c.id AS proof_id, c.version, c.granted_at, greatest("
        "   (SELECT max(r.refused_at) FROM consent_refusals r WHERE r.citizen_id = $1 AND r.purpose = a.purpose"
        "     AND r.recipient_member_id IS NOT DISTINCT FROM a.recipient),"
        "   (SELECT max(w.withdrawn_at) FROM consents w WHERE w.citizen_id = $1 AND w.purpose = a.purpose"
        "     AND w.recipient_member_id IS NOT DISTINCT FROM a.recipient AND w.ended_because = 'withdrawn')"
        "  ) AS said_no_at"
        " FROM asked a LEFT JOIN members m ON m.id = a.recipient"
        " LEFT JOIN consents c ON c.citizen_id = $1 AND c.purpose = a.purpose AND c.withdrawn_at IS NULL"
        "  AND c.recipient_member_id IS NOT DISTINCT FROM a.recipient ORDER BY a.purpose, a.recipient",
        *(citizen_id, now),
    )
    return [_standing(row, now) for row in rows]


async def history_of(citizen_id: UUID, before: UUID | None, limit: int) -> Sequence[Row]:
    """Every proof with its text as it was, newest first; `before` is the last id of the page before."""
    return await fetch_all(
        "SELECT c.id, c.purpose, c.version, t.title, t.text, c.text_sha256 AS sha256, c.granted_at, c.withdrawn_at,"
        " c.ended_because, c.recipient_member_id, c.recipient_name, c.given_through,"
        " CASE WHEN c.given_by IS NULL THEN 'citizen' ELSE 'guardian' END AS given_by"
        " FROM consents c LEFT JOIN consent_texts t ON t.purpose = c.purpose AND t.version = c.version"
        " WHERE c.citizen_id = $1 AND c.id < $2 ORDER BY c.id DESC LIMIT $3",
        *(citizen_id, before or AFTER_ALL, limit),
    )


def _standing(row: Row, now: datetime) -> Standing:
    quiet_until = row["said_no_at"] + QUIET if row["said_no_at"] else None
    not_before = quiet_until if quiet_until and now < quiet_until and row["proof_id"] is None else None
    kept = {name: row[name] for name in ("recipient_member_id", "recipient_name", "proof_id", "version")}
    return Standing(
        purpose=ConsentPurpose(row["purpose"]),
        granted_at=row["granted_at"],
        may_ask=row["proof_id"] is None and not_before is None,
        not_before=not_before,
        **kept,
    )
