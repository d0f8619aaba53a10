"""Moments that tests talk about, in Asia/Shanghai."""

from datetime import UTC, datetime

from common.clock import SHANGHAI


def shanghai(text: str) -> datetime:
    """`2026-03-04 12:00`, as a clock on a wall in Hangzhou shows it; in UTC, as the service has it."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


# A Wednesday without a holiday.
NOON = shanghai("2026-03-04 12:00")
