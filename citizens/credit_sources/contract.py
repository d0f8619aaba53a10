"""What a credit source promises: a score with its date and record id, or "no record", or that it can't say."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol, runtime_checkable
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
    """A score under a scheme's newest version, as of a date; a scheme without scores gives the tier's code instead.

    The scheme may be another place's: it counts if it is recognised (`citizens.tier_mappings`).
    """

    scheme_code: str
    score: int | None
    data_date: date
    record_id: str
    tier_code: str | None = None


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


@runtime_checkable
class SourceOfOthers(Protocol):
    """What a source can do besides that reaches other places' schemes."""

    async def look_up_under(
        self, scheme_code: str, subject: Subject, purpose: ConsentPurpose, consent_proof: UUID
    ) -> Rating | NoRecord:
        """Ask for one person under one consent what another place's scheme says of him.

        Raises:
            CreditSourceUnavailable, OSError, TimeoutError, ValueError: no answer to rely on.
        """


@runtime_checkable
class ScoreHistogram(Protocol):
    """What a source can do besides that holds everybody's scores: count people by them."""

    async def histogram(self, scheme_code: str) -> Mapping[int, int]:
        """How many people have which score under a scheme; it holds no person, and nobody is looked up.

        Raises:
            CreditSourceUnavailable, OSError, TimeoutError: it can't be counted now.
        """
