"""Refusals: their codes are the contract's and never change; each says in two languages what to do next."""

import importlib
import pkgutil
import string
from datetime import UTC, datetime

import pytest

import alliance
import benefits
import citizens
import common
import merchants
import models
from benefits.refusals import CouponExpired
from common.errors import (
    DomainError,
    Ended,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    Refused,
    TooMany,
    Unauthenticated,
    Unavailable,
)

KINDS = (Malformed, Unauthenticated, Forbidden, NotFound, Refused, Ended, Invalid, TooMany, Unavailable)
# What the contract promises to programs: code and kind (the kind is the status).
CONTRACT = {
    "login_code_invalid": Unauthenticated,
    "channel_unavailable": Unavailable,
    "consent_version_outdated": Refused,
    "consent_required": Forbidden,
    "credit_source_unavailable": Unavailable,
    "tier_too_low": Forbidden,
    "unrated": Forbidden,
    "sold_out": Refused,
    "sold_out_today": Refused,
    "limit_reached": Refused,
    "offer_not_started": Refused,
    "offer_ended": Ended,
    "already_redeemed": Refused,
    "coupon_expired": Ended,
    "coupon_revoked": Ended,
    "code_malformed": Malformed,
    "code_forged": Malformed,
    "code_expired": Ended,
    "code_used": Refused,
    "store_not_allowed": Forbidden,
    "own_coupon": Forbidden,
    "daily_use_reached": Refused,
    "not_enough_uses": Refused,
    "below_threshold": Invalid,
    "amount_required": Invalid,
    "outside_hours": Invalid,
    "already_reversed": Refused,
    "reversal_window_closed": Refused,
    "idempotency_key_reused": Invalid,
    "not_found": NotFound,
}
PACKAGES = (alliance, benefits, citizens, common, merchants, models)
for _package in PACKAGES:
    for _module in pkgutil.walk_packages(_package.__path__, _package.__name__ + "."):
        importlib.import_module(_module.name)
OURS = tuple(package.__name__ + "." for package in PACKAGES)


def all_refusals(kind: type[DomainError] = DomainError) -> list[type[DomainError]]:
    """Every refusal of the domain that has a code or, under the code of its parent, sentences of its own."""
    below = [found for child in kind.__subclasses__() for found in all_refusals(child)]
    own = [kind] if {"code", "zh"} & set(vars(kind)) and kind.__module__.startswith(OURS) else []
    return own + below


REFUSALS = {refusal.__name__: refusal for refusal in all_refusals()}


@pytest.mark.parametrize(("code", "kind"), CONTRACT.items())
def test_the_contracts_codes_are_there_with_their_kind(code: str, kind: type[DomainError]) -> None:
    assert any(refusal.code == code and issubclass(refusal, kind) for refusal in REFUSALS.values())


def test_a_code_belongs_to_one_refusal() -> None:
    # Whoever lost his rights learns no more than whoever never had any.
    codes = [
        refusal.code
        for refusal in REFUSALS.values()
        if "code" in vars(refusal) and refusal.code != "unauthenticated"
    ]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_of_one_kind_and_has_two_sentences(name: str) -> None:
    refusal = REFUSALS[name]
    assert sum(issubclass(refusal, kind) for kind in KINDS) == 1
    assert set(refusal.code) <= set(string.ascii_lowercase + "_") and len(refusal.code) <= 32
    assert refusal.zh.endswith("。") and refusal.en.endswith((".", "”."))
    assert any("一" <= letter <= "鿿" for letter in refusal.zh)


@pytest.mark.parametrize("name", REFUSALS)
def test_both_sentences_are_made_of_the_same_facts_or_fewer(name: str) -> None:
    refusal = REFUSALS[name]

    def facts(sentence: str) -> set[str]:
        return {field for _, field, _, _ in string.Formatter().parse(sentence) if field}

    assert facts(refusal.en) == facts(refusal.zh)
    # No sentence to a clerk has a place for a score or a tier (rule 2).
    if refusal.code not in ("tier_too_low", "unrated"):
        assert not facts(refusal.zh) & {"score", "tier", "level", "wanted", "name"}


def test_a_time_is_told_as_a_clock_in_hangzhou_shows_it() -> None:
    refusal = CouponExpired(valid_until=datetime(2026, 3, 4, 16, 0, tzinfo=UTC))
    assert "2026-03-05 00:00" in refusal.sentence("zh") and "2026-03-05 00:00" in refusal.sentence("en")
    assert refusal.sentence("fr") == refusal.sentence("zh")
