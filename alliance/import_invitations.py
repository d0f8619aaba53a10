"""One-time links for imported staff: each chooses a password of his own; no password and no link is ever stored."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_hex
from uuid import UUID

from alliance import imports
from alliance.imports import ImportNotReady
from common.actors import AdminActor
from common.database import execute, fetch_all, transaction
from common.ids import new_id
from models import audit_log
from models.office_enums import ImportKind, ImportStatus, LinkPurpose
from models.one_time_links import SECRET_BYTES

GOOD_FOR = timedelta(days=7)
BATCH = 1_000
# Only who has no password yet: a link must not become a way into an account that is in use.
WITHOUT = """
SELECT r.number, s.id, s.login, m.name AS member
  FROM (SELECT number, made_id FROM import_rows
         WHERE import_id = $1 AND run_id = $2 AND number > $3 ORDER BY number LIMIT $4) r
  JOIN staff s ON s.id = r.made_id AND s.password_hash = '!' AND s.status = 'active'
  JOIN members m ON m.id = s.member_id ORDER BY r.number
"""
LAST = """
SELECT max(number) AS last FROM (SELECT number FROM import_rows
 WHERE import_id = $1 AND run_id = $2 AND number > $3 ORDER BY number LIMIT $4) batch
"""
END_OLD = """
UPDATE one_time_links SET used_at = $3
 WHERE subject_id = ANY ($1) AND purpose = $2 AND used_at IS NULL
"""
MAKE = """
INSERT INTO one_time_links (id, purpose, subject_id, secret_hash, made_at, expires_at)
SELECT r.id, $4, r.subject_id, r.secret_hash, $5, $6
  FROM unnest($1::uuid[], $2::uuid[], $3::bytea[]) AS r (id, subject_id, secret_hash)
"""

Invitation = tuple[str, str, str]


async def invite(actor: AdminActor, import_id: UUID, now: datetime) -> Sequence[Invitation]:
    """Fresh links for the staff of an applied import who have no password yet; older links end.

    Returns:
        member, login and the link's secret, shown once: only hashes are kept.

    Raises:
        NotFound: no such import in the admin's region.
        ImportNotReady: it is none of staff, or was not applied.
    """
    row = await imports.of_admin(actor, import_id)
    if row["kind"] != ImportKind.STAFF or row["status"] != ImportStatus.APPLIED:
        raise ImportNotReady
    invited: list[Invitation] = []
    number = 0
    async with transaction():
        while True:
            (end,) = await fetch_all(LAST, import_id, row["run_id"], number, BATCH)
            if end["last"] is None:
                break
            people = await fetch_all(WITHOUT, import_id, row["run_id"], number, BATCH)
            # No sign that a spreadsheet might take for a formula: these go into a table.
            secrets = [token_hex(SECRET_BYTES) for _ in people]
            ids = [person["id"] for person in people]
            await execute(END_OLD, ids, LinkPurpose.STAFF_INVITATION, now)
            await execute(
                MAKE,
                *([new_id() for _ in people], ids, [sha256(secret.encode()).digest() for secret in secrets]),
                *(LinkPurpose.STAFF_INVITATION, now, now + GOOD_FOR),
            )
            invited += [
                (person["member"], person["login"], secret)
                for person, secret in zip(people, secrets, strict=True)
            ]
            number = end["last"]
        await audit_log.record(
            audit_log.who(actor),
            "import.invite",
            ("import", import_id),
            now,
            region=row["region_id"],
            after={"links": len(invited)},
        )
    return invited
