"""Masking for screens and exports (rule 14): `*大友`, `137****9050`, `3****************X`."""

import re

_PHONE = re.compile(r"(?<!\d)(1[3-9]\d)\d{4}(\d{4})(?!\d)")
_ID_NUMBER = re.compile(r"(?<!\d)(\d)\d{16}([\dXx])(?!\d)")


def masked_name(name: str) -> str:
    """Everything but the family name's first character; a single character vanishes."""
    return "*" + name[1:] if name else ""


def masked_numbers(text: str) -> str:
    """A text that somebody typed, without the numbers of mobile phones and of residents' ID cards in it."""
    return _ID_NUMBER.sub(rf"\1{'*' * 16}\2", _PHONE.sub(r"\1****\2", text))


def masked_phone(phone: str) -> str:
    """The first three and the last four digits; of a short number the last two alone."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 10 else "****" + phone[-2:]
