"""信用等级: a dated fact, looked up only under a consent in force, every time with a line in the log (rule 1)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from citizens.accounts import id_number_of
from citizens.ages import ADULT, CreditSubjectAdult, is_under
from citizens.consents import ConsentRequired
from citizens.credit_sources import (
    CreditSource,
    CreditSourceUnavailable,
    NoRecord,
    Rating,
    SourceOfOthers,
    Subject,
)
from citizens.tier_mappings import MappedTier, Recognition, recognition_at, recognition_by_id
from citizens.tier_schemes import Band, Scheme, find_in_force, scheme_by_id
from common.crypto import PersonalDataKeys
from common.database import Row, execute, fetch_all, fetch_one, transaction
from common.errors import Forbidden
from common.ids import AFTER_ALL, new_id
from models.enums import ConsentPurpose, LookupOutcome, LookupReason, TierLevel

PURPOSE = ConsentPurpose.CREDIT_CHECK
# Puts the question about a person to a source, under a consent.
Ask = Callable[[Subject, UUID], Awaitable[Rating | NoRecord]]
# A refresh that failed is not tried again for so long: until then the last valid snapshot is given at once.
REST_AFTER_FAILURE = timedelta(minutes=10)


class IdentityUnverified(Forbidden):
    """The channel has not verified who he is, so no source can be asked about him."""

    code = "identity_unverified"
    zh = "您还没有实名，查不到信用等级。请换一个已实名的渠道登录（如浙里办）；不限等级的优惠现在就能领。"
    en = "Your identity is not verified, so no tier can be looked up. Sign in through a verified channel; the offers open to all are yours now."


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A citizen's tier as of a date; `level` and `band` are empty when the source has no record.

    `scheme` is ours, or another place's that is recognised. Not `is_fresh`: it should have been taken anew, and
    nobody answered.
    """

    scheme: Scheme | Recognition
    band: Band | MappedTier | None
    data_date: date
    valid_until: datetime
    taken_at: datetime
    is_fresh: bool = True

    @property
    def level(self) -> TierLevel | None:
        """Place on the common ladder."""
        return self.band.level if self.band else None


@dataclass(frozen=True, slots=True)
class LookupLine:
    """One line of the log that the citizen can read."""

    id: UUID
    looked_up_at: datetime
    looked_up_by: str
    reason: LookupReason
    source: str
    consent_id: UUID
    consent_version: str
    outcome: LookupOutcome


@dataclass(frozen=True, slots=True)
class CreditDesk:
    """The source that this installation asks, and the keys to name a person to it; `others` if it reaches other places."""

    source: CreditSource
    keys: PersonalDataKeys
    others: SourceOfOthers | None = None

    async def tier(self, citizen_id: UUID, reason: LookupReason, now: datetime) -> Snapshot:
        """The valid snapshot, or a fresh one.

        A snapshot that is due to be taken anew is given as it is while the source is down, and marked.

        Args:
            reason: what the citizen was doing, for the log.

        Raises:
            ConsentRequired: there is no consent in force, before or after the source was asked.
            IdentityUnverified: nobody can be asked about him; nothing is logged.
            CreditSubjectAdult: he is under 18 (rule 10); nothing is logged, and no source asked.
            CreditSourceUnavailable: no answer and no valid snapshot; none is made.
        """
        known = await _valid_snapshot(citizen_id, now)
        if known is not None and (known.is_fresh or await _failed_lately(citizen_id, now)):
            return known
        try:
            return await self.look_up(citizen_id, reason, self._ask_source, now)
        except (CreditSourceUnavailable, IdentityUnverified):
            # Read again: a consent that was withdrawn meanwhile shows nothing any more.
            last = await _valid_snapshot(citizen_id, now) if known is not None else None
            if last is None:
                raise
            return last

    async def look_up(self, citizen_id: UUID, reason: LookupReason, ask: Ask, now: datetime) -> Snapshot:
        """Ask with a line in the log, and keep what was said.

        Args:
            ask: puts the question to a source.

        Raises:
            ConsentRequired, IdentityUnverified, CreditSourceUnavailable: as for `tier`.
        """
        id_number = await id_number_of(citizen_id, self.keys)
        if id_number is None:
            raise IdentityUnverified
        if is_under(id_number, ADULT, now):
            raise CreditSubjectAdult
        lookup_id, consent_id = await self._log_lookup(citizen_id, reason, now)
        try:
            await _must_still_agree(consent_id)
            found = await ask(Subject(id_number), consent_id)
            scheme, band = await _placed(citizen_id, found, now)
        except ConsentRequired:
            await _close_lookup(lookup_id, now, LookupOutcome.DISCARDED)
            raise
        except CreditSourceUnavailable:
            await _close_lookup(lookup_id, now, LookupOutcome.UNAVAILABLE)
            raise
        except ValueError as error:
            # A score off the scale, or a scheme that nobody published or recognised: no tier is made of it.
            await _close_lookup(lookup_id, now, LookupOutcome.UNAVAILABLE)
            raise CreditSourceUnavailable from error
        snapshot = Snapshot(scheme, band, found.data_date, now + scheme.validity, now)
        record_id = found.record_id if isinstance(found, Rating) else None
        if not await _keep(citizen_id, lookup_id, consent_id, snapshot, record_id):
            raise ConsentRequired
        return snapshot

    async def _log_lookup(self, citizen_id: UUID, reason: LookupReason, now: datetime) -> tuple[UUID, UUID]:
        """Write the line first: without a consent in force there is no line, and without a line no look-up."""
        row = await fetch_one(
            "WITH line AS (INSERT INTO credit_lookups"
            "  (id, citizen_id, consent_id, source, looked_up_by, reason, looked_up_at, outcome)"
            "  SELECT $1, $2, c.id, $3, 'citizen', $4, $5, 'pending' FROM consents c"
            "   WHERE c.citizen_id = $2 AND c.purpose = $6 AND c.withdrawn_at IS NULL"
            "  RETURNING id, consent_id) SELECT id, consent_id FROM line",
            *(new_id(), citizen_id, self.source.name, reason, now, PURPOSE),
        )
        if row is None:
            raise ConsentRequired
        return row["id"], row["consent_id"]

    async def _ask_source(self, subject: Subject, consent_id: UUID) -> Rating | NoRecord:
        return await self.source.look_up(subject, PURPOSE, consent_id)


async def _must_still_agree(consent_id: UUID) -> None:
    """The last thing before the question leaves: what was withdrawn since the line was written stops here."""
    if await fetch_one("SELECT 1 FROM consents WHERE id = $1 AND withdrawn_at IS NULL", consent_id) is None:
        raise ConsentRequired


async def lookups_of(citizen_id: UUID, before: UUID | None, limit: int) -> Sequence[LookupLine]:
    """The citizen's look-ups, newest first; `before` is the last id of the page before."""
    rows = await fetch_all(
        "SELECT l.id, l.looked_up_at, l.looked_up_by, l.reason, l.source, l.consent_id,"
        " c.version AS consent_version, l.outcome"
        " FROM credit_lookups l JOIN consents c ON c.id = l.consent_id"
        " WHERE l.citizen_id = $1 AND l.id < $2 ORDER BY l.id DESC LIMIT $3",
        *(citizen_id, before or AFTER_ALL, limit),
    )
    return [
        LookupLine(**{**row, "reason": LookupReason(row["reason"]), "outcome": LookupOutcome(row["outcome"])})
        for row in rows
    ]


async def _valid_snapshot(citizen_id: UUID, now: datetime) -> Snapshot | None:
    """The newest snapshot that is valid, as long as a consent is in force.

    Raises:
        ConsentRequired: none is.
    """
    row = await fetch_one(
        "SELECT s.scheme_id, s.mapping_id, s.tier_code, s.data_date, s.valid_until, s.taken_at, s.refresh_at"
        " FROM consents c"
        " LEFT JOIN LATERAL (SELECT * FROM tier_snapshots WHERE citizen_id = $1 AND valid_until > $2"
        "  ORDER BY taken_at DESC LIMIT 1) s ON true"
        " WHERE c.citizen_id = $1 AND c.purpose = $3 AND c.withdrawn_at IS NULL",
        *(citizen_id, now, PURPOSE),
    )
    if row is None:
        raise ConsentRequired
    if row["taken_at"] is None:
        return None
    scheme, band = await _kept(row)
    is_fresh = row["refresh_at"] is None or now < row["refresh_at"]
    return Snapshot(scheme, band, row["data_date"], row["valid_until"], row["taken_at"], is_fresh)


async def _kept(row: Row) -> tuple[Scheme | Recognition, Band | MappedTier | None]:
    """The very version that a snapshot was taken under, and its band."""
    code = row["tier_code"]
    if row["mapping_id"] is not None:
        recognition = await recognition_by_id(row["mapping_id"])
        return recognition, recognition.tier(code) if code else None
    scheme = await scheme_by_id(row["scheme_id"])
    return scheme, scheme.band(code) if code else None


async def _failed_lately(citizen_id: UUID, now: datetime) -> bool:
    """Whether somebody asked about him a short time ago and has no answer (yet)."""
    return (
        await fetch_one(
            "SELECT 1 FROM credit_lookups WHERE citizen_id = $1 AND looked_up_at > $2"
            " AND outcome IN ('pending', 'unavailable') LIMIT 1",
            *(citizen_id, now - REST_AFTER_FAILURE),
        )
        is not None
    )


async def _placed(
    citizen_id: UUID, found: Rating | NoRecord, now: datetime
) -> tuple[Scheme | Recognition, Band | MappedTier | None]:
    """The scheme that an answer is under, and its band there.

    Raises:
        ValueError: neither ours in force nor recognised, or it has no place for the answer.
    """
    scheme = await find_in_force(found.scheme_code, now)
    if scheme is not None:
        return scheme, await _band(citizen_id, scheme, found)
    recognition = await recognition_at(found.scheme_code, found.data_date)
    if recognition is None:
        raise ValueError("a scheme that is neither in force nor recognised")
    if isinstance(found, NoRecord):
        return recognition, None
    return recognition, recognition.tier_of(found.score, found.tier_code)


async def _band(citizen_id: UUID, scheme: Scheme, found: Rating | NoRecord) -> Band | None:
    if isinstance(found, NoRecord):
        return None
    if found.score is None:
        return scheme.band(found.tier_code or "")
    row = await fetch_one(
        "SELECT level FROM tier_snapshots WHERE citizen_id = $1 ORDER BY taken_at DESC LIMIT 1", citizen_id
    )
    previous = TierLevel(row["level"]) if row and row["level"] else None
    return scheme.band_of(found.score, previous)


async def _close_lookup(lookup_id: UUID, looked_up_at: datetime, outcome: LookupOutcome) -> bool:
    """Whether it was still open: a repair may have closed it meanwhile (`snapshots`)."""
    # The moment names the month's partition; by its id alone the line would be looked for in all of them.
    closed = await execute(
        "UPDATE credit_lookups SET outcome = $3 WHERE id = $1 AND looked_up_at = $2 AND outcome = 'pending'",
        *(lookup_id, looked_up_at, outcome),
    )
    return closed == 1


async def _keep(
    citizen_id: UUID, lookup_id: UUID, consent_id: UUID, snapshot: Snapshot, record_id: str | None
) -> bool:
    """Store a snapshot, unless the consent was withdrawn while the source was thinking.

    Raises:
        CreditSourceUnavailable: what it said was repaired meanwhile; asked again it says something else.
    """
    async with transaction():
        holds = await fetch_one(
            "SELECT 1 FROM consents WHERE id = $1 AND withdrawn_at IS NULL FOR SHARE", consent_id
        )
        taken_at, scheme, band = snapshot.taken_at, snapshot.scheme, snapshot.band
        if holds is None:
            await _close_lookup(lookup_id, taken_at, LookupOutcome.DISCARDED)
            return False
        outcome = LookupOutcome.RATED if band else LookupOutcome.UNRATED
        if not await _close_lookup(lookup_id, taken_at, outcome):
            raise CreditSourceUnavailable(retry_after_s=1)
        ours, theirs = (None, scheme.id) if isinstance(scheme, Recognition) else (scheme.id, None)
        await execute(
            "INSERT INTO tier_snapshots (id, citizen_id, lookup_id, scheme_id, mapping_id, level, tier_code,"
            " source_record_id, data_date, taken_at, valid_until, refresh_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            *(new_id(), citizen_id, lookup_id, ours, theirs, band and band.level, band and band.code),
            *(record_id, snapshot.data_date, taken_at, snapshot.valid_until),
            scheme.refresh and taken_at + scheme.refresh,
        )
        return True
