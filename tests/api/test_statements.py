"""Statements over the wire: a month from its scans to its settlement, files, exports, the day's end, and who may."""

import csv
import io
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import openpyxl
import pytest

from alliance import exports, statement_closing
from alliance.statement_lines import period_of
from common import database as db
from common.clock import local_day, now
from common.files import FileStore
from tests.api.kit import NOBODY, answered, code_of, coupon_of, problem, walk, with_key
from tests.api.offers import backdate_redemption, make_offer
from tests.service import Service

TWO_MONTHS = timedelta(days=62)
REASON = {"reason": "测试"}


async def old_redemption(service: Service, age: timedelta = TWO_MONTHS) -> str:
    """A redemption of the demo member's that happened so long ago."""
    citizen, clerk = await service.citizen(), await service.clerk()
    done = await clerk.redeem(
        await code_of(citizen.http, await coupon_of(citizen.http, await make_offer(service)))
    )
    return await backdate_redemption(service, done.json()["id"], age)


async def close_by_hand(service: Service, period: date) -> None:
    """Close the demo member's month, as the worker would."""
    [row] = await service.fetch("SELECT member_id FROM staff WHERE login = 'demo-owner'")
    async with db.own_connection(service.environment["DATABASE_URL"]):
        await statement_closing.close(row["member_id"], period, now())


async def write_by_hand(service: Service, export_id: str) -> None:
    """Write an export, as the worker would."""
    folder = service.environment.get("FILES_DIR", ".data/files")
    async with db.own_connection(service.environment["DATABASE_URL"]):
        assert await exports.write(UUID(export_id), FileStore(Path(folder).absolute()), now())


async def statement_of(owner: httpx.AsyncClient, period: date) -> dict[str, Any]:
    """The member's statement of a month."""
    return next(
        each for each in await walk(owner, "/member/statements", 1) if each["period"] == f"{period:%Y-%m}"
    )


async def test_a_month_from_its_scans_to_its_settlement(service: Service) -> None:
    first, second = await old_redemption(service), await old_redemption(service)
    period = period_of(now() - TWO_MONTHS)
    await close_by_hand(service, period)
    owner, admin = (await service.clerk("demo-owner")).http, await service.admin()
    statement = await statement_of(owner, period)
    path = f"/member/statements/{statement['id']}"
    assert statement["state"] == "closed" and statement["redemptions"] >= 2
    lines = await walk(owner, f"{path}/lines", 1)
    assert {first, second} <= {line["record_id"] for line in lines}
    assert sum(line["discount_fen"] for line in lines) == statement["discount_fen"]
    shown = answered(await owner.get(path), 200, "sums", "days")
    assert sum(each["discount_fen"] for each in shown["sums"]) == statement["discount_fen"]
    assert any(day["close_id"] is None for day in shown["days"])
    # Disputed in vain, disputed again and adjusted, settled.
    assert (await owner.post(f"{path}/dispute", json=REASON)).status_code == 204
    problem(await owner.post(f"{path}/confirmation"), 409, "statement_state_wrong")
    office = f"/admin/statements/{statement['id']}"
    assert (await admin.get(office)).json()["dispute_reason"] == "测试"
    assert (await admin.post(f"{office}/rejection", json=REASON)).status_code == 204
    assert (await owner.get(path)).json()["rejection_reason"] == REASON["reason"]
    assert (await owner.post(f"{path}/dispute", json=REASON)).status_code == 204
    problem(
        await admin.post(f"{office}/settlement", json={"reference": "PAY-1"}), 409, "statement_state_wrong"
    )
    problem(await admin.post(f"{office}/adjustment", json={"reason_code": "other"}), 422, "adjustment_empty")
    change = {"member_fen": -5, "alliance_fen": 5, "reason_code": "share_wrong"}
    onto = answered(await admin.post(f"{office}/adjustment", json=change), 201)["statement_id"]
    # Amounts of counter-entries and adjustments may be below zero, unlike others.
    page = (await owner.get(f"/member/statements/{onto}/lines?limit=100")).json()
    [adjustment] = [line for line in page["items"] if line["kind"] == "adjustment"]
    assert (adjustment["reason_code"], adjustment["member_fen"]) == ("share_wrong", -5)
    assert (await admin.post(f"{office}/settlement", json={"reference": "PAY-1"})).status_code == 204
    settled = await statement_of(owner, period)
    assert (settled["state"], settled["settlement_reference"]) == ("settled", "PAY-1")
    assert settled["discount_fen"] == statement["discount_fen"]
    kinds = {notice["kind"] for notice in await walk(owner, "/member/notices", 50)}
    wanted = {"closed", "dispute_rejected", "dispute_accepted", "settled"}
    assert {f"statement_{each}" for each in wanted} <= kinds
    await _is_in_the_offices_lists(service, admin, statement)
    await _is_downloaded(owner, path, len(lines))
    await _is_exported(service, admin, period, len(lines))


async def _is_in_the_offices_lists(
    service: Service, admin: httpx.AsyncClient, statement: dict[str, Any]
) -> None:
    query = {"state": "settled", "period": statement["period"]}
    assert statement["id"] in [each["id"] for each in await walk(admin, "/admin/statements", 5, **query)]
    own = {"member_id": statement["member_id"], "region": statement["region"]}
    named = [
        each for each in await walk(admin, "/admin/statements", 1, **own) if each["id"] == statement["id"]
    ]
    assert [each["member_name"] for each in named] == ["杭州湖畔便利连锁有限公司"]
    for elsewhere in ({**own, "region": "330200"}, {**own, "member_id": NOBODY}, {"region": "330200"}):
        assert await walk(admin, "/admin/statements", 1, **elsewhere) == []
    sums = await walk(admin, "/admin/statements/sums", 1, period=statement["period"])
    assert sum(each["discount_fen"] for each in sums) >= statement["discount_fen"]
    lines = await walk(admin, f"/admin/statements/{statement['id']}/lines", 50)
    assert len(lines) == statement["redemptions"] + statement["reversals"]
    reviewer = await service.admin("demo-reviewer-xh")
    problem(await reviewer.get(f"/admin/statements/{statement['id']}"), 403, "forbidden")


async def _is_downloaded(owner: httpx.AsyncClient, path: str, lines: int) -> None:
    answer = await owner.get(f"{path}/file")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].endswith('.csv"')
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert len([*csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))]) == lines + 1
    answer = await owner.get(f"{path}/file?format=xlsx")
    assert openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0].max_row == lines + 1
    answer = await owner.head(f"{path}/file")
    assert (answer.status_code, answer.content) == (200, b"")


async def _is_exported(service: Service, admin: httpx.AsyncClient, period: date, lines: int) -> None:
    asked = {"region": "330100", "period": f"{period:%Y-%m}", "reason": "年度检查"}
    approval = answered(await admin.post("/admin/exports", json=asked), 202)["approval_id"]
    problem(await admin.post("/admin/exports", json=asked), 409, "already_asked")
    problem(await admin.get(f"/admin/exports/{approval}/file"), 404, "not_found")
    head = await service.admin("demo-head")
    assert (await head.post(f"/admin/approvals/{approval}/approval", json=REASON)).status_code == 204
    problem(await admin.get(f"/admin/exports/{approval}/file"), 409, "export_not_ready")
    await write_by_hand(service, approval)
    [export] = [each for each in await walk(admin, "/admin/exports", 5) if each["id"] == approval]
    assert (export["state"], export["format"]) == ("ready", "csv") and export["rows_done"] >= lines
    answer = await admin.get(f"/admin/exports/{approval}/file")
    assert answer.status_code == 200, answer.text
    assert len([*csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))]) == export["rows_done"] + 1
    problem(await head.get(f"/admin/exports/{approval}/file"), 404, "not_found")


async def test_a_late_reversal_is_the_owners_and_the_staff_apis_window_stays(service: Service) -> None:
    redemption, too_old = await old_redemption(service), await old_redemption(service, timedelta(days=90))
    clerk, owner = await service.clerk("demo-manager"), (await service.clerk("demo-owner")).http
    problem(await clerk.reverse(redemption), 409, "reversal_window_closed")
    path, key = f"/member/redemptions/{redemption}/late-reversals", with_key()
    done = answered(
        await owner.post(path, json=REASON, headers=key), 201, "id", "redemption_id", "reversed_at"
    )
    again = await owner.post(path, json=REASON, headers=key)
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (done, "true")
    problem(await owner.post(path, json=REASON, headers=with_key()), 409, "already_reversed")
    problem(await owner.post(path, json=REASON), 400, "idempotency_key_required")
    late = f"/member/redemptions/{too_old}/late-reversals"
    problem(await owner.post(late, json=REASON, headers=with_key()), 409, "late_reversal_window_closed")
    cashier = (await service.clerk()).http
    problem(await cashier.post(path, json=REASON, headers=with_key()), 403, "forbidden")


async def test_a_clerk_closes_the_day_and_is_told_what_differs(service: Service) -> None:
    await old_redemption(service)
    clerk, owner = await service.clerk(), (await service.clerk("demo-owner")).http
    day = (local_day(now()) - timedelta(days=400)).isoformat()
    body = {"store_id": clerk.store_id, "day": day, "redemptions": 1, "reversals": 0, "discount_fen": 150}
    key = with_key()
    done = answered(await clerk.http.post("/day-closes", json=body, headers=key), 201, "message")
    assert (done["server_redemptions"], done["difference_redemptions"]) == (0, 1)
    assert "+1" in done["message"] and "+1.50" in done["message"]
    again = await clerk.http.post("/day-closes", json=body, headers=key)
    assert again.headers["Idempotency-Replayed"] == "true" and again.json() == done
    other = {**body, "redemptions": 2}
    problem(await clerk.http.post("/day-closes", json=other, headers=key), 422, "idempotency_key_reused")
    right = {**body, "redemptions": 0, "discount_fen": 0}
    english = {**with_key(), "Accept-Language": "en"}
    answer = await clerk.http.post("/day-closes", json=right, headers=english)
    assert answer.json()["message"] == "The day is closed: your count is the service's."
    for http, path in ((clerk.http, "/day-closes"), (owner, "/member/day-closes")):
        assert [each["redemptions"] for each in await walk(http, path, 1) if each["day"] == day] == [0, 1]
    for query, found in (
        ({"store_id": clerk.store_id, "from": day, "to": day}, 2),
        *(({"store_id": NOBODY}, 0), ({"from": "2099-12-31"}, 0), ({"to": "2000-01-01"}, 0)),
    ):
        assert len((await owner.get("/member/day-closes", params=query)).json()["items"]) == found, query
    problem(await owner.get("/member/day-closes?from=gestern"), 422, "validation_failed")
    stranger = await service.clerk("demo-other")
    problem(await stranger.http.post("/day-closes", json=body, headers=with_key()), 403, "store_not_allowed")
    ahead = {**body, "day": (local_day(now()) + timedelta(days=1)).isoformat()}
    problem(await clerk.http.post("/day-closes", json=ahead, headers=with_key()), 422, "day_not_begun")


@pytest.mark.parametrize("path", ["", "/lines", "/file"])
async def test_nobody_elses_statement_is_found(service: Service, path: str) -> None:
    owner, admin = (await service.clerk("demo-owner")).http, await service.admin()
    problem(await owner.get(f"/member/statements/{NOBODY}{path}"), 404, "not_found")
    if path != "/file":
        problem(await admin.get(f"/admin/statements/{NOBODY}{path}"), 404, "not_found")
    problem(await (await service.clerk()).http.get(f"/member/statements/{NOBODY}{path}"), 403, "forbidden")


async def test_what_is_owed_is_asked_for_by_month(service: Service) -> None:
    owner = (await service.clerk("demo-owner")).http
    assert await walk(owner, "/member/owed", 5, period="2026-01") == []
    for period in ("2026-13", "2026-1", "1026-01", ""):
        problem(await owner.get("/member/owed", params={"period": period}), 422, "validation_failed")
