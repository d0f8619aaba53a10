"""信用等级: a dated fact, looked up only under a consent in force, every time with a line in the log (rule 1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from citizens.accounts import id_number_of
from citizens.ages import ADULT, CreditSubjectAdult, is_under
from citizens.consents import ConsentRequired
from citizens.credit_sources import CreditSource, CreditSourceUnavailable, NoRecord, Rating, Subject
from citizens.tier_schemes import Band, Scheme, scheme_by_id, scheme_in_force
from common.crypto import PersonalDataKeys
from common.database import execute, fetch_all, fetch_one, transaction
from common.errors import Forbidden
from common.ids import AFTER_ALL, new_id
from models.enums import ConsentPurpose, LookupOutcome, LookupReason, TierLevel

PURPOSE = ConsentPurpose.CREDIT_CHECK


class IdentityUnverified(Forbidden):
    """The channel has not verified who he is, so no source can be asked about him."""

    code = "identity_unverified"
    zh = "您还没有实名，查不到信用等级。请换一个已实名的渠道登录（如浙里办）；不限等级的优惠现在就能领。"
    en = "Your identity is not verified, so no tier can be looked up. Sign in through a verified channel; the offers open to all are yours now."


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A citizen's tier as of a date; `level` and `band` are empty when the source has no record."""

    scheme: Scheme
    band: Band | None
    data_date: date
    valid_until: datetime

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
    """The source that this installation asks, and the keys to name a person to it."""

    source: CreditSource
    keys: PersonalDataKeys

    async def tier(self, citizen_id: UUID, reason: LookupReason, now: datetime) -> Snapshot:
        """The valid snapshot, or a fresh one.

        Args:
            reason: what the citizen was doing, for the log.

        Raises:
            ConsentRequired: there is no consent in force, before or after the source was asked.
            IdentityUnverified: nobody can be asked about him; nothing is logged.
            CreditSubjectAdult: he is under 18 (rule 10); nothing is logged, and no source asked.
            CreditSourceUnavailable: no answer; no snapshot is made.
        """
        known = await _valid_snapshot(citizen_id, now)
        if known is not None:
            return known
        id_number = await id_number_of(citizen_id, self.keys)
        if id_number is None:
            raise IdentityUnverified
        if is_under(id_number, ADULT, now):
            raise CreditSubjectAdult
        lookup_id, consent_id = await self._log_lookup(citizen_id, reason, now)
        try:
            found = await self._ask(id_number, consent_id)
            scheme = await scheme_in_force(found.scheme_code, now)
            band = await _band(citizen_id, scheme, found)
        except ConsentRequired:
            await _close_lookup(lookup_id, now, LookupOutcome.DISCARDED)
            raise
        except CreditSourceUnavailable:
            await _close_lookup(lookup_id, now, LookupOutcome.UNAVAILABLE)
            raise
        except ValueError as error:
            # A score off the scale, or a scheme that nobody published: no tier is made of it.
            await _close_lookup(lookup_id, now, LookupOutcome.UNAVAILABLE)
            raise CreditSourceUnavailable from error
        snapshot = Snapshot(scheme, band, found.data_date, now + scheme.validity)
        record_id = found.record_id if isinstance(found, Rating) else None
        if not await _keep(citizen_id, lookup_id, consent_id, snapshot, record_id, now):
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

    async def _ask(self, id_number: str, consent_id: UUID) -> Rating | NoRecord:
        # The last thing before the question leaves: what was withdrawn since the line was written stops here.
        if (
            await fetch_one("SELECT 1 FROM consents WHERE id = $1 AND withdrawn_at IS NULL", consent_id)
            is None
        ):
            raise ConsentRequired
        return await self.source.look_up(Subject(id_number), PURPOSE, consent_id)


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
        "SELECT s.scheme_id, s.tier_code, s.data_date, s.valid_until FROM consents c"
        " LEFT JOIN LATERAL (SELECT * FROM tier_snapshots WHERE citizen_id = $1 AND valid_until > $2"
        "  ORDER BY taken_at DESC LIMIT 1) s ON true"
        " WHERE c.citizen_id = $1 AND c.purpose = $3 AND c.withdrawn_at IS NULL",
        *(citizen_id, now, PURPOSE),
    )
    if row is None:
        raise ConsentRequired
    if row["scheme_id"] is None:
        return None
    scheme = await scheme_by_id(row["scheme_id"])
    band = scheme.band(row["tier_code"]) if row["tier_code"] else None
    return Snapshot(scheme, band, row["data_date"], row["valid_until"])


async def _band(citizen_id: UUID, scheme: Scheme, found: Rating | NoRecord) -> Band | None:
    if isinstance(found, NoRecord):
        return None
    row = await fetch_one(
        "SELECT level FROM tier_snapshots WHERE citizen_id = $1 ORDER BY taken_at DESC LIMIT 1", citizen_id
    )
    previous = TierLevel(row["level"]) if row and row["level"] else None
    return scheme.band_of(found.score, previous)


async def _close_lookup(lookup_id: UUID, looked_up_at: datetime, outcome: LookupOutcome) -> None:
    # The moment names the month's partition; by its id alone the line would be looked for in all of them.
    await execute(
        "UPDATE credit_lookups SET outcome = $3 WHERE id = $1 AND looked_up_at = $2",
        *(lookup_id, looked_up_at, outcome),
    )


async def _keep(
    citizen_id: UUID,
    lookup_id: UUID,
    consent_id: UUID,
    snapshot: Snapshot,
    record_id: str | None,
    now: datetime,
) -> bool:
    """Store a snapshot, unless the consent was withdrawn while the source was thinking."""
    async with transaction():
        holds = await fetch_one(
            "SELECT 1 FROM consents WHERE id = $1 AND withdrawn_at IS NULL FOR SHARE", consent_id
        )
        if holds is None:
            await _close_lookup(lookup_id, now, LookupOutcome.DISCARDED)
            return False
        band = snapshot.band
        await _close_lookup(lookup_id, now, LookupOutcome.RATED if band else LookupOutcome.UNRATED)
        await execute(
            "INSERT INTO tier_snapshots (id, citizen_id, lookup_id, scheme_id, level, tier_code, source_record_id,"
            " data_date, taken_at, valid_until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            *(new_id(), citizen_id, lookup_id, snapshot.scheme.id, band and band.level, band and band.code),
            *(record_id, snapshot.data_date, now, snapshot.valid_until),
        )
        return True
