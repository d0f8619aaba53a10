"""亲友代办: whoever would rather not do it himself makes a code, a relative enters it, and he confirms who that is.

Nobody's age is asked for (but a child under 14 has guardians): who finds a phone hard need not be 60, and what protects
him is that he makes the code, sees the other's masked name before anything holds, and ends it at any time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from citizens.accounts import id_number_of
from citizens.agents import bind
from citizens.ages import OWN_CONSENT, GuardianNeeded, is_under
from citizens.children import must_be_adult
from common import typed_codes
from common.crypto import PersonalDataKeys
from common.database import fetch_one, transaction
from common.errors import NotFound, Refused
from models import notice_log, one_time_links
from models.citizen_enums import AgentKind, BindingState
from models.office_enums import LinkPurpose
from models.one_time_links import LinkInvalid

CODE_GOOD_FOR = timedelta(minutes=10)
CONFIRM_WITHIN = timedelta(days=1)


class HelperCodeInvalid(Refused):
    """Never made, used before, too old, or one's own: they are not told apart."""

    code = "helper_code_invalid"
    zh = "代办码不对、已用过或已过期（10 分钟内有效，只能用一次），也不能填自己的码。请对方重新生成一个。"
    en = "The code is wrong, used, too old (it is good once, for ten minutes) or your own. Ask for a new one."


class HelperNotWaiting(Refused):
    """Nothing waits to be confirmed any more."""

    code = "helper_not_waiting"
    zh = "这位亲友的代办已经结束，或者一天内没有确认，已失效。需要时请重新生成代办码。"
    en = "This was ended, or not confirmed within a day. Make a new code if needed."


@dataclass(frozen=True, slots=True)
class HelperCode:
    """What is told to a relative, who enters it once within ten minutes."""

    code: str
    expires_at: datetime


async def make_code(citizen_id: UUID, keys: PersonalDataKeys, now: datetime) -> HelperCode:
    """A code for one helper; those made before are good no more.

    Raises:
        GuardianNeeded: a child under 14 lets nobody in.
    """
    id_number = await id_number_of(citizen_id, keys)
    if id_number is not None and is_under(id_number, OWN_CONSENT, now):
        raise GuardianNeeded
    code = typed_codes.new_code()
    async with transaction():
        await one_time_links.make(LinkPurpose.ELDER_BINDING, citizen_id, CODE_GOOD_FOR, now, code)
    return HelperCode(typed_codes.shown(code), now + CODE_GOOD_FOR)


async def enter_code(helper_id: UUID, typed: str, keys: PersonalDataKeys, now: datetime) -> UUID:
    """Ask to help whoever made the code; the binding's id. It holds once he confirms, within a day.

    Raises:
        IdentityUnverified, AgentNotAdult: the helper has no real name here, or is a minor.
        HelperCodeInvalid: no code that is good now, or his own.
        TooManyBindings, AlreadyBoundTo: one of the two has no place left, or they are bound already; the code stays good.
    """
    await must_be_adult(helper_id, keys, now)
    async with transaction():
        try:
            citizen_id = await one_time_links.use(LinkPurpose.ELDER_BINDING, typed_codes.as_typed(typed), now)
        except LinkInvalid:
            raise HelperCodeInvalid from None
        if citizen_id == helper_id:
            raise HelperCodeInvalid
        binding_id = await bind(
            AgentKind.HELPER, helper_id, citizen_id, BindingState.WAITING, now + CONFIRM_WITHIN, now
        )
        await notice_log.tell(
            "citizen", citizen_id, "helper_waiting", f"binding_waiting:{binding_id}", {}, now
        )
    return binding_id


async def confirm(citizen_id: UUID, binding_id: UUID, now: datetime) -> None:
    """Let a helper in; twice is once.

    Raises:
        NotFound: no such helper of his.
        HelperNotWaiting: it ended, or was not confirmed in time.
    """
    async with transaction():
        row = await fetch_one(
            "UPDATE agent_bindings SET state = 'active', active_at = $3, ends_at = NULL"
            " WHERE id = $1 AND principal_id = $2 AND kind = 'helper' AND state = 'waiting' AND ends_at > $3"
            " RETURNING agent_id",
            *(binding_id, citizen_id, now),
        )
        if row is not None:
            once = f"binding_confirmed:{binding_id}"
            await notice_log.tell("citizen", row["agent_id"], "helper_confirmed", once, {}, now)
            return
    row = await fetch_one(
        "SELECT state FROM agent_bindings WHERE id = $1 AND principal_id = $2 AND kind = 'helper'",
        *(binding_id, citizen_id),
    )
    if row is None:
        raise NotFound
    if row["state"] != BindingState.ACTIVE:
        raise HelperNotWaiting
