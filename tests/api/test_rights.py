"""Who may call what: every route of the document with every kind of token that is not the right one.

A route that stands in no table here makes these tests fail, so that a new one has to say who may call it.
"""

import base64
import json
import time
import warnings
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import pytest

from sandbox.demo_data.rows import demo_id
from server.config import SANDBOX_SECRETS
from tests.api.applicants import PDF, an_applicant
from tests.api.families import COUNTY, a_child, a_helper, agree, ask, id_number
from tests.api.kit import answered, bearer, code_of, coupon_of, fingerprint, problem, walk, with_key
from tests.api.offers import make_admin, make_offer, make_staff
from tests.e2e.invariants import check_sealed
from tests.service import API, CitizenClient, Service

TOKEN_KEY = base64.b64decode(SANDBOX_SECRETS["TOKEN_KEYS"].partition(":")[2])
AUDIENCES = ("citizen", "staff", "admin")

# Route → who may call it; what is public, anybody may. `{…}` are ids of the things below.
PUBLIC = {
    *("GET /healthz", "GET /readyz", "GET /metrics", "GET /api/openapi.json"),
    *("GET /api/docs", "GET /api/docs/docs.js", "GET /api/docs/docs.css"),
    *("POST /auth/citizen", "POST /auth/staff", "POST /auth/admin", "POST /auth/refresh"),
    *("GET /consents", "GET /consents/{purpose}", "GET /offers", "GET /offers/{offer_id}"),
    *("GET /ledger/roots", "GET /audit/roots", "POST /auth/admin/invitation", "POST /auth/admin/reset"),
    *("POST /auth/device", "POST /auth/staff/invitation", "POST /auth/staff/password-reset"),
    *("POST /auth/staff/legal-person", "GET /auth/channels"),
    *("POST /member-applications", "GET /commitment-text", "GET /register", "GET /register/removals"),
    *("GET /regions", "GET /programmes", "GET /tier-schemes", "GET /tier-recognitions"),
}
# Routes of admins and owners besides these are tried by tests/matrix, as the document lists them.
CITIZENS = {
    *("GET /me", "GET /me/credit", "GET /me/credit/lookups", "GET /me/coupons", "POST /me/staff-binding"),
    *("PUT /me/consents/{purpose}", "DELETE /me/consents/{purpose}", "POST /offers/{offer_id}/coupons"),
    *("GET /coupons/{coupon_id}", "DELETE /coupons/{coupon_id}", "GET /coupons/{coupon_id}/code"),
    *("GET /coupons/{coupon_id}/events", "GET /me/redemptions/{redemption_id}/proof"),
    "GET /me/redemptions",
    *("GET /me/notices", "PUT /me/notices/{notice_id}/read", "GET /me/notices/{notice_id}"),
    *(
        "GET /me/notices/unread-count",
        "PUT /me/notices/read",
        "GET /me/subscriptions",
        "POST /me/subscriptions",
    ),
    *("POST /me/complaints", "GET /me/complaints", "GET /me/complaints/{complaint_id}"),
    *("POST /me/complaints/{complaint_id}/withdrawal", "DELETE /me/complaints/{complaint_id}/text"),
    "GET /me/coupons/{coupon_id}/refusals",
    *("POST /me/objections", "GET /me/objections", "GET /me/objections/{objection_id}"),
    *("POST /me/objections/{objection_id}/evidence", "GET /me/objections/{objection_id}/evidence/{file_id}"),
    *("DELETE /me/objections/{objection_id}", "DELETE /me/objections/{objection_id}/words"),
    *("POST /me/declarations", "GET /me/declarations", "GET /me/declarations/{declaration_id}"),
    "POST /me/declarations/{declaration_id}/evidence",
    "GET /me/declarations/{declaration_id}/evidence/{file_id}",
    *("POST /me/declarations/{declaration_id}/submission", "DELETE /me/declarations/{declaration_id}"),
    *("POST /me/phone", "POST /me/credit/recognition"),
    *("GET /me/data", "GET /me/access-log", "DELETE /me/phone", "GET /me/erasure", "DELETE /me"),
    *("GET /me/consents", "GET /me/consents/history", "POST /me/consents/{purpose}/refusals"),
    *("GET /me/disclosures", "POST /auth/acting", "POST /me/children", "GET /me/children"),
    *("POST /me/children/{request_id}/evidence", "POST /me/children/{request_id}/withdrawal"),
    *("DELETE /me/children/{child_id}", "POST /me/helpers/codes", "GET /me/helpers"),
    *("POST /me/helpers/{helper_id}/confirmation", "DELETE /me/helpers/{helper_id}"),
    *("POST /me/helped", "GET /me/helped", "DELETE /me/helped/{helped_id}"),
    *("GET /me/channels", "POST /me/channels", "POST /me/channels/join"),
    "DELETE /me/channels/{identity_id}",
}
# What takes a file, with a name for it.
UPLOADS = {
    "POST /me/objections/{objection_id}/evidence",
    "POST /me/declarations/{declaration_id}/evidence",
    "POST /me/children/{request_id}/evidence",
}
STAFF = {
    *("POST /redemptions", "POST /redemptions/preview", "GET /redemptions"),
    *("GET /redemptions/{redemption_id}", "POST /redemptions/{redemption_id}/reversals"),
    *("POST /staff/self-binding", "GET /redemptions/{redemption_id}/proof"),
    *("POST /staff/password", "GET /staff/sessions", "DELETE /staff/sessions/{session_id}", "GET /staff/me"),
    *("POST /day-closes", "GET /day-closes"),
}
ADMINS = {
    *("PUT /admin/offers/{offer_id}/status", "PUT /admin/offers/{offer_id}/stock", "GET /admin/audit"),
    *("POST /admin/coupons/{coupon_id}/revocation", "POST /admin/staff/{staff_id}/revocation"),
}
# With the key of an application, which is no access token.
APPLICANTS = {
    *("GET /member-application", "PUT /member-application", "GET /member-application/events"),
    *("POST /member-application/documents", "DELETE /member-application/documents/{document_id}"),
    *("PUT /member-application/commitment", "POST /member-application/submission"),
    *("POST /member-application/withdrawal", "POST /member-application/owner"),
}
EVERYBODY = {"POST /auth/logout"}
BODIES: dict[str, dict[str, Any]] = {
    "POST /me/credit/recognition": {"scheme_code": "sh-demo"},
    "POST /me/staff-binding": {"binding_code": "{binding_code}"},
    "POST /me/phone": {"channel": "sandbox", "code": "13700009050"},
    "PUT /me/consents/{purpose}": {"version": "2026-01-01", "granted": True},
    "POST /me/consents/{purpose}/refusals": {},
    "POST /auth/acting": {"for": "{acted_for}"},
    "POST /me/children": {"name": "张小明", "id_number": "{id_number}", "region": COUNTY},
    "POST /me/helped": {"code": "{helper_code}"},
    "POST /offers/{offer_id}/coupons": {},
    "PUT /me/notices/read": {"up_to": "{notice_id}"},
    "POST /me/subscriptions": {"channel": "wechat", "templates": {"coupon_expiring": "accept"}},
    "POST /me/channels": {"channel": "sandbox", "code": "load-990001@b"},
    "POST /me/channels/join": {"token": "x"},
    "POST /me/complaints": {"kind": "other", "text": "测试", "store_id": "{store_id}"},
    "POST /me/objections": {"kind": "objection", "about": "tier", "region": "330106", "text": "测试"},
    "POST /me/declarations": {
        **{"kind": "volunteer_hours", "region": "330106", "happened_on": "2026-03-04", "hours": 8},
        "text": "社区志愿服务",
    },
    "DELETE /me": {"confirmation": "x"},
    "POST /redemptions": {"code": "", "store_id": "{store_id}", "order_amount_fen": 100},
    "POST /redemptions/preview": {"code": "", "store_id": "{store_id}", "order_amount_fen": 100},
    "POST /redemptions/{redemption_id}/reversals": {"reason": "测试"},
    "POST /day-closes": {
        **{"store_id": "{store_id}", "day": "2026-03-04"},
        **{"redemptions": 0, "reversals": 0, "discount_fen": 0},
    },
    "POST /staff/password": {"old_password": "demo-cashier-2", "password": "river lamp otter 84"},
    "PUT /admin/offers/{offer_id}/status": {"status": "ended"},
    "PUT /admin/offers/{offer_id}/stock": {"stock_total": 77},
    "POST /admin/coupons/{coupon_id}/revocation": {"reason": "测试"},
}
# These take a file.
# Somebody's own things, reached by somebody else of the right audience: not found, as if they weren't there.
FOREIGN = {
    "DELETE /member-application/documents/{document_id}": "other applicant",
    "PUT /me/notices/{notice_id}/read": "other citizen",
    "GET /me/notices/{notice_id}": "other citizen",
    "GET /me/complaints/{complaint_id}": "other citizen",
    "POST /me/complaints/{complaint_id}/withdrawal": "other citizen",
    "DELETE /me/complaints/{complaint_id}/text": "other citizen",
    "GET /me/coupons/{coupon_id}/refusals": "other citizen",
    **dict.fromkeys(
        (
            *("GET /me/objections/{objection_id}", "DELETE /me/objections/{objection_id}"),
            *("POST /me/objections/{objection_id}/evidence", "DELETE /me/objections/{objection_id}/words"),
            "GET /me/objections/{objection_id}/evidence/{file_id}",
            *("GET /me/declarations/{declaration_id}", "DELETE /me/declarations/{declaration_id}"),
            "POST /me/declarations/{declaration_id}/evidence",
            "GET /me/declarations/{declaration_id}/evidence/{file_id}",
            "POST /me/declarations/{declaration_id}/submission",
        ),
        "other citizen",
    ),
    "POST /me/children/{request_id}/evidence": "other citizen",
    "POST /me/children/{request_id}/withdrawal": "other citizen",
    "DELETE /me/children/{child_id}": "other citizen",
    "POST /me/helpers/{helper_id}/confirmation": "other citizen",
    "DELETE /me/helpers/{helper_id}": "other citizen",
    "DELETE /me/helped/{helped_id}": "other citizen",
    "DELETE /me/channels/{identity_id}": "other citizen",
    "GET /me/redemptions/{redemption_id}/proof": "other citizen",
    "GET /redemptions/{redemption_id}/proof": "other staff",
    "GET /coupons/{coupon_id}": "other citizen",
    "DELETE /coupons/{coupon_id}": "other citizen",
    "GET /coupons/{coupon_id}/code": "other citizen",
    "GET /coupons/{coupon_id}/events": "other citizen",
    "GET /redemptions/{redemption_id}": "other staff",
    "DELETE /staff/sessions/{session_id}": "other staff",
    "POST /redemptions/{redemption_id}/reversals": "other staff",
    "PUT /admin/offers/{offer_id}/status": "other admin",
    "PUT /admin/offers/{offer_id}/stock": "other admin",
    "POST /admin/coupons/{coupon_id}/revocation": "other admin",
    "POST /admin/staff/{staff_id}/revocation": "other admin",
}


@dataclass(frozen=True)
class World:
    """Things that belong to one citizen, one member and one city, and the tokens of everybody."""

    service: Service
    things: dict[str, str]
    tokens: dict[str, str]
    bad_tokens: dict[str, str]
    paths: dict[str, str]
    client: httpx.AsyncClient

    async def call(self, route: str, token: str | None) -> httpx.Response:
        """One call of a route with a body that would do."""
        method, _ = route.split(" ")
        body = BODIES.get(route)
        if body and "store_id" in body and "code" in body:
            body = {**body, "code": await self._fresh_code()}
        if route == "DELETE /me":
            body = {"confirmation": await self._confirmation(token)}
        filled = json.loads(self._filled(json.dumps(body))) if body is not None else None
        signed = {"Authorization": f"Bearer {token}"} if token else {}
        path = self.paths[route]
        if "/declarations/" in path:
            path = path.replace("{file_id}", self.things["declaration_file_id"])
        url, headers = self.service.url + self._filled(path), {**with_key(), **signed}
        if route in UPLOADS:
            headers["Content-Type"] = "application/pdf"
            return await self.client.post(url, params={"name": "x.pdf"}, content=PDF, headers=headers)
        return await self.client.request(method, url, json=filled, headers=headers)

    async def _confirmation(self, token: str | None) -> str:
        if token not in (self.tokens["citizen"], self.tokens["other citizen"]):
            return "x"
        url, signed = f"{self.service.url}{API}/me/erasure", {"Authorization": f"Bearer {token}"}
        return str((await self.client.get(url, headers=signed)).json()["confirmation"])

    async def _fresh_code(self) -> str:
        url = f"{self.service.url}{API}/coupons/{self.things['coupon_id']}/code"
        signed = {"Authorization": f"Bearer {self.tokens['citizen']}"}
        answer = await self.client.get(url, headers=signed)
        return str(answer.json().get("code", self.things["code"]))

    def _filled(self, text: str) -> str:
        for name, value in self.things.items():
            text = text.replace(f"{{{name}}}", value)
        return text


async def contested_and_declared(citizen: CitizenClient) -> dict[str, str]:
    """A look-up that he contests and something that he declared, each with evidence."""
    assert (await citizen.http.get("/me/credit")).status_code == 200
    lookup = (await citizen.http.get("/me/credit/lookups")).json()["items"][0]["id"]
    contest = {**BODIES["POST /me/objections"], "about": "lookup", "record_id": lookup}
    things = {}
    for path, body, name, file in (
        ("/me/objections", contest, "objection_id", "file_id"),
        ("/me/declarations", BODIES["POST /me/declarations"], "declaration_id", "declaration_file_id"),
    ):
        made = await citizen.http.post(path, json=body, headers=with_key())
        things[name] = answered(made, 201, "id")["id"]
        sent = await citizen.http.post(
            f"{path}/{things[name]}/evidence",
            params={"name": "x.pdf"},
            content=PDF,
            headers={"Content-Type": "application/pdf"},
        )
        things[file] = answered(sent, 201, "id")["id"]
    return things


@pytest.fixture(scope="module")
async def world(make_service: Callable[..., Service]) -> AsyncIterator[World]:
    """A service of its own, since a right call would change what the others look at."""
    service = make_service(workers=1)
    citizen, other = await service.citizen("load-990001"), await service.citizen()
    clerk, other_clerk = await service.clerk("demo-cashier-2"), await service.clerk("demo-other")
    victim = await service.clerk(await make_staff(service))
    elsewhere = await service.clerk("demo-cashier-2")
    [this_one] = [
        each["id"]
        for each in (await elsewhere.http.get("/staff/sessions")).json()["items"]
        if each["is_this_one"]
    ]
    await _be_unrated_where_another_place_is_recognised(service, citizen)
    offer = await make_offer(service, total=10, uses_total=5)
    coupon = await coupon_of(citizen.http, offer)
    done = (await clerk.redeem(await code_of(citizen.http, coupon))).json()["id"]
    unused = await coupon_of(citizen.http, offer)
    code = await code_of(citizen.http, unused)
    await service.revoke_coupon(await coupon_of(citizen.http, offer))
    [notice] = [item["id"] for item in (await citizen.http.get("/me/notices")).json()["items"]]
    complaint = await citizen.http.post(
        "/me/complaints", json={"kind": "other", "text": "测试", "redemption_id": done}, headers=with_key()
    )
    things = await contested_and_declared(citizen)
    family = await _family(service, citizen)
    applicant, other_applicant = await an_applicant(service), await an_applicant(service)
    document_id = (await applicant.upload()).json()["id"]
    province, hangzhou = await service.admin(), await service.admin("demo-admin-hz")
    roles = ("operator", "auditor", "head")
    ningbo = await service.admin(await make_admin(service, "330200", *roles))
    document = (await citizen.http.get(service.url + "/api/openapi.json")).json()
    paths = {
        f"{method.upper()} {path.removeprefix(API)}": path
        for path, operations in document["paths"].items()
        for method in operations
        if not f"{path}/".startswith((f"{API}/admin/", f"{API}/member/"))
        or f"{method.upper()} {path.removeprefix(API)}" in ADMINS
    }
    claims = jwt.decode(bearer(citizen.http), options={"verify_signature": False})
    client = httpx.AsyncClient(timeout=30)
    yield World(
        service,
        {
            "coupon_id": unused,
            "offer_id": offer,
            "redemption_id": done,
            "staff_id": victim.signed_in["staff"]["id"],
            "purpose": "credit_check",
            "session_id": this_one,
            "notice_id": notice,
            "identity_id": (await citizen.http.get("/me/channels")).json()["items"][0]["id"],
            "complaint_id": complaint.json()["id"],
            "document_id": document_id,
            **things,
            "store_id": clerk.store_id,
            "code": code,
            **family,
            "binding_code": (await clerk.http.post("/staff/self-binding")).json()["binding_code"],
        },
        {
            "citizen": bearer(citizen.http),
            "other citizen": bearer(other.http),
            "staff": bearer(clerk.http),
            "other staff": bearer(other_clerk.http),
            "admin": bearer(province),
            "admin of Hangzhou": bearer(hangzhou),
            "other admin": bearer(ningbo),
            "applicant": applicant.key,
            "other applicant": other_applicant.key,
        },
        bad_tokens(claims, citizen.signed_in["refresh_token"], code),
        paths,
        client,
    )
    await client.aclose()


async def _family(service: Service, citizen: CitizenClient) -> dict[str, str]:
    """A child and a request for another one, somebody he helps, and a helper who waits to be confirmed."""
    await agree(citizen.http, "guardianship")
    child, relative = await a_child(service, citizen), await service.citizen()
    entering = await service.citizen()
    return {
        "child_id": child["id"],
        "request_id": await ask(citizen),
        "helped_id": await a_helper(relative, citizen),
        "helper_id": await a_helper(citizen, await service.citizen(), confirmed=False),
        "acted_for": relative.id,
        "id_number": id_number(),
        "helper_code": (await entering.http.post("/me/helpers/codes")).json()["code"],
    }


async def _be_unrated_where_another_place_is_recognised(service: Service, citizen: CitizenClient) -> None:
    assert (await citizen.http.get("/me/credit")).status_code == 200
    await service.fetch(
        "UPDATE tier_snapshots SET level = NULL, tier_code = NULL WHERE citizen_id = $1::uuid", citizen.id
    )
    await service.fetch(
        "INSERT INTO tier_mappings (scheme_code, version, scheme_name, place, agreement, validity_days, effective_from,"
        " effective_until, approval_id, published_at)"
        " VALUES ('sh-demo', 1, '随申分', '上海', '互认目录', 30, '2026-01-01', '2099-01-01', gen_random_uuid(), now())"
    )


def bad_tokens(claims: dict[str, Any], refresh_token: str, code: str) -> dict[str, str]:
    """What is no access token, by the mistake that it tries (RFC 8725)."""
    header = {"typ": "at+jwt", "kid": "1"}

    def signed(
        changes: dict[str, Any] | None = None, key: bytes = TOKEN_KEY, algorithm: str = "HS256", **head: Any
    ) -> str:
        return jwt.encode({**claims, **(changes or {})}, key, algorithm, headers={**header, **head})

    def without(name: str) -> str:
        kept = {key: value for key, value in claims.items() if key != name}
        return jwt.encode(kept, TOKEN_KEY, "HS256", headers=header)

    def unsigned(algorithm: str) -> str:
        def part(value: object) -> str:
            return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

        return f"{part({**header, 'alg': algorithm})}.{part(claims)}."

    past = int(time.time()) - 60
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the key is short for this algorithm
        other_algorithm = signed(algorithm="HS512")
    return {
        "a refresh token": refresh_token,
        "a code": code,
        "a word": "secret",
        "two dots": "..",
        "alg=none": unsigned("none"),
        "alg=None": unsigned("None"),
        "no algorithm": unsigned(""),
        "an expired one": signed({"iat": past - 600, "exp": past}),
        "one from the future": signed({"iat": past + 3600, "exp": past + 7200}),
        "another key": signed(key=b"x" * 48),
        "an empty key": signed(key=b"\0" * 48),
        "another algorithm": other_algorithm,
        "another type": signed(typ="JWT"),
        "an unknown key id": signed(kid="2"),
        "a key id that is a path": signed(kid="../../dev/null"),
        "another audience": signed({"aud": "member"}),
        "all audiences": signed({"aud": list(AUDIENCES)}),
        "another issuer": signed({"iss": "somebody"}),
        "a subject that is no id": signed({"sub": "1 OR 1=1"}),
        "no subject": without("sub"),
        "no session": without("sid"),
        "no end": without("exp"),
        "no audience": without("aud"),
        "a cut signature": signed()[:-4],
    }


def rights_of(route: str) -> set[str]:
    """The audiences that may call a route."""
    if route in EVERYBODY:
        return set(AUDIENCES)
    tables = ((CITIZENS, "citizen"), (STAFF, "staff"), (ADMINS, "admin"), (APPLICANTS, "applicant"))
    return {audience for table, audience in tables if route in table}


ROUTES = sorted(CITIZENS | STAFF | ADMINS | APPLICANTS | EVERYBODY)


async def test_every_route_of_the_document_stands_in_exactly_one_table(world: World) -> None:
    tables = [PUBLIC, CITIZENS, STAFF, ADMINS, APPLICANTS, EVERYBODY]
    assert set(world.paths) == set().union(*tables)
    assert sum(map(len, tables)) == len(world.paths)


async def test_the_document_names_the_same_audiences(world: World) -> None:
    client = world.service.client()
    document = (await client.get(world.service.url + "/api/openapi.json")).json()
    for route, path in world.paths.items():
        operation = document["paths"][path][route.split(" ")[0].lower()]
        named = {name for each in operation["security"] for name in each}
        is_open = not operation["security"] or {} in operation["security"]
        assert is_open == (route in PUBLIC), route
        if route not in PUBLIC:
            assert named == rights_of(route), route


@pytest.mark.parametrize("route", ROUTES)
async def test_nobody_and_no_bad_token_gets_in(world: World, route: str) -> None:
    before = await fingerprint(world.service)
    for what, token in {"no token": None, **world.bad_tokens}.items():
        answer = await world.call(route, token)
        assert answer.status_code == 401, (what, answer.text)
        problem(answer, 401, "unauthenticated")
    assert await fingerprint(world.service) == before


@pytest.mark.parametrize("route", sorted(set(ROUTES) - EVERYBODY))
async def test_every_other_audience_is_forbidden(world: World, route: str) -> None:
    before, may = await fingerprint(world.service), rights_of(route)
    for who, token in world.tokens.items():
        audience = who.removeprefix("other ").split(" ")[0]
        if audience not in may:
            problem(await world.call(route, token), 403, "forbidden")
    assert await fingerprint(world.service) == before


@pytest.mark.parametrize("route", sorted(FOREIGN))
async def test_somebody_elses_thing_is_not_found(world: World, route: str) -> None:
    before = await fingerprint(world.service)
    problem(await world.call(route, world.tokens[FOREIGN[route]]), 404, "not_found")
    assert await fingerprint(world.service) == before


def test_every_thing_with_an_id_has_a_foreigner_in_these_tables() -> None:
    """Except for what anybody of the audience may do: offers are there for every citizen."""
    with_id = {route for route in ROUTES if "_id}" in route}
    assert with_id - set(FOREIGN) == {"POST /offers/{offer_id}/coupons"}


async def test_another_members_clerk_redeems_nothing_and_the_attempt_is_kept(world: World) -> None:
    kept = "SELECT count(*) FROM attempts"
    before = await fingerprint(world.service, ("attempts", "refused_scan_counts"))
    attempts = (await world.service.fetch(kept))[0]["count"]
    for route in ("POST /redemptions", "POST /redemptions/preview"):
        problem(await world.call(route, world.tokens["other staff"]), 403, "store_not_allowed")
    assert (await world.service.fetch(kept))[0]["count"] == attempts + 2
    assert await fingerprint(world.service, ("attempts", "refused_scan_counts")) == before


async def test_lists_hold_ones_own_things_only(world: World) -> None:
    service, things = world.service, world.things
    for who, path, mine in (
        ("citizen", "/me/coupons", things["coupon_id"]),
        ("citizen", "/me/redemptions", things["redemption_id"]),
        ("staff", "/redemptions", things["redemption_id"]),
    ):
        own = service.client(Authorization=f"Bearer {world.tokens[who]}")
        other = service.client(Authorization=f"Bearer {world.tokens['other ' + who]}")
        assert mine in {item["id"] for item in await walk(own, path, 100)}
        assert mine not in {item["id"] for item in await walk(other, path, 100)}
    for who in ("other citizen", "other staff"):
        client = service.client(Authorization=f"Bearer {world.tokens[who]}")
        store = await client.get("/redemptions", params={"store_id": things["store_id"]})
        assert store.status_code == 403 or store.json()["items"] == []


async def test_hangzhous_admin_reaches_hangzhou_and_nothing_beyond(world: World) -> None:
    service = world.service
    admin = service.client(Authorization=f"Bearer {world.tokens['admin of Hangzhou']}")
    ningbo = await make_offer(
        service, member="nb-yongwei", stores=("nb-yongwei-gulou",), region_id="330203", total=3
    )
    whole = await make_offer(service, region_id="330000", total=3)
    own = await make_offer(service, region_id="330106", total=3)
    clerk = await service.clerk(await make_staff(service, member="nb-yongwei", stores=("nb-yongwei-gulou",)))
    before = await fingerprint(service)
    for offer in (ningbo, whole):
        for call in (
            admin.put(f"/admin/offers/{offer}/status", json={"status": "paused"}),
            admin.put(f"/admin/offers/{offer}/stock", json={"stock_total": 4}),
        ):
            problem(await call, 404, "not_found")
    staff = clerk.signed_in["staff"]["id"]
    problem(await admin.post(f"/admin/staff/{staff}/revocation"), 404, "not_found")
    assert await fingerprint(service) == before
    assert (await admin.put(f"/admin/offers/{own}/status", json={"status": "paused"})).status_code == 204


async def test_a_token_of_another_audience_signed_by_us_does_not_change_who_one_is(world: World) -> None:
    """Even with the key: a citizen's id is no clerk's and no admin's."""
    claims = jwt.decode(world.tokens["citizen"], options={"verify_signature": False})
    headers = {"typ": "at+jwt", "kid": "1"}

    def token(**changes: object) -> str:
        return jwt.encode({**claims, **changes}, TOKEN_KEY, "HS256", headers=headers)

    before = await fingerprint(world.service)
    problem(await world.call("GET /admin/audit", token(aud="admin")), 401, "unauthenticated")
    problem(await world.call("POST /redemptions", token(aud="staff")), 401, "unauthenticated")
    member = str(demo_id("member", "hz-hupan"))
    for route in ("POST /redemptions", "POST /redemptions/preview"):
        answer = await world.call(route, token(aud="staff", mid=member))
        problem(answer, 401, "unauthenticated")
    lines = await world.call("GET /redemptions", token(aud="staff", mid=member))
    assert answered(lines, 200, "items")["items"] == []
    assert await fingerprint(world.service) == before


async def test_the_rightful_ones_get_in(world: World) -> None:
    """So that every refusal above was one of the token, and of nothing else. It changes the world: last."""
    await check_sealed(world.service.environment["DATABASE_URL"])
    who = {"citizen": "citizen", "staff": "staff", "admin": "admin"}
    order = sorted(
        # What applicants do one after the other is a story of its own: test_member_applications.
        set(ROUTES) - EVERYBODY - APPLICANTS - {"GET /coupons/{coupon_id}/events", "DELETE /me"},
        key=lambda route: ("revocation" in route, route.startswith("DELETE"), "binding" in route, route),
    )
    for route in order:
        (audience,) = rights_of(route)
        answer = await world.call(route, world.tokens[who[audience]])
        got_in = answer.status_code < 400 or answer.json()["code"] in (
            "already_redeemed",
            "join_token_invalid",
        )
        assert got_in, (route, answer.text)
    assert (await world.call("DELETE /me", world.tokens["other citizen"])).status_code == 204
    for audience in ("citizen", "staff", "admin of Hangzhou"):
        assert (await world.call("POST /auth/logout", world.tokens[audience])).status_code == 204


async def test_an_id_of_another_kind_is_not_found(service: Service) -> None:
    citizen, clerk, admin = await service.citizen(), await service.clerk(), await service.admin()
    offer = await make_offer(service)
    coupon = await coupon_of(citizen.http, offer)
    for client, path in (
        (citizen.http, f"/coupons/{offer}"),
        (citizen.http, f"/offers/{coupon}"),
        (clerk.http, f"/redemptions/{coupon}"),
        (citizen.http, f"/coupons/{uuid4()}"),
        (citizen.http, f"/coupons/{UUID(coupon).hex}"),
        (citizen.http, f"/coupons/{{{coupon}}}"),
        (citizen.http, f"/coupons/{coupon}%00"),
        (citizen.http, f"/coupons/{coupon}%20"),
    ):
        problem(await client.get(path), 404, "not_found")
    problem(await admin.post(f"/admin/staff/{coupon}/revocation"), 404, "not_found")
