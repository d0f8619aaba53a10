"""信用来源: who knows a citizen's tier. Every source keeps one contract; a broken one never invents a tier."""

from citizens.credit_sources.contract import (
    CreditSource,
    CreditSourceUnavailable,
    NoRecord,
    Rating,
    ScoreHistogram,
    SourceOfOthers,
    Subject,
)

__all__ = [
    "CreditSource",
    "CreditSourceUnavailable",
    "NoRecord",
    "Rating",
    "ScoreHistogram",
    "SourceOfOthers",
    "Subject",
]
