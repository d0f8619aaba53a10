"""The gateway's signature against a vector that was computed elsewhere."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from common.gateway_signature import http_date, moment_of, sign, sorted_query

PATH = "/restapi/prod/IC33000020220329000007/uc/sso/access_token"
AT = datetime(2021, 11, 9, 8, 49, 20, tzinfo=UTC)


def test_known_request_has_known_headers() -> None:
    assert sign("POST", PATH, "", "test-ak", "test-sk", http_date(AT)) == {
        "X-BG-HMAC-ACCESS-KEY": "test-ak",
        "X-BG-HMAC-ALGORITHM": "hmac-sha256",
        "X-BG-DATE-TIME": "Tue, 09 Nov 2021 08:49:20 GMT",
        "X-BG-HMAC-SIGNATURE": "6F67ChM7QcjMtjp4MsZt7DAxW90rwrC4Pt92KcZGU70=",
    }


def test_moment_is_written_in_utc_wherever_it_was_read() -> None:
    shanghai = timezone(timedelta(hours=8))
    assert http_date(AT.astimezone(shanghai)) == "Tue, 09 Nov 2021 08:49:20 GMT"
    assert moment_of(http_date(AT)) == AT


@pytest.mark.parametrize("text", ["", "yesterday", "Tue, 09 Nov 2021 08:49:20 -0000"])
def test_other_dates_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        moment_of(text)


def test_query_is_sorted_and_quoted() -> None:
    assert sorted_query({"b": "2 &", "a": "一"}) == "a=%E4%B8%80&b=2%20%26"


@pytest.mark.parametrize(
    ("method", "path", "query"), [("GET", PATH, ""), ("POST", PATH + "/", ""), ("POST", PATH, "a=1")]
)
def test_signature_is_of_method_path_and_query(method: str, path: str, query: str) -> None:
    date = http_date(AT)
    assert sign(method, path, query, "test-ak", "test-sk", date) != sign(
        "POST", PATH, "", "test-ak", "test-sk", date
    )
