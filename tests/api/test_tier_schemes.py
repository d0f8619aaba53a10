"""Tier schemes over the interface: counted before they are agreed to, told before they count, read by everybody."""

from collections.abc import Callable

import pytest

from tests.api.kit import answered, claim, problem, walk
from tests.api.offers import make_offer
from tests.api.test_member_offers import a_body
from tests.api.tier_desk import BANDS, a_draft, a_mapping, agreed, announced, carried_out
from tests.service import Service


async def test_a_draft_is_counted_and_the_second_head_sees_it(service: Service) -> None:
    admin, head, draft = await service.admin(), await service.admin("demo-head"), a_draft()
    path = "/admin/tier-schemes/what-if"
    asked = answered(await admin.post(path, json=draft), 202, "id")
    assert (await admin.post(path, json=draft)).json() == asked, "the same draft is the same run"
    problem(await admin.post(path, json={**draft, "grace_points": 6}), 409, "what_if_running")
    run = f"/admin/tier-schemes/what-ifs/{asked['id']}"
    shown = answered(await admin.get(run), 200, "state", "parts_done", "result")
    assert (shown["state"], shown["result"]) == ("waiting", None)
    request = await admin.post("/admin/tier-schemes", json={**draft, "reason": "调整"})
    decision = f"/admin/approvals/{request.json()['approval_id']}/approval"
    problem(await head.post(decision, json={"reason": "同意"}), 409, "what_if_missing")
    await carried_out(service, with_scores=False)
    shown = answered(await admin.get(run), 200, "done_at")
    assert (shown["state"], shown["result"]["basis"], shown["result"]["people"]) == ("done", "snapshots", 0)
    [waiting] = [
        item
        for item in await walk(head, "/admin/approvals", 20)
        if item["id"] == request.json()["approval_id"]
    ]
    assert waiting["what_if"] == shown and waiting["details"]["what_if_id"] == asked["id"]
    assert (await head.post(decision, json={"reason": "同意"})).status_code == 204
    public = [
        item for item in await walk(service.client(), "/tier-schemes", 2) if item["code"] == draft["code"]
    ]
    assert [(item["version"], item["is_in_force"]) for item in public] == [(1, False)]
    assert public[0]["bands"][1]["words"] == "500 分（含）到 900 分（不含）：较高"


async def test_what_a_draft_does_to_a_scheme_of_scores(service: Service) -> None:
    admin = await service.admin()
    bands = [
        *({"code": c, "name": n, "level": lv, "low": low, "high": high} for c, n, lv, low, high in (
            ("bad", "差", 1, 0, 550), ("poor", "较差", 2, 550, 650), ("fair", "中等", 3, 650, 800),
            ("good", "良好", 4, 800, 850), ("excellent", "优秀", 5, 850, 1001))),
    ]  # fmt: skip
    asked = await admin.post("/admin/tier-schemes/what-if", json=a_draft(code="zj-demo", bands=bands))
    await carried_out(service)
    shown = (await admin.get(f"/admin/tier-schemes/what-ifs/{asked.json()['id']}")).json()["result"]
    assert shown["basis"] == "scores" and shown["fall"] > 100 and shown["saved_by_grace"] > 100
    # Each is rounded down by itself: a sum that was exact would tell the last digit of its parts.
    told = (shown["people"], shown["fall"], shown["stay"])
    assert shown["rise"] == 0 and not any(count % 10 for count in told)
    assert 0 <= told[0] - told[1] - told[2] < 20
    [good] = [each for each in shown["by_min_tier_level"] if each["min_tier_level"] == 4]
    assert (good["lose"], good["gain"]) == (shown["fall"], 0)


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"refresh_days": 31}, "refresh_beyond_validity", "/refresh_days"),
        ({"bands": BANDS[:1]}, "validation_failed", "/bands"),
        ({"bands": [BANDS[0], BANDS[2]]}, "bands_not_in_order", "/bands"),
        ({"refresh_days": 0}, "validation_failed", "/refresh_days"),
        ({"reason": "x"}, "validation_failed", "/reason"),
    ],
)
async def test_a_wrong_draft_is_not_counted(
    service: Service, change: dict[str, object], code: str, pointer: str
) -> None:
    admin = await service.admin()
    refused = problem(await admin.post("/admin/tier-schemes/what-if", json=a_draft(**change)), 422, code)
    assert refused["errors"][0]["pointer"] == pointer


async def test_a_version_of_which_an_offer_admits_one_band_is_not_announced(service: Service) -> None:
    """Rule 2: the demo offers ask for tier 4, which one band alone would reach."""
    admin, head = await service.admin(), await service.admin("demo-head")
    draft = a_draft(bands=[BANDS[0], {**BANDS[1], "high": 1001}])
    asked = await admin.post("/admin/tier-schemes", json={**draft, "reason": "调整"})
    await carried_out(service)
    decision = f"/admin/approvals/{asked.json()['approval_id']}"
    problem(await head.post(f"{decision}/approval", json={"reason": "同意"}), 409, "offers_admit_one_band")
    [waiting] = [
        item for item in await walk(head, "/admin/approvals", 50) if item["id"] == asked.json()["approval_id"]
    ]
    offers = waiting["what_if"]["result"]["offers_of_one_band"]
    assert offers and all(offer["min_tier_level"] >= 3 and offer["title"] for offer in offers)


async def test_another_places_scheme_is_recognised_by_two_heads(service: Service) -> None:
    admin, head, body = await service.admin(), await service.admin("demo-head"), a_mapping()
    city = await service.admin("demo-admin-hz")
    problem(await city.post("/admin/tier-mappings", json=body), 403, "province_alone")
    wrong = [{**body["tiers"][0], "high": 699}, body["tiers"][1]]
    problem(
        await admin.post("/admin/tier-mappings", json={**body, "tiers": wrong}), 422, "tiers_not_in_order"
    )
    asked = await admin.post("/admin/tier-mappings", json=body)
    problem(await admin.post("/admin/tier-mappings", json=body), 409, "already_asked")
    await agreed(head, asked)
    problem(await admin.post("/admin/tier-mappings", json=body), 409, "mapping_overlaps")
    ours = {**body, "scheme_code": "zj-demo"}
    problem(await admin.post("/admin/tier-mappings", json=ours), 409, "scheme_is_ours")
    backwards = {**body, "effective_until": "2025-01-01"}
    problem(await admin.post("/admin/tier-mappings", json=backwards), 422, "mapping_days_invalid")
    client = service.client()
    [public] = [
        item
        for item in await walk(client, "/tier-recognitions", 1)
        if item["scheme_code"] == body["scheme_code"]
    ]
    assert (public["place"], public["tiers"][1]["level"], public["tiers"][1]["low"]) == ("上海", 4, 700)
    [mapping] = [
        item
        for item in await walk(admin, "/admin/tier-mappings", 2)
        if item["scheme_code"] == body["scheme_code"]
    ]
    end = f"/admin/tier-mappings/{mapping['id']}/end"
    past = {"effective_until": "2026-01-02", "reason": "终止"}
    problem(await admin.post(end, json=past), 409, "mapping_end_past")
    await agreed(head, await admin.post(end, json={"effective_until": "2098-01-01", "reason": "终止"}))
    [public] = [
        item
        for item in await walk(client, "/tier-recognitions", 50)
        if item["scheme_code"] == body["scheme_code"]
    ]
    assert public["effective_until"] == "2098-01-01"


async def test_no_title_spells_a_recognised_tier(service: Service) -> None:
    tiers = [{"code": "peony", "name": "牡丹卡", "level": 4}, {"code": "lotus", "name": "荷花卡", "level": 3}]
    await agreed(
        await service.admin("demo-head"),
        await (await service.admin()).post("/admin/tier-mappings", json=a_mapping(tiers=tiers)),
    )
    owner = (await service.clerk("demo-owner")).http
    body = a_body(title="牡丹卡专享", min_tier_level=3)
    problem(await owner.post("/member/offers", json=body), 422, "title_spells_tier")


async def test_a_citizen_is_told_of_a_change_and_sees_what_his_tier_is_worth_when_the_source_is_down(
    make_service: Callable[..., Service],
) -> None:
    service = make_service(workers=1)
    citizen = await service.citizen("demo-good")
    offer = await make_offer(service, min_tier_level=4)
    first = answered(await citizen.http.get("/me/credit"), 200, "tier", "taken_at", "valid_until")
    assert first["is_fresh"] and "upcoming" not in first and "recognised" not in first
    bands = [dict(row) for row in await service.fetch(
        "SELECT b.code, b.name, b.level, b.low, b.high FROM tier_bands b JOIN tier_schemes s ON s.id = b.scheme_id"
        " WHERE s.code = 'zj-demo' ORDER BY low"
    )]  # fmt: skip
    await announced(service, code="zj-demo", bands=bands)
    await carried_out(service)
    seen = answered(await citizen.http.get("/me/credit", headers={"Accept-Language": "en"}), 200, "upcoming")
    assert (
        seen["upcoming"]["effective_from"].startswith("2099-01-01")
        and "2099-01-01" in seen["upcoming"]["note"]
    )
    notices = await walk(citizen.http, "/me/notices", 10)
    assert [notice["kind"] for notice in notices] == ["tier_scheme_changes"]
    # Due, and the source speaks of a scheme that is not in force: the last valid tier counts, marked.
    await service.fetch(
        "UPDATE tier_snapshots SET taken_at = taken_at - interval '9 days', refresh_at = now() - interval '1 day'"
    )
    await service.fetch("UPDATE tier_schemes SET code = 'gone' WHERE code = 'zj-demo' AND version = 1")
    due = answered(await citizen.http.get("/me/credit"), 200, "tier")
    assert (due["is_fresh"], due["tier"], due["data_date"]) == (False, first["tier"], first["data_date"])
    assert due["taken_at"] < first["taken_at"]
    answered(await claim(citizen.http, offer), 201, "id")
    outcomes = [line["outcome"] for line in await walk(citizen.http, "/me/credit/lookups", 10)]
    assert outcomes == ["unavailable", "rated"], "what failed is not tried again for some minutes"
    # Over: nothing is guessed.
    await service.fetch(
        "UPDATE tier_snapshots SET refresh_at = NULL, valid_until = now() - interval '1 second'"
    )
    problem(await citizen.http.get("/me/credit"), 503, "credit_source_unavailable")
    other = await make_offer(service, min_tier_level=4)
    problem(await claim(citizen.http, other), 503, "credit_source_unavailable")


async def test_a_claim_takes_a_due_tier_anew(service: Service) -> None:
    citizen, offer = await service.citizen(), await make_offer(service, min_tier_level=4)
    await citizen.http.get("/me/credit")
    await service.fetch(
        "UPDATE tier_snapshots SET level = 1, tier_code = 'bad', taken_at = taken_at - interval '9 days',"
        " refresh_at = now() - interval '1 day' WHERE citizen_id = $1::uuid",
        citizen.id,
    )
    answered(await claim(citizen.http, offer), 201, "id")
    rows = await service.fetch(
        "SELECT level FROM tier_snapshots WHERE citizen_id = $1::uuid ORDER BY taken_at", citizen.id
    )
    assert [row["level"] for row in rows] == [1, 5]
    reasons = [line["reason"] for line in await walk(citizen.http, "/me/credit/lookups", 10)]
    assert reasons == ["claim", "my_credit"]


async def test_looking_for_what_one_may_claim_takes_a_due_tier_anew(service: Service) -> None:
    citizen = await service.citizen()
    await citizen.http.get("/me/credit")
    due = "UPDATE tier_snapshots SET taken_at = taken_at - interval '9 days', refresh_at = now() - interval '1 day'"
    await service.fetch(f"{due} WHERE citizen_id = $1::uuid", citizen.id)
    assert (await citizen.http.get("/offers?eligible=true")).status_code == 200
    lines = await walk(citizen.http, "/me/credit/lookups", 10)
    assert [line["reason"] for line in lines] == ["eligible_offers", "my_credit"]


async def test_a_recognised_tier_is_shown_with_both_names(service: Service) -> None:
    citizen, body = await service.citizen(), a_mapping()
    await citizen.http.get("/me/credit")
    asked = await (await service.admin()).post("/admin/tier-mappings", json=body)
    await agreed(await service.admin("demo-head"), asked)
    await service.fetch(
        "UPDATE tier_snapshots SET scheme_id = NULL, tier_code = 'a', level = 4, mapping_id = m.id"
        " FROM tier_mappings m WHERE m.scheme_code = $2 AND citizen_id = $1::uuid",
        *(citizen.id, body["scheme_code"]),
    )
    seen = answered(await citizen.http.get("/me/credit"), 200, "recognised", "explanation")
    assert (seen["status"], seen["tier"], seen["tier_name"], seen["scheme"]) == (
        "rated",
        "a",
        "优等",
        "随申分",
    )
    assert seen["recognised"] == {
        **{"place": "上海", "agreement": "长三角互认目录", "version": 1, "effective_from": "2026-01-01"},
        **{"level": 4, "level_name": "良好"},
    }
    assert seen["explanation"].startswith("上海随申分“优等”互认为“良好”")


async def test_who_has_no_record_here_has_another_places_recognised(service: Service) -> None:
    body = a_mapping()
    asked = await (await service.admin()).post("/admin/tier-mappings", json=body)
    await agreed(await service.admin("demo-head"), asked)
    code = {"scheme_code": body["scheme_code"]}
    citizen, rated = await service.citizen("demo-unrated"), await service.citizen()
    problem(await rated.http.post("/me/credit/recognition", json=code), 409, "rated_here")
    nobody = {"scheme_code": "nobody-s"}
    problem(await citizen.http.post("/me/credit/recognition", json=nobody), 409, "scheme_not_recognised")
    problem(
        await citizen.http.post("/me/credit/recognition", json={"scheme_code": "?"}), 422, "validation_failed"
    )
    seen = answered(await citizen.http.post("/me/credit/recognition", json=code), 200, "recognised")
    assert (seen["tier"], seen["recognised"]["level_name"]) == ("a", "良好")
    assert (await citizen.http.get("/me/credit")).json() == seen
    offer = await make_offer(service, min_tier_level=4)
    answered(await claim(citizen.http, offer), 201, "id")
    await service.fetch(
        "DELETE FROM tier_snapshots WHERE citizen_id = $1::uuid", citizen.id
    )  # others use him too
