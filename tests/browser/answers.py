"""What the running service can refuse with, by its own document, and what it did refuse with: looked at, never changed."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from playwright.async_api import Page, Response

from tests.browser.conftest import Stack

Test = TypeVar("Test", bound=Callable[..., object])

# Any route may answer with these; what the pages do with them is the same everywhere (`test_bad_days`). The first ones
# tell a program that it is broken, which no screen can mend.
OF_EVERY_ROUTE = frozenset(
    {
        *("bad_request", "json_invalid", "unsupported_media_type", "validation_failed", "body_too_large"),
        *("headers_too_large", "expectation_failed", "idempotency_key_required", "idempotency_key_invalid"),
        *("forbidden", "request_timeout", "too_many_requests"),
        *("internal_error", "database_unavailable", "service_unavailable"),
    }
)


class Shown(set[str]):
    """The codes whose screens the tests of a file look at."""

    def by(self, *codes: str) -> Callable[[Test], Test]:
        """Say which ones the test below shows; it holds the service's answers against them."""
        self.update(codes)
        return lambda test: test


async def codes_of(stack: Stack, *paths: str) -> set[str]:
    """What the service may refuse a `POST` on these with, beyond what any route may."""
    document = (await stack.client().get(f"{stack.url}/api/openapi.json")).json()
    found: set[str] = set()
    for path in paths:
        for answer in document["paths"]["/api/v1" + path]["post"]["responses"].values():
            shared = answer.get("$ref", "").rpartition("/")[2]
            told = document["components"]["responses"][shared] if shared else answer
            found |= {problem["code"] for problem in told.get("x-problems", [])}
    assert found >= OF_EVERY_ROUTE, "a name that no route knows any more"
    return found - OF_EVERY_ROUTE


@asynccontextmanager
async def heard(page: Page, part: str) -> AsyncIterator[list[dict[str, Any]]]:
    """What the service refuses a page's `POST` with, where its address has `part`; complete when the block ends."""
    refused: list[Response] = []
    answers: list[dict[str, Any]] = []

    def hear(response: Response) -> None:
        if part in response.url and response.request.method == "POST" and response.status >= 400:
            refused.append(response)

    page.on("response", hear)
    try:
        yield answers
    finally:
        page.remove_listener("response", hear)
    answers += [await response.json() for response in refused]


@asynccontextmanager
async def spoilt(stack: Stack, table: str, when: str, change: str = "RETURN NULL;") -> AsyncIterator[None]:
    """A database that does something else with a person's new rows of a table; by default it never has them.

    Args:
        when: a condition on the row, `NEW`.
        change: PL/pgSQL.
    """
    await stack.fetch(f"CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {change} END $$")
    await stack.fetch(
        f"CREATE TRIGGER spoil BEFORE INSERT ON {table} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION spoil()"
    )
    try:
        yield
    finally:
        await stack.fetch("DROP FUNCTION spoil() CASCADE")
