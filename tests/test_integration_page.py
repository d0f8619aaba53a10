"""The page for makers of clients names every error code once, and its vector is right; in both languages."""

import re
from datetime import UTC, datetime
from json import loads
from pathlib import Path

import pytest

from benefits import codes, webhook_deliveries
from common.errors import DomainError
from tests.api.phone import parts, renewed
from tests.benefits.test_refusals import PACKAGES  # importing it loads every module that has refusals

ROOT = Path(__file__).parent.parent
PAGES = ("docs/integration.md", "docs/integration.zh-CN.md")


def all_codes(kind: type[DomainError] = DomainError) -> set[str]:
    """Every code that the service may answer with."""
    modules = (*(f"{package.__name__}." for package in PACKAGES), "server.")
    own = {kind.code} if "code" in vars(kind) and kind.__module__.startswith(modules) else set()
    return own.union(*(all_codes(child) for child in kind.__subclasses__()))


@pytest.mark.parametrize("page", PAGES)
def test_every_code_is_in_the_table_once(page: str) -> None:
    import server.app  # noqa: F401 - loads every route with its errors

    rows = [line.split("|") for line in (ROOT / page).read_text(encoding="utf-8").splitlines()]
    named = [code for row in rows if len(row) == 4 for code in re.findall(r"`([a-z_]+)`", row[2])]
    named.remove("code")  # the heading
    assert len(named) == len(set(named))
    assert set(named) == all_codes()


@pytest.mark.parametrize("page", PAGES)
def test_the_vector_is_right(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8").partition("X-Xinyi-Signature")[0]
    (key,) = re.findall(r"`([A-Za-z0-9_-]{43})`", text)
    given, shown = re.findall(r"`(R1[A-Z2-7]{48})`", text)
    (moment,) = map(int, re.findall(r"\b(\d{10})\b", text))
    assert [parts(code)[3] for code in (given, shown)] == [
        int(step) for step in dict.fromkeys(re.findall(r"\b(\d{9})\b", text))
    ]
    assert parts(shown)[3] == moment // 15
    assert renewed(key, given, moment // 15) == shown
    # And it is what the server makes with these keys.
    ring, number = codes.KeyRing({1: bytes(range(32))}), parts(given)[2]
    assert codes.renewal_key(ring, number, 0) == key
    assert codes.make(ring, number, 0, moment // 15) == shown


@pytest.mark.parametrize("page", PAGES)
def test_the_webhooks_vector_is_right(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    (secret,) = re.findall(r"`(a-secret[a-z-]+)`", text)
    (body,) = re.findall(r'`(\{"id".+\})`', text)
    (shown,) = re.findall(r"`(t=\d+,v1=[0-9a-f]{64})`", text)
    at = datetime.fromtimestamp(int(shown[2:12]), UTC)
    assert webhook_deliveries.signature(secret, body.encode(), at) == shown
    assert set(loads(body)) == {"id", "type", "at", "data"}


def test_both_pages_have_the_same_parts() -> None:
    english, chinese = ((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
    assert re.findall(r"^(#+) ", english, re.MULTILINE) == re.findall(r"^(#+) ", chinese, re.MULTILINE)
