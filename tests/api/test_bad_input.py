"""Whatever is wrong with a request: a clear problem that names the field, nothing changed, nothing logged."""

import asyncio
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from tests.api import families
from tests.api.applicants import PDF
from tests.api.kit import account_without_a_person, bearer, code_of, coupon_of, fingerprint, problem, with_key
from tests.api.offers import make_offer, make_staff
from tests.api.tier_desk import a_mapping, agreed
from tests.service import API, Service

# Stands for somebody's secret: it must come back in no answer and in no line of the log.
CANARY = "Geheim-4711-Canary"
PASSPHRASE = "four unrelated words here"
LONE_SURROGATE = "\\ud800"


@dataclass(frozen=True)
class Call:
    """A call that would succeed as it stands."""

    method: str
    path: str
    token: str
    body: dict[str, Any] | None
    optional: frozenset[str] = frozenset()
    needs_key: bool = False
    texts: frozenset[str] = field(default_factory=frozenset)

    def headers(self) -> dict[str, str]:
        """Token, type and key."""
        return {
            **({"Authorization": f"Bearer {self.token}"} if self.token else {}),
            **({"Content-Type": "application/json"} if self.body is not None else {}),
            **(with_key() if self.needs_key else {}),
        }


WITH_BODY = (
    *("POST /auth/citizen", "POST /auth/refresh", "POST /auth/staff", "POST /auth/admin"),
    *("PUT /me/consents/{purpose}", "POST /me/staff-binding", "POST /offers/{offer_id}/coupons"),
    *("POST /redemptions/preview", "POST /redemptions", "POST /redemptions/{redemption_id}/reversals"),
    *("PUT /admin/offers/{offer_id}/status", "PUT /admin/offers/{offer_id}/stock"),
    *("POST /admin/coupons/{coupon_id}/revocation", "POST /auth/admin/invitation", "POST /auth/admin/reset"),
    *("POST /auth/staff/invitation", "POST /auth/staff/password-reset", "POST /auth/device"),
    *("POST /staff/password", "POST /day-closes", "POST /me/complaints"),
    *("PUT /me/notices/read", "POST /me/subscriptions"),
    *("POST /me/objections", "POST /me/declarations"),
    *("POST /me/phone", "POST /auth/staff/legal-person"),
    *("POST /me/channels", "POST /me/channels/join"),
    *("POST /me/credit/recognition", "POST /auth/acting", "POST /me/children", "POST /me/helped"),
    "POST /me/consents/{purpose}/refusals",
)
WITHOUT_BODY = (
    *("POST /auth/logout", "POST /staff/self-binding", "POST /admin/staff/{staff_id}/revocation"),
    *("PUT /me/notices/{notice_id}/read", "POST /me/complaints/{complaint_id}/withdrawal"),
    *("POST /me/declarations/{declaration_id}/submission", "POST /me/helpers/codes"),
    *("POST /me/helpers/{helper_id}/confirmation", "POST /me/children/{request_id}/withdrawal"),
)

USCC_OF_OWNERS = "SELECT m.uscc FROM members m JOIN staff s ON s.member_id = m.id WHERE s.login = $1"


@pytest.fixture(scope="module")
def loud(make_service: Callable[..., Service]) -> Service:
    """A service that writes a line for every request."""
    return make_service(workers=1, ACCESS_LOG="1")


@pytest.fixture(scope="module")
async def calls(loud: Service) -> dict[str, Call]:
    """Every POST and PUT of the interface, ready to succeed."""
    citizen, clerk, admin = await loud.citizen("load-4902"), await loud.clerk(), await loud.admin()
    spare, throwaway = await loud.clerk(await make_staff(loud)), await loud.citizen()
    offer = await make_offer(loud, total=100, uses_total=50)
    coupon, redeemed, revoked = [await coupon_of(citizen.http, offer) for _ in range(3)]
    await loud.revoke_coupon(revoked)
    [notice] = (await citizen.http.get("/me/notices")).json()["items"]
    read = f"/me/notices/{notice['id']}/read"
    done = (await clerk.redeem(await code_of(citizen.http, redeemed))).json()["id"]
    binding = (await spare.http.post("/staff/self-binding")).json()["binding_code"]
    version = (await citizen.http.get("/consents/credit_check")).json()["version"]
    invited, other = [
        (
            await admin.post(
                "/admin/admins", json={"login": login, "region": "330100", "roles": ["operator"]}
            )
        ).json()
        for login in ("bad-input-one", "bad-input-two")
    ]
    anew = (await admin.post(f"/admin/admins/{other['admin_id']}/reset")).json()
    owner = (await loud.clerk("demo-owner")).http
    newcomer = {"login": "bad-input-clerk", "role": "cashier", "store_ids": [clerk.store_id]}
    joining = (await owner.post("/member/staff", json=newcomer)).json()
    forgetful, changing = await loud.clerk(await make_staff(loud)), await make_staff(loud)
    forgot = await owner.post(f"/member/staff/{forgetful.signed_in['staff']['id']}/password-reset")
    device = await owner.post("/member/devices", json={"name": "前台", "store_id": clerk.store_id})
    complaint = {"kind": "other", "text": "测试", "store_id": clerk.store_id}
    complained = await citizen.http.post("/me/complaints", json=complaint, headers=with_key())
    contest = {"kind": "objection", "about": "tier", "region": "330106", "text": "测试"}
    assert (await citizen.http.get("/me/credit")).status_code == 200
    declaration = {"kind": "volunteer_hours", "region": "330106", "happened_on": "2026-03-04", "hours": 8}
    declaration["text"] = "社区志愿服务"
    declared = await citizen.http.post("/me/declarations", json=declaration, headers=with_key())
    borne_out = f"/me/declarations/{declared.json()['id']}"
    await citizen.http.post(
        f"{borne_out}/evidence",
        params={"name": "x.pdf"},
        content=PDF,
        headers={"Content-Type": "application/pdf"},
    )
    [uscc] = [each["uscc"] for each in await loud.fetch(USCC_OF_OWNERS, "demo-owner")]
    await account_without_a_person(loud, "load-4903@b")
    joiner = (await loud.citizen("load-4903")).http
    asked = await joiner.post("/me/channels", json={"channel": "sandbox", "code": "load-4903@b"})
    unrated, mapping = await loud.citizen("demo-unrated"), a_mapping()
    await agreed(await loud.admin("demo-head"), await admin.post("/admin/tier-mappings", json=mapping))
    guardian, elder = await families.a_guardian(loud), await loud.citizen()
    child, asking = await families.a_child(loud, guardian), await families.ask(guardian)
    helping = await families.a_helper(elder, citizen, confirmed=False)
    lent = await elder.http.post("/me/helpers/codes")
    person, staff, boss = bearer(citizen.http), bearer(clerk.http), bearer(admin)
    scan = {
        "code": await code_of(citizen.http, coupon),
        "store_id": clerk.store_id,
        "order_amount_fen": 100,
        "uses": 1,
    }
    optional = frozenset({"order_amount_fen", "uses"})
    made = [
        Call("POST", "/auth/citizen", "", {"channel": "sandbox", "code": "load-4901"}),
        Call("POST", "/auth/refresh", "", {"refresh_token": throwaway.signed_in["refresh_token"]}),
        Call("POST", "/auth/staff", "", {"login": "demo-other", "password": "demo-other"}),
        Call(
            *("POST", "/auth/admin", ""),
            {"login": "demo-admin", "password": "demo-admin", "totp": "123456"},
            frozenset({"totp"}),
        ),
        Call("PUT", "/me/consents/credit_check", person, {"version": version, "granted": True}),
        Call("POST", "/me/staff-binding", person, {"binding_code": binding}),
        Call("POST", f"/offers/{offer}/coupons", person, {}, needs_key=True),
        Call("POST", "/redemptions/preview", staff, scan, optional),
        Call("POST", "/redemptions", staff, scan, optional, needs_key=True),
        Call("POST", f"/redemptions/{done}/reversals", staff, {"reason": "扫错了"}, needs_key=True),
        Call("PUT", f"/admin/offers/{offer}/status", boss, {"status": "published"}),
        Call("PUT", f"/admin/offers/{offer}/stock", boss, {"stock_total": 99}),
        Call("POST", f"/admin/coupons/{coupon}/revocation", boss, {"reason": "测试"}),
        Call("POST", "/auth/admin/invitation", "", {"secret": invited["secret"], "password": PASSPHRASE}),
        Call("POST", "/auth/admin/reset", "", {"secret": anew["secret"], "password": PASSPHRASE}),
        Call("POST", "/auth/staff/invitation", "", {"secret": joining["secret"], "password": PASSPHRASE}),
        Call(
            *("POST", "/auth/staff/password-reset", ""),
            {"secret": forgot.json()["secret"], "password": PASSPHRASE},
        ),
        Call("POST", "/auth/device", "", {"code": device.json()["code"]}),
        Call(
            *("POST", "/staff/password", bearer((await loud.clerk(changing)).http)),
            {"old_password": changing, "password": PASSPHRASE},
        ),
        Call(
            *("POST", "/day-closes", staff),
            {
                **{"store_id": clerk.store_id, "day": "2026-03-04"},
                **{"redemptions": 0, "reversals": 0, "discount_fen": 0},
            },
            needs_key=True,
        ),
        Call("POST", "/me/complaints", person, complaint, frozenset({"store_id"}), needs_key=True),
        Call("PUT", "/me/notices/read", person, {"up_to": notice["id"]}),
        Call(
            *("POST", "/me/subscriptions", person),
            {"channel": "wechat", "templates": {"coupon_expiring": "accept"}},
        ),
        Call("POST", "/me/objections", person, contest, needs_key=True),
        Call("POST", "/me/declarations", person, declaration, frozenset({"hours"}), needs_key=True),
        Call("POST", "/me/phone", person, {"channel": "sandbox", "code": "13700009050"}),
        Call("POST", "/auth/staff/legal-person", "", {"channel": "sandbox", "code": f"uscc-{uscc}"}),
        Call("POST", "/me/channels", person, {"channel": "sandbox", "code": "load-4902"}),
        Call(
            *("POST", "/me/channels/join", bearer(joiner)),
            {"token": asked.json()["join_token"]},
            needs_key=True,
        ),
        Call("POST", "/me/credit/recognition", bearer(unrated.http), {"scheme_code": mapping["scheme_code"]}),
        Call("POST", "/auth/acting", bearer(guardian.http), {"for": child["citizen_id"]}),
        Call(
            *("POST", "/me/children", bearer(guardian.http)),
            {"name": "张小明", "id_number": families.id_number(), "region": families.COUNTY},
        ),
        Call("POST", "/me/helped", bearer(guardian.http), {"code": lent.json()["code"]}),
        Call("POST", "/me/consents/notices/refusals", person, {}),
    ]
    found = dict(zip(WITH_BODY, made, strict=True))
    staff_id = spare.signed_in["staff"]["id"]
    for name, path, token in zip(
        WITHOUT_BODY,
        (
            *("/auth/logout", "/staff/self-binding", f"/admin/staff/{staff_id}/revocation", read),
            f"/me/complaints/{complained.json()['id']}/withdrawal",
            *(f"{borne_out}/submission", "/me/helpers/codes", f"/me/helpers/{helping}/confirmation"),
            f"/me/children/{asking}/withdrawal",
        ),
        (
            *(bearer(throwaway.http), bearer(spare.http), boss, person, person, person),
            *(person, bearer(elder.http), bearer(guardian.http)),
        ),
        strict=True,
    ):
        found[name] = Call(name.partition(" ")[0], path, token, None)
    return found


def is_in_the_matrix(path: str, name: str) -> bool:
    """Routes of admins and owners are tried by tests/matrix, one by one as the document lists them.

    Those of applicants, each of whom has one application in one state, in test_member_applications and test_uploads;
    files that citizens send in, in test_contract_objections.
    """
    if name.endswith("/evidence"):
        return True
    is_theirs = path.startswith((f"{API}/admin/", f"{API}/member/", f"{API}/member-application"))
    return is_theirs and name.replace(API, "") not in {*WITH_BODY, *WITHOUT_BODY}


async def test_every_route_that_takes_something_is_in_these_tables(loud: Service) -> None:
    document = (await loud.client().get(loud.url + "/api/openapi.json")).json()
    routes = {
        f"{method.upper()} {path.removeprefix(API)}"
        for path, operations in document["paths"].items()
        for method in operations
        if method in ("post", "put", "patch") and not is_in_the_matrix(path, f"{method.upper()} {path}")
    }
    assert routes == {*WITH_BODY, *WITHOUT_BODY}


def wrong_types(value: object, *, is_optional: bool) -> list[object]:
    """Values of other types than this one's."""
    others: dict[type, list[object]] = {
        str: [1, 1.5, True, [], {}, [CANARY], {"a": CANARY}],
        int: ["1", "", 1.5, 1.0, True, [], {}, CANARY],
        bool: ["true", 0, [], {}, False, 1.0, 1],
        dict: [1, 1.5, "", True, [], [CANARY], {}],
    }
    nothing = [] if is_optional else [None]
    return others[type(value)] + nothing


def wrong_values(path: str, name: str, value: object) -> list[object]:
    """Values of the right type that can't be meant."""
    if isinstance(value, bool):
        return []
    if isinstance(value, int):
        wrong: list[object] = [-1, -(10**9), 10**9 + 1, 2**31, 2**63 - 1, 2**63, 2**64, 10**30]
        return [*wrong, 0] if name == "uses" else wrong
    # A scanned text may be anything; whatever is no code is `code_malformed`.
    too_long = [] if (name, path.startswith("/redemptions")) == ("code", True) else [CANARY * 1000]
    return [*too_long, f"{CANARY}\0", "\0"]


async def send(client: httpx.AsyncClient, call: Call, content: bytes, **headers: str) -> httpx.Response:
    """The call with another body."""
    return await client.request(
        call.method, call.path, content=content, headers={**call.headers(), **headers}
    )


@pytest.mark.parametrize("name", WITH_BODY)
async def test_every_wrong_field_is_named_and_nothing_is_changed(
    loud: Service, calls: dict[str, Call], name: str
) -> None:
    call, client = calls[name], loud.client()
    assert call.body is not None
    before, answers = await fingerprint(loud), []

    async def refused(body: dict[str, Any], pointer: str, *codes: str, status: int = 422) -> None:
        answer = await send(client, call, json.dumps(body).encode())
        members = problem(answer, status, "validation_failed")
        assert pointer in [each["pointer"] for each in members["errors"]], (body, answer.text)
        assert not codes or {each["code"] for each in members["errors"]} <= set(codes), answer.text
        answers.append(answer.text)

    await refused({**call.body, "surprise": CANARY}, "/surprise", "unknown_field")
    await refused({**call.body, "Id": None, "__proto__": {}}, "/__proto__", "unknown_field")
    for field_name, value in call.body.items():
        is_optional = field_name in call.optional
        if not is_optional:
            await refused(
                {key: kept for key, kept in call.body.items() if key != field_name},
                f"/{field_name}",
                "required",
            )
        for wrong in wrong_types(value, is_optional=is_optional) + wrong_values(call.path, field_name, value):
            await refused({**call.body, field_name: wrong}, f"/{field_name}")
    assert await fingerprint(loud) == before
    assert not [text for text in answers if CANARY in text]


RAW: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", 400),
    "a blank": (b" ", 400),
    "cut off": (b'{"a": "b', 400),
    "two values": (b"{}{}", 400),
    "a comment": (b"{} // yes", 400),
    "single quotes": (b"{'a': 1}", 400),
    "a comma too many": (b'{"a": 1,}', 400),
    "a byte order mark": (b"\xef\xbb\xbf{}", 400),
    "UTF-16": ("{}".encode("utf-16"), 400),
    "broken UTF-8": (b'{"surprise": "\xff\xfe"}', 400),
    "overlong UTF-8": (b'{"surprise": "\xc0\xaf"}', 400),
    "a surrogate in UTF-8": (b'{"surprise": "\xed\xa0\x80"}', 400),
    "NaN": (b'{"surprise": NaN}', 400),
    "Infinity": (b'{"surprise": -Infinity}', 400),
    "a duplicate key": (b'{"surprise": 1, "surprise": 2}', 400),
    "a duplicate key deep inside": (b'{"surprise": [{"a": 1, "a": 1}]}', 400),
    "a leading zero": (b'{"surprise": 007}', 400),
    "a raw control character": (b'{"surprise": "\x01"}', 400),
    "a raw line feed in a text": (b'{"surprise": "\n"}', 400),
    "deep lists": (b'{"surprise": ' + b"[" * 40 + b"]" * 40 + b"}", 400),
    "very deep lists": (b"[" * 30_000, 400),
    "very deep objects": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400),
    "a huge exponent": (b'{"surprise": 1e999}', 422),
    "a huge number": (b'{"surprise": ' + b"9" * 5_000 + b"}", 422),
    "a NUL": (b'{"surprise": "\\u0000"}', 422),
    "a lone surrogate": (b'{"surprise": "\\ud800"}', 422),
    "a lone surrogate as a key": (b'{"\\udfff": 1}', 422),
    "a list": (b"[]", 422),
    "a text": (b'"x"', 422),
    "a number": (b"1", 422),
    "null": (b"null", 422),
    "true": (b"true", 422),
}


@pytest.mark.parametrize("name", WITH_BODY)
async def test_what_is_no_clear_json_is_refused_and_nothing_is_changed(
    loud: Service, calls: dict[str, Call], name: str
) -> None:
    call, client, before = calls[name], loud.client(), await fingerprint(loud)
    for what, (content, status) in RAW.items():
        answer = await send(client, call, content)
        assert answer.status_code == status, (what, answer.text)
        problem(answer, status, "json_invalid" if status == 400 else "validation_failed")
    for text in (f"{CANARY}{LONE_SURROGATE}", f"{CANARY}\\u0000"):
        for field_name, value in (call.body or {}).items():
            if isinstance(value, str):
                content = json.dumps({**(call.body or {}), field_name: "@"}).replace("@", text).encode()
                answer = await send(client, call, content)
                (found,) = problem(answer, 422, "validation_failed")["errors"]
                assert (found["pointer"], found["code"]) == (f"/{field_name}", "bad_character")
                assert CANARY not in answer.text
    assert await fingerprint(loud) == before


@pytest.mark.parametrize("name", WITH_BODY)
async def test_another_type_an_encoding_or_a_flood_is_refused_and_nothing_is_changed(
    loud: Service, calls: dict[str, Call], name: str
) -> None:
    call, client, before = calls[name], loud.client(), await fingerprint(loud)
    good = json.dumps(call.body).encode()
    for headers in (
        {"Content-Type": "text/plain"},
        {"Content-Type": ""},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/merge-patch+json"},
        {"Content-Encoding": "gzip"},
        {"Content-Encoding": "identity, deflate"},
    ):
        problem(await send(client, call, good, **headers), 415, "unsupported_media_type")
    problem(await send(client, call, good + b" " * 65_536), 413, "body_too_large")
    assert await fingerprint(loud) == before


@pytest.mark.parametrize("name", WITH_BODY)
async def test_the_same_call_with_a_good_body_succeeds(
    loud: Service, calls: dict[str, Call], name: str
) -> None:
    """So that every refusal above was one of the body, and of nothing else."""
    call, client = calls[name], loud.client()
    body = call.body
    if name.startswith("POST /redemptions") and body and "code" in body:
        # A code is good for a minute, which the refusals before may have taken.
        citizen = loud.client(Authorization=f"Bearer {calls['PUT /me/consents/{purpose}'].token}")
        coupon = calls["POST /admin/coupons/{coupon_id}/revocation"].path.split("/")[-2]
        body = {**body, "code": await code_of(citizen, coupon)}
    answer = await send(
        client, call, json.dumps(body).encode(), **{"Content-Type": "application/json; charset=UTF-8"}
    )
    assert answer.is_success, answer.text


@pytest.mark.parametrize("name", WITHOUT_BODY)
async def test_a_route_that_takes_no_body_refuses_unknown_fields_too(
    loud: Service, calls: dict[str, Call], name: str
) -> None:
    call, before = calls[name], await fingerprint(loud)
    answer = await send(loud.client(), call, b'{"dry_run": true}', **{"Content-Type": "application/json"})
    members = problem(answer, 422, "validation_failed")
    assert [each["pointer"] for each in members["errors"]] == ["/dry_run"]
    assert await fingerprint(loud) == before


@pytest.mark.parametrize(
    "query",
    [
        *("from=10000-01-01T00:00:00Z", "from=9999-12-31T23:59:59-23:59", "to=0000-01-01T00:00:00Z"),
        *("to=2026-02-30T00:00:00Z", "from=2026-01-01T24:00:00Z", "from=2026-01-01T00:00:00%2B99:00"),
        *("from=2026-01-01T00:00:00.1234567890Z", "from=1e9", "from=NaN", "from=%00", "from="),
        *("store_id=%00", "store_id=1", "store_id=", "limit=NaN", "limit=1&limit=1", "cursor=%F0%9F%92%A9"),
        *("q=x", "%00=1", "a=1&a=2&a=3"),
    ],
)
async def test_a_wrong_query_is_named_and_nothing_breaks(
    loud: Service, calls: dict[str, Call], query: str
) -> None:
    client = loud.client(Authorization=f"Bearer {calls['POST /redemptions'].token}")
    members = problem(await client.get(f"/redemptions?{query}"), 422, "validation_failed")
    name = query.partition("=")[0].replace("%00", "\0")
    assert f"/{name}" in [each["pointer"] for each in members["errors"]]


@pytest.mark.parametrize(
    "query", ["q=%ff", "q=%f0%28%8c%28", "=" * 60 + "&" * 60 + "a=1&b=2", "&".join("abc" for _ in range(60))]
)
async def test_a_query_that_can_not_be_decoded_is_a_problem(loud: Service, query: str) -> None:
    answer = await loud.client().get(f"/offers?{query}")
    assert answer.status_code in (400, 422) and answer.json()["code"] in (
        "query_invalid",
        "validation_failed",
    )


# What no client library would send ----------------------------------------------------------------

SIGN_IN = b'{"channel":"sandbox","code":"load-4902"}'
HEAD = (
    b"POST /api/v1/auth/citizen HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Connection: close\r\n"
)


def chunked(*parts: bytes) -> bytes:
    """A request whose body comes in chunks, as they are given."""
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(parts)


def one_chunk(size: bytes, end: bytes = b"\r\n") -> bytes:
    """The sign-in as one chunk that claims to be of a size."""
    return chunked(size, b"\r\n", SIGN_IN, end, b"0\r\n\r\n")


SIZE = b"%x" % len(SIGN_IN)
FRAMES: dict[str, bytes] = {
    "no size": one_chunk(b""),
    "a size that is no number": one_chunk(b"zz"),
    "a negative size": one_chunk(b"-5"),
    "a size with a plus": one_chunk(b"+" + SIZE),
    "a size with an underscore": one_chunk(b"_".join((SIZE[:1], SIZE[1:]))),
    "two framings": HEAD
    + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    + SIZE
    + b"\r\n"
    + SIGN_IN
    + b"\r\n0\r\n\r\n",
    "an unknown transfer coding": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n" + SIGN_IN,
    "a compressed transfer": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + SIGN_IN,
    "two lengths": HEAD + b"Content-Length: %d\r\nContent-Length: 5\r\n\r\n" % len(SIGN_IN) + SIGN_IN,
    "a length with a plus": HEAD + b"Content-Length: +%d\r\n\r\n" % len(SIGN_IN) + SIGN_IN,
    "a length that is no number": HEAD + b"Content-Length: ten\r\n\r\n" + SIGN_IN,
    "a negative length": HEAD + b"Content-Length: -1\r\n\r\n" + SIGN_IN,
    "a blank before the colon": HEAD + b"X-A : a\r\nContent-Length: %d\r\n\r\n" % len(SIGN_IN) + SIGN_IN,
    "a folded header": HEAD + b"X-A: a\r\n b\r\nContent-Length: %d\r\n\r\n" % len(SIGN_IN) + SIGN_IN,
    "two hosts": HEAD + b"Host: other\r\nContent-Length: %d\r\n\r\n" % len(SIGN_IN) + SIGN_IN,
    "no host": HEAD.replace(b"Host: localhost\r\n", b"")
    + b"Content-Length: %d\r\n\r\n" % len(SIGN_IN)
    + SIGN_IN,
}


@pytest.mark.parametrize("what", FRAMES)
async def test_a_frame_that_two_readers_could_take_differently_is_refused(loud: Service, what: str) -> None:
    before = await fingerprint(loud)
    status, body = await asyncio.to_thread(exchange, loud, FRAMES[what])
    assert (status, await fingerprint(loud) == before) == (400, True), body


async def test_an_old_probe_that_names_no_host_is_answered(loud: Service) -> None:
    # Only HTTP/1.1 has to name one (RFC 9112, 3.2); load balancers still ask like this.
    status, body = await asyncio.to_thread(exchange, loud, b"GET /healthz HTTP/1.0\r\n\r\n")
    assert (status, b'"ok"' in body) == (200, True)


async def test_more_than_the_server_reads_is_413_in_every_framing(loud: Service) -> None:
    for sent in (
        HEAD + b"Content-Length: 99999999999999999999\r\n\r\n",
        HEAD + b"Content-Length: 65537\r\nExpect: 100-continue\r\n\r\n",
        chunked(b"fffffffff\r\n"),
        chunked(*(b"1000\r\n" + b" " * 4096 + b"\r\n" for _ in range(17))),
    ):
        status, body = await asyncio.to_thread(exchange, loud, sent)
        assert (status, b"body_too_large" in body) == (413, True)


async def test_an_unread_body_is_never_taken_for_the_next_request(loud: Service) -> None:
    hidden = b"GET /api/v1/consents/credit_check HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for path in (b"/nothing", b"/api/v1/offers", b"/api/v1/auth/logout", b"/api/v1/redemptions"):
        for copies in (1, 2000):
            body = hidden * copies
            head = b"POST " + path + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
            _, answers = await asyncio.to_thread(exchange, loud, head + body)
            assert b"sha256" not in answers


def exchange(service: Service, sent: bytes) -> tuple[int, bytes]:
    """Send bytes as they are; the status of the last answer that isn't 100, and everything that came."""
    port = urlsplit(service.url).port
    received = b""
    with socket.create_connection(("127.0.0.1", port or 0), timeout=5) as connection:
        try:
            connection.sendall(sent)
            while part := connection.recv(65_536):
                received += part
                connection.settimeout(0.3)
        except (TimeoutError, ConnectionError):
            pass  # it waits for more, or has refused to read on
    statuses = [int(line.split()[1]) for line in received.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
    return next((status for status in reversed(statuses) if status != 100), 0), received


async def test_none_of_it_is_in_the_log(loud: Service, calls: dict[str, Call]) -> None:
    citizen = await loud.citizen(consent=False)
    marks = [f"{CANARY}-{n}-{uuid4().hex}" for n in range(6)]
    client = loud.client()
    await client.get(f"/offers?q={marks[0]}")
    await client.get(f"/{marks[1]}")
    await client.get("/me", headers={"Authorization": f"Bearer {marks[2]}", "User-Agent": marks[3]})
    await client.post("/auth/staff", json={"login": marks[4], "password": marks[5]})
    await asyncio.to_thread(exchange, loud, f"{marks[1]} /{marks[0]} HTTP/1.1\r\n\r\n".encode())
    log = loud.log.read_text()
    for line in log.splitlines():
        json.loads(line)
    assert '"event": "request"' in log, "the access log is on"
    for secret in (
        CANARY,
        bearer(citizen.http),
        citizen.signed_in["refresh_token"],
        "demo-other",
        "load-4901",
    ):
        assert secret not in log
    for call in calls.values():
        assert not call.token or call.token not in log
    for mistake in ("undocumented_problem", '"unhandled"', '"level": "error"'):
        assert mistake not in log
    assert not [mark for mark in marks if mark in log]
