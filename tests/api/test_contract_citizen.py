"""A citizen signs in, agrees, and sees his own tier: every answer and refusal of the contract."""

import asyncio
import hashlib
import time
from collections.abc import Callable
from uuid import UUID

import pytest

from tests.api.kit import (
    NOBODY,
    answered,
    bearer,
    claim,
    one_client_per_worker,
    problem,
    revocations_are_known,
)
from tests.api.offers import GOOD, make_offer
from tests.service import Service

TOKENS = ("access_token", "refresh_token", "token_type", "expires_in", "citizen")


async def test_signing_in_answers_with_tokens_and_the_citizen(service: Service) -> None:
    answer = await service.client().post("/auth/citizen", json={"channel": "sandbox", "code": "load-41"})
    body = answered(answer, 200, *TOKENS)
    assert body["token_type"] == "Bearer" and body["expires_in"] > 0 and body["citizen"]["id"]
    assert answer.headers["cache-control"] == "no-store"
    me = answered(
        await service.client(Authorization=f"bearer {body['access_token']}").get("/me"),
        200,
        *("id", "masked_name", "channels", "consents"),
    )
    assert me["id"] == body["citizen"]["id"] and me["channels"] == ["sandbox"]


@pytest.mark.parametrize(
    ("code", "masked"),
    [
        ("demo-excellent", "*大友"),
        ("demo-good", "*小芳"),
        ("demo-fair", "*国强"),
        ("demo-poor", "*建平"),
        ("demo-unrated", "*念真"),
        ("demo-cashier-self", "*文秀"),
    ],
)
async def test_every_demo_person_signs_in_and_is_named_masked(
    service: Service, code: str, masked: str
) -> None:
    citizen = await service.citizen(code, consent=False)
    assert (await citizen.http.get("/me")).json()["masked_name"] == masked


@pytest.mark.parametrize("number", ["0", "1", "199999999", "200000000", "1732345678", "1732345678901"])
async def test_every_whole_number_is_a_load_person(service: Service, number: str) -> None:
    body = {"channel": "sandbox", "code": f"load-{number}"}
    answered(await service.client().post("/auth/citizen", json=body), 200, *TOKENS)


async def test_two_identities_of_one_person_are_one_citizen_and_two_people_are_two(service: Service) -> None:
    first, again, other, someone = [
        (await service.citizen(code, consent=False)).id
        for code in ("load-4101", "load-4101", "load-4101@b", "load-4102")
    ]
    assert first == again == other != someone
    assert UUID(first).version == 4, "the id tells nothing, not even since when"


@pytest.mark.parametrize("code", ["demo-nobody", "load-", "load-x", "load--1", "load-1@c", "load-1.5", " "])
async def test_an_unknown_login_code_is_refused(service: Service, code: str) -> None:
    answer = await service.client().post("/auth/citizen", json={"channel": "sandbox", "code": code})
    problem(answer, 401, "login_code_invalid")


@pytest.mark.parametrize("channel", ["wechat", "alipay", "zheliban"])
async def test_a_channel_that_is_not_there_is_unavailable(service: Service, channel: str) -> None:
    answer = await service.client().post("/auth/citizen", json={"channel": channel, "code": "any-code"})
    problem(answer, 503, "channel_unavailable")


async def test_everybody_is_told_which_channels_there_are(service: Service) -> None:
    answer = await service.client().get("/auth/channels")
    assert answered(answer, 200, "items") == {"items": [{"channel": "sandbox"}]}
    assert answer.headers["cache-control"] == "public, max-age=300"


async def test_refreshing_gives_the_next_pair_and_a_lost_answer_again(service: Service) -> None:
    citizen = await service.citizen(consent=False)
    client = service.client()
    first = citizen.signed_in["refresh_token"]
    second = answered(await client.post("/auth/refresh", json={"refresh_token": first}), 200, *TOKENS)
    assert second["citizen"]["id"] == citizen.id and second["refresh_token"] != first
    assert second["token_type"] == "Bearer"
    again = answered(await client.post("/auth/refresh", json={"refresh_token": first}), 200, *TOKENS)
    assert again["refresh_token"] == second["refresh_token"]
    me = await client.get("/me", headers={"Authorization": f"Bearer {again['access_token']}"})
    assert me.json()["id"] == citizen.id


async def test_a_used_refresh_token_ends_the_whole_session(service: Service) -> None:
    citizen = await service.citizen(consent=False)
    client = service.client()
    stolen = token = citizen.signed_in["refresh_token"]
    for _ in range(2):
        answer = (await client.post("/auth/refresh", json={"refresh_token": token})).json()
        token = answer["refresh_token"]
    problem(await client.post("/auth/refresh", json={"refresh_token": stolen}), 401, "refresh_token_reused")
    problem(await client.post("/auth/refresh", json={"refresh_token": token}), 401, "refresh_token_invalid")
    await revocations_are_known()
    async with one_client_per_worker(service) as workers:
        for worker in workers.values():
            for access in (bearer(citizen.http), answer["access_token"]):
                refused = await worker.get("/me", headers={"Authorization": f"Bearer {access}"})
                problem(refused, 401, "unauthenticated")


async def test_what_is_no_refresh_token_is_refused(service: Service) -> None:
    citizen = await service.citizen(consent=False)
    good = citizen.signed_in["refresh_token"]
    for text in (
        "x",
        good[:-1],
        good + "A",
        good.removeprefix("rt1."),
        "rt1." + "A" * 70,
    ):
        answer = await service.client().post("/auth/refresh", json={"refresh_token": text})
        problem(answer, 401, "refresh_token_invalid")


async def test_an_access_token_is_no_refresh_token(service: Service) -> None:
    citizen = await service.citizen(consent=False)
    answer = await service.client().post("/auth/refresh", json={"refresh_token": bearer(citizen.http)})
    problem(answer, 401, "refresh_token_invalid")


async def test_signing_out_ends_the_session_in_every_process_within_a_second(service: Service) -> None:
    citizen = await service.citizen(consent=False)
    headers = {"Authorization": citizen.http.headers["Authorization"]}
    async with one_client_per_worker(service) as workers:
        for worker in workers.values():
            assert (await worker.get("/me", headers=headers)).status_code == 200
        answer = await citizen.http.post("/auth/logout")
        assert (answer.status_code, answer.content) == (204, b"")
        problem(await citizen.http.get("/me"), 401, "unauthenticated")
        await revocations_are_known()
        for worker in workers.values():
            problem(await worker.get("/me", headers=headers), 401, "unauthenticated")
    refresh = {"refresh_token": citizen.signed_in["refresh_token"]}
    problem(await service.client().post("/auth/refresh", json=refresh), 401, "refresh_token_invalid")


async def test_the_consent_text_in_force_is_public_and_its_hash_is_right(service: Service) -> None:
    body = answered(
        await service.client().get("/consents/credit_check"),
        200,
        *("purpose", "version", "title", "text", "sha256"),
    )
    assert body["purpose"] == "credit_check"
    assert hashlib.sha256(body["text"].encode()).hexdigest() == body["sha256"]
    for purpose in ("marketing", "CREDIT_CHECK", "credit_check%00", "%ff"):
        problem(await service.client().get(f"/consents/{purpose}"), 404, "not_found")


async def test_consent_is_given_with_a_proof_and_giving_it_again_changes_nothing(service: Service) -> None:
    citizen = await service.citizen(consent=False)
    assert (await citizen.http.get("/me")).json()["consents"] == []
    given = answered(await citizen.consent(), 200, "purpose", "version", "granted_at", "proof_id")
    assert answered(await citizen.consent(), 200) == given
    shown = (await citizen.http.get("/me")).json()["consents"]
    assert shown == [{name: given[name] for name in ("purpose", "version", "granted_at")}]


async def test_an_outdated_consent_version_is_refused_with_the_one_in_force(service: Service) -> None:
    citizen = await service.citizen(consent=False)
    answer = await citizen.http.put(
        "/me/consents/credit_check", json={"version": "2020-01-01", "granted": True}
    )
    in_force = (await citizen.http.get("/consents/credit_check")).json()["version"]
    assert problem(answer, 409, "consent_version_outdated")["version"] == in_force
    assert (await citizen.http.get("/me")).json()["consents"] == []


async def test_a_purpose_that_is_not_asked_for_is_not_found(service: Service) -> None:
    citizen = await service.citizen(consent=False)
    body = {"version": "1", "granted": True}
    problem(await citizen.http.put("/me/consents/marketing", json=body), 404, "not_found")
    problem(await citizen.http.delete("/me/consents/marketing"), 404, "not_found")


async def test_withdrawing_is_one_call_and_stops_look_ups_at_once(service: Service) -> None:
    citizen = await service.citizen()
    assert (await citizen.http.get("/me/credit")).status_code == 200
    for _ in range(2):
        assert (await citizen.http.delete("/me/consents/credit_check")).status_code == 204
        problem(await citizen.http.get("/me/credit"), 403, "consent_required")
    assert (await citizen.http.get("/me")).json()["consents"] == []
    lookups = (await citizen.http.get("/me/credit/lookups")).json()["items"]
    assert len(lookups) == 1, "the log stays readable, and nothing was looked up after the withdrawal"


@pytest.mark.parametrize(
    ("code", "tier"),
    [
        ("demo-excellent", "excellent"),
        ("demo-good", "good"),
        ("demo-fair", "fair"),
        ("demo-poor", "poor"),
        ("demo-cashier-self", "excellent"),
    ],
)
async def test_a_demo_person_has_the_tier_of_his_name(service: Service, code: str, tier: str) -> None:
    citizen = await service.citizen(code)
    body = answered(
        await citizen.http.get("/me/credit"),
        200,
        *("status", "tier", "tier_name", "scheme", "data_date", "valid_until", "explanation"),
    )
    assert body["status"] == "rated" and body["tier_name"] and body["scheme"] and body["explanation"]
    assert body["data_date"] < body["valid_until"]
    assert body["tier"] == tier
    assert body["tier_level"] == {"excellent": 5, "good": 4, "fair": 3, "poor": 2}[tier]


async def test_without_a_record_a_citizen_is_unrated_and_told_that_it_is_no_bad_mark(
    service: Service,
) -> None:
    citizen = await service.citizen("demo-unrated")
    body = answered(await citizen.http.get("/me/credit"), 200, "status", "tier", "explanation", "data_date")
    assert (body["status"], body["tier"], body["tier_level"]) == ("unrated", None, None)
    assert body["explanation"]


async def test_without_consent_there_is_no_tier_and_no_look_up(service: Service) -> None:
    citizen = await service.citizen(consent=False)
    problem(await citizen.http.get("/me/credit"), 403, "consent_required")
    assert (await citizen.http.get("/me/credit/lookups")).json() == {"items": [], "next_cursor": None}


async def test_looking_at_what_is_open_to_all_looks_nobody_up(service: Service) -> None:
    citizen, offer = await service.citizen(), await make_offer(service)
    await asyncio.sleep(1.2)
    assert (await citizen.http.get(f"/offers/{offer}")).json()["eligibility"]["eligible"]
    assert (await citizen.http.get("/offers")).status_code == 200
    assert (await claim(citizen.http, offer)).status_code == 201
    assert (await citizen.http.get("/me/credit/lookups")).json()["items"] == []


async def test_every_look_up_tells_who_when_why_and_under_which_consent(service: Service) -> None:
    citizen = await service.citizen(consent=False)
    proof = (await citizen.consent()).json()
    await citizen.http.get("/me/credit")
    await citizen.http.get("/me/credit")
    lookups = answered(await citizen.http.get("/me/credit/lookups"), 200, "items", "next_cursor")
    (line,) = lookups["items"]
    assert {"id", "looked_up_at", "looked_up_by", "reason", "consent_id", "consent_version"} <= set(line)
    assert (line["consent_id"], line["consent_version"]) == (proof["proof_id"], proof["version"])
    assert (line["looked_up_by"], line["reason"], line["outcome"]) == ("citizen", "my_credit", "rated")


async def test_a_source_that_gives_nothing_to_rely_on_makes_no_tier(
    make_service: Callable[..., Service],
) -> None:
    service = make_service(workers=1)
    # The source speaks of a scheme that is not in force.
    await service.fetch("UPDATE tier_schemes SET code = code || '-gone'")
    citizen = await service.citizen()
    open_offer = await make_offer(service)
    offer = await make_offer(service, min_tier_level=GOOD)
    problem(await citizen.http.get("/me/credit"), 503, "credit_source_unavailable")
    problem(await claim(citizen.http, offer), 503, "credit_source_unavailable")
    answered(await claim(citizen.http, open_offer), 201, "id")
    for wanted, reasons in ((offer, ["credit_source_unavailable"]), (open_offer, [])):
        page = (await citizen.http.get(f"/offers/{wanted}")).json()
        assert [reason["code"] for reason in page["eligibility"]["reasons"]] == reasons
    assert await service.fetch("SELECT 1 FROM tier_snapshots") == []
    outcomes = [line["outcome"] for line in (await citizen.http.get("/me/credit/lookups")).json()["items"]]
    assert set(outcomes) == {"unavailable"}
    # After five failures in a row it is not asked for a while, and still answers at once.
    begun = time.monotonic()
    answers = await asyncio.gather(*(citizen.http.get("/me/credit") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {503} and time.monotonic() - begun < 2


async def test_what_is_somebody_elses_is_not_found(service: Service) -> None:
    owner, stranger = await service.citizen(), await service.citizen()
    coupon = await owner.coupon()
    for path in (
        f"/coupons/{coupon['id']}",
        f"/coupons/{coupon['id']}/code",
        f"/coupons/{coupon['id']}/events",
    ):
        problem(await stranger.http.get(path), 404, "not_found")
        problem(await owner.http.get(path.replace(coupon["id"], NOBODY)), 404, "not_found")
    problem(await stranger.http.delete(f"/coupons/{coupon['id']}"), 404, "not_found")
    assert (await owner.http.get(f"/coupons/{coupon['id']}")).json()["status"] == "claimed"
