"""Masking for screens and exports (rule 14): `*大友`, `3****************X`, `137****9050`."""


def masked_name(name: str) -> str:
    """Everything but the family name's first character; a single character vanishes."""
    return "*" + name[1:] if name else ""


def masked_id_number(number: str) -> str:
    """First and last character only."""
    return number[:1] + "*" * max(0, len(number) - 2) + number[-1:] if len(number) > 2 else "*" * len(number)


def masked_phone(phone: str) -> str:
    """First three and last four digits."""
    return phone[:3] + "****" + phone[-4:] if len(phone) >= 11 else "*" * len(phone)
