"""One thing for each name in a path: it belongs to Hangzhou (330100) and, where it is a member's, to hz-hupan.

A new route with a new `<name>` needs a function here that makes such a thing and gives its id. What a call needs in
another state is in tests/matrix/states.py.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from alliance import exports, statement_closing
from alliance.statement_lines import open_statements
from common.clock import now
from common.database import execute, transaction
from common.ids import new_id
from models import seals, stored_files
from models.audit_book import AUDIT
from models.office_enums import FilePurpose, ImportKind
from sandbox.demo_data.rows import demo_id
from tests.alliance.imported import Office, an_admin, table, uscc_of
from tests.api import families
from tests.api.applicants import Applicant, in_review
from tests.api.kit import bearer, code_of, coupon_of
from tests.api.offers import HUPAN_STORES, make_admin, make_offer, make_staff, shanghai_today
from tests.api.test_member_offers import PDF, a_body
from tests.api.test_member_stores import STORE
from tests.factories.applications import a_uscc
from tests.factories.ledgers import SIGNER
from tests.factories.statements import statement_of
from tests.matrix.world import ADMIN, OWNER, SECOND, World

REASON = {"reason": "测试"}
HUPAN, HUPAN_REGION = demo_id("member", "hz-hupan"), "330105"
WULIN = str(demo_id("store", HUPAN_STORES[0]))
COMPLAINT = {"kind": "service", "text": "态度不好", "store_id": WULIN}
POLICY = {
    "min_grade": 3,
    "review_levels": 2,
    "complaint_answer_days": 5,
    "complaint_limit": 3,
    "complaint_window_days": 180,
}
# Counties of Hangzhou where nothing else is.
COUNTY, OTHER_COUNTY = "330127", "330122"
_months = count()
_numbers = count(1)


def a_period() -> date:
    """A month that is over and that nobody has named yet."""
    months = next(_months)
    return date(2025 - months // 12, 12 - months % 12, 1)


async def offer(world: World) -> str:
    """A published offer with a stock and a budget."""
    offer_id = await make_offer(world.service, total=100)
    await world.service.fetch(
        "UPDATE offer_stock SET budget_fen = 100000, piece_fen = 5000 WHERE offer_id = $1::uuid", offer_id
    )
    return offer_id


async def coupon(world: World) -> str:
    """A claimed coupon."""
    return await coupon_of(world.as_citizen(), await offer(world))


async def clerk(world: World) -> str:
    """A cashier."""
    login = await make_staff(world.service)
    [row] = await world.service.fetch("SELECT id FROM staff WHERE login = $1", login)
    return str(row["id"])


async def admin(world: World) -> str:
    """A signed-in admin of Hangzhou."""
    login = await make_admin(world.service, "330100", "operator")
    await world.service.admin(login)
    [row] = await world.service.fetch("SELECT id FROM admins WHERE login = $1", login)
    return str(row["id"])


async def session(world: World) -> str:
    """His session."""
    admin_id = await admin(world)
    [row] = await world.service.fetch("SELECT id FROM sessions WHERE actor_id = $1::uuid", admin_id)
    return str(row["id"])


async def approval(world: World) -> str:
    """A request by the province's head that waits for another one."""
    head = await world.service.admin("demo-head")
    path = f"/admin/coupons/{await coupon(world)}/revocation"
    asked = await head.post(path, json=REASON)
    assert asked.status_code == 202, asked.text
    return str(asked.json()["approval_id"])


async def member_notice(world: World) -> str:
    """Something that hz-hupan was told."""
    notice_id = uuid4()
    await world.service.fetch(
        "INSERT INTO member_notices (id, member_id, kind, facts, once_key, noticed_at)"
        " VALUES ($1::uuid, $2, 'coupon_revoked', '{\"reason\": \"x\"}', $1::text, now())",
        *(notice_id, HUPAN),
    )
    return str(notice_id)


async def job(world: World) -> str:
    """A background job that failed for good."""
    [row] = await world.service.fetch(
        "INSERT INTO pgqueuer (priority, entrypoint, payload, status, created, updated, execute_after)"
        " VALUES (0, 'nothing', '{}', 'failed', now(), now(), now()) RETURNING id"
    )
    return str(row["id"])


async def agreed_to(world: World, approval_id: str) -> str:
    """The same request, once the second admin has agreed."""
    await world.do(SECOND, "POST", f"/admin/approvals/{approval_id}/approval", REASON)
    return approval_id


async def application(world: World) -> str:
    """An application that passed its checks and waits for its reviews."""
    return (await in_review(world.service)).id


async def application_and_document(world: World) -> dict[str, str]:
    """One with a document that was sent in."""
    application_id = await application(world)
    sql = "SELECT id FROM stored_files WHERE owner_id = $1::uuid AND purpose = 'member_document'"
    [row] = await world.service.fetch(sql, application_id)
    return {"application_id": application_id, "document_id": str(row["id"])}


async def joined(world: World) -> tuple[Applicant, str]:
    """An applicant who became a member, and that member."""
    applicant = await in_review(world.service)
    path = f"/admin/member-applications/{applicant.id}/approval"
    await world.do(ADMIN, "POST", path, {})
    return applicant, (await world.do(ADMIN, "POST", path, {}))["member_id"]


async def member(world: World) -> str:
    """Another member than hz-hupan, so that it can be suspended."""
    return (await joined(world))[1]


async def promise(world: World) -> str:
    """A promise that hz-hupan kept."""
    body = {"outcome": "kept", "cause": "inspection", "cause_id": uuid4().hex}
    return str((await world.do(ADMIN, "POST", f"/admin/members/{HUPAN}/promises", body))["id"])


async def white_list_entry(world: World) -> str:
    """An entry that two admins wanted."""
    body = {"uscc": a_uscc(), "region": "330106", **REASON}
    asked = await world.do(ADMIN, "POST", "/admin/white-list", body)
    approval_id = await agreed_to(world, asked["approval_id"])
    [row] = await world.service.fetch("SELECT id FROM white_list WHERE approval_id = $1::uuid", approval_id)
    return str(row["id"])


def mapping_body() -> dict[str, Any]:
    """A recognition of another place's scheme, from far in the future on."""
    tiers = [
        {"code": "low", "name": "一般", "level": 3, "low": 0, "high": 700},
        {"code": "high", "name": "优等", "level": 5, "low": 700, "high": 1001},
    ]
    return {
        **{"scheme_code": f"m{uuid4().hex[:12]}", "scheme_name": "外地信用分", "place": "上海"},
        **{"agreement": "长三角互认目录", "validity_days": 30, "effective_from": "2097-01-01"},
        **{"effective_until": "2099-01-01", "tiers": tiers, **REASON},
    }


async def mapping(world: World) -> str:
    """A mapping that two heads wanted."""
    body = mapping_body()
    asked = await world.do(ADMIN, "POST", "/admin/tier-mappings", body)
    await agreed_to(world, asked["approval_id"])
    [row] = await world.service.fetch(
        "SELECT id FROM tier_mappings WHERE scheme_code = $1", body["scheme_code"]
    )
    return str(row["id"])


async def what_if(world: World) -> str:
    """A run that counts a draft."""
    what_if_id = uuid4()
    await world.service.fetch(
        "INSERT INTO tier_what_ifs (id, scheme_code, draft_hash, draft, asked_by, asked_at)"
        " VALUES ($1::uuid, left($1::text, 30), sha256('x'), '{}', $1::uuid, now())",
        what_if_id,
    )
    return str(what_if_id)


async def county(_: World) -> str:
    """A region that has no policy of its own at first."""
    return COUNTY


async def audit_record(world: World) -> str:
    """What was written of a policy."""
    await world.do(ADMIN, "PUT", f"/admin/regions/{OTHER_COUNTY}/policy", POLICY)
    sql = "SELECT id FROM audit_records WHERE object_kind = 'region' AND object_id = $1 ORDER BY entry DESC LIMIT 1"
    [row] = await world.service.fetch(sql, OTHER_COUNTY)
    return str(row["id"])


async def sealed_record(world: World) -> dict[str, str]:
    """A record that can be proved."""
    record_id = await audit_record(world)
    async with world.inside():
        await seals.seal_new(AUDIT, SIGNER, now())
    return {"audit_id": record_id}


async def complaint(world: World) -> str:
    """A complaint that waits for hz-hupan's answer, by somebody who has not made his five of a day."""
    citizen = bearer((await world.service.citizen(consent=False)).http)
    return str((await world.do(citizen, "POST", "/me/complaints", COMPLAINT))["id"])


async def a_check(world: World) -> str:
    """An answer of the credit source about hz-hupan that can be contested."""
    check_id = uuid4()
    await world.service.fetch(
        "INSERT INTO organisation_checks (id, member_id, source, checked_at, finding, grade, min_grade, is_dishonest,"
        " is_white_listed, data_date, record_id) VALUES ($1, $2, 'sandbox', now(), 'passed', 4, 3, false, false,"
        " '2026-03-03', 'record-1')",
        *(check_id, HUPAN),
    )
    return str(check_id)


async def contest(world: World) -> dict[str, str]:
    """What hz-hupan's owner sends to contest it."""
    about = {"about": "organisation_check", "record_id": await a_check(world)}
    return {"kind": "objection", "text": "等级有误", **about}


async def objection(world: World) -> str:
    """An objection of hz-hupan's that waits for its answer."""
    return str((await world.do(OWNER, "POST", "/member/objections", await contest(world)))["id"])


async def sent_in(world: World, who: str, path: str) -> str:
    """A file that bears it out."""
    more: dict[str, Any] = {"params": {"name": "证明.pdf"}, "content": PDF}
    kind = {"Content-Type": "application/pdf"}
    return str((await world.do(who, "POST", f"{path}/evidence", headers=kind, **more))["id"])


async def objection_and_evidence(world: World) -> dict[str, str]:
    """An objection with a file."""
    objection_id = await objection(world)
    file_id = await sent_in(world, OWNER, f"/member/objections/{objection_id}")
    return {"objection_id": objection_id, "file_id": file_id}


async def declaration_and_evidence(world: World) -> dict[str, str]:
    """What somebody of Hangzhou declared, and agreed to have passed on; it waits for its review."""
    citizen = bearer((await world.service.citizen(consent=False)).http)
    body = {"kind": "volunteer_hours", "region": HUPAN_REGION, "happened_on": "2026-03-04", "hours": 8}
    more = {"text": "社区志愿服务", "may_forward": True}
    made = await world.do(citizen, "POST", "/me/declarations", {**body, **more})
    file_id = await sent_in(world, citizen, f"/me/declarations/{made['id']}")
    await world.do(citizen, "POST", f"/me/declarations/{made['id']}/submission")
    return {"declaration_id": made["id"], "file_id": file_id}


async def guardianship(world: World) -> str:
    """A guardian's request, with a proof, that waits for Hangzhou's county."""
    return await families.ask(await families.a_guardian(world.service))


async def guardianship_and_proof(world: World) -> dict[str, str]:
    """A request and its proof."""
    guardianship_id = await guardianship(world)
    [row] = await world.service.fetch(
        "SELECT id FROM stored_files WHERE owner_id = $1::uuid", guardianship_id
    )
    return {"guardianship_id": guardianship_id, "file_id": str(row["id"])}


async def store(world: World) -> str:
    """A store that hz-hupan opened."""
    return str((await world.do(OWNER, "POST", "/member/stores", STORE))["id"])


def closure_body() -> dict[str, str]:
    """From tomorrow on, for two days."""
    first = shanghai_today() + timedelta(days=1)
    return {"first_day": f"{first}", "last_day": f"{first + timedelta(days=1)}", "reason": "renovation"}


async def store_and_closure(world: World) -> dict[str, str]:
    """A store that will be closed for some days."""
    store_id = await store(world)
    made = await world.do(OWNER, "POST", f"/member/stores/{store_id}/closures", closure_body())
    return {"store_id": store_id, "closure_id": made["id"]}


async def device(world: World) -> str:
    """A device that nobody has paired yet."""
    body = {"name": "前台", "store_id": WULIN}
    return str((await world.do(OWNER, "POST", "/member/devices", body))["device_id"])


async def day_close(world: World) -> str:
    """A day that hz-hupan's cashier has closed."""
    clerk = await world.service.clerk()
    body = {"store_id": clerk.store_id, "day": f"{shanghai_today()}", "redemptions": 0, "reversals": 0}
    made = await world.do(bearer(clerk.http), "POST", "/day-closes", {**body, "discount_fen": 0})
    return str(made["id"])


async def webhook(world: World) -> str:
    """hz-hupan's only one: it may have three."""
    there = (await world.do(OWNER, "GET", "/member/webhooks"))["items"]
    made = there or [await world.do(OWNER, "POST", "/member/webhooks", {"url": "https://till.example.com/x"})]
    return str(made[0]["id"])


async def webhook_and_delivery(world: World) -> dict[str, str]:
    """A delivery that was given up."""
    webhook_id = await webhook(world)
    made = await world.do(OWNER, "POST", f"/member/webhooks/{webhook_id}/ping")
    sql = "UPDATE webhook_deliveries SET status = 'failed', ended_at = now() WHERE id = $1::uuid"
    await world.service.fetch(sql, made["delivery_id"])
    return {"webhook_id": webhook_id, "delivery_id": made["delivery_id"]}


async def offer_and_evidence(world: World) -> dict[str, str]:
    """A draft with a list price, and what shows it."""
    more: dict[str, Any] = {"params": {"name": "价目表.pdf"}, "content": PDF}
    path, kind = "/member/price-evidence", {"Content-Type": "application/pdf"}
    file_id = (await world.do(OWNER, "POST", path, headers=kind, **more))["id"]
    body = a_body(list_price_fen=20_000, evidence_file_id=file_id)
    return {"offer_id": (await world.do(OWNER, "POST", "/member/offers", body))["id"], "file_id": file_id}


async def submitted_offer(world: World) -> str:
    """An offer that waits for its review."""
    offer_id = str((await world.do(OWNER, "POST", "/member/offers", a_body()))["id"])
    await world.do(OWNER, "POST", f"/member/offers/{offer_id}/submission")
    return offer_id


async def share_consent(world: World) -> str:
    """What hz-hupan was asked to pay: no public unit, but whoever is named is asked the same."""
    consent_id, offer_id = uuid4(), await submitted_offer(world)
    await world.service.fetch(
        "INSERT INTO share_consents (id, version_id, terms_id, unit_id, asked_at)"
        " SELECT $1, v.id, v.terms_id, $2, now() FROM offer_versions v WHERE v.offer_id = $3::uuid",
        *(consent_id, HUPAN, offer_id),
    )
    return str(consent_id)


async def redemption(world: World) -> str:
    """A redemption at hz-hupan."""
    citizen, clerk = world.as_citizen(), await world.service.clerk()
    done = await clerk.redeem(await code_of(citizen, await coupon(world)))
    assert done.status_code == 201, done.text
    return str(done.json()["id"])


async def statement(world: World) -> str:
    """A month of hz-hupan's that was closed and waits for its answer."""
    period = a_period()
    async with world.inside():
        async with transaction():
            await open_statements([(HUPAN, HUPAN_REGION, period)], now())
        assert await statement_closing.close(HUPAN, period, now())
        return str((await statement_of(HUPAN, period))["id"])


async def export(world: World) -> str:
    """A file that the admin has asked for, and that is written."""
    body = {"region": "330100", "period": f"{a_period():%Y-%m}", **REASON}
    asked = await world.do(ADMIN, "POST", "/admin/exports", body)
    export_id = await agreed_to(world, asked["approval_id"])
    async with world.inside():
        assert await exports.write(UUID(export_id), world.files, now())
    return export_id


def members_file(uscc: str | None = None) -> bytes:
    """One member to be imported."""
    number = uuid4().int % 1_000_000_000
    return table(ImportKind.MEMBERS, {"uscc": uscc or uscc_of(number), "name": f"商家 {number}"})


def an_office(world: World) -> Office:
    """Two other admins of Hangzhou."""
    return Office(world.files, an_admin(), an_admin())


async def checked_import(world: World) -> str:
    """A file without errors that another admin sent in."""
    async with world.inside():
        return str((await an_office(world).checked(ImportKind.MEMBERS, members_file()))["id"])


async def credit_batch_and_error(world: World) -> dict[str, str]:
    """A source's batch with a bad row that is open, and the file that goes back."""
    batch_id, error_id, number = new_id(), new_id(), next(_numbers)
    async with world.inside():

        async def pieces() -> AsyncIterator[bytes]:
            yield b"file,row,record_id,field,code\n"

        content = await world.files.keep(pieces(), "text/csv", 1000)
        purpose = FilePurpose.CREDIT_BATCH_ERRORS
        file_id = await stored_files.add(purpose, batch_id, "errors.csv", content, now())
        await execute(
            "INSERT INTO credit_batches (id, number, source, source_batch_id, manifest_sha256, data_date, made_at,"
            " delivered_at, due_at, status, failure, errors_file_id)"
            " VALUES ($1, $2, 'test', '1', $3, $4, $5, $5, $5, 'refused', 'too_many_bad_rows', $6)",
            *(batch_id, number, f"{number:064}", now().date(), now(), file_id),
        )
        await execute(
            "INSERT INTO credit_batch_errors (id, batch_id, kind, row_number, record_id, field, code, found_at)"
            " VALUES ($1, $2, 'tiers', 2, 'r-1', 'score', 'score_off_scale', $3)",
            *(error_id, batch_id, now()),
        )
    return {"batch_id": str(batch_id), "error_id": str(error_id)}


def _part(name: str, make: Callable[[World], Awaitable[dict[str, str]]]) -> "Make":
    """One of several things that are made together."""

    async def one(world: World) -> str:
        return (await make(world))[name]

    return one


Make = Callable[[World], Awaitable[str]]

# Name in the path → what makes one.
THINGS: dict[str, Make] = {
    "admin_id": admin,
    "application_id": application,
    "approval_id": approval,
    "audit_id": audit_record,
    "batch_id": _part("batch_id", credit_batch_and_error),
    "closure_id": _part("closure_id", store_and_closure),
    "code": county,
    "complaint_id": complaint,
    "consent_id": share_consent,
    "coupon_id": coupon,
    "declaration_id": _part("declaration_id", declaration_and_evidence),
    "delivery_id": _part("delivery_id", webhook_and_delivery),
    "device_id": device,
    "document_id": _part("document_id", application_and_document),
    "entry_id": white_list_entry,
    "error_id": _part("error_id", credit_batch_and_error),
    "export_id": export,
    "file_id": _part("file_id", offer_and_evidence),
    "guardianship_id": guardianship,
    "import_id": checked_import,
    "job_id": job,
    "mapping_id": mapping,
    "member_id": member,
    "notice_id": member_notice,
    "objection_id": objection,
    "offer_id": offer,
    "redemption_id": redemption,
    "session_id": session,
    "staff_id": clerk,
    "statement_id": statement,
    "store_id": store,
    "webhook_id": webhook,
    "what_if_id": what_if,
}
# What no path names and a list shows.
LISTED: dict[str, Make] = {
    "day_close": day_close,
    "promise": promise,
    "submitted_offer": submitted_offer,
}
# Things that have no region or member; with which code a stranger is forbidden them (403), and why.
OF_NOBODY: dict[str, tuple[str, str]] = {
    "batch_id": ("province_alone", "a source's batches are the whole province's"),
    "error_id": ("province_alone", "so are the rows that go back to it"),
    "mapping_id": ("province_alone", "a recognition holds for the whole province, which alone changes it"),
    "what_if_id": ("province_alone", "a draft of a scheme is the province's business"),
    "job_id": ("province_alone", "jobs have no region; whoever is not of the province may not even ask"),
}
# Lists that show no id of a thing above, and why.
LISTS_OF_NOBODY: dict[str, str] = {
    "GET /admin/tier-schemes": "a scheme holds for the whole province",
    "GET /admin/account/sessions": "one's own, whoever one is",
    "GET /admin/statements/sums": "sums have no ids",
    "GET /member/owed": "what public units owe; hz-hupan is none",
}
# What a list has to be asked for.
LIST_QUERIES: dict[str, dict[str, str]] = {
    "GET /admin/statements/sums": {"period": "2025-12"},
    "GET /member/owed": {"period": "2025-12"},
}
