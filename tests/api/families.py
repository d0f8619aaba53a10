"""Guardians with children, and helpers, at a running service."""

from datetime import UTC, date, datetime
from typing import Any

import httpx
from stdnum.cn import ric

from tests.service import CitizenClient, Service

PDF = b"%PDF-1.7\n" + b"x" * 64
COUNTY = "330127"
_numbers = iter(range(1_000))


def id_number(born: date | None = None) -> str:
    """A child's of about seven, that nobody had before."""
    born = born or date(datetime.now(UTC).year - 7, 2, 3)
    stem = f"{COUNTY}{born:%Y%m%d}{next(_numbers):03d}"
    return stem + ric.calc_check_digit(stem + "0")


async def agree(http: httpx.AsyncClient, purpose: str, **more: str) -> httpx.Response:
    """Agree to a purpose as it is worded now."""
    version = (await http.get(f"/consents/{purpose}")).json()["version"]
    return await http.put(f"/me/consents/{purpose}", json={"version": version, "granted": True, **more})


async def a_guardian(service: Service) -> CitizenClient:
    """A citizen who has agreed to the text for guardians."""
    guardian = await service.citizen()
    assert (await agree(guardian.http, "guardianship")).status_code == 200
    return guardian


async def ask(guardian: CitizenClient, number: str | None = None) -> str:
    """Ask to act for a child, with a proof; the request's id."""
    body = {"name": "张小明", "id_number": number or id_number(), "region": COUNTY}
    asked = await guardian.http.post("/me/children", json=body)
    assert asked.status_code == 201, asked.text
    sent = await guardian.http.post(
        f"/me/children/{asked.json()['id']}/evidence?name=hukou.pdf",
        content=PDF,
        headers={"Content-Type": "application/pdf"},
    )
    assert sent.status_code == 201, sent.text
    return str(asked.json()["id"])


async def a_child(service: Service, guardian: CitizenClient, number: str | None = None) -> dict[str, Any]:
    """A confirmed guardianship, as the guardian sees it: `id` and `citizen_id`."""
    request_id = await ask(guardian, number)
    admin = await service.admin()
    confirmed = await admin.post(f"/admin/guardianships/{request_id}/confirmation")
    assert confirmed.status_code == 204, confirmed.text
    child: dict[str, Any] = (await guardian.http.get("/me/children")).json()["children"][-1]
    return child


async def a_helper(elder: CitizenClient, helper: CitizenClient, *, confirmed: bool = True) -> str:
    """Have somebody help; the binding's id."""
    code = (await elder.http.post("/me/helpers/codes")).json()["code"]
    entered = await helper.http.post("/me/helped", json={"code": code})
    assert entered.status_code == 201, entered.text
    binding = str(entered.json()["id"])
    if confirmed:
        assert (await elder.http.post(f"/me/helpers/{binding}/confirmation")).status_code == 204
    return binding


async def acting(agent: CitizenClient, citizen_id: str) -> httpx.AsyncClient:
    """A client with which one acts for somebody."""
    answer = await agent.http.post("/auth/acting", json={"for": citizen_id})
    assert answer.status_code == 200, answer.text
    return agent.service.client(Authorization=f"Bearer {answer.json()['access_token']}")
