"""Masking for screens and exports (rule 14): `*大友`."""


def masked_name(name: str) -> str:
    """Everything but the family name's first character; a single character vanishes."""
    return "*" + name[1:] if name else ""
