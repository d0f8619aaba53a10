"""The inbox and the subscriptions, as a mini-program meets them."""

import httpx
import pytest

from tests.api.kit import problem
from tests.service import CitizenClient, Service

ACCEPT = {"channel": "wechat", "templates": {"coupon_expiring": "accept"}}


@pytest.fixture
async def told(service: Service) -> CitizenClient:
    """Who was told of three coupons that were revoked."""
    citizen = await service.citizen()
    for _ in range(3):
        await service.revoke_coupon((await citizen.coupon())["id"])
    return citizen


async def inbox(http: httpx.AsyncClient, query: str = "") -> dict[str, object]:
    answer = await http.get(f"/me/notices{query}")
    assert answer.status_code == 200, answer.text
    body: dict[str, object] = answer.json()
    return body


async def test_the_inbox_says_what_it_is_about_and_how_much_is_unread(told: CitizenClient) -> None:
    page = await inbox(told.http, "?limit=2")
    assert page["unread"] == 3 and len(page["items"]) == 2  # type: ignore[arg-type]
    notice = page["items"][0]  # type: ignore[index]
    assert notice["about"] == {"kind": "coupon", "id": notice["facts"]["coupon_id"]}
    assert (await told.http.get(f"/me/notices/{notice['id']}")).json() == notice
    assert (await inbox(told.http, "?kind=coupon_revoked"))["items"] != []
    assert await inbox(told.http, "?kind=coupon_claimed") == {"items": [], "next_cursor": None, "unread": 3}
    problem(await told.http.get("/me/notices?kind=DROP"), 422, "validation_failed")


async def test_all_up_to_the_newest_that_was_shown_are_read_at_once(told: CitizenClient) -> None:
    newest, middle, _ = (await inbox(told.http))["items"]  # type: ignore[misc]
    assert (await told.http.get("/me/notices/unread-count")).json() == {"unread": 3}
    for left in (1, 1):
        answer = await told.http.put("/me/notices/read", json={"up_to": middle["id"]})  # type: ignore[index]
        assert answer.status_code == 204
        assert (await told.http.get("/me/notices/unread-count")).json() == {"unread": left}
    assert (await told.http.get(f"/me/notices/{newest['id']}")).json()["read_at"] is None  # type: ignore[index]


async def test_anothers_notices_are_neither_read_nor_marked(service: Service, told: CitizenClient) -> None:
    other = await service.citizen()
    newest = (await inbox(told.http))["items"][0]["id"]  # type: ignore[index]
    problem(await other.http.get(f"/me/notices/{newest}"), 404, "not_found")
    assert (await other.http.put("/me/notices/read", json={"up_to": newest})).status_code == 204
    assert (await inbox(told.http))["unread"] == 3


async def test_what_was_accepted_is_counted_and_shown(service: Service) -> None:
    http = (await service.citizen()).http
    shown = (await http.get("/me/subscriptions")).json()
    expiring = {
        **{"channel": "wechat", "template": "coupon_expiring"},
        **{"template_id": "tmpl-expiring", "left": 0},
    }
    assert shown["is_agreed"] is False and expiring in shown["items"] and len(shown["items"]) == 2
    for left in (1, 2):
        shown = (await http.post("/me/subscriptions", json=ACCEPT)).json()
        assert {**expiring, "left": left} in shown["items"]
    text = (await http.get("/consents/notices")).json()
    agreement = {"version": text["version"], "granted": True}
    assert (await http.put("/me/consents/notices", json=agreement)).status_code == 200
    assert (await http.get("/me/subscriptions")).json()["is_agreed"] is True


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"channel": "wechat", "templates": {"answered": "accept"}}, "template_not_offered", "/templates"),
        (
            {"channel": "alipay", "templates": {"coupon_expiring": "accept"}},
            "template_not_offered",
            "/templates",
        ),
        ({"channel": "wechat", "templates": {"coupon_expiring": "perhaps"}}, "validation_failed", None),
        ({"channel": "wechat", "templates": {"birthday": "accept"}}, "validation_failed", None),
        ({"channel": "pigeon", "templates": {"coupon_expiring": "accept"}}, "validation_failed", "/channel"),
    ],
)
async def test_what_is_not_offered_is_refused(
    service: Service, body: dict[str, object], code: str, pointer: str | None
) -> None:
    http = (await service.citizen()).http
    members = problem(await http.post("/me/subscriptions", json=body), 422, code)
    if pointer:
        assert pointer in [each["pointer"] for each in members["errors"]]
