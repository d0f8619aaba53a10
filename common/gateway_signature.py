"""The 浙里办 gateway's signature (IRS): who asks, for which address and when, by HMAC-SHA256 (domain.md §5).

The string to sign is `METHOD\\nPATH\\nSORTED_QUERY\\nACCESS_KEY\\nDATE\\n`, with the newline at its end. The gateway does
not sign bodies: whoever must trust an answer needs a proof of its own inside the answer.
"""

import base64
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import quote

ALGORITHM = "hmac-sha256"
# What the gateway takes between its clock and ours, in seconds.
SKEW_S = 90


def http_date(at: datetime) -> str:
    """A moment as the gateway writes it (RFC 7231, UTC): `Tue, 09 Nov 2021 08:49:20 GMT`."""
    return format_datetime(at.astimezone(UTC), usegmt=True)


def moment_of(date: str) -> datetime:
    """The moment that `http_date` wrote.

    Raises:
        ValueError: it is no such date.
    """
    moment = parsedate_to_datetime(date)
    if moment.tzinfo is None:
        raise ValueError("a date without its zone")
    return moment


def sorted_query(query: Mapping[str, str]) -> str:
    """The query in the order of its names, as it stands in the address and is signed."""
    return "&".join(
        f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(query.items())
    )


def signature(method: str, path: str, query: str, access_key: str, secret: str, date: str) -> str:
    """Base64 of the HMAC-SHA256; `query` is sorted already, `date` as `http_date` writes it."""
    text = f"{method.upper()}\n{path}\n{query}\n{access_key}\n{date}\n"
    return base64.b64encode(hmac.digest(secret.encode(), text.encode(), "sha256")).decode()


def sign(method: str, path: str, query: str, access_key: str, secret: str, date: str) -> dict[str, str]:
    """The four headers of a request; the arguments as for `signature`."""
    return {
        "X-BG-HMAC-ACCESS-KEY": access_key,
        "X-BG-HMAC-ALGORITHM": ALGORITHM,
        "X-BG-DATE-TIME": date,
        "X-BG-HMAC-SIGNATURE": signature(method, path, query, access_key, secret, date),
    }
