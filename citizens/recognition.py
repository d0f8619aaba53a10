"""互认 on request: a citizen without a record here names another place's scheme that he is rated under."""

from datetime import datetime, timedelta
from uuid import UUID

from citizens.credit import PURPOSE, CreditDesk, Snapshot
from citizens.credit_sources import NoRecord, Rating, Subject
from citizens.tier_mappings import recognition_at
from citizens.tier_schemes import Scheme
from common.clock import local_day
from common.errors import Refused
from models.enums import LookupReason


class SchemeNotRecognised(Refused):
    """No mapping of it counts today."""

    code = "scheme_not_recognised"
    zh = "这个外地等级方案目前没有互认。请在互认名单里选择。"
    en = "This scheme is not recognised now. Choose one of the list of recognised schemes."


class RatedHere(Refused):
    """His own record goes before another place's."""

    code = "rated_here"
    zh = "您在本省已有信用等级，以它为准，不用互认。"
    en = "You have a tier here, which counts; another place's is not needed."


class RecognitionNotPossible(Refused):
    """The source of this installation reaches no other place."""

    code = "recognition_not_possible"
    zh = "信用平台还不能查询外地的信用等级。不限等级的优惠现在就能领。"
    en = "The credit platform can't ask other places yet. The offers open to all are yours now."


async def recognise(desk: CreditDesk, citizen_id: UUID, scheme_code: str, now: datetime) -> Snapshot:
    """Ask, under his consent, what a recognised scheme says of a citizen who has no record here.

    He may ask again when that has ended: a look-up without being asked is of his record here.

    Raises:
        SchemeNotRecognised, RatedHere, RecognitionNotPossible: there is nothing to ask, or nobody.
        ConsentRequired, IdentityUnverified, CreditSourceUnavailable: as for `CreditDesk.tier`.
    """
    if await recognition_at(scheme_code, local_day(now)) is None:
        raise SchemeNotRecognised
    known = await desk.tier(citizen_id, LookupReason.RECOGNITION, now)
    if known.band is not None and isinstance(known.scheme, Scheme):
        raise RatedHere
    others = desk.others
    if others is None:
        raise RecognitionNotPossible

    async def ask(subject: Subject, consent_id: UUID) -> Rating | NoRecord:
        found = await others.look_up_under(scheme_code, subject, PURPOSE, consent_id)
        if found.scheme_code != scheme_code:
            raise ValueError("an answer under another scheme than was asked for")
        return found

    # The newest snapshot counts: this one is taken after the one that said that there is no record here.
    return await desk.look_up(citizen_id, LookupReason.RECOGNITION, ask, now + timedelta(milliseconds=1))
