"""The manner of the whole interface: problems, methods, languages, lists, keys, limits."""

import asyncio
import base64
import json
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any
from uuid import UUID

import httpx
import pytest

from server.endpoints import STREAMED
from tests.api.kit import (
    NOBODY,
    PROBLEM,
    answered,
    bearer,
    claim,
    code_of,
    coupon_of,
    own_redis,
    problem,
    walk,
    with_key,
)
from tests.api.offers import make_admin, make_offer, make_staff
from tests.conftest import Servers
from tests.service import API, Service, new_key

ALL_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@pytest.fixture(scope="module")
def document(service: Service) -> dict[str, Any]:
    """The published description of the interface."""
    found: dict[str, Any] = httpx.get(service.url + "/api/openapi.json").json()
    return found


def concrete(path: str) -> str:
    """A path with ids in it that nobody has."""
    for name in ("coupon_id", "offer_id", "redemption_id", "staff_id"):
        path = path.replace(f"{{{name}}}", NOBODY)
    return path.replace("{purpose}", "credit_check")


# Problems, methods, headers -----------------------------------------------------------------------


async def test_every_path_says_which_methods_it_takes(service: Service, document: dict[str, Any]) -> None:
    client = service.client()
    for path, operations in document["paths"].items():
        allowed = {method.upper() for method in operations}
        answer = str(operations.get("get", {}).get("responses", {}).get("200"))
        is_stream = any(kind in answer for kind in STREAMED)
        if "GET" in allowed and not is_stream:
            allowed.add("HEAD")
        for method in ALL_METHODS:
            if method in allowed:
                continue
            answer = await client.request(method, service.url + concrete(path))
            assert answer.status_code == 405, f"{method} {path}"
            assert set(answer.headers["allow"].split(", ")) == allowed
            if method != "HEAD":
                problem(answer, 405, "method_not_allowed")


async def test_head_is_get_without_a_body(service: Service, document: dict[str, Any]) -> None:
    citizen = await service.citizen()
    for path, operations in document["paths"].items():
        if (
            "get" not in operations
            or path in ("/metrics", "/readyz")
            or path.endswith(("/events", "/export"))
        ):
            continue
        url = service.url + concrete(path)
        head, get = await citizen.http.head(url), await citizen.http.get(url)
        assert (head.status_code, head.content) == (get.status_code, b""), path
        assert head.headers["content-type"] == get.headers["content-type"]
        assert head.headers["x-request-id"]


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/api",
        "/api/v1",
        "/api/v2/me",
        "/api/v1/nothing",
        "/me",
        "/api/v1/me/x",
        "/.env",
        "/%2e%2e",
    ],
)
async def test_an_unknown_path_is_a_problem(service: Service, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        problem(await service.client().request(method, service.url + path), 404, "not_found")
    head = await service.client().head(service.url + path)
    assert (head.status_code, head.content, head.headers["content-type"]) == (404, b"", PROBLEM)


async def test_too_much_is_413_and_another_type_is_415(service: Service) -> None:
    client = service.client()
    for size in (65_537, 1_000_000):
        answer = await client.post("/auth/citizen", content=b" " * size)
        problem(answer, 413, "body_too_large")
    for headers in (
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/json; charset=gbk"},
        {"Content-Type": "application/jsonp"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        {"Content-Type": "application/json", "Content-Encoding": "br"},
    ):
        answer = await client.post("/auth/citizen", content=b"{}", headers=headers)
        problem(answer, 415, "unsupported_media_type")


async def test_who_is_still_sending_when_it_is_too_much_can_read_why(service: Service) -> None:
    """The connection stays until he has read it: a reset would take the answer away from him."""
    host, _, port = service.url.removeprefix("http://").rpartition(":")
    for _ in range(10):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            b"POST /api/v1/auth/citizen HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
        )
        for _ in range(10):
            writer.write(b" " * 100_000)
            await asyncio.wait_for(writer.drain(), 5)
            await asyncio.sleep(0.005)
        answer = await asyncio.wait_for(reader.read(), 5)
        assert answer.startswith(b"HTTP/1.1 413 ") and b"body_too_large" in answer
        writer.close()


async def test_a_flood_after_the_answer_is_cut_off(service: Service) -> None:
    host, _, port = service.url.removeprefix("http://").rpartition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /api/v1/auth/citizen HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
    begun, sent = time.monotonic(), 0
    with suppress(OSError):
        while sent < 100_000_000:
            writer.write(b" " * 100_000)
            await writer.drain()
            sent += 100_000
    writer.transport.abort()
    assert sent < 30_000_000 and time.monotonic() - begun < 5


async def test_the_caller_reads_the_reason_in_his_language(service: Service) -> None:
    client = service.client()
    details: dict[str, set[tuple[str, str]]] = {}
    for language, kept in (
        (None, "zh-CN"),
        ("zh-CN,en;q=0.5", "zh-CN"),
        ("en", "en"),
        ("en-GB,zh;q=0.5", "en"),
    ):
        headers = {"Accept-Language": language} if language else {}
        answer = await client.get(f"/offers/{NOBODY}", headers=headers)
        members = problem(answer, 404, "not_found")
        assert answer.headers["content-language"] == kept and "Accept-Language" in answer.headers["vary"]
        details.setdefault(kept, set()).add((members["title"], members["detail"]))
        invalid = problem(await client.get("/offers?limit=0", headers=headers), 422, "validation_failed")
        (field,) = invalid["errors"]
        assert field["pointer"] == "/limit" and field["detail"].isascii() == (kept == "en")
    assert len(details["zh-CN"]) == len(details["en"]) == 1
    assert all(text.isascii() for text in next(iter(details["en"])))


async def test_every_kind_of_answer_carries_its_request_id(service: Service) -> None:
    citizen = await service.citizen(consent=False)
    coupon = await coupon_of(citizen.http, await make_offer(service))
    page = await citizen.http.get(service.url + "/api/docs")
    for status, method, path, headers in (
        (200, "GET", "/me", {}),
        (200, "GET", f"/coupons/{coupon}/code", {"Accept": "image/svg+xml"}),
        (200, "GET", f"/coupons/{coupon}/code", {"Accept": "image/png"}),
        (200, "GET", service.url + "/healthz", {}),
        (200, "GET", service.url + "/metrics", {}),
        (200, "GET", service.url + "/api/docs/docs.js", {}),
        (304, "GET", service.url + "/api/docs", {"If-None-Match": page.headers["etag"]}),
        (204, "DELETE", f"/coupons/{coupon}", {}),
        (401, "GET", "/redemptions", {"Authorization": "Bearer x"}),
        (403, "GET", "/redemptions", {}),
        (404, "GET", f"/coupons/{NOBODY}", {}),
        (405, "PATCH", "/me", {}),
        (422, "GET", "/offers?limit=x", {}),
    ):
        own = await citizen.http.request(method, path, headers={**headers, "X-Request-Id": "trace-0815_A"})
        assert (own.status_code, own.headers["x-request-id"]) == (status, "trace-0815_A"), path
        for bad in ("short", "x" * 65, "with blank", "line\tfeed", "<script>"):
            answer = await citizen.http.get(service.url + "/healthz", headers={"X-Request-Id": bad})
            assert len(answer.headers["x-request-id"]) >= 16 and bad not in answer.headers["x-request-id"]


async def test_a_token_is_taken_from_its_header_only(service: Service) -> None:
    citizen = await service.citizen(consent=False)
    token, client = bearer(citizen.http), service.client()
    for query in (f"?access_token={token}", f"?token={token}", f"?authorization=Bearer%20{token}"):
        problem(await client.get("/me" + query), 401, "unauthenticated")
    for value in (
        token,
        f"Basic {token}",
        f"Token {token}",
        "Bearer",
        f"Bearer {token}x",
        f'Bearer "{token}"',
    ):
        problem(await client.get("/me", headers={"Authorization": value}), 401, "unauthenticated")
    problem(await client.get("/me", headers={"Cookie": f"access_token={token}"}), 401, "unauthenticated")
    problem(await client.get("/offers", headers={"Authorization": "Bearer x"}), 401, "unauthenticated")


# Lists --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
async def tokens(service: Service) -> dict[str, str]:
    """Somebody of each audience who has something in each list."""
    citizen, admin, login = await service.citizen(), await service.admin(), await make_staff(service)
    clerk = [await service.clerk(login) for _ in range(5)][-1]
    offer = await make_offer(service)
    for _ in range(5):
        coupon = await coupon_of(citizen.http, offer)
        assert (await clerk.redeem(await code_of(citizen.http, coupon))).status_code == 201
        await citizen.http.get("/me/credit")
        # So that the next look-up is a new one.
        await service.fetch("DELETE FROM tier_snapshots WHERE citizen_id = $1", UUID(citizen.id))
    for _ in range(5):
        await service.revoke_coupon(await coupon_of(citizen.http, offer))
    counts = {"redemptions": 0, "reversals": 0, "discount_fen": 0}
    for day in range(1, 6):
        close = {"store_id": clerk.store_id, "day": f"2026-03-0{day}", **counts}
        assert (await clerk.http.post("/day-closes", json=close, headers=with_key())).status_code == 201
        complaint = {"kind": "other", "text": "测试", "store_id": clerk.store_id}
        made = await citizen.http.post("/me/complaints", json=complaint, headers=with_key())
        assert made.status_code == 201, made.text
    for number, looked in enumerate((await citizen.http.get("/me/credit/lookups")).json()["items"][:5]):
        contest = {"kind": "objection", "about": "lookup", "record_id": looked["id"], "region": "330106"}
        declared = {"kind": "volunteer_hours", "region": "330106", "happened_on": f"2026-03-0{number + 1}"}
        for path, body in (
            ("/me/objections", {**contest, "text": "不是我查的"}),
            ("/me/declarations", {**declared, "hours": 8, "text": "社区志愿服务"}),
        ):
            made = await citizen.http.post(path, json=body, headers=with_key())
            assert made.status_code == 201, made.text
        await service.fetch(SHOWN, UUID(citizen.id), UUID(clerk.store_id))
        assert (await citizen.http.delete("/me/consents/credit_check")).status_code == 204
        assert (await citizen.consent()).status_code == 200
    for _ in range(4):  # each sign-in is a line of the audit
        await service.admin(await make_admin(service, "330000", "auditor"))
    return {
        "citizen": bearer(citizen.http),
        "staff": bearer(clerk.http),
        "admin": bearer(admin),
    }


# That a member's staff was shown who held a coupon; the way there is tests/benefits/test_shown_holder.
SHOWN = """
INSERT INTO disclosures (id, citizen_id, consent_id, member_id, store_id, offer_id, what, shown_at)
SELECT gen_random_uuid(), $1, c.id, s.member_id, s.id, o.id, 'masked_name', now()
  FROM stores s, consents c, (SELECT id FROM offers LIMIT 1) o WHERE s.id = $2 AND c.citizen_id = $1 LIMIT 1
"""
LISTS = [
    ("citizen", "/offers", {}),
    ("citizen", "/offers", {"near": "30.25,120.16"}),
    ("citizen", "/offers", {"eligible": "true"}),
    ("citizen", "/me/coupons", {}),
    ("citizen", "/me/redemptions", {}),
    ("citizen", "/me/credit/lookups", {}),
    ("citizen", "/me/access-log", {}),
    ("citizen", "/me/notices", {}),
    ("citizen", "/me/complaints", {}),
    ("citizen", "/me/objections", {}),
    ("citizen", "/me/declarations", {}),
    ("citizen", "/me/disclosures", {}),
    ("citizen", "/me/consents/history", {}),
    ("staff", "/redemptions", {}),
    ("staff", "/day-closes", {}),
    ("staff", "/staff/sessions", {}),
    ("admin", "/admin/audit", {}),
]


def test_every_list_is_known_to_these_tests(document: dict[str, Any]) -> None:
    lists = {
        path.removeprefix(API)
        for path, operations in document["paths"].items()
        # Those of admins and owners, and what follows, are walked through in test_pages.
        if not path.startswith((f"{API}/admin/", f"{API}/member/")) or path == f"{API}/admin/audit"
        if not path.startswith((f"{API}/member-application", f"{API}/register"))
        # Read in the order of their codes: see test_contract_reference.
        and path not in (f"{API}/regions", f"{API}/programmes")
        # Versions have no ids of their own: walked through in test_pages.
        and path not in (f"{API}/tier-schemes", f"{API}/tier-recognitions")
        if any(parameter["name"] == "cursor" for parameter in operations.get("get", {}).get("parameters", []))
    }
    # The roots are read from the oldest on and have numbers, no ids: see test_contract_ledger.
    roots = {"/ledger/roots", "/audit/roots"}
    # Nobody has more than a few: test_contract_channels.
    roots |= {"/me/channels"}
    assert lists == {path for _, path, _ in LISTS} | roots | {"/me/coupons/{coupon_id}/refusals"}


@pytest.mark.parametrize(("audience", "path", "query"), LISTS)
async def test_pages_of_any_size_give_each_item_once_in_the_same_order(
    service: Service, tokens: dict[str, str], audience: str, path: str, query: dict[str, str]
) -> None:
    client = service.client(Authorization=f"Bearer {tokens[audience]}")
    # Offers that other tests made a moment ago show within two seconds, in each process on its own.
    await asyncio.sleep(2 if path == "/offers" else 0)
    whole = [item["id"] for item in await walk(client, path, 100, **query)]
    assert len(whole) == len(set(whole)) >= 5
    for limit in (2, 3):
        assert [item["id"] for item in await walk(client, path, limit, **query)] == whole


@pytest.mark.parametrize(("audience", "path", "query"), LISTS)
async def test_limit_and_cursor_are_checked(
    service: Service, tokens: dict[str, str], audience: str, path: str, query: dict[str, str]
) -> None:
    client = service.client(Authorization=f"Bearer {tokens[audience]}")
    for limit in ("1", "100"):
        answered(await client.get(path, params={**query, "limit": limit}), 200, "items", "next_cursor")
    for limit in ("0", "-1", "101", "1e1", "1.0", " 1", "٣", "x", "", "99999999999999999999"):
        refusal = problem(await client.get(path, params={**query, "limit": limit}), 422, "validation_failed")
        assert refusal["errors"][0]["pointer"] == "/limit"
    good = (await client.get(path, params={**query, "limit": 1})).json()["next_cursor"]
    for cursor in ("x", good[:-3], good + "AAAA", _cursor("a", 1), _cursor(None), "A" * 513, "", "a b", "é"):
        answer = await client.get(path, params={**query, "cursor": cursor})
        assert answer.status_code == 422, (cursor, answer.text)
        assert answer.json()["errors"][0]["pointer"] == "/cursor"
    problem(await client.get(path, params={**query, "surprise": "1"}), 422, "validation_failed")
    problem(await client.get(f"{path}?limit=1&limit=2"), 422, "validation_failed")


async def test_a_cursor_that_no_list_gave_out_is_refused(service: Service) -> None:
    # No place comes before or after NaN: the first page would be given again and again.
    answer = await service.client().get("/offers", params={"cursor": _cursor("nan", NOBODY)})
    problem(answer, 422, "cursor_invalid")


def _cursor(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).rstrip(b"=").decode()


# The key of a call that must not happen twice -----------------------------------------------------


async def keyed_calls(service: Service) -> list[tuple[httpx.AsyncClient, str, dict[str, Any]]]:
    """One call of each route that needs a key, ready to succeed."""
    citizen, clerk = await service.citizen(consent=False), await service.clerk()
    offer = await make_offer(service)
    done = await clerk.redeem(await code_of(citizen.http, await coupon_of(citizen.http, offer)))
    code = await code_of(citizen.http, await coupon_of(citizen.http, offer))
    order = {"code": code, "store_id": clerk.store_id, "order_amount_fen": 100}
    return [
        (citizen.http, f"/offers/{offer}/coupons", {}),
        (clerk.http, "/redemptions", order),
        (clerk.http, f"/redemptions/{done.json()['id']}/reversals", {"reason": "测试"}),
        (citizen.http, "/me/complaints", {"kind": "other", "text": "测试", "store_id": clerk.store_id}),
    ]


async def test_a_call_that_must_not_happen_twice_needs_a_key(service: Service) -> None:
    for client, path, body in await keyed_calls(service):
        problem(await client.post(path, json=body), 400, "idempotency_key_required")
        answer = await client.post(path, json=body, headers={"Idempotency-Key": ""})
        problem(answer, 400, "idempotency_key_required")
        for key in ("short-7", "x" * 65, "with blank", "UPPER/slash", "semi;colon", "a" * 8 + "."):
            answer = await client.post(path, json=body, headers={"Idempotency-Key": key})
            problem(answer, 400, "idempotency_key_invalid")
        twice = [("Idempotency-Key", new_key()), ("Idempotency-Key", new_key())]
        problem(await client.post(path, json=body, headers=twice), 400, "idempotency_key_invalid")
        for key in ("12345678", "x" * 64):
            answer = await client.post(path, json=body, headers={"Idempotency-Key": key})
            assert answer.status_code == 201, answer.text
            assert "idempotency-replayed" not in answer.headers
            again = await client.post(path, json=body, headers={"Idempotency-Key": key})
            assert again.headers["idempotency-replayed"] == "true" and again.json() == answer.json()
            assert again.status_code == 201
            if "coupons" not in path:
                break


async def test_the_key_is_on_the_row_that_it_made(service: Service) -> None:
    tables = iter(("coupons", "redemptions", "reversals", "complaints"))
    for client, path, body in await keyed_calls(service):
        key = new_key()
        answer = await client.post(path, json=body, headers=with_key(key))
        rows = await service.fetch(
            f"SELECT id, length(request_hash) AS hashed FROM {next(tables)} WHERE request_key = $1", key
        )
        assert [(str(row["id"]), row["hashed"]) for row in rows] == [(answer.json()["id"], 32)]


async def test_the_order_of_the_members_makes_no_other_body(service: Service) -> None:
    calls = await keyed_calls(service)
    client, path, body = calls[1]
    key = new_key()
    first = await client.post(path, json=body, headers=with_key(key))
    turned = dict(reversed(body.items())) | {"uses": 1}
    again = await client.post(path, json=turned, headers=with_key(key))
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")


# Limits -------------------------------------------------------------------------------------------

FEW = 5


async def until_refused(ask: Callable[[], Any], most: int) -> httpx.Response:
    """Ask until it is too often. A minute may turn meanwhile, so twice the limit is asked for."""
    for _ in range(2 * most + 2):
        answer: httpx.Response = await ask()
        if answer.status_code == 429:
            return answer
    raise AssertionError(f"more than {2 * most} requests a minute were let through")


async def not_at_the_end_of_a_minute(needed_s: float = 5) -> None:
    """The limits count by the minute of the clock."""
    left = 60 - time.time() % 60
    if left < needed_s:
        await asyncio.sleep(left + 0.1)


@pytest.fixture(scope="module")
def limited(make_service: Callable[..., Service], servers: Servers) -> Service:
    """A service that takes few requests from each actor."""
    few = {"CITIZEN_LIMIT": str(FEW), "STAFF_LIMIT": str(FEW), "ADMIN_LIMIT": str(FEW)}
    return make_service(workers=1, REDIS_URL=own_redis(servers.redis_url, 5), **few)


async def test_each_actor_has_a_limit_of_his_own(limited: Service) -> None:
    await not_at_the_end_of_a_minute()
    citizen, other = await limited.citizen(consent=False), await limited.citizen(consent=False)
    clerk, admin = await limited.clerk(), await limited.admin()
    for client, path in ((citizen.http, "/me"), (clerk.http, "/redemptions"), (admin, "/admin/audit")):
        refusal = await until_refused(partial(client.get, path), FEW)
        problem(refusal, 429, "too_many_requests")
        assert 1 <= int(refusal.headers["retry-after"]) <= 60
    assert (await other.http.get("/me")).status_code == 200
    assert (await limited.client().get("/offers")).status_code == 200


async def test_another_session_or_header_does_not_make_another_actor(limited: Service) -> None:
    await not_at_the_end_of_a_minute()
    first = await limited.citizen("load-4801", consent=False)
    await until_refused(lambda: first.http.get("/me"), FEW)
    second = await limited.citizen("load-4801@b", consent=False)
    for headers in (
        {},
        {"X-Forwarded-For": "203.0.113.9"},
        {"X-Real-IP": "203.0.113.9"},
        {"User-Agent": "another"},
        {"X-Request-Id": "another-one"},
    ):
        problem(await second.http.get("/me", headers=headers), 429, "too_many_requests")


@pytest.fixture(scope="module")
def guarded(make_service: Callable[..., Service], servers: Servers) -> Service:
    """A service behind a proxy that proves itself, and that takes few requests from each address."""
    return make_service(
        workers=1,
        REDIS_URL=own_redis(servers.redis_url, 6),
        ADDRESS_LIMIT=str(ADDRESS_LIMIT),
        SIGN_IN_LIMIT=str(FEW),
        FORWARDED_SECRET=SECRET,
    )


ADDRESS_LIMIT = 60
SECRET = "a-secret-of-the-proxy"
PLACES = count(1)


async def test_an_address_has_a_limit_that_no_header_gets_around(guarded: Service) -> None:
    await not_at_the_end_of_a_minute(10)
    client = guarded.client()

    def forwarded(address: str) -> dict[str, str]:
        return {"Forwarded": f"for={address};proto=https;secret={SECRET}"}

    refusal = await until_refused(lambda: client.get("/offers?limit=1"), ADDRESS_LIMIT)
    problem(refusal, 429, "too_many_requests")
    for number, headers in enumerate(
        (
            {"X-Forwarded-For": "203.0.113.{}"},
            {"X-Forwarded-For": "203.0.113.{}, 127.0.0.1"},
            {"X-Real-IP": "203.0.113.{}"},
            {"True-Client-IP": "203.0.113.{}"},
            {"Forwarded": "for=203.0.113.{}"},
            {"Forwarded": "for=203.0.113.{};secret=guessed"},
            {"Forwarded": "for=203.0.113.{};secret="},
            {"Forwarded": f"for=203.0.113.{{}};secret={SECRET[:-1]}"},
        )
    ):
        sent = {name: value.format(number) for name, value in headers.items()}
        problem(await client.get("/offers?limit=1", headers=sent), 429, "too_many_requests")
    # The proxy that knows the secret speaks for each of its callers.
    for address in ("203.0.113.77", '"[2001:db8::7]"'):
        assert (await client.get("/offers?limit=1", headers=forwarded(address))).status_code == 200
    refusal = await until_refused(
        lambda: client.get("/offers?limit=1", headers=forwarded("203.0.113.78")), ADDRESS_LIMIT
    )
    problem(refusal, 429, "too_many_requests")
    assert (await client.get("/offers?limit=1", headers=forwarded("203.0.113.79"))).status_code == 200


@pytest.mark.parametrize("audience", ["citizen", "staff", "admin"])
@pytest.mark.parametrize("path", ["/auth/{}", "/auth/{}/", "/auth/{}//", "/auth/{}?again=1"])
async def test_signing_in_has_a_limit_per_address_however_its_path_is_written(
    guarded: Service, audience: str, path: str
) -> None:
    await not_at_the_end_of_a_minute()
    client = guarded.client(Forwarded=f"for=198.51.100.{next(PLACES)};secret={SECRET}")
    codes = []
    for _ in range(2 * FEW + 2):
        login = {"login": f"nobody-{new_key()}", "password": "x"}
        body = {"channel": "sandbox", "code": "nobody"} if audience == "citizen" else login
        codes.append((await client.post(path.format(audience), json=body)).json()["code"])
    # Another path is another thing: it may be unknown, but it is no way around the limit.
    assert "too_many_requests" in codes or set(codes) == {"not_found"}, codes


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/me/channels", {"channel": "sandbox", "code": "nobody"}),
        ("/me/channels/join", {"token": "guessed"}),
        ("/me/helped", {"code": "guessed"}),
    ],
)
async def test_who_is_signed_in_tries_no_more_codes_than_others(
    guarded: Service, path: str, body: dict[str, str]
) -> None:
    await not_at_the_end_of_a_minute()
    client = guarded.client(Forwarded=f"for=198.51.100.{next(PLACES)};secret={SECRET}")
    signed_in = await client.post(
        "/auth/citizen", json={"channel": "sandbox", "code": f"load-{next(PLACES)}"}
    )
    client.headers["Authorization"] = "Bearer " + signed_in.json()["access_token"]
    key = {"Idempotency-Key": new_key()}
    refusal = await until_refused(lambda: client.post(path, json=body, headers=key), FEW)
    problem(refusal, 429, "too_many_requests")
    assert (await client.get("/me/channels")).status_code == 200  # reading tries nothing


async def test_a_process_that_lives_says_so_however_often_it_is_asked(guarded: Service) -> None:
    client = guarded.client()
    for path in ("/healthz", "/readyz"):
        answers = [await client.get(guarded.url + path) for _ in range(ADDRESS_LIMIT + 10)]
        assert {answer.status_code for answer in answers} == {200}


async def test_the_limit_is_one_over_all_processes(
    make_service: Callable[..., Service], servers: Servers
) -> None:
    service = make_service(workers=2, REDIS_URL=own_redis(servers.redis_url, 7), CITIZEN_LIMIT="20")
    await not_at_the_end_of_a_minute(10)
    citizen = await service.citizen(consent=False)
    let_through = 0
    for _ in range(8):  # slowly enough for the processes to tell each other
        answers = await asyncio.gather(*(citizen.http.get("/me") for _ in range(5)))
        let_through += sum(answer.status_code == 200 for answer in answers)
        await asyncio.sleep(0.4)
    assert 10 <= let_through <= 25


async def test_claiming_too_often_changes_nothing(limited: Service) -> None:
    await not_at_the_end_of_a_minute()
    citizen, offer = await limited.citizen(consent=False), await make_offer(limited, total=100)
    answers = [await claim(citizen.http, offer) for _ in range(3 * FEW)]
    made = sum(answer.status_code == 201 for answer in answers)
    rows = await limited.fetch("SELECT issued FROM offer_stock")
    assert made in {row["issued"] for row in rows} and 0 < made <= 2 * FEW
