"""The code that a phone shows: its form, its pictures, its renewal on the phone, and the events of the scan."""

import asyncio
import base64
import io
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime

import httpx
import pytest
import zxingcpp
from PIL import Image, ImageDraw

from server.api.citizen.events import MOST_PER_CITIZEN
from tests.api.kit import answered, code_of, coupon_of, one_client_per_worker, problem
from tests.api.offers import end_coupon, make_offer
from tests.api.phone import flipped, parts, renewed, step_now
from tests.e2e.workbench import middle_of_a_step
from tests.service import CitizenClient, Service, StaffClient

FORM = re.compile("R1[A-Z2-7]{48}")


@pytest.fixture(scope="module")
async def shared_offer(service: Service) -> str:
    """An offer for everybody, without limits."""
    return await make_offer(service)


async def shown(client: httpx.AsyncClient, coupon: str, **query: str) -> dict[str, object]:
    """What the phone gets to show."""
    answer = await client.get(f"/coupons/{coupon}/code", params=query)
    return answered(answer, 200, "code", "expires_at", "refresh_after_s", "server_time")


async def test_the_code_has_the_form_of_the_contract(service: Service, shared_offer: str) -> None:
    citizen = await service.citizen(consent=False)
    coupon = await coupon_of(citizen.http, shared_offer)
    answer = await citizen.http.get(f"/coupons/{coupon}/code")
    body = answered(answer, 200, "code", "expires_at", "refresh_after_s", "server_time")
    assert answer.headers["cache-control"] == "no-store" and "accept" in answer.headers["vary"].lower()
    assert FORM.fullmatch(str(body["code"]))
    first, key_id, number, step = parts(body["code"])
    assert (first, key_id) == (0x11, 1) and number >> 48 == 0, "one cell as long as there is one database"
    assert abs(step - step_now()) <= 1
    assert datetime.fromisoformat(body["expires_at"]).timestamp() == 15 * (step + 2)
    assert 1 <= body["refresh_after_s"] <= 15
    assert abs(datetime.fromisoformat(body["server_time"]).timestamp() - time.time()) < 2
    assert "renewal_key" not in body
    rows = await service.fetch("SELECT id FROM coupons WHERE number = $1", number)
    assert str(rows[0]["id"]) == coupon and rows[0]["id"].int != number


async def test_the_pictures_hold_the_code_as_version_3_level_m_alphanumeric(
    service: Service, shared_offer: str
) -> None:
    citizen = await service.citizen(consent=False)
    coupon = await coupon_of(citizen.http, shared_offer)
    for kind, read in (("image/png", _png), ("image/svg+xml", _svg)):
        answer = await citizen.http.get(f"/coupons/{coupon}/code", headers={"Accept": kind})
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert answer.headers["cache-control"] == "no-store" and answer.headers["x-request-id"]
        picture, modules = read(answer.content)
        assert modules == 29, "version 3 has 29 modules a side"
        (found,) = zxingcpp.read_barcodes(picture)
        assert FORM.fullmatch(found.text) and found.ec_level == "M"
        assert parts(found.text)[2] == parts(await code_of(citizen.http, coupon))[2]
        head = await citizen.http.head(f"/coupons/{coupon}/code", headers={"Accept": kind})
        assert (head.status_code, head.content, head.headers["content-type"]) == (200, b"", kind)


def _png(content: bytes) -> tuple[Image.Image, int]:
    picture = Image.open(io.BytesIO(content)).convert("L")
    assert picture.size == (370, 370), "29 modules and a quiet zone of 4 on each side, 10 pixels each"
    return picture, picture.width // 10 - 8


def _svg(content: bytes) -> tuple[Image.Image, int]:
    """Draw the squares of the path; nothing in the picture leads outside."""
    text = content.decode()
    assert "<script" not in text and "href" not in text
    squares = [
        tuple(map(float, found))
        for found in re.findall(r"M([\d.]+),([\d.]+)H([\d.]+)V([\d.]+)H[\d.]+z", text)
    ]
    assert squares
    side = min(right - left for left, _, right, _ in squares)
    columns = [round(left / side) for left, *_ in squares]
    modules = max(columns) - min(columns) + 1
    picture = Image.new("L", (10 * (modules + 8),) * 2, 255)
    draw = ImageDraw.Draw(picture)
    for left, top, right, bottom in squares:
        draw.rectangle(
            [*(10 * value / side for value in (left, top)), 10 * right / side - 1, 10 * bottom / side - 1], 0
        )
    return picture, modules


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("APPLICATION/JSON", "application/json"),
        ("text/html, application/json", "application/json"),
        ("image/png", "image/png"),
        ("Image/SVG+XML", "image/svg+xml"),
        ("image/png, */*;q=0.1", "image/png"),
        ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", "image/svg+xml"),
        ("image/svg+xml;q=0.9, image/png", "image/png"),
        ("application/json;q=0.1, image/png", "image/png"),
        ("image/png;q=0.1, application/json", "application/json"),
        ("image/png;q=0, application/json", "application/json"),
    ],
)
async def test_the_kind_of_answer_follows_accept_and_its_weights(
    service: Service, shared_offer: str, accept: str, kind: str
) -> None:
    citizen = await service.citizen(consent=False)
    coupon = await coupon_of(citizen.http, shared_offer)
    answer = await citizen.http.get(f"/coupons/{coupon}/code", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    assert answer.headers["cache-control"] == "no-store"


async def test_a_phone_renews_its_codes_without_a_network(service: Service, shared_offer: str) -> None:
    citizen, clerk = await service.citizen(consent=False), await service.clerk()
    coupon = await coupon_of(citizen.http, shared_offer)
    body = await shown(citizen.http, coupon, renewal="client")
    key, code = str(body["renewal_key"]), str(body["code"])
    assert re.fullmatch("[A-Za-z0-9_-]{43}", key), "32 bytes, base64url without padding"
    assert renewed(key, code, parts(code)[3]) == code, "the phone makes the very codes of the server"
    assert (await shown(citizen.http, coupon, renewal="client"))["renewal_key"] == key
    now = await middle_of_a_step()
    for distance in (-1, 0, 1):
        assert (await clerk.preview(renewed(key, code, now + distance))).status_code == 200
    for distance in (-1000, -3, 3, 1000):
        problem(await clerk.preview(renewed(key, code, now + distance)), 410, "code_expired")
    for step in (0, 2**32 - 1):
        problem(await clerk.preview(renewed(key, code, step)), 410, "code_expired")
    assert (await clerk.redeem(renewed(key, code, step_now()))).status_code == 201
    problem(await citizen.http.get("/me/coupons?renewal=client"), 422, "validation_failed")
    problem(await citizen.http.get(f"/coupons/{coupon}/code?renewal=server"), 422, "validation_failed")


async def test_a_new_phone_kills_the_key_of_the_old_one(service: Service) -> None:
    old, new, clerk = await _phone(service), await _phone(service), await service.clerk()
    coupon = await coupon_of(old.http, await make_offer(service))
    first = await shown(old.http, coupon, renewal="client")
    second = await shown(new.http, coupon, renewal="client")
    assert first["renewal_key"] != second["renewal_key"]
    dead = renewed(str(first["renewal_key"]), str(first["code"]), step_now())
    for code in (dead, str(first["code"])):
        problem(await clerk.preview(code), 400, "code_forged")
        problem(await clerk.redeem(code), 400, "code_forged")
    alive = renewed(str(second["renewal_key"]), str(second["code"]), step_now())
    assert (await clerk.preview(alive)).status_code == 200
    assert (await clerk.preview(await code_of(old.http, coupon))).status_code == 200, (
        "the server still serves him"
    )
    third = await shown(old.http, coupon, renewal="client")
    assert third["renewal_key"] not in (first["renewal_key"], second["renewal_key"])
    problem(await clerk.redeem(alive), 400, "code_forged")


async def test_who_is_shown_no_key_takes_none_away(service: Service) -> None:
    """A picture has no room for a key, and a HEAD shows nothing."""
    phone, other, clerk = await _phone(service), await _phone(service), await service.clerk()
    coupon = await coupon_of(phone.http, await make_offer(service))
    kept = await shown(phone.http, coupon, renewal="client")
    path = f"/coupons/{coupon}/code?renewal=client"
    assert (await other.http.head(path)).status_code == 200
    for kind in ("image/png", "image/svg+xml", "image/*"):
        answer = await other.http.get(path, headers={"Accept": kind})
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind.replace("*", "png"))
    alive = renewed(str(kept["renewal_key"]), str(kept["code"]), step_now())
    assert (await clerk.preview(alive)).status_code == 200


async def test_signing_out_kills_the_key_of_the_phone(service: Service) -> None:
    phone, other, clerk = await _phone(service), await _phone(service), await service.clerk()
    coupon = await coupon_of(phone.http, await make_offer(service))
    body = await shown(phone.http, coupon, renewal="client")
    await phone.http.post("/auth/logout")
    code = renewed(str(body["renewal_key"]), str(body["code"]), step_now())
    problem(await clerk.redeem(code), 400, "code_forged")
    assert (await clerk.redeem(await code_of(other.http, coupon))).status_code == 201


async def _phone(service: Service) -> CitizenClient:
    """One more session of the same person."""
    return await service.citizen("load-4701", consent=False)


async def test_an_offer_can_forbid_renewal_on_the_phone(service: Service) -> None:
    citizen = await service.citizen(consent=False)
    coupon = await coupon_of(citizen.http, await make_offer(service, is_client_renewal_allowed=False))
    problem(await citizen.http.get(f"/coupons/{coupon}/code?renewal=client"), 409, "renewal_not_allowed")
    assert (await shown(citizen.http, coupon)).get("renewal_key") is None


async def test_codes_end_with_the_coupon(service: Service) -> None:
    citizen, clerk = await service.citizen(consent=False), await service.clerk()
    offer = await make_offer(service)
    used, ended, revoked, given_back = [await coupon_of(citizen.http, offer) for _ in range(4)]
    done = (await clerk.redeem(await code_of(citizen.http, used))).json()
    await end_coupon(service, ended)
    await service.revoke_coupon(revoked)
    await citizen.http.delete(f"/coupons/{given_back}")
    for query in ("", "?renewal=client"):
        refusal = problem(await citizen.http.get(f"/coupons/{used}/code{query}"), 409, "already_redeemed")
        assert refusal["redeemed_at"] == done["redeemed_at"]
        problem(await citizen.http.get(f"/coupons/{ended}/code{query}"), 410, "coupon_expired")
        for coupon in (revoked, given_back):
            problem(await citizen.http.get(f"/coupons/{coupon}/code{query}"), 410, "coupon_revoked")


async def test_the_next_code_is_of_a_step_that_is_not_burnt(service: Service) -> None:
    citizen, clerk = await service.citizen(consent=False), await service.clerk()
    coupon = await coupon_of(citizen.http, await make_offer(service, uses_total=10))
    steps = []
    for _ in range(2):
        code = await code_of(citizen.http, coupon)
        steps.append(parts(code)[3])
        assert (await clerk.redeem(code)).status_code == 201
        problem(await clerk.redeem(code), 409, "code_used")
    assert len(set(steps)) == 2 and parts(await code_of(citizen.http, coupon))[3] not in steps
    # Whoever is faster than the codes is told to wait, not that he has a screenshot.
    shown_now = await shown(citizen.http, coupon, renewal="client")
    early = renewed(str(shown_now["renewal_key"]), str(shown_now["code"]), step_now() + 4)
    assert "还没到" in problem(await clerk.redeem(early), 410, "code_expired")["detail"]


@pytest.mark.parametrize("sent", ["{}", " {} ", "\t{}\r\n", "lower"])
async def test_lower_case_and_surrounding_blanks_are_accepted(
    service: Service, shared_offer: str, sent: str
) -> None:
    citizen, clerk = await service.citizen(consent=False), await service.clerk()
    code = await code_of(citizen.http, await coupon_of(citizen.http, shared_offer))
    text = code.lower() if sent == "lower" else sent.format(code)
    assert (await clerk.redeem(text)).status_code == 201


async def test_what_is_no_code_is_malformed(service: Service, shared_offer: str) -> None:
    citizen, clerk = await service.citizen(consent=False), await service.clerk()
    code = await code_of(citizen.http, await coupon_of(citizen.http, shared_offer))
    raw = base64.b32decode(code[2:])
    wrong_type = "R1" + base64.b32encode(bytes([0x12]) + raw[1:]).decode()
    texts = [
        *(
            "",
            " ",
            "R1",
            "R2" + code[2:],
            "Q1" + code[2:],
            code[:-1],
            code + "A",
            code[:10] + " " + code[11:],
        ),
        *(code[:-1] + "1", code[:-1] + "0", code[:-1] + "8", code[:-1] + "=", code[:-1] + "-"),
        *(wrong_type, code[:20] + "é" + code[21:], "https://example.org/pay?id=1", "二维码" * 10),
    ]
    for text in texts:
        problem(await clerk.preview(text), 400, "code_malformed")
        problem(await clerk.redeem(text), 400, "code_malformed")


@pytest.mark.parametrize("length", [200, 201, 1000])
async def test_any_other_qr_picture_is_a_malformed_code_however_long(service: Service, length: int) -> None:
    clerk = await service.clerk()
    problem(await clerk.preview("https://pay.example/".ljust(length, "x")), 400, "code_malformed")


async def test_a_letter_that_only_turns_into_one_of_the_alphabet_is_malformed(
    service: Service, shared_offer: str
) -> None:
    citizen, clerk = await service.citizen(consent=False), await service.clerk()
    # In upper case the long s is an S and the dotless i an I: no such letter is in base32.
    for letter, stand_in in (("S", "\u017f"), ("I", "\u0131")):
        code = ""
        while letter not in code:
            code = await code_of(citizen.http, await coupon_of(citizen.http, shared_offer))
        problem(await clerk.preview(code.replace(letter, stand_in)), 400, "code_malformed")


async def test_every_flipped_bit_is_forged(service: Service, shared_offer: str) -> None:
    citizen, clerk = await service.citizen(consent=False), await service.clerk()
    code = await code_of(citizen.http, await coupon_of(citizen.http, shared_offer))
    texts = [flipped(code, byte, bit) for byte in range(1, 30) for bit in range(8)]
    answers = await asyncio.gather(*(clerk.preview(text) for text in texts))
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(400, "code_forged")}
    assert (await clerk.redeem(code)).status_code == 201


@pytest.mark.alone
async def test_the_phone_hears_of_the_scan_within_a_second_from_whichever_process(service: Service) -> None:
    citizen, clerk = await service.citizen(consent=False), await service.clerk()
    offer = await make_offer(service)
    async with one_client_per_worker(service) as workers:
        for pid, worker in workers.items():
            coupon = await coupon_of(citizen.http, offer)
            (other,) = [each for number, each in workers.items() if number != pid]
            other.headers["Authorization"] = clerk.http.headers["Authorization"]
            await _scan_and_listen(worker, StaffClient(other, clerk.signed_in), citizen, coupon)


async def _scan_and_listen(
    phone: httpx.AsyncClient, clerk: StaffClient, citizen: CitizenClient, coupon: str
) -> None:
    headers = {"Authorization": citizen.http.headers["Authorization"], "Accept": "text/event-stream"}
    code = await citizen.code(coupon)
    async with phone.stream("GET", f"/coupons/{coupon}/events", headers=headers) as answer:
        assert answer.status_code == 200 and answer.headers["x-request-id"]
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        events = _events(answer)
        assert (await anext(events))[0] == "status"
        done = await clerk.redeem(code)
        name, data = await asyncio.wait_for(anext(events), 1)
        assert (name, data["redemption_id"]) == ("redeemed", done.json()["id"])
        undone = await clerk.reverse(done.json()["id"])
        name, data = await asyncio.wait_for(anext(events), 1)
        assert (name, data["redemption_id"]) == ("reversed", done.json()["id"])
        assert data["at"] == undone.json()["reversed_at"]
        assert set(data) == {"redemption_id", "at"}, "nothing of the clerk or the store"


async def _events(answer: httpx.Response) -> AsyncIterator[tuple[str, dict[str, str]]]:
    name = ""
    async for line in answer.aiter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


async def test_a_citizen_has_only_so_many_open_pages(service: Service, shared_offer: str) -> None:
    """Each holds memory for half an hour; another citizen's pages are not affected."""
    citizen, other = await service.citizen(consent=False), await service.citizen(consent=False)
    path = f"/coupons/{await coupon_of(citizen.http, shared_offer)}/events"
    others = f"/coupons/{await coupon_of(other.http, shared_offer)}/events"
    async with AsyncExitStack() as pages:
        statuses = []
        for _ in range(2 * MOST_PER_CITIZEN + 1):
            answer = await pages.enter_async_context(citizen.http.stream("GET", path))
            statuses.append(answer.status_code)
            if answer.status_code != 200:
                assert int(answer.headers["retry-after"]) > 0
        assert statuses.count(200) <= 2 * MOST_PER_CITIZEN and set(statuses) == {200, 429}
        assert statuses[:MOST_PER_CITIZEN] == [200] * MOST_PER_CITIZEN
        async with other.http.stream("GET", others) as answer:
            assert answer.status_code == 200
    for _ in range(100):  # the processes notice one after the other that the pages are closed
        async with citizen.http.stream("GET", path) as answer:
            if answer.status_code == 200:
                return
        await asyncio.sleep(0.2)
    raise AssertionError("closed pages still count")
