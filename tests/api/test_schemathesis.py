"""The published document against the running service: no 5xx, and no answer that the document does not name.

Every operation is called by each audience with values made from the document: good ones and broken ones,
with ids that are there and ids that aren't. The seed is fixed, so that every run asks the same.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.kit import bearer, code_of, coupon_of
from tests.api.offers import make_offer, make_staff
from tests.service import Service


def no_mistake_of_ours(ctx: Any, response: Any, case: Any) -> bool | None:
    """No 5xx but the one that the contract asks for: a sandbox has no other login channel than its own."""
    if response.status_code == 503 and response.json()["code"] == "channel_unavailable":
        return None
    result: bool | None = not_a_server_error(ctx, response, case)
    return result


CHECKS = [
    no_mistake_of_ours,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
NOBODY = "00000000-0000-7000-8000-000000000000"
# An answer without an end: asked for with ids that are not there only.
STREAM = "GET /api/v1/coupons/{coupon_id}/events"
EXAMPLES = {"real ids": 8, "any ids": 2, "broken": 5}
# Who may not call an operation is told so, whatever he sends.
REFUSED_EXAMPLES = 2
AUDIENCES = ("nobody", "citizen", "staff", "admin")
PARTS = 4
LOGOUT = "logout"


@pytest.fixture(scope="module")
async def fuzzed(make_service: Callable[..., Service]) -> Service:
    """A service of its own: some of the calls succeed."""
    return make_service(workers=1)


@pytest.fixture(scope="module")
async def things(fuzzed: Service) -> dict[str, str]:
    """Ids of things that are there, and the tokens of those to whom they belong."""
    citizen, clerk, admin = await fuzzed.citizen(), await fuzzed.clerk(), await fuzzed.admin()
    victim = await fuzzed.clerk(await make_staff(fuzzed))
    offer = await make_offer(fuzzed, total=1000, uses_total=100)
    coupon, redeemed = [await coupon_of(citizen.http, offer) for _ in range(2)]
    done = (await clerk.redeem(await code_of(citizen.http, redeemed))).json()
    return {
        "coupon_id": coupon,
        "offer_id": offer,
        "redemption_id": done["id"],
        "staff_id": victim.signed_in["staff"]["id"],
        "purpose": "credit_check",
        "citizen": bearer(citizen.http),
        "staff": bearer(clerk.http),
        "admin": bearer(admin),
        "nobody": "",
        # Those who will log out.
        "leaving citizen": bearer((await fuzzed.citizen()).http),
        "leaving staff": bearer((await fuzzed.clerk()).http),
        "leaving admin": bearer(await fuzzed.admin()),
        "leaving nobody": "",
    }


@pytest.fixture(scope="module")
def operations(fuzzed: Service) -> list[Any]:
    """Every operation of the document."""
    schema = schemathesis.openapi.from_url(fuzzed.url + "/api/openapi.json")
    found: list[Any] = [result.ok() for result in schema.get_all_operations()]  # type: ignore[union-attr]
    assert len(found) > 30
    return found


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """Keeps its connections."""
    with requests.Session() as session:
        yield session


def is_for(operation: Any, audience: str) -> bool:
    """Whether the document lets an audience call an operation; what is for everybody is asked by nobody."""
    named = {name for each in operation.definition.raw["security"] for name in each}
    is_open = {} in operation.definition.raw["security"]
    return audience in named or (audience == "nobody" and (is_open or not named))


def strategies(operation: Any, things: dict[str, str]) -> dict[str, st.SearchStrategy[Any]]:
    """How calls of an operation are made, by what is special about them."""
    names = [parameter.name for parameter in operation.path_parameters]
    found = {"any ids": operation.as_strategy()}
    if names and operation.label != STREAM:
        # What only admins and owners reach is asked for in tests/matrix with real ids.
        real = {name: things.get(name, NOBODY) for name in names}
        found["real ids"] = operation.as_strategy(path_parameters=real)
    elif not names:
        found = {"real ids": operation.as_strategy()}
    if operation.body or operation.query or names:
        found["broken"] = operation.as_strategy(GenerationMode.NEGATIVE)
    return found


@pytest.mark.parametrize("part", [*range(PARTS), LOGOUT])
def test_every_answer_is_one_that_the_document_names(
    fuzzed: Service, things: dict[str, str], operations: list[Any], session: requests.Session, part: int | str
) -> None:
    failures: list[str] = []
    calls = 0
    part_of = [LOGOUT if LOGOUT in each.label else number % PARTS for number, each in enumerate(operations)]
    chosen = [operation for operation, its in zip(operations, part_of, strict=True) if its == part]
    for operation in chosen:
        # What is for everybody is asked by nobody only.
        asking = [
            audience
            for audience in AUDIENCES
            if operation.definition.raw["security"] or is_for(operation, audience)
        ]
        may = [audience for audience in asking if is_for(operation, audience)]
        for kind, strategy in strategies(operation, things).items():

            def ask(case: Any, audiences: Sequence[str]) -> None:
                nonlocal calls
                for audience in audiences:
                    calls += 1
                    token = things[f"leaving {audience}" if part == LOGOUT else audience]
                    headers = {"Authorization": f"Bearer {token}"} if token else {}
                    case.call_and_validate(
                        base_url=fuzzed.url, session=session, headers=headers, checks=CHECKS, timeout=10
                    )

            try:
                with warnings.catch_warnings():
                    # The tools' own: what the service says is checked above.
                    warnings.simplefilter("ignore")
                    _each_case(strategy, EXAMPLES[kind], asking, may, ask)
            except Unsatisfiable:
                continue  # a call that takes any text has no broken form
            except (Exception, BaseExceptionGroup) as failure:
                failures.append(f"{operation.label} ({kind}): {failure}"[:1500])
    assert not failures, "\n\n".join(failures)
    assert calls > 8 * len(chosen)


def _each_case(
    strategy: st.SearchStrategy[Any],
    examples: int,
    asking: Sequence[str],
    may: Sequence[str],
    ask: Callable[[Any, Sequence[str]], None],
) -> None:
    """Make cases, which takes longer than an answer to one: all audiences ask the same."""
    made = 0

    @settings(
        max_examples=examples if may else REFUSED_EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(case=strategy)
    def each(case: Any) -> None:
        nonlocal made
        made += 1
        ask(case, asking if made <= REFUSED_EXAMPLES else may)

    each()


def test_nothing_undocumented_and_no_mistake_was_logged(fuzzed: Service, things: dict[str, str]) -> None:
    log = fuzzed.log.read_text()
    assert things and log
    for mark in ("undocumented_problem", '"unhandled"', '"level": "error"', '"level": "critical"'):
        assert [line for line in log.splitlines() if mark in line] == []
