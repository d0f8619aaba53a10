"""Names, ID numbers, tiers and scores stay where they belong: they are looked for everywhere else.

Known people go through the whole exchange, with everything that can go wrong on the way. Then the log,
the metrics, Redis, every error, code and token, every answer to staff and admins, and the tables that
last are searched for them.
"""

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import jwt
import pytest
from redis import asyncio as aioredis

from citizens import sandbox_people
from tests.api.kit import bearer, claim, own_redis, with_key
from tests.api.offers import FAIR, GOOD, make_offer
from tests.conftest import Servers
from tests.service import CitizenClient, Service, StaffClient

PEOPLE = (*("demo-excellent", "demo-good", "demo-poor", "demo-unrated", "demo-cashier-self", "load-5001@b"),)
# The scale of the demo scheme as people and programs would say it; `good` and `bad` are English words too.
TIER_WORDS = ("优秀", "良好", "中等", "较差", '"excellent"', "tier_name", '"tier"', '"score"', "tier_level")
TABLES_THAT_LAST = (
    *("redemptions", "reversals", "attempts", "refused_scan_counts", "audit_records", "coupons"),
    *("sessions", "login_failures", "offer_stock", "offer_days", "staff", "citizens", "channel_identities"),
)
# Everything that a clerk's screen may be told. `name` is a store's, `title` an offer's, `reason` a clerk's own.
STAFF_MAY_READ = {
    *("id", "offer", "title", "store_id", "order_amount_fen", "discount_fen", "payable_fen", "redeemed_at"),
    *("uses", "uses_left", "discount", "items", "next_cursor", "reversal", "reversed_at", "redemption_id"),
    *("kind", "text", "percent_off", "cap_fen", "amount_off_fen", "threshold_fen", "fixed_price_fen"),
    *("deposit_fen", "pay_later_days", "higher_limit", "gift"),
    *("access_token", "refresh_token", "token_type", "expires_in", "staff", "role", "member_id", "stores"),
    *("name", "binding_code", "good_for_s"),
    *("type", "title", "status", "detail", "code", "request_id", "errors", "pointer", "valid_until"),
    *("valid_from", "until", "reason"),
}


@dataclass
class Records:
    """What went over the wire, by who heard it."""

    staff: list[str] = field(default_factory=list)
    admin: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    cursors: list[str] = field(default_factory=list)
    events: list[bytes] = field(default_factory=list)
    citizen_ids: set[str] = field(default_factory=set)

    def hear(self, answer: httpx.Response, audience: list[str] | None = None) -> httpx.Response:
        """Keep an answer."""
        headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
        if audience is not None:
            audience.append(f"{answer.text}\n{headers}")
        if answer.status_code >= 400:
            self.errors.append(f"{answer.text}\n{headers}")
        return answer


@dataclass
class Exchange:
    """One service after the exchange."""

    service: Service
    redis_url: str
    records: Records


@pytest.fixture(scope="module")
async def exchange(make_service: Callable[..., Service], servers: Servers) -> AsyncIterator[Exchange]:
    """Everybody does everything once."""
    redis_url = own_redis(servers.redis_url, 8)
    service, records = make_service(workers=1, ACCESS_LOG="1", REDIS_URL=redis_url), Records()
    listener = aioredis.from_url(redis_url)
    channels = listener.pubsub(ignore_subscribe_messages=True)
    await channels.psubscribe("*")
    clerks = [await service.clerk(login) for login in ("demo-cashier", "demo-cashier-2", "demo-other")]
    admin = await service.admin()
    offers = [
        await make_offer(service, min_tier_level=GOOD, uses_total=5),
        await make_offer(service, min_tier_level=FAIR, total=2, per_citizen_limit=1),
        await make_offer(service, uses_total=5),
    ]
    for clerk in clerks:
        records.staff.append(json.dumps(clerk.signed_in, ensure_ascii=False))
        records.tokens.append(bearer(clerk.http))
    for code in PEOPLE:
        await _as_citizen(service, records, code, offers, clerks, admin)
    await _as_admin(service, records, admin, offers)
    await _when_it_breaks(service, records, clerks[0])
    silence = 0
    while silence < 3:  # the answer to the subscription itself is such a silence too
        message = await channels.get_message(timeout=0.2)
        silence = 0 if message else silence + 1
        if message:
            records.events.append(message["channel"] + b" " + message["data"])
    yield Exchange(service, redis_url, records)
    await channels.aclose()  # type: ignore[no-untyped-call]
    await listener.aclose()


async def _as_citizen(
    service: Service,
    records: Records,
    code: str,
    offers: list[str],
    clerks: list[StaffClient],
    admin: httpx.AsyncClient,
) -> None:
    citizen = await service.citizen(code, consent=False)
    records.citizen_ids.add(citizen.id)
    records.tokens.append(bearer(citizen.http))
    http, hear = citizen.http, records.hear
    hear(await claim(http, offers[0]))
    await citizen.consent()
    hear(await http.put("/me/consents/credit_check", json={"version": "1", "granted": True}))
    for path in (
        "/me",
        "/me/credit",
        "/me/credit/lookups?limit=1",
        "/offers?eligible=true&limit=1",
        "/nothing",
    ):
        answer = hear(await http.get(path))
        records.cursors.append(answer.json().get("next_cursor") or "")
    for offer in offers:
        hear(await http.get(f"/offers/{offer}"))
        claimed = hear(await claim(http, offer))
        if claimed.status_code == 201:
            await _scan(records, citizen, claimed.json()["id"], clerks, admin)
    hear(await http.get("/coupons/x"))
    hear(await http.post("/me/staff-binding", json={"binding_code": "x"}))
    hear(await service.client().post("/auth/citizen", json={"channel": "wechat", "code": code}))
    hear(await service.client().post("/auth/citizen", json={"channel": "sandbox", "code": code + "!"}))
    hear(await http.request("PATCH", "/me"))
    hear(await http.post("/auth/refresh", json={"refresh_token": "x", "name": code}))
    await http.delete("/me/consents/credit_check")


async def _scan(
    records: Records, citizen: CitizenClient, coupon: str, clerks: list[StaffClient], admin: httpx.AsyncClient
) -> None:
    hear, staff = records.hear, records.staff
    code = await citizen.code(coupon)
    shown = await citizen.http.get(f"/coupons/{coupon}/code?renewal=client")
    records.codes.append(shown.json()["code"])
    for kind in ("image/svg+xml", "image/png"):
        await citizen.http.get(f"/coupons/{coupon}/code", headers={"Accept": kind})
    for clerk in clerks:
        hear(await clerk.preview(code), staff)
        hear(await clerk.redeem(code, uses=9), staff)
        done = hear(await clerk.redeem(code), staff)
        hear(await clerk.redeem(code), staff)
        hear(await clerk.redeem(code[:-1] + "A"), staff)
        hear(await clerk.redeem("nonsense"), staff)
        if done.status_code == 201:
            hear(await clerk.http.get(f"/redemptions/{done.json()['id']}"), staff)
            hear(await clerk.reverse(done.json()["id"]), staff)
            hear(await clerk.reverse(done.json()["id"]), staff)
        listed = hear(await clerk.http.get("/redemptions?limit=1"), staff)
        records.cursors.append(listed.json()["next_cursor"] or "")
        hear(await clerk.http.post("/staff/self-binding"), staff)
    hear(await citizen.http.delete(f"/coupons/{coupon}"))
    hear(await admin.post(f"/admin/coupons/{coupon}/revocation", json={"reason": "测试"}), records.admin)


async def _as_admin(service: Service, records: Records, admin: httpx.AsyncClient, offers: list[str]) -> None:
    hear, heard = records.hear, records.admin
    body = {"login": "demo-admin", "password": "demo-admin"}
    hear(await service.client().post("/auth/admin", json=body), heard)
    hear(await admin.put(f"/admin/offers/{offers[0]}/status", json={"status": "paused"}), heard)
    hear(await admin.put(f"/admin/offers/{offers[1]}/stock", json={"stock_total": 9}), heard)
    hear(await admin.put(f"/admin/offers/{offers[0]}/status", json={"status": "published"}), heard)
    hear(await admin.get("/admin/audit?limit=100"), heard)


async def _when_it_breaks(service: Service, records: Records, clerk: StaffClient) -> None:
    """Our own mistakes quote whole rows: constraints that nobody knows of make each of these a 500."""
    citizen = await service.citizen("demo-excellent")
    coupon = await citizen.coupon()
    code = await citizen.code(coupon["id"])
    for table in ("redemptions", "coupons", "credit_lookups", "natural_persons", "sessions"):
        await service.fetch(f"ALTER TABLE {table} ADD CONSTRAINT broken CHECK (false) NOT VALID")
    broken = [
        await clerk.redeem(code),
        await citizen.claim(),
        await citizen.http.get("/me/credit"),
        await service.client().post("/auth/citizen", json={"channel": "sandbox", "code": "load-5002"}),
        await service.client().post("/auth/citizen", json={"channel": "sandbox", "code": "demo-good"}),
    ]
    # The third one needs no look-up: a valid snapshot is there.
    assert [answer.status_code for answer in broken] == [500, 500, 200, 500, 500]
    for answer in (broken[0], broken[1], *broken[3:]):
        assert answer.json()["code"] == "internal_error"
        records.hear(answer)
    for table in ("redemptions", "coupons", "credit_lookups", "natural_persons", "sessions"):
        await service.fetch(f"ALTER TABLE {table} DROP CONSTRAINT broken")


def secrets() -> list[str]:
    """Names and ID numbers of everybody who took part."""
    people = [sandbox_people.person_of(code.partition("@")[0]) for code in (*PEOPLE, "load-5002")]
    return [text for person in people if person for text in (person.name, person.id_number)]


def found(text: str, words: list[str] | tuple[str, ...]) -> list[str]:
    """Which of the words stand in a text, as they are or escaped as JSON does."""
    return [word for word in words if word in text or json.dumps(word)[1:-1] in text]


def test_the_canaries_are_what_is_looked_for() -> None:
    assert len(secrets()) == 2 * 7 and "王大友" in secrets()
    assert all(re.fullmatch(r"\d{17}[\dX]", number) for number in secrets()[1::2])
    assert found('{"a": "\\u738b\\u5927\\u53cb"}', secrets()) == ["王大友"] * 1


async def test_the_log_holds_nobodys_data(exchange: Exchange) -> None:
    await asyncio.sleep(0.1)
    log = exchange.service.log.read_text()
    lines = [json.loads(line) for line in log.splitlines()]
    assert sum(line["event"] == "request" for line in lines) > 200
    assert sum(line["event"] == "unhandled" for line in lines) == 4, "the broken ones are told, without a row"
    assert not found(log, secrets()) and not found(log, TIER_WORDS)
    assert not found(log, [*PEOPLE, *exchange.records.codes, *exchange.records.tokens])
    assert not found(log, sorted(exchange.records.citizen_ids)), "not even who it was"


async def test_no_error_tells_who_somebody_is(exchange: Exchange) -> None:
    for error in exchange.records.errors:
        assert not found(error, secrets()), error
        assert not found(error, sorted(exchange.records.citizen_ids)), error
        assert "Traceback" not in error and "asyncpg" not in error and "SELECT" not in error
    assert len({json.loads(error.split("\n")[0])["code"] for error in exchange.records.errors}) > 15


async def test_staff_learn_whether_to_accept_and_why_and_nothing_else(exchange: Exchange) -> None:
    heard = exchange.records.staff
    assert len(heard) > 100
    for answer in heard:
        assert not found(answer, secrets()) and not found(answer, TIER_WORDS), answer
        assert not found(answer, sorted(exchange.records.citizen_ids)), answer
        body = answer.split("\n")[0]
        assert _keys(json.loads(body)) <= STAFF_MAY_READ, _keys(json.loads(body)) - STAFF_MAY_READ


def _keys(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value) | set().union(*(_keys(member) for member in value.values()), set())
    if isinstance(value, list):
        return set().union(*(_keys(member) for member in value), set())
    return set()


async def test_a_refused_scan_of_any_tier_reads_the_same_to_staff(exchange: Exchange) -> None:
    service = exchange.service
    offer, clerk = await make_offer(service), await service.clerk()
    answers = set()
    for code in ("demo-excellent", "demo-poor", "demo-unrated"):
        citizen = await service.citizen(code)
        await citizen.http.get("/me/credit")
        coupon = (await claim(citizen.http, offer)).json()["id"]
        scan = await clerk.preview(await citizen.code(coupon))
        answers.add(scan.text)
    assert len(answers) == 1


async def test_admins_are_told_nobodys_name_or_tier(exchange: Exchange) -> None:
    for answer in exchange.records.admin:
        assert not found(answer, secrets()) and not found(answer, TIER_WORDS), answer


async def test_codes_tokens_and_cursors_hold_nothing_of_the_person(exchange: Exchange) -> None:
    records = exchange.records
    ids = [UUID(text).bytes for text in records.citizen_ids]
    rows = await exchange.service.fetch("SELECT id FROM coupons")
    for code in records.codes:
        raw = base64.b32decode(code[2:])
        assert not [each for each in (*ids, *(row["id"].bytes for row in rows)) if each[:6] in raw]
    for token in records.tokens:
        claims = jwt.decode(token, options={"verify_signature": False})
        assert set(claims) <= {"iss", "aud", "sub", "sid", "iat", "exp", "mid"}
        assert not found(json.dumps(claims), secrets())
    opened = [base64.urlsafe_b64decode(cursor + "==").decode() for cursor in records.cursors if cursor]
    assert opened
    for cursor in opened:
        assert not found(cursor, secrets()) and not found(cursor, sorted(records.citizen_ids))


async def test_redis_holds_counters_and_hints_of_nobody(exchange: Exchange) -> None:
    await asyncio.sleep(0.5)
    client = aioredis.from_url(exchange.redis_url)
    everything = b""
    async for key in client.scan_iter():
        kind = await client.type(key)
        assert kind == b"string", "only counters"
        everything += key + b"=" + (await client.get(key) or b"") + b"\n"
        assert await client.ttl(key) > 0, "nothing stays for ever"
    await client.aclose()
    assert b"limit:" in everything and exchange.records.events
    text = (everything + b"\n".join(exchange.records.events)).decode()
    assert not found(text, secrets()) and not found(text, TIER_WORDS) and not found(text, PEOPLE)
    for event in exchange.records.events:
        channel, _, data = event.decode().partition(" ")
        assert channel.startswith("coupon:")
        assert set(json.loads(data)) == {"event", "redemption_id", "at"}


async def test_the_metrics_name_no_person_and_no_thing(exchange: Exchange) -> None:
    text = (await exchange.service.client().get(exchange.service.url + "/metrics")).text
    assert "xinyi_requests_total" in text and "xinyi_refused_scans" in text
    assert not found(text, secrets()) and not found(text, TIER_WORDS) and not found(text, PEOPLE)
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", text), "no id of anything"
    assert not found(text, sorted(exchange.records.citizen_ids))


async def test_what_lasts_knows_a_person_by_his_random_id_only(exchange: Exchange) -> None:
    for table in TABLES_THAT_LAST:
        rows = await exchange.service.fetch(f"SELECT t::text AS line FROM {table} t")
        text = "\n".join(row["line"] for row in rows)
        assert not found(text, secrets()) and not found(text, TIER_WORDS), table
        assert not found(text, ("excellent", "demo-poor", "demo-good", "unrated")), table
    columns = await exchange.service.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = ANY($1)",
        [table for table in TABLES_THAT_LAST if table != "staff"],
    )
    names = {row["column_name"] for row in columns}
    assert not names & {"tier", "tier_code", "level", "score", "name", "phone", "id_number", "data_date"}


async def test_no_table_at_all_holds_a_name_or_number_in_the_clear(exchange: Exchange) -> None:
    tables = await exchange.service.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    hexed = [secret.encode().hex() for secret in secrets()]
    for table in tables:
        rows = await exchange.service.fetch(f"SELECT t::text AS line FROM {table['tablename']} t")
        text = "\n".join(row["line"] for row in rows)
        assert not found(text, secrets()) and not found(text, hexed), table["tablename"]
    sealed = await exchange.service.fetch("SELECT name_encrypted, id_number_encrypted FROM natural_persons")
    assert len(sealed) >= len(PEOPLE)
    values = [row[name] for row in sealed for name in ("name_encrypted", "id_number_encrypted")]
    assert len(set(values)) == len(values), "the same text is never sealed the same way twice"


async def test_the_score_is_kept_nowhere(exchange: Exchange) -> None:
    """The sandbox's scores as numbers of their own, in the tables where one might be written."""
    scores = {str(demo.score) for demo in sandbox_people.DEMO.values() if demo.score}
    for table in ("tier_snapshots", "credit_lookups", *TABLES_THAT_LAST):
        rows: list[Any] = await exchange.service.fetch(f"SELECT to_jsonb(t) AS line FROM {table} t")
        for row in rows:
            values = {str(value) for value in json.loads(row["line"]).values()}
            assert not values & scores, table


async def test_a_refusal_of_a_claim_is_told_to_the_citizen_alone(exchange: Exchange) -> None:
    service = exchange.service
    poor, offer = await service.citizen("demo-poor"), await make_offer(service, min_tier_level=GOOD)
    refused = await poor.http.post(f"/offers/{offer}/coupons", json={}, headers=with_key())
    assert refused.json()["code"] == "tier_too_low"
    assert await service.fetch("SELECT 1 FROM attempts WHERE code IN ('tier_too_low', 'unrated')") == []
