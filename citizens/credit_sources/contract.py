"""What a credit source promises: a score with its date and record id, or "no record", or that it can't say."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol
from uuid import UUID

from common.errors import Unavailable
from models.enums import ConsentPurpose


class CreditSourceUnavailable(Unavailable):
    """No answer in time, a broken answer, or the breaker is open. No tier is made up."""

    code = "credit_source_unavailable"
    zh = "信用平台暂时没有响应，没有影响您的任何权益。请稍后再试，或先看看不限等级的优惠。"
    en = "The credit platform does not answer; nothing of yours is affected. Try later, or see the offers open to all."


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom to look up. Leaves this process only towards the source."""

    id_number: str


@dataclass(frozen=True, slots=True)
class Rating:
    """A score under a scheme's newest version, as of a date."""

    scheme_code: str
    score: int
    data_date: date
    record_id: str


@dataclass(frozen=True, slots=True)
class NoRecord:
    """The source has nothing on this person: he is unrated, which is no bad mark."""

    scheme_code: str
    data_date: date


class CreditSource(Protocol):
    """One source."""

    @property
    def name(self) -> str:
        """For the log of look-ups."""

    async def look_up(
        self, subject: Subject, purpose: ConsentPurpose, consent_proof: UUID
    ) -> Rating | NoRecord:
        """Ask for one person under one consent.

        Raises:
            CreditSourceUnavailable, OSError, TimeoutError, ValueError: no answer to rely on.
        """
