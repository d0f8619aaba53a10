"""The gateway source: an organisation's grade and the list it is on, asked for through the 浙里办 gateway."""

from datetime import date, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from common.clock import local_day, now
from common.signed_gateway import GatewayFailed, SignedGateway
from merchants.organisation_sources.contract import OrganisationRecord, OrganisationSourceUnavailable
from models.enums import TierLevel

# An older record is no statement about today.
OLDEST = timedelta(days=62)


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    requestId: str  # noqa: N815 - the contract's name
    uscc: str
    grade: Annotated[int, Field(ge=1, le=5)] | None
    isDishonest: bool  # noqa: N815
    dataDate: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]  # noqa: N815
    recordId: Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z._:-]{0,63}$")]  # noqa: N815


class GatewayOrganisationSource:
    """Asks for one organisation at a time."""

    name = "gateway"

    def __init__(self, gateway: SignedGateway) -> None:
        self._gateway = gateway

    async def look_up(self, uscc: str) -> OrganisationRecord:
        """See `OrganisationSource.look_up`."""
        try:
            request_id, body = await self._gateway.ask({"uscc": uscc})
            answer = _Answer.model_validate_json(body)
        except (GatewayFailed, ValidationError):
            raise OrganisationSourceUnavailable from None
        day, today = date.fromisoformat(answer.dataDate), local_day(now())
        if answer.requestId != str(request_id) or answer.uscc != uscc or not today - OLDEST <= day <= today:
            raise OrganisationSourceUnavailable
        grade = TierLevel(answer.grade) if answer.grade is not None else None
        return OrganisationRecord(grade, answer.isDishonest, day, answer.recordId)
