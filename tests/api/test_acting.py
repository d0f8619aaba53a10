"""Acting for a child or somebody who asked for help, over the wire: what it opens, what it doesn't, and how it ends."""

import asyncio
from datetime import UTC, date, datetime

import jwt
import pytest

from tests.api.families import PDF, a_child, a_guardian, a_helper, acting, agree, ask, id_number
from tests.api.kit import answered, bearer, claim, code_of, coupon_of, problem, with_key
from tests.api.offers import GOOD, make_offer
from tests.service import Service


async def test_a_guardian_does_for_a_child_what_a_child_can_do(service: Service) -> None:
    guardian = await a_guardian(service)
    child = await a_child(service, guardian)
    assert (child["masked_name"], child["until"][5:10]) == ("*小明", "02-03")
    http = await acting(guardian, child["citizen_id"])
    me = answered(await http.get("/me"), 200, "id", "masked_name")
    assert (me["id"], me["masked_name"]) == (child["citizen_id"], "*小明")
    offer = await make_offer(service)
    coupon = await coupon_of(http, offer)
    code = await code_of(http, coupon)
    assert (await (await service.clerk()).redeem(code)).status_code == 201
    unused = await coupon_of(http, offer)
    assert (await http.delete(f"/coupons/{unused}")).status_code == 204
    body = {
        "kind": "other",
        "text": "测试",
        "redemption_id": None,
        "store_id": (await service.clerk()).store_id,
    }
    assert (await http.post("/me/complaints", json=body, headers=with_key())).status_code == 201
    wallet = (await http.get("/me/coupons")).json()["items"]
    assert {item["id"] for item in wallet} == {coupon, unused}
    assert (await guardian.http.get("/me/coupons")).json()["items"] == [], "they are the child's"


async def test_the_token_names_both_and_the_phone_gets_no_key_that_outlives_it(service: Service) -> None:
    elder, helper = await service.citizen(), await service.citizen()
    await a_helper(elder, helper)
    http = await acting(helper, elder.id)
    claims = jwt.decode(bearer(http), options={"verify_signature": False})
    assert (claims["sub"], claims["act"]["sub"]) == (elder.id, helper.id)
    coupon = await coupon_of(http, await make_offer(service))
    assert "renewal_key" not in (await http.get(f"/coupons/{coupon}/code?renewal=client")).json()
    assert "renewal_key" in (await elder.http.get(f"/coupons/{coupon}/code?renewal=client")).json()


async def test_what_a_helper_does_is_not_written_down_as_done_by_whom_he_helps(service: Service) -> None:
    elder, helper = await service.citizen(), await service.citizen()
    await a_helper(elder, helper)
    http = await acting(helper, elder.id)
    offer = (await http.get(f"/offers/{await make_offer(service)}")).json()
    body = {"kind": "other", "text": "店员说不知道这个活动。", "store_id": offer["stores"][0]["id"]}
    made = (await http.post("/me/complaints", json=body, headers=with_key())).json()["id"]
    assert (await http.post(f"/me/complaints/{made}/withdrawal")).status_code == 204
    rows = await service.fetch(
        "SELECT action, actor_id FROM audit_records WHERE object_id = $1 ORDER BY id", made
    )
    assert [(row["action"], str(row["actor_id"])) for row in rows] == [
        ("complaint.make", helper.id),
        ("complaint.withdraw", helper.id),
    ]
    lines = (await elder.http.get("/me/access-log")).json()["items"]
    assert [line["action"] for line in lines[:2]] == ["complaint.withdraw", "complaint.make"]


# Route by route, what is closed to whoever acts for another: merging, credit, tokens, bindings, logs of others.
CLOSED = (
    *("GET /me/credit", "GET /me/credit/lookups", "GET /me/notices", "POST /me/staff-binding"),
    *("GET /me/children", "POST /me/children", "GET /me/helpers", "POST /me/helpers/codes", "GET /me/helped"),
    *("POST /me/helped", "POST /auth/acting", "POST /auth/logout"),
)
GUARDIANS_ONLY = (
    *("GET /me/consents", "GET /me/consents/history", "GET /me/disclosures"),
    *("GET /me/data", "GET /me/access-log", "GET /me/erasure"),
    *("POST /me/consents/notices/refusals", "DELETE /me/consents/notices"),
)


async def test_what_is_not_for_agents_is_refused_whoever_the_agent_is(service: Service) -> None:
    guardian, elder, helper = await a_guardian(service), await service.citizen(), await service.citizen()
    await a_helper(elder, helper)
    as_child = await acting(guardian, (await a_child(service, guardian))["citizen_id"])
    as_elder = await acting(helper, elder.id)
    for http, routes in ((as_child, CLOSED), (as_elder, CLOSED + GUARDIANS_ONLY)):
        for route in routes:
            method, path = route.split(" ")
            answer = await http.request(method, path, json=None if method in ("GET", "DELETE") else {})
            problem(answer, 403, "not_for_agents")
    for route in GUARDIANS_ONLY:
        method, path = route.split(" ")
        answer = await as_child.request(method, path, json={} if method == "POST" else None)
        assert answer.status_code in (200, 204), (route, answer.text)


async def test_a_route_is_closed_to_agents_unless_it_says_otherwise(service: Service) -> None:
    """Default deny: of all routes for citizens, these and no others let an agent in."""
    elder, helper = await service.citizen(), await service.citizen()
    await a_helper(elder, helper)
    http = await acting(helper, elder.id)
    document = (await http.get(service.url + "/api/openapi.json")).json()
    nobody = "00000000-0000-4000-8000-000000000000"
    opened = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            named = {name for each in operation.get("security", []) for name in each}
            if "citizen" not in named or path.endswith("/events"):
                continue
            url = path.replace("{purpose}", "notices")
            while "{" in url:
                url = url[: url.index("{")] + nobody + url[url.index("}") + 1 :]
            answer = await http.request(method, service.url + url, headers=with_key())
            if not (answer.status_code == 403 and answer.json()["code"] == "not_for_agents"):
                opened.add(f"{method.upper()} {path.removeprefix('/api/v1')}")
    assert opened == {
        *("GET /me", "GET /offers", "GET /offers/{offer_id}", "POST /offers/{offer_id}/coupons"),
        *("GET /me/coupons", "GET /coupons/{coupon_id}", "DELETE /coupons/{coupon_id}"),
        *("GET /coupons/{coupon_id}/code", "GET /me/coupons/{coupon_id}/refusals", "GET /me/redemptions"),
        *("POST /me/complaints", "GET /me/complaints", "GET /me/complaints/{complaint_id}"),
        "POST /me/complaints/{complaint_id}/withdrawal",
    }


@pytest.mark.parametrize("who", ["elder", "helper"])
async def test_ending_it_ends_the_token_at_the_next_request(service: Service, who: str) -> None:
    elder, helper = await service.citizen(), await service.citizen()
    binding = await a_helper(elder, helper)
    http = await acting(helper, elder.id)
    assert (await http.get("/me")).status_code == 200
    path = f"/me/helpers/{binding}" if who == "elder" else f"/me/helped/{binding}"
    assert (await (elder if who == "elder" else helper).http.delete(path)).status_code == 204
    for call in (http.get("/me"), http.get("/offers"), claim(http, await make_offer(service))):
        problem(await call, 403, "acting_ended")
    problem(await helper.http.post("/auth/acting", json={"for": elder.id}), 403, "acting_ended")


async def test_signing_out_ends_what_one_does_for_others_too(service: Service) -> None:
    elder, helper = await service.citizen(), await service.citizen()
    await a_helper(elder, helper)
    http = await acting(helper, elder.id)
    assert (await helper.http.post("/auth/logout")).status_code == 204
    async with asyncio.timeout(10):
        while (
            answer := await http.get("/me")
        ).status_code == 200:  # another process hears of it within a second
            await asyncio.sleep(0.1)
    problem(answer, 401, "unauthenticated")


async def test_nobody_acts_without_a_binding(service: Service) -> None:
    one, other = await service.citizen(), await service.citizen()
    for whom in (other.id, one.id, "00000000-0000-4000-8000-000000000000"):
        problem(await one.http.post("/auth/acting", json={"for": whom}), 403, "acting_ended")
    await a_helper(other, one, confirmed=False)
    problem(await one.http.post("/auth/acting", json={"for": other.id}), 403, "acting_ended")


async def test_withdrawing_the_guardians_consent_stops_it_at_once(service: Service) -> None:
    guardian = await a_guardian(service)
    http = await acting(guardian, (await a_child(service, guardian))["citizen_id"])
    assert (await guardian.http.delete("/me/consents/guardianship")).status_code == 204
    problem(await http.get("/me"), 403, "acting_ended")


async def test_the_guardian_agrees_for_the_child_but_never_to_a_look_up_of_his_credit(
    service: Service,
) -> None:
    guardian = await a_guardian(service)
    http = await acting(guardian, (await a_child(service, guardian))["citizen_id"])
    problem(await agree(http, "credit_check"), 403, "credit_subject_adult")
    problem(await agree(http, "guardianship"), 403, "guardian_needed")
    offer = await make_offer(service, shows_holder=True)
    refused = problem(await claim(http, offer), 403, "sharing_consent_required")
    assert refused["what"] == "masked_name" and refused["member_name"]
    given = answered(
        await agree(http, "member_sharing", recipient_member_id=refused["member_id"]), 200, "proof_id"
    )
    assert given["recipient_member_id"] == refused["member_id"]
    coupon = await coupon_of(http, offer)
    scanned = await (await service.clerk()).redeem(await code_of(http, coupon))
    assert scanned.json()["holder_masked_name"] == "*小明"
    (proof,) = (await http.get("/me/consents/history")).json()["items"]
    assert (proof["given_by"], proof["given_through"]) == ("guardian", "sandbox")
    (shown,) = (await http.get("/me/disclosures")).json()["items"]
    assert (shown["what"], shown["consent_id"]) == ("masked_name", proof["id"])
    assert (await claim(http, await make_offer(service, min_tier_level=GOOD))).json()[
        "code"
    ] == "consent_required"


async def test_the_guardian_has_the_childs_rights_to_its_data(service: Service) -> None:
    """PIPL 31, 44-47: a child that a guardian made known has nobody else to take a copy and to have it erased."""
    guardian = await a_guardian(service)
    child = (await a_child(service, guardian))["citizen_id"]
    http = await acting(guardian, child)
    copy = answered(await http.get("/me/data"), 200, "sections")
    (person,) = next(each["items"] for each in copy["sections"] if each["name"] == "natural_persons")
    assert (person["citizen_id"], person["name"]) == (child, "张小明")
    assert (await http.get("/me/access-log")).status_code == 200
    confirmation = answered(await http.get("/me/erasure"), 200, "confirmation")["confirmation"]
    mine = (await guardian.http.get("/me/erasure")).json()["confirmation"]
    problem(await http.request("DELETE", "/me", json={"confirmation": mine}), 400, "confirmation_invalid")
    assert (await http.request("DELETE", "/me", json={"confirmation": confirmation})).status_code == 204
    problem(await http.get("/me"), 403, "acting_ended")
    assert (await guardian.http.get("/me")).status_code == 200, "he himself stays"
    assert (await guardian.http.get("/me/children")).json()["children"] == []
    (line,) = await service.fetch(
        "SELECT actor_id::text FROM audit_records WHERE action = 'citizen.erase' AND object_id = $1", child
    )
    assert line["actor_id"] == guardian.id


async def test_a_child_that_signs_in_himself_browses_and_agrees_to_nothing(service: Service) -> None:
    child = await service.citizen("demo-child", consent=False)
    assert (await child.http.get("/offers")).status_code == 200
    await coupon_of(child.http, await make_offer(service))
    for purpose in ("notices", "guardianship"):
        problem(await agree(child.http, purpose), 403, "guardian_needed")
    problem(await agree(child.http, "credit_check"), 403, "credit_subject_adult")
    problem(await child.http.post("/me/helpers/codes"), 403, "guardian_needed")


async def test_asking_for_a_child_says_what_is_wrong(service: Service) -> None:
    guardian = await service.citizen()
    good = {"name": "张小明", "id_number": id_number(), "region": "330127"}
    problem(await guardian.http.post("/me/children", json=good), 403, "guardian_consent_required")
    await agree(guardian.http, "guardianship")
    grown = id_number(date(datetime.now(UTC).year - 15, 1, 1))
    for changes, status, code in (
        ({"id_number": grown}, 409, "not_a_child"),
        ({"id_number": "330127201802300010"}, 422, "child_id_number_invalid"),
        ({"id_number": "123"}, 422, "validation_failed"),
        ({"name": "x"}, 422, "validation_failed"),
        ({"name": "张\x00明"}, 422, "validation_failed"),
        ({"region": "330100"}, 422, "child_region_invalid"),
        ({"region": "999999"}, 422, "child_region_invalid"),
        ({"extra": 1}, 422, "validation_failed"),
    ):
        problem(await guardian.http.post("/me/children", json={**good, **changes}), status, code)
    asked = answered(await guardian.http.post("/me/children", json=good), 201, "id")["id"]
    problem(await guardian.http.post("/me/children", json=good), 409, "child_already_asked")
    path = f"/me/children/{asked}/evidence"
    for kind, content, status, code in (
        ("application/pdf", b"not a pdf", 422, "file_not_as_said"),
        ("text/html", b"<html>", 415, "unsupported_media_type"),
    ):
        answer = await guardian.http.post(
            path, params={"name": "x"}, content=content, headers={"Content-Type": kind}
        )
        problem(answer, status, code)
    for expected in (201, 201, 201, 201, 201, 409):
        sent = await guardian.http.post(
            path, params={"name": "x.pdf"}, content=PDF, headers={"Content-Type": "application/pdf"}
        )
        assert sent.status_code == expected, sent.text
    shown = (await guardian.http.get("/me/children")).json()["requests"][0]
    assert (shown["state"], shown["masked_name"], shown["files"]) == ("requested", "*小明", 5)
    admin = await service.admin()
    refused = await admin.post(f"/admin/guardianships/{asked}/refusal", json={"reason": "证明看不清"})
    assert refused.status_code == 204
    shown = (await guardian.http.get("/me/children")).json()["requests"][0]
    assert (shown["state"], shown["masked_name"], shown["reason"]) == ("refused", None, "证明看不清")
    problem(await guardian.http.post(f"/me/children/{asked}/withdrawal"), 409, "guardianship_not_open")


async def test_a_reviewer_reads_the_proof_as_a_file_and_nobody_elses(service: Service) -> None:
    admin, request_id = await service.admin(), await ask(await a_guardian(service))
    detail = answered(await admin.get(f"/admin/guardianships/{request_id}"), 200, "evidence", "child_name")
    (file,) = detail["evidence"]
    assert (detail["child_name"], detail["child_id_number"][1:17]) == ("*小明", "*" * 16)
    proof = await admin.get(f"/admin/guardianships/{request_id}/evidence/{file['id']}")
    assert (proof.status_code, proof.content) == (200, PDF)
    assert proof.headers["content-disposition"].startswith("attachment")
    other = await ask(await a_guardian(service))
    problem(await admin.get(f"/admin/guardianships/{other}/evidence/{file['id']}"), 404, "not_found")


async def test_the_purposes_are_public_and_a_not_now_is_kept_to(service: Service) -> None:
    listed = answered(await service.client().get("/consents"), 200, "items")["items"]
    assert {each["purpose"] for each in listed} == {
        "credit_check",
        "member_sharing",
        "notices",
        "guardianship",
    }
    for each in listed:
        text = answered(await service.client().get(f"/consents/{each['purpose']}"), 200)
        assert set(text) == {"purpose", "version", "title", "text", "sha256"}
        assert text["sha256"] == each["sha256"] and each["if_refused"]
    citizen = await service.citizen(consent=False)

    async def standing(purpose: str) -> dict[str, object]:
        items = (await citizen.http.get("/me/consents")).json()["items"]
        found: dict[str, object] = next(each for each in items if each["purpose"] == purpose)
        return found

    assert (await standing("notices"))["may_ask"] is True
    assert (await citizen.http.post("/me/consents/notices/refusals", json={})).status_code == 204
    said = await standing("notices")
    assert said["may_ask"] is False and said["not_before"]
    problem(await citizen.http.post("/me/consents/nothing/refusals", json={}), 404, "not_found")
    problem(
        await citizen.http.post("/me/consents/member_sharing/refusals", json={}),
        422,
        "consent_recipient_invalid",
    )
    problem(await agree(citizen.http, "member_sharing"), 422, "consent_recipient_invalid")
    problem(
        await citizen.http.put("/me/consents/notices", json={"version": "x", "granted": False}),
        422,
        "validation_failed",
    )


async def test_a_name_is_shown_only_as_long_as_the_citizen_agrees(service: Service) -> None:
    citizen, clerk = await service.citizen("demo-excellent"), await service.clerk()
    offer = await make_offer(service, shows_holder=True, uses_total=3)
    member = problem(await claim(citizen.http, offer), 403, "sharing_consent_required")["member_id"]
    await agree(citizen.http, "member_sharing", recipient_member_id=member)
    coupon = await coupon_of(citizen.http, offer)
    assert (await clerk.preview(await code_of(citizen.http, coupon))).json()["holder_masked_name"] == "*大友"
    query = {"recipient_member_id": member}
    assert (await citizen.http.delete("/me/consents/member_sharing", params=query)).status_code == 204
    scanned = await clerk.redeem(await code_of(citizen.http, coupon))
    assert scanned.status_code == 201 and "holder_masked_name" not in scanned.json()
    # Lists and single redemptions never show anybody.
    listed = await clerk.http.get("/redemptions")
    assert "holder_masked_name" not in listed.text
    assert len((await citizen.http.get("/me/disclosures")).json()["items"]) == 1
