"""Asking the organisation source about an applicant or a member, and keeping what it said with its date."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import structlog

from common.database import Row, execute, fetch_all, fetch_one
from common.ids import AFTER_ALL, new_id
from merchants import adverse_records, policies
from merchants.organisation_sources import OrganisationRecord, OrganisationSource
from models.enums import CheckFinding, TierLevel
from models.region import lineage

log = structlog.get_logger()

TIME_LIMIT_S = 5.0
COLUMNS = (
    "id, source, checked_at, finding, grade, min_grade, is_dishonest, is_white_listed, data_date, record_id"
)


@dataclass(frozen=True, slots=True)
class Check:
    """What was found, and what it was measured by."""

    id: UUID
    finding: CheckFinding
    grade: TierLevel | None
    min_grade: int
    is_dishonest: bool
    is_white_listed: bool
    record: OrganisationRecord | None


def finding_of(record: OrganisationRecord | None, min_grade: int, *, is_white_listed: bool) -> CheckFinding:
    """What an answer means for joining and staying (rule 12).

    The white list makes up for a grade, never for the list of the seriously dishonest.
    """
    if record is None:
        return CheckFinding.UNAVAILABLE
    if record.is_dishonest:
        return CheckFinding.DISHONEST
    if is_white_listed:
        return CheckFinding.PASSED
    if record.grade is None:
        return CheckFinding.NO_GRADE
    return CheckFinding.PASSED if record.grade >= min_grade else CheckFinding.GRADE_TOO_LOW


async def ask(source: OrganisationSource, uscc: str) -> OrganisationRecord | None:
    """The source's answer, or nothing where there is none to rely on; outside of any transaction."""
    try:
        async with asyncio.timeout(TIME_LIMIT_S):
            record = await source.look_up(uscc)
            if not isinstance(record.is_dishonest, bool):
                raise TypeError("an answer without a list")
            return record
    except Exception as error:  # noqa: BLE001 - whatever a broken source makes its adapter stumble over
        log.warning("organisation_source_silent", source=source.name, error=type(error).__name__)
        return None


async def keep(
    subject: tuple[Literal["application", "member"], UUID],
    uscc: str,
    region: str,
    source: OrganisationSource,
    record: OrganisationRecord | None,
    now: datetime,
) -> Check:
    """Judge an answer by the region's policy and write both down, in the caller's transaction."""
    kind, subject_id = subject
    policy, _ = await policies.of_region(region)
    is_white_listed = await _is_white_listed(uscc, region)
    finding = finding_of(record, policy.min_grade, is_white_listed=is_white_listed)
    check_id = new_id()
    await execute(
        f"INSERT INTO organisation_checks ({kind}_id, {COLUMNS})"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        *(subject_id, check_id, source.name, now, finding, record and record.grade, policy.min_grade),
        *(record and record.is_dishonest, is_white_listed, record and record.data_date),
        record and record.record_id[:64],
    )
    return Check(
        id=check_id,
        finding=finding,
        grade=record.grade if record else None,
        min_grade=policy.min_grade,
        is_dishonest=bool(record and record.is_dishonest),
        is_white_listed=is_white_listed,
        record=record,
    )


async def newest(
    kind: Literal["application", "member"],
    subject_id: UUID,
    before: UUID | None,
    limit: int,
    now: datetime,
) -> Sequence[Row]:
    """The dated results of an applicant or a member, newest first; `before` is the last id of the page before.

    What speaks against it is left out once it counts no more (rule 9).
    """
    return await fetch_all(
        f"SELECT {COLUMNS} FROM organisation_checks WHERE {kind}_id = $1 AND id < $2"
        " AND (finding NOT IN ('dishonest', 'grade_too_low') OR checked_at >= $4) ORDER BY id DESC LIMIT $3",
        *(subject_id, before or AFTER_ALL, limit, adverse_records.counts_since(now)),
    )


async def _is_white_listed(uscc: str, region: str) -> bool:
    row = await fetch_one(
        "SELECT 1 FROM white_list WHERE uscc = $1 AND region_id = ANY ($2) AND ended_at IS NULL",
        *(uscc, list(lineage(region))),
    )
    return row is not None
