"""How old somebody is, by his ID number: who agrees for himself, and whose credit may be looked up (rule 10)."""

from datetime import date, datetime
from uuid import UUID

from citizens.accounts import id_number_of
from common.clock import local_day
from common.crypto import PersonalDataKeys
from common.errors import Forbidden
from models.enums import ConsentPurpose

# PIPL 31: below it the guardian consents. 条例 2: credit subjects are adults.
OWN_CONSENT, ADULT = 14, 18
_LENGTH = 18


class GuardianNeeded(Forbidden):
    """A child under 14 can't agree by himself (PIPL 31)."""

    code = "guardian_needed"
    zh = "未满 14 周岁，需要监护人来办。请监护人登录自己的账户，在“我的—家人代办”里提出申请，通过后由监护人代办。"
    en = "Under 14 a guardian has to do this: he signs in, asks under “Me – Acting for family”, and acts once it is confirmed."


class CreditSubjectAdult(Forbidden):
    """Nobody under 18 has his credit looked up, whoever agrees to it."""

    code = "credit_subject_adult"
    zh = "未满 18 周岁不查询信用等级。请看看不限等级的优惠，现在就能领。"
    en = "Nobody's credit is looked up before he is 18. See the offers open to all; they are yours now."


def birth_day(id_number: str) -> date | None:
    """The day of birth in a resident's ID number (GB 11643); nothing in any other number."""
    digits = id_number[6:14]
    if len(id_number) != _LENGTH or not digits.isascii() or not digits.isdigit():
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def birthday(born: date, years: int) -> date:
    """The day on which somebody becomes so many years old; who was born on 29 February, on 1 March where there is none."""
    try:
        return born.replace(year=born.year + years)
    except ValueError:
        return date(born.year + years, 3, 1)


def is_under(id_number: str, years: int, at: datetime) -> bool:
    """Whether he is younger, by the calendar of Asia/Shanghai; of a number without a day of birth nobody can say so."""
    born = birth_day(id_number)
    return born is not None and local_day(at) < birthday(born, years)


async def must_be_old_enough(
    citizen_id: UUID, purpose: ConsentPurpose, keys: PersonalDataKeys, now: datetime, *, by_guardian: bool
) -> None:
    """Let a consent pass that the citizen, or his guardian for him, may give at his age.

    Raises:
        CreditSubjectAdult: to a look-up of his credit, under 18.
        GuardianNeeded: under 14, by himself.
    """
    id_number = await id_number_of(citizen_id, keys)
    if id_number is None:
        return
    if purpose is ConsentPurpose.CREDIT_CHECK and is_under(id_number, ADULT, now):
        raise CreditSubjectAdult
    if not by_guardian and is_under(id_number, OWN_CONSENT, now):
        raise GuardianNeeded
