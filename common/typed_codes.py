"""Codes that people read from one screen and type on another."""

import secrets

# Without 0 O 1 I L and U: what a label printer and a tired eye mix up. 30 signs, ten of them: 49 bits.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 10


def new_code() -> str:
    """A fresh one, hardly guessable."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def shown(code: str) -> str:
    """As it is easily read: `23456-789AB`."""
    return f"{code[:5]}-{code[5:]}"


def as_typed(text: str) -> str:
    """What somebody typed, in lower case too, with or without the dash and blanks."""
    return "".join(sign for sign in text.upper() if sign not in " -")
