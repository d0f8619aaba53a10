"""Money is integer fen; rounding happens here and nowhere else: discounts in the citizen's favour, funders' shares down."""

MAX_FEN = 1_000_000_000


def percent_of(amount_fen: int, percent: int) -> int:
    """`percent` per cent of an amount, rounded up to a whole fen: a discount never loses half a fen."""
    return -(-amount_fen * percent // 100)


def share_of(amount_fen: int, percent: int) -> int:
    """`percent` per cent of an amount, rounded towards zero: nobody funds a fen more than he promised."""
    share = abs(amount_fen) * percent // 100
    return share if amount_fen >= 0 else -share


def yuan(amount_fen: int) -> str:
    """For people: 12345 → 123.45, -5 → -0.05."""
    return f"{'-' if amount_fen < 0 else ''}{abs(amount_fen) // 100}.{abs(amount_fen) % 100:02d}"


def price(amount_fen: int) -> str:
    """For people, where it is to be short, as the pages write it: 12300 → ¥123, 123450 → ¥1,234.50."""
    whole, rest = divmod(amount_fen, 100)
    return f"¥{whole:,}" + (f".{rest:02d}" if rest else "")
