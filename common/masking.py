"""Masking for screens and exports (rule 14): `*大友`, `137****9050`, `3****************X`."""

import re
from datetime import date

from stdnum.cn import ric

# As people type them: with the country's code, and in groups. `(?a)`: of digits there are ten.
_PHONE = re.compile(r"(?a)(?<!\d)(?:(?:\+|00)?86[ -]?)?(1[3-9]\d)[ -]?\d{4}[ -]?(\d{4})(?!\d)")
_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_ID_NUMBER = re.compile(
    # Of 18 signs in one piece, whatever they are; in groups, or of the 15 that there were before, with a day of birth.
    r"(?a)(?<!\d)(?:\d{17}[\dXx]|"
    rf"[1-9]\d{{5}}[ -]?(?:(?:19|20)\d\d{_DAY}[ -]?\d{{3}}[\dXx]|\d\d{_DAY}[ -]?\d{{3}}))(?!\d)"
)

# One that stands by itself, not within a longer row of digits.
_RESIDENT = re.compile(r"(?a)(?<!\d)\d{17}[\dXx](?!\d)")


def masked_name(name: str) -> str:
    """Everything but the family name's first character; a single character vanishes."""
    return "*" + name[1:] if name else ""


def masked_numbers(text: str) -> str:
    """A text that somebody typed, without the numbers of mobile phones and of residents' ID cards in it."""
    masked = _ID_NUMBER.sub(lambda found: f"{found[0][0]}{'*' * 16}{found[0][-1]}", text)
    return _PHONE.sub(r"\1****\2", masked)


def is_of_a_person(text: str) -> bool:
    """Whether a mobile phone's or a resident's number stands in it, alone or inside a code."""
    return bool(_PHONE.search(text) or _ID_NUMBER.search(text))


def holds_id_number(text: str) -> bool:
    """Whether a resident's number (GB 11643) stands in it: with a day of birth that there was, and its check digit."""
    return any(_is_id_number(found.upper()) for found in _RESIDENT.findall(text))


def _is_id_number(number: str) -> bool:
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    return 1850 < born.year < 2100 and str(ric.calc_check_digit(number)) == number[-1]


def masked_phone(phone: str) -> str:
    """The first three and the last four digits; of a short number the last two alone."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 10 else "****" + phone[-2:]
