"""Money is integer fen; rounding happens here and nowhere else, in the citizen's favour."""

MAX_FEN = 1_000_000_000


def percent_of(amount_fen: int, percent: int) -> int:
    """`percent` per cent of an amount, rounded up to a whole fen: a discount never loses half a fen."""
    return -(-amount_fen * percent // 100)


def yuan(amount_fen: int) -> str:
    """For people: 12345 → 123.45."""
    return f"{amount_fen // 100}.{amount_fen % 100:02d}"
