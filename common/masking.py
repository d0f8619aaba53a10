"""Masking for screens and exports (rule 14): `*大友`, `137****9050`."""


def masked_name(name: str) -> str:
    """Everything but the family name's first character; a single character vanishes."""
    return "*" + name[1:] if name else ""


def masked_phone(phone: str) -> str:
    """The first three and the last four digits; of a short number the last two alone."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 10 else "****" + phone[-2:]
