"""Errands of families: consents of every purpose, a name that is shown, children and helpers."""

import httpx

from tests.api import families
from tests.api.kit import claim, code_of, coupon_of
from tests.api.offers import make_offer
from tests.service import CitizenClient, Service, StaffClient, new_key


async def run(service: Service, citizen: CitizenClient, clerk: StaffClient, admin: httpx.AsyncClient) -> None:
    """Each of it once, and some of it in vain."""
    await _agree(service, citizen, clerk)
    await _guard(service, citizen, admin)
    await _help(service, citizen)


async def _agree(service: Service, citizen: CitizenClient, clerk: StaffClient) -> None:
    http = citizen.http
    assert (await families.agree(http, "notices")).status_code == 200
    offer = await make_offer(service, shows_holder=True, uses_total=2)
    member = (await claim(http, offer)).json()["member_id"]
    of_member = {"recipient_member_id": member}
    assert (await families.agree(http, "member_sharing", **of_member)).status_code == 200
    code = await code_of(http, await coupon_of(http, offer))
    assert (await clerk.preview(code)).json()["holder_masked_name"]
    assert (await clerk.redeem(code, new_key())).json()["holder_masked_name"]
    refused = await http.post("/me/consents/member_sharing/refusals", json=of_member)
    assert refused.status_code == 204
    assert (await http.post("/me/consents/notices/refusals", json={})).status_code == 204
    assert (await http.delete("/me/consents/member_sharing", params=of_member)).status_code == 204
    for path in ("/consents", "/me/consents", "/me/consents/history?limit=1", "/me/disclosures?limit=1"):
        assert (await http.get(path)).status_code == 200, path


async def _guard(service: Service, citizen: CitizenClient, admin: httpx.AsyncClient) -> None:
    assert (await families.agree(citizen.http, "guardianship")).status_code == 200
    child = await families.a_child(service, citizen)
    other = await families.a_child(service, citizen)
    refused, withdrawn = await families.ask(citizen), await families.ask(citizen)
    why = {"reason": "测试"}
    assert (await admin.post(f"/admin/guardianships/{refused}/refusal", json=why)).status_code == 204
    for expected in (204, 204):
        assert (await citizen.http.post(f"/me/children/{withdrawn}/withdrawal")).status_code == expected
    await families.ask(citizen)
    http = await families.acting(citizen, child["citizen_id"])
    assert (await http.get("/me/coupons")).status_code == 200
    first = f"/admin/guardianships/{refused}"
    for path in (first, "/admin/guardianships?limit=1", "/admin/guardianships?state=requested&region=330100"):
        assert (await admin.get(path)).status_code == 200, path
    listed = (await admin.get("/admin/guardianships?state=confirmed")).json()["items"]
    shown = (await admin.get(f"/admin/guardianships/{listed[0]['id']}")).json()
    proof = f"/admin/guardianships/{shown['id']}/evidence/{shown['evidence'][0]['id']}"
    assert (await admin.get(proof)).status_code == 200
    ending = f"/admin/guardianships/{shown['id']}/ending"
    for expected in (204, 409):
        assert (await admin.post(ending, json=why)).status_code == expected
    for each in (child, other, child):
        assert (await citizen.http.delete(f"/me/children/{each['id']}")).status_code == 204
    assert (await citizen.http.get("/me/children")).status_code == 200
    unknown = "/me/children/00000000-0000-4000-8000-000000000000"
    assert (await citizen.http.delete(unknown)).status_code == 404


async def _help(service: Service, citizen: CitizenClient) -> None:
    relative = await service.citizen()
    binding = await families.a_helper(citizen, relative)
    http = await families.acting(relative, citizen.id)
    assert (await http.get("/offers?limit=1")).status_code == 200
    assert (await citizen.http.post(f"/me/helpers/{binding}/confirmation")).status_code == 204
    for who, path in ((citizen, "/me/helpers"), (relative, "/me/helped")):
        assert (await who.http.get(path)).status_code == 200
        for _ in range(2):
            assert (await who.http.delete(f"{path}/{binding}")).status_code == 204
