"""A clerk signs in, previews, redeems and undoes: every answer and refusal of the contract."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from sandbox.demo_data.rows import demo_id
from tests.api.kit import (
    NOBODY,
    answered,
    bearer,
    code_of,
    coupon_of,
    fingerprint,
    one_client_per_worker,
    problem,
    walk,
    with_key,
)
from tests.api.offers import (
    HUPAN_STORES,
    backdate_redemption,
    end_coupon,
    make_offer,
    make_staff,
    shanghai_today,
)
from tests.api.phone import parts, renewed, step_now
from tests.service import CitizenClient, Service, new_key

REDEMPTION = (
    *("id", "offer", "store_id", "order_amount_fen", "discount_fen", "payable_fen", "redeemed_at"),
    *("uses", "uses_left"),
)


async def fresh_code(service: Service, **offer: Any) -> tuple[CitizenClient, str, str]:
    """Somebody with a coupon of a new offer: he, the coupon's id and a code."""
    citizen = await service.citizen(consent=False)
    coupon = await coupon_of(citizen.http, await make_offer(service, **offer))
    return citizen, coupon, await code_of(citizen.http, coupon)


# Signing in ---------------------------------------------------------------------------------------


async def test_signing_in_answers_with_the_stores_the_own_one_first(service: Service) -> None:
    clerks = [await service.clerk(login) for login in ("demo-cashier", "demo-cashier-2", "demo-other")]
    for clerk in clerks:
        body = clerk.signed_in
        assert {"access_token", "refresh_token", "token_type", "expires_in", "staff"} <= set(body)
        assert body["token_type"] == "Bearer"
        assert {"id", "role", "member_id", "stores"} <= set(body["staff"])
        assert all(set(store) >= {"id", "name"} for store in body["staff"]["stores"])
    first, second, other = [clerk.signed_in["staff"] for clerk in clerks]
    assert first["member_id"] == second["member_id"] != other["member_id"]
    assert first["stores"][0]["id"] != second["stores"][0]["id"]
    citizen, coupon, _ = await fresh_code(service, uses_total=2)
    for clerk in clerks[:2]:
        answered(await clerk.redeem(await code_of(citizen.http, coupon)), 201, *REDEMPTION)
    refreshed = await service.client().post(
        "/auth/refresh", json={"refresh_token": clerks[0].signed_in["refresh_token"]}
    )
    assert answered(refreshed, 200, "access_token")["staff"]["id"] == first["id"]


@pytest.mark.parametrize("audience", ["staff", "admin"])
async def test_a_wrong_password_and_an_unknown_login_get_the_same_answer(
    service: Service, audience: str
) -> None:
    known = {"staff": "demo-other", "admin": "demo-admin-hz"}[audience]
    details = set()
    for login in (known, f"nobody-{uuid4().hex[:8]}"):
        answer = await service.client().post(
            f"/auth/{audience}", json={"login": login, "password": "wrong password"}
        )
        details.add(problem(answer, 401, "login_failed")["detail"])
    assert len(details) == 1
    # Only whoever has a one-time code is told of it.
    assert ("动态口令" in details.pop()) == (audience == "admin")
    right = await service.client().post(f"/auth/{audience}", json={"login": known, "password": known})
    assert right.status_code == 200


@pytest.mark.parametrize("is_known", [True, False])
async def test_five_wrong_passwords_lock_a_login_known_or_not(service: Service, is_known: bool) -> None:
    login = await make_staff(service) if is_known else f"nobody-{uuid4().hex[:8]}"
    client = service.client()

    async def attempt(password: str) -> httpx.Response:
        return await client.post("/auth/staff", json={"login": login, "password": password})

    tries = await asyncio.gather(*(attempt(f"wrong {n}") for n in range(9)))
    assert sorted(answer.status_code for answer in tries) == [401] * 5 + [429] * 4
    refusal = await attempt(login)
    problem(refusal, 429, "too_many_attempts")
    assert 0 < int(refusal.headers["retry-after"]) <= 900


async def test_the_right_password_forgives_the_wrong_ones_before(service: Service) -> None:
    login = await make_staff(service)
    for _ in range(2):
        for _ in range(4):
            answer = await service.client().post("/auth/staff", json={"login": login, "password": "wrong"})
            problem(answer, 401, "login_failed")
        await service.clerk(login)


# Redeeming ----------------------------------------------------------------------------------------


async def test_a_redemption_answers_with_the_money(service: Service) -> None:
    citizen, coupon, code = await fresh_code(service, title="八折")
    clerk = await service.clerk()
    body = answered(await clerk.redeem(code, order_amount_fen=9_999), 201, *REDEMPTION)
    assert body["offer"]["title"] == "八折" and body["store_id"] == clerk.store_id
    assert (body["order_amount_fen"], body["discount_fen"], body["payable_fen"]) == (9_999, 2_000, 7_999)
    assert (body["uses"], body["uses_left"]) == (1, 0)
    shown = (await citizen.http.get(f"/coupons/{coupon}")).json()
    assert (shown["status"], shown["uses_left"]) == ("redeemed", 0)
    line = answered(await clerk.http.get(f"/redemptions/{body['id']}"), 200, *REDEMPTION, "reversal")
    assert {name: line[name] for name in REDEMPTION} == body and line["reversal"] is None


async def test_a_preview_says_what_a_redemption_would_give_and_changes_nothing(service: Service) -> None:
    _, _, code = await fresh_code(service, uses_total=3)
    clerk = await service.clerk()
    before = await fingerprint(service)
    body = answered(
        await clerk.preview(code, order_amount_fen=9_999, uses=2),
        200,
        *("offer", "store_id", "order_amount_fen", "discount_fen", "payable_fen", "uses", "uses_left"),
    )
    assert await fingerprint(service) == before
    done = (await clerk.redeem(code, order_amount_fen=9_999, uses=2)).json()
    for name in ("offer", "discount_fen", "payable_fen", "uses", "uses_left"):
        assert body[name] == done[name]


@pytest.mark.parametrize(
    ("terms", "order", "expected"),
    [
        ({"percent_off": 20}, 0, (0, 0)),
        ({"percent_off": 20}, 1, (1, 0)),
        ({"percent_off": 33}, 1_000_000_000, (330_000_000, 670_000_000)),
        ({"percent_off": 50, "cap_fen": 1_000}, 10_000, (1_000, 9_000)),
        ({"discount_kind": "amount_off", "amount_off_fen": 500}, 300, (300, 0)),
        ({"discount_kind": "threshold_off", "threshold_fen": 200, "amount_off_fen": 50}, 200, (50, 150)),
        ({"discount_kind": "fixed_price", "fixed_price_fen": 990}, 5_000, (4_010, 990)),
        ({"discount_kind": "fixed_price", "fixed_price_fen": 990}, 500, (0, 500)),
        ({"discount_kind": "free"}, 800, (800, 0)),
        ({"discount_kind": "free"}, None, (0, None)),
        ({"discount_kind": "deposit_waived", "deposit_fen": 100}, None, (0, None)),
        ({"discount_kind": "priority_lane"}, 700, (0, 700)),
        ({"discount_kind": "pay_later", "pay_later_days": 7}, None, (0, None)),
        ({"discount_kind": "higher_limit", "higher_limit": 30}, None, (0, None)),
    ],
)
async def test_each_kind_of_benefit_is_worked_out_in_fen(
    service: Service, terms: dict[str, Any], order: int | None, expected: tuple[int, int | None]
) -> None:
    _, _, code = await fresh_code(service, **terms)
    clerk = await service.clerk()
    body: dict[str, Any] = {"code": code, "store_id": clerk.store_id}
    if order is not None:
        body["order_amount_fen"] = order
    answer = await clerk.http.post("/redemptions", json=body, headers=with_key())
    done = answered(answer, 201, *REDEMPTION)
    assert (done["discount_fen"], done["payable_fen"]) == expected and done["order_amount_fen"] == order


@pytest.mark.parametrize("kind", ["percent_off", "amount_off", "threshold_off", "fixed_price"])
async def test_a_benefit_of_an_amount_asks_for_it(service: Service, kind: str) -> None:
    figures = {"percent_off": 20, "amount_off_fen": 50, "threshold_fen": 200, "fixed_price_fen": 100}
    _, _, code = await fresh_code(service, discount_kind=kind, **figures)
    clerk = await service.clerk()
    refusal = problem(await clerk.redeem(code, order_amount_fen=None), 422, "amount_required")
    assert refusal["errors"][0]["pointer"] == "/order_amount_fen"


async def test_an_order_below_the_threshold_is_told_what_is_missing(service: Service) -> None:
    terms = {"discount_kind": "threshold_off", "threshold_fen": 20_000, "amount_off_fen": 4_000}
    _, _, code = await fresh_code(service, **terms)
    clerk = await service.clerk()
    for answer in (await clerk.preview(code), await clerk.redeem(code)):
        refusal = problem(answer, 422, "below_threshold")
        assert "100.00" in refusal["detail"] and refusal["errors"][0]["pointer"] == "/order_amount_fen"
    answered(await clerk.redeem(code, order_amount_fen=20_000), 201, *REDEMPTION)


async def test_the_second_scan_is_refused_with_the_time_of_the_first(service: Service) -> None:
    citizen, coupon, code = await fresh_code(service)
    key = str((await citizen.http.get(f"/coupons/{coupon}/code?renewal=client")).json()["renewal_key"])
    clerk, other = await service.clerk(), await service.clerk("demo-cashier-2")
    done = (await clerk.redeem(code)).json()
    fresh = renewed(key, code, step_now() + 1)
    for text in (code, fresh):
        for answer in (await other.redeem(text), await clerk.redeem(text), await clerk.preview(text)):
            assert problem(answer, 409, "already_redeemed")["redeemed_at"] == done["redeemed_at"]


async def test_a_used_code_of_a_pass_is_refused(service: Service) -> None:
    citizen, coupon, code = await fresh_code(service, uses_total=3)
    clerk = await service.clerk()
    answered(await clerk.redeem(code), 201, *REDEMPTION)
    problem(await clerk.redeem(code), 409, "code_used")
    problem(await clerk.preview(code), 409, "code_used")
    assert answered(await clerk.redeem(await code_of(citizen.http, coupon)), 201)["uses_left"] == 1


async def test_a_pass_gives_no_more_than_its_uses(service: Service) -> None:
    citizen, coupon, code = await fresh_code(service, uses_total=5)
    clerk = await service.clerk()
    assert problem(await clerk.redeem(code, uses=6), 409, "not_enough_uses")["uses_left"] == 5
    assert answered(await clerk.redeem(code, uses=4), 201)["uses_left"] == 1
    code = await code_of(citizen.http, coupon)
    assert problem(await clerk.redeem(code, uses=2), 409, "not_enough_uses")["uses_left"] == 1


async def test_a_pass_without_end_gives_no_more_than_one_day_allows(service: Service) -> None:
    citizen, coupon, code = await fresh_code(service, uses_total=None, daily_use_cap=2)
    clerk = await service.clerk()
    problem(await clerk.redeem(code, uses=3), 409, "daily_use_reached")
    assert answered(await clerk.redeem(code, uses=2), 201)["uses_left"] is None
    problem(await clerk.redeem(await code_of(citizen.http, coupon)), 409, "daily_use_reached")


async def test_a_coupon_that_ended_or_was_revoked_or_given_back_is_refused(service: Service) -> None:
    clerk = await service.clerk()
    _, ended, code = await fresh_code(service)
    await end_coupon(service, ended)
    problem(await clerk.redeem(code), 410, "coupon_expired")
    _, revoked, code = await fresh_code(service)
    await service.revoke_coupon(revoked)
    problem(await clerk.redeem(code), 410, "coupon_revoked")
    citizen, given_back, code = await fresh_code(service)
    await citizen.http.delete(f"/coupons/{given_back}")
    problem(await clerk.redeem(code), 410, "coupon_revoked")


@pytest.mark.parametrize(
    "terms",
    [
        {"blackout_dates": [shanghai_today() + timedelta(days=n) for n in (-1, 0, 1)]},
        {"weekday_mask": 127 - sum(1 << (shanghai_today().weekday() + n) % 7 for n in (-1, 0, 1))},
    ],
)
async def test_outside_of_its_hours_an_offer_does_not_hold(service: Service, terms: dict[str, Any]) -> None:
    _, _, code = await fresh_code(service, **terms)
    clerk = await service.clerk()
    for answer in (await clerk.preview(code), await clerk.redeem(code)):
        (entry,) = problem(answer, 422, "outside_hours")["errors"]
        assert (entry["pointer"], entry["code"]) == ("", "outside_hours") and entry["detail"]
    clerk.http.headers["Accept-Language"] = "en"
    said = problem(await clerk.preview(code), 422, "outside_hours")["detail"]
    assert said.replace("–", "-").isascii(), "the hours are in English too"


async def test_a_coupon_that_is_not_valid_yet_is_refused(service: Service) -> None:
    _, _, code = await fresh_code(service, wait_days=2)
    clerk = await service.clerk()
    assert problem(await clerk.redeem(code), 409, "coupon_not_yet_valid")["valid_from"]


async def test_a_store_that_is_not_mine_or_not_the_offers_is_refused(service: Service) -> None:
    clerk, second, other = [
        await service.clerk(login) for login in ("demo-cashier", "demo-cashier-2", "demo-other")
    ]
    _, _, code = await fresh_code(service)
    for store in (second.store_id, other.store_id, NOBODY):
        problem(await clerk.redeem(code, store_id=store), 403, "store_not_allowed")
        problem(await clerk.preview(code, store_id=store), 403, "store_not_allowed")
    problem(await other.redeem(code), 403, "store_not_allowed")
    _, _, code = await fresh_code(service, stores=HUPAN_STORES[1:])
    problem(await clerk.redeem(code), 403, "store_not_allowed")
    answered(await second.redeem(code), 201, *REDEMPTION)


async def test_only_whoever_has_several_stores_is_asked_which_one_he_chose(service: Service) -> None:
    _, _, code = await fresh_code(service, stores=HUPAN_STORES[1:])
    for stores, is_asked in ((HUPAN_STORES[:1], False), (HUPAN_STORES, True)):
        clerk = await service.clerk(await make_staff(service, stores=stores))
        for answer in (await clerk.preview(code), await clerk.redeem(code)):
            said = problem(answer, 403, "store_not_allowed")["detail"]
            assert ("选的门店" in said) == is_asked and "哪些店能用" in said


async def test_a_closed_store_redeems_nothing(service: Service) -> None:
    login = await make_staff(service, member="hz-books", stores=("hz-books-hefang",))
    clerk = await service.clerk(login)
    _, _, code = await fresh_code(service, member="hz-books", stores=("hz-books-hefang", "hz-books-wensan"))
    store = demo_id("store", "hz-books-hefang")
    await service.fetch("UPDATE stores SET is_active = false WHERE id = $1", store)
    problem(await clerk.redeem(code), 403, "store_not_allowed")
    await service.fetch("UPDATE stores SET is_active = true WHERE id = $1", store)
    answered(await clerk.redeem(code), 201, *REDEMPTION)


async def test_a_clerk_can_not_redeem_his_own_coupon_and_his_colleague_can(service: Service) -> None:
    own = await service.citizen("demo-cashier-self", consent=False)
    coupon = await coupon_of(own.http, await make_offer(service))
    clerk, colleague = await service.clerk(), await service.clerk("demo-cashier-2")
    code = await own.code(coupon)
    for answer in (await clerk.preview(code), await clerk.redeem(code)):
        problem(answer, 403, "own_coupon")
    answered(await colleague.redeem(code), 201, *REDEMPTION)


async def test_a_clerk_confirms_who_he_is_and_is_held_to_it(service: Service) -> None:
    clerk = await service.clerk(await make_staff(service))
    citizen, coupon, code = await fresh_code(service)
    made = answered(await clerk.http.post("/staff/self-binding"), 200, "binding_code", "good_for_s")
    binding = {"binding_code": made["binding_code"]}
    answer = await citizen.http.post("/me/staff-binding", json=binding)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await citizen.http.post("/me/staff-binding", json=binding)).status_code == 204
    problem(await clerk.redeem(code), 403, "own_coupon")
    stranger = await service.citizen(consent=False)
    problem(await stranger.http.post("/me/staff-binding", json=binding), 409, "already_bound")
    for text in ("x", made["binding_code"][:-2] + "AA", bearer(clerk.http)[:150], code):
        answer = await stranger.http.post("/me/staff-binding", json={"binding_code": text})
        problem(answer, 400, "binding_code_invalid")


async def test_a_clerk_whose_rights_are_gone_redeems_nothing(service: Service) -> None:
    login = await make_staff(service)
    clerk = await service.clerk(login)
    _, _, code = await fresh_code(service)
    # Only the account: his session is still good.
    await service.fetch("UPDATE staff SET status = 'revoked', revoked_at = now() WHERE login = $1", login)
    for answer in (await clerk.preview(code), await clerk.redeem(code)):
        problem(answer, 401, "unauthenticated")
    problem(
        await service.client().post("/auth/staff", json={"login": login, "password": login}),
        401,
        "login_failed",
    )


async def test_a_refused_scan_is_kept_with_its_reason_and_a_forged_one_only_counted(service: Service) -> None:
    clerk = await service.clerk(await make_staff(service))
    _, _, code = await fresh_code(service)
    problem(await clerk.redeem(code, store_id=NOBODY), 403, "store_not_allowed")
    problem(await clerk.preview(code, store_id=NOBODY), 403, "store_not_allowed")
    # The page's first look, before the clerk has keyed an amount, is a question.
    problem(await clerk.preview(code, order_amount_fen=None), 422, "amount_required")
    problem(await clerk.redeem(code, order_amount_fen=None), 422, "amount_required")
    problem(await clerk.redeem("nonsense"), 400, "code_malformed")
    kept = await service.fetch(
        "SELECT code, is_preview FROM attempts WHERE staff_id = $1 ORDER BY id",
        UUID(clerk.signed_in["staff"]["id"]),
    )
    assert [tuple(row) for row in kept] == [
        ("store_not_allowed", False),
        ("store_not_allowed", True),
        ("amount_required", False),
    ]


# The order of judging and the key -----------------------------------------------------------------


async def test_a_retry_gets_its_stored_answer_however_late(service: Service) -> None:
    citizen, coupon, code = await fresh_code(service)
    body = (await citizen.http.get(f"/coupons/{coupon}/code?renewal=client")).json()
    clerk, key = await service.clerk(await make_staff(service)), new_key()
    step = step_now() - 1
    code = renewed(str(body["renewal_key"]), code, step)
    first = await clerk.redeem(code, key)
    if first.status_code == 410:  # the step has changed on the way
        step = step_now() - 1
        code = renewed(str(body["renewal_key"]), code, step)
        first = await clerk.redeem(code, key)
    answered(first, 201, *REDEMPTION)
    await asyncio.sleep(15 * (step + 2) - time.time() + 0.1)
    problem(await clerk.redeem(code), 410, "code_expired")
    await end_coupon(service, coupon)
    await service.fetch("UPDATE coupons SET key_generation = 9 WHERE id = $1", UUID(coupon))
    await service.fetch("DELETE FROM staff_stores WHERE staff_id = $1", UUID(clerk.signed_in["staff"]["id"]))
    for _ in range(2):
        again = await clerk.redeem(code, key)
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["idempotency-replayed"] == "true"
    problem(await clerk.redeem(code, key, order_amount_fen=1), 422, "idempotency_key_reused")
    problem(await clerk.redeem(code, key, uses=2), 422, "idempotency_key_reused")
    problem(await clerk.redeem("x" + code, key), 400, "code_malformed")


async def test_one_key_at_once_is_one_redemption(service: Service) -> None:
    _, coupon, code = await fresh_code(service, uses_total=50)
    clerk, key = await service.clerk(), new_key()
    answers = await asyncio.gather(*(clerk.redeem(code, key) for _ in range(30)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 29
    rows = await service.fetch("SELECT count(*) FROM redemptions WHERE coupon_id = $1", UUID(coupon))
    assert rows[0]["count"] == 1


async def test_a_key_belongs_to_its_clerk_and_to_its_route(service: Service) -> None:
    key = new_key()
    for login in ("demo-cashier", "demo-cashier-2"):
        clerk = await service.clerk(login)
        _, _, code = await fresh_code(service)
        done = await clerk.redeem(code, key)
        assert "idempotency-replayed" not in done.headers
        undone = await clerk.reverse(answered(done, 201, *REDEMPTION)["id"], key)
        assert "idempotency-replayed" not in undone.headers and undone.status_code == 201


async def test_a_refused_scan_is_judged_anew_with_the_same_key(service: Service) -> None:
    _, _, code = await fresh_code(service)
    clerk, key = await service.clerk(), new_key()
    problem(await clerk.redeem(code, key, order_amount_fen=None), 422, "amount_required")
    answered(await clerk.redeem(code, key), 201, *REDEMPTION)


async def test_a_scan_is_judged_in_the_order_of_the_contract(service: Service) -> None:
    other = await service.clerk("demo-other")
    citizen, coupon, code = await fresh_code(service, wait_days=2)
    key = str((await citizen.http.get(f"/coupons/{coupon}/code?renewal=client")).json()["renewal_key"])
    stale = renewed(key, code, parts(code)[3] - 50)
    problem(await other.redeem(stale[:-1] + ("A" if stale[-1] != "A" else "B")), 400, "code_forged")
    problem(await other.redeem(stale), 410, "code_expired")
    problem(await other.redeem(code, order_amount_fen=None), 403, "store_not_allowed")
    clerk = await service.clerk()
    problem(await clerk.redeem(code, order_amount_fen=None), 409, "coupon_not_yet_valid")


# Undoing and reading ------------------------------------------------------------------------------


async def test_undoing_gives_the_coupon_back_with_a_fresh_code(service: Service) -> None:
    citizen, coupon, code = await fresh_code(service)
    clerk, key = await service.clerk(), new_key()
    done = (await clerk.redeem(code)).json()
    first = await clerk.reverse(done["id"], key)
    body = answered(first, 201, "id", "redemption_id", "reversed_at")
    assert body["redemption_id"] == done["id"]
    again = await clerk.reverse(done["id"], key)
    assert (again.status_code, again.json()) == (201, body)
    assert again.headers["idempotency-replayed"] == "true"
    problem(await clerk.reverse(done["id"]), 409, "already_reversed")
    other_reason = await clerk.http.post(
        f"/redemptions/{done['id']}/reversals", json={"reason": "别的"}, headers=with_key(key)
    )
    problem(other_reason, 422, "idempotency_key_reused")
    line = answered(await clerk.http.get(f"/redemptions/{done['id']}"), 200, *REDEMPTION, "reversal")
    assert line["reversal"]["id"] == body["id"]
    problem(await clerk.redeem(code), 409, "code_used")
    assert (await citizen.http.get(f"/coupons/{coupon}")).json()["status"] == "claimed"
    answered(await clerk.redeem(await code_of(citizen.http, coupon)), 201, *REDEMPTION)


async def test_undoing_one_redemption_many_times_at_once_undoes_it_once(service: Service) -> None:
    citizen, coupon, code = await fresh_code(service, uses_total=5)
    clerk, other = await service.clerk(), await service.clerk("demo-manager")
    done = (await clerk.redeem(code, uses=2)).json()
    answers = await asyncio.gather(*((clerk, other)[n % 2].reverse(done["id"]) for n in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    assert (await citizen.http.get(f"/coupons/{coupon}")).json()["uses_left"] == 5


async def test_a_cashier_has_fifteen_minutes_and_a_manager_the_month(service: Service) -> None:
    _, _, code = await fresh_code(service)
    clerk, manager = await service.clerk(), await service.clerk("demo-manager")
    done = (await clerk.redeem(code)).json()
    old = await backdate_redemption(service, done["id"], timedelta(minutes=15, seconds=1))
    ancient = await backdate_redemption(service, old, timedelta(days=32))
    refusal = problem(await clerk.reverse(old), 409, "reversal_window_closed")
    assert datetime.fromisoformat(refusal["until"]) <= datetime.now(UTC)
    problem(await manager.reverse(ancient), 409, "reversal_window_closed")


async def test_another_member_can_neither_see_nor_undo_a_redemption(service: Service) -> None:
    _, _, code = await fresh_code(service)
    clerk, colleague, other = [
        await service.clerk(login) for login in ("demo-cashier", "demo-cashier-2", "demo-other")
    ]
    done = (await clerk.redeem(code)).json()["id"]
    for stranger in (other, colleague):
        problem(await stranger.http.get(f"/redemptions/{done}"), 404, "not_found")
        problem(await stranger.reverse(done), 404, "not_found")
        assert done not in {item["id"] for item in await walk(stranger.http, "/redemptions", 100)}
    for gone in (NOBODY, "1"):
        problem(await clerk.http.get(f"/redemptions/{gone}"), 404, "not_found")
        problem(await clerk.reverse(gone), 404, "not_found")
    manager = await service.clerk("demo-manager")
    answered(await manager.http.get(f"/redemptions/{done}"), 200, *REDEMPTION)


async def test_the_list_is_narrowed_by_store_and_time_and_gives_each_once(service: Service) -> None:
    first = await service.clerk(await make_staff(service, member="hz-books", stores=("hz-books-hefang",)))
    second = await service.clerk(await make_staff(service, member="hz-books", stores=("hz-books-wensan",)))
    owner = await service.clerk(await make_staff(service, "owner", "hz-books", ("hz-books-hefang",)))
    stores = ("hz-books-hefang", "hz-books-wensan")
    made: list[dict[str, Any]] = []
    for clerk in (first, first, first, second, second):
        _, _, code = await fresh_code(service, member="hz-books", stores=stores)
        made.append(answered(await clerk.redeem(code), 201, *REDEMPTION))
    ids = [item["id"] for item in made]

    async def listed(clerk: Any, **query: Any) -> list[str]:
        items = await walk(clerk.http, "/redemptions", 2, **query)
        assert all({*REDEMPTION, "reversal"} <= set(item) for item in items)
        return [item["id"] for item in items if item["id"] in ids]

    assert await listed(owner) == ids[::-1]
    assert await listed(first) == ids[2::-1] and await listed(second) == ids[:2:-1]
    assert await listed(owner, store_id=second.store_id) == ids[:2:-1]
    assert await listed(first, store_id=second.store_id) == []
    times = [item["redeemed_at"] for item in made]
    assert await listed(owner, **{"from": times[1], "to": times[4]}) == ids[3:0:-1]
    assert await listed(owner, **{"from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"}) == []
    for query in (
        "store_id=x",
        "from=yesterday",
        "to=2026-01-01",
        "from=2026-01-01T00:00:00",
        "from=0001-01-01T00:00:00Z",
    ):
        problem(await owner.http.get(f"/redemptions?{query}"), 422, "validation_failed")


async def test_a_revoked_clerk_is_out_everywhere_within_a_second(service: Service) -> None:
    login = await make_staff(service)
    clerk, admin = await service.clerk(login), await service.admin()
    headers = {"Authorization": clerk.http.headers["Authorization"]}
    async with one_client_per_worker(service) as workers:
        for worker in workers.values():
            assert (await worker.get("/redemptions", headers=headers)).status_code == 200
        revoked = await admin.post(f"/admin/staff/{clerk.signed_in['staff']['id']}/revocation")
        assert revoked.status_code == 204
        await asyncio.sleep(1.0)
        for worker in workers.values():
            problem(await worker.get("/redemptions", headers=headers), 401, "unauthenticated")
    refresh = {"refresh_token": clerk.signed_in["refresh_token"]}
    problem(await service.client().post("/auth/refresh", json=refresh), 401, "refresh_token_invalid")
