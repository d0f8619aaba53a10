"""Who funds a discount: the one place where it is divided and rounded."""

from typing import NamedTuple


class Shares(NamedTuple):
    """The parts of one discount in fen; together they are the discount, always."""

    member_fen: int
    public_unit_fen: int
    alliance_fen: int


def shares_of(discount_fen: int, alliance_share: int, public_unit_share: int) -> Shares:
    """Divide a discount by its frozen terms.

    The alliance's and the public unit's shares are rounded down to the fen and the member bears the rest: nobody who
    pays for others pays a fen more than he promised. A counter-entry (below zero) is divided as what it undoes.

    Args:
        alliance_share, public_unit_share: whole per cent, together at most 100.
    """
    if discount_fen < 0:
        return Shares(*(-part for part in shares_of(-discount_fen, alliance_share, public_unit_share)))
    alliance_fen = discount_fen * alliance_share // 100
    public_unit_fen = discount_fen * public_unit_share // 100
    return Shares(discount_fen - alliance_fen - public_unit_fen, public_unit_fen, alliance_fen)
