"""Who funds a discount: the one place where it is divided."""

from typing import NamedTuple

from common.money import share_of


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
    alliance_fen, public_unit_fen = (
        share_of(discount_fen, part) for part in (alliance_share, public_unit_share)
    )
    return Shares(discount_fen - alliance_fen - public_unit_fen, public_unit_fen, alliance_fen)
