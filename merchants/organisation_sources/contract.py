"""What an organisation source promises: grade and lists with their date and record id, or that it can't say."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from common.errors import Unavailable
from models.enums import TierLevel


class OrganisationSourceUnavailable(Unavailable):
    """No answer in time, or a broken one. No grade is made up; the check waits and is asked again."""

    code = "organisation_source_unavailable"
    zh = "信用平台暂时没有响应，稍后会自动再查，您不用重新提交。"
    en = "The credit platform does not answer. It is asked again by itself; you need not submit again."


@dataclass(frozen=True, slots=True)
class OrganisationRecord:
    """What the source has on one 统一社会信用代码 as of a date; `grade` is None where it has none."""

    grade: TierLevel | None
    is_dishonest: bool
    data_date: date
    record_id: str


class OrganisationSource(Protocol):
    """One source."""

    @property
    def name(self) -> str:
        """For the dated results."""

    async def look_up(self, uscc: str) -> OrganisationRecord:
        """Ask for one organisation.

        Raises:
            OrganisationSourceUnavailable, OSError, TimeoutError, ValueError: no answer to rely on.
        """
