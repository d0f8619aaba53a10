"""The gateway source: one person's score, asked for through the 浙里办 gateway when a citizen wants it.

An answer is believed as a whole or not at all: signed for this question, naming it, of a date that can be, and with
nothing in it that was not asked for (rule 11: what may not be stored is not even read).
"""

from datetime import date, timedelta
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from citizens.credit_sources.contract import CreditSourceUnavailable, NoRecord, Rating, Subject
from common.clock import local_day, now
from common.masking import holds_id_number
from common.signed_gateway import GatewayFailed, SignedGateway
from models.enums import ConsentPurpose

# An older record is no statement about today.
OLDEST = timedelta(days=62)

_Scheme = Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,32}$")]
_Day = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Found(_Strict):
    requestId: str  # noqa: N815 - the contract's name
    found: Literal[True]
    schemeCode: _Scheme  # noqa: N815
    score: Annotated[int, Field(ge=-10_000_000, le=10_000_000)]
    dataDate: _Day  # noqa: N815
    recordId: Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z._:-]{0,63}$")]  # noqa: N815


class _Nothing(_Strict):
    requestId: str  # noqa: N815
    found: Literal[False]
    schemeCode: _Scheme  # noqa: N815
    dataDate: _Day  # noqa: N815


_ANSWER: TypeAdapter[_Found | _Nothing] = TypeAdapter(_Found | _Nothing)


class GatewaySource:
    """Asks for one person at a time, naming the purpose and the consent."""

    name = "gateway"

    def __init__(self, gateway: SignedGateway) -> None:
        self._gateway = gateway

    async def look_up(
        self, subject: Subject, purpose: ConsentPurpose, consent_proof: UUID
    ) -> Rating | NoRecord:
        """See `CreditSource.look_up`."""
        question = {"idNumber": subject.id_number, "purpose": purpose.value, "consentId": str(consent_proof)}
        try:
            request_id, body = await self._gateway.ask(question)
            answer = _ANSWER.validate_json(body)
        except ValidationError:
            # Whose words may quote what was answered.
            raise CreditSourceUnavailable(retry_after_s=2) from None
        except GatewayFailed as failed:
            raise CreditSourceUnavailable(retry_after_s=30 if failed.result == "429" else 2) from None
        if answer.requestId != str(request_id):
            raise CreditSourceUnavailable(retry_after_s=2)
        data_date = _believable(answer.dataDate)
        if isinstance(answer, _Nothing):
            return NoRecord(answer.schemeCode, data_date)
        # It is kept and shown as it is (rule 15).
        if holds_id_number(answer.recordId):
            raise CreditSourceUnavailable(retry_after_s=2)
        return Rating(answer.schemeCode, answer.score, data_date, answer.recordId)


def _believable(text: str) -> date:
    """A date that is not ahead and not too long ago; anything else raises `ValueError` or `CreditSourceUnavailable`."""
    day, today = date.fromisoformat(text), local_day(now())
    if not today - OLDEST <= day <= today:
        raise CreditSourceUnavailable(retry_after_s=2)
    return day
