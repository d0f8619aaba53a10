"""Programmes, offers, eligibility, claims, codes, redemptions and reversals."""
