"""Good calls that need more than a body: a thing in just the state for it, or another caller."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from uuid import uuid4

from models.office_enums import ImportKind
from tests.alliance.imported import table
from tests.api.applicants import in_review
from tests.api.kit import coupon_of
from tests.api.offers import make_offer, make_staff, shanghai_today
from tests.api.test_member_offers import PDF, a_body
from tests.factories.applications import a_uscc, a_wrong_uscc
from tests.matrix import things
from tests.matrix.things import REASON
from tests.matrix.world import ADMIN, OWNER, Call, World
from tests.service import API

BANDS = [
    {"code": "low", "name": "较低", "level": 2, "low": 0, "high": 500},
    {"code": "high", "name": "较高", "level": 4, "low": 500, "high": 900},
    {"code": "top", "name": "最高", "level": 5, "low": 900, "high": 1001},
]


def together(make: Callable[[World], Awaitable[Mapping[str, str]]]) -> Callable[[World], Awaitable[Call]]:
    """Things that are made together, for a call without a body."""

    async def prepare(world: World) -> Call:
        return Call(await make(world))

    return prepare


# Accounts, sessions and requests of admins.


async def own_request(world: World) -> Call:
    """Only what one asked for oneself can be withdrawn."""
    path = f"/admin/coupons/{await things.coupon(world)}/revocation"
    return Call({"approval_id": (await world.do(ADMIN, "POST", path, REASON))["approval_id"]})


async def own_session(world: World) -> Call:
    """Another sign-in of the same admin."""
    await world.service.admin(world.logins[ADMIN])
    [row] = await world.service.fetch(
        "SELECT s.id FROM sessions s JOIN admins a ON a.id = s.actor_id WHERE a.login = $1 ORDER BY s.id DESC LIMIT 1",
        world.logins[ADMIN],
    )
    return Call({"session_id": str(row["id"])})


async def session_of_admin(world: World) -> Call:
    """A session of just that admin."""
    admin_id = await things.admin(world)
    [row] = await world.service.fetch("SELECT id FROM sessions WHERE actor_id = $1::uuid", admin_id)
    return Call({"admin_id": admin_id, "session_id": str(row["id"])})


async def unconfirmed_admin(world: World) -> Call:
    """An admin whose link somebody else has had."""
    admin_id = await things.admin(world)
    await world.service.fetch("UPDATE admins SET linked_by = gen_random_uuid() WHERE id = $1::uuid", admin_id)
    return Call({"admin_id": admin_id})


async def invitation(_: World) -> Call:
    """A login that nobody has."""
    body = {"login": f"new-{uuid4().hex[:12]}", "region": "330106", "roles": ["operator"]}
    return Call(body=body)


async def own_proof(world: World) -> Call:
    """The matrix's admin has no authenticator; his password is his login."""
    return Call(body={"old_password": world.logins[ADMIN]})


async def new_password(world: World) -> Call:
    """By somebody whose other sessions nobody needs."""
    return Call(
        body={"old_password": world.logins["admin: reviewer"], "password": "four unrelated words here"},
        token=world.tokens["admin: reviewer"],
    )


# What the office asks for and decides.


async def tier_scheme(_: World) -> Call:
    """A scheme that waits for nobody else."""
    return Call(
        body={
            "code": f"s{uuid4().hex[:12]}",
            "name": "试行方案",
            "explanation": "只用来给您更多优惠。",
            "grace_points": 5,
            "validity_days": 30,
            "notice_days": 30,
            "effective_from": "2099-01-01T00:00:00+08:00",
            "bands": BANDS,
            "reason": "年度调整",
        }
    )


async def tier_draft(world: World) -> Call:
    """The same without a reason, to be counted."""
    body = (await tier_scheme(world)).body
    assert isinstance(body, dict)
    return Call(body={name: value for name, value in body.items() if name != "reason"})


async def tier_mapping(_: World) -> Call:
    """Another place's scheme that nobody has asked to recognise."""
    return Call(body=things.mapping_body())


async def mapping_end(world: World) -> Call:
    """A mapping that can end sooner."""
    body = {"effective_until": "2098-01-01", **REASON}
    return Call({"mapping_id": await things.mapping(world)}, body)


async def white_list_wish(_: World) -> Call:
    """An organisation that is not on the list."""
    return Call(body={"uscc": a_uscc(), "region": "330106", **REASON})


async def export_wish(_: World) -> Call:
    """A month that nobody has asked for."""
    return Call(body={"region": "330100", "period": f"{things.a_period():%Y-%m}", "format": "csv", **REASON})


async def doubtful_application(world: World) -> Call:
    """One whose code has a wrong check digit."""
    applicant = await in_review(world.service, uscc=a_wrong_uscc())
    return Call({"application_id": applicant.id}, REASON)


async def suspended_member(world: World) -> Call:
    """Suspended by the office."""
    member_id = await things.member(world)
    await world.do(ADMIN, "POST", f"/admin/members/{member_id}/suspension", REASON)
    return Call({"member_id": member_id}, {"cause": "office"})


async def answered_complaint(world: World) -> Call:
    """A complaint that waits for the office's decision."""
    complaint_id = await things.complaint(world)
    await world.do(OWNER, "POST", f"/member/complaints/{complaint_id}/answer", {"text": "已培训店员"})
    return Call({"complaint_id": complaint_id}, {"decision": "dismissed", **REASON})


async def guardian_in_force(world: World) -> Call:
    """A guardianship that was confirmed."""
    guardianship_id = await things.guardianship(world)
    await world.do(ADMIN, "POST", f"/admin/guardianships/{guardianship_id}/confirmation")
    return Call({"guardianship_id": guardianship_id}, REASON)


async def decided_complaint(world: World) -> Call:
    """One that was decided."""
    call = await answered_complaint(world)
    await world.do(ADMIN, "POST", f"/admin/complaints/{call.things['complaint_id']}/decision", call.body)
    return Call(call.things, REASON)


async def _answered_statement(world: World, answer: str, body: object = None) -> str:
    statement_id = await things.statement(world)
    await world.do(OWNER, "POST", f"/member/statements/{statement_id}/{answer}", body)
    return statement_id


async def disputed_statement(world: World) -> Call:
    """A statement that its member finds wrong."""
    return Call({"statement_id": await _answered_statement(world, "dispute", REASON)}, REASON)


async def statement_to_adjust(world: World) -> Call:
    """The same, and what is right."""
    body = {"member_fen": -5, "alliance_fen": 5, "reason_code": "share_wrong"}
    return Call((await disputed_statement(world)).things, body)


async def confirmed_statement(world: World) -> Call:
    """A statement that its member agreed to."""
    statement_id = await _answered_statement(world, "confirmation")
    return Call({"statement_id": statement_id}, {"reference": "PAY-1"})


# Imports.


async def file_of_members(_: World) -> Call:
    """A file that nobody has sent in."""
    return Call(query={"kind": "members"}, content=things.members_file(), media_type="text/csv")


async def import_with_errors(world: World) -> Call:
    """A file with a wrong cell."""
    async with world.inside():
        content = things.members_file(uscc="1" * 18)
        row = await things.an_office(world).checked(ImportKind.MEMBERS, content)
    return Call({"import_id": str(row["id"])})


async def imported_staff(world: World) -> Call:
    """Somebody who was imported and has no password yet."""
    [member] = await world.service.fetch("SELECT uscc FROM members WHERE id = $1", things.HUPAN)
    person = {"member_uscc": member["uscc"], "login": f"new-{uuid4().hex[:8]}", "stores": ""}
    async with world.inside():
        row = await things.an_office(world).applied(ImportKind.STAFF, table(ImportKind.STAFF, person))
    return Call({"import_id": str(row["id"])})


# Offers, by how far they have come.


async def drafted(world: World) -> Call:
    """An offer that its member has begun, and all of it once more."""
    made = await world.do(OWNER, "POST", "/member/offers", a_body())
    return Call({"offer_id": made["id"]}, a_body(title="湖畔特惠"))


async def draft(world: World) -> Call:
    """The same for a call without a body."""
    return Call((await drafted(world)).things)


async def submitted(world: World) -> Call:
    """It waits for its review."""
    return Call({"offer_id": await things.submitted_offer(world)})


async def offer_to_approve(world: World) -> Call:
    """Its first version is what was read."""
    return Call((await submitted(world)).things, {"number": 1})


async def offer_to_send_back(world: World) -> Call:
    """The same with a reason."""
    return Call((await submitted(world)).things, {"number": 1, **REASON})


async def _approved(world: World, **changes: object) -> str:
    offer_id = str((await world.do(OWNER, "POST", "/member/offers", a_body(**changes)))["id"])
    await world.do(OWNER, "POST", f"/member/offers/{offer_id}/submission")
    await world.do(ADMIN, "POST", f"/admin/offers/{offer_id}/approval", {"number": 1})
    return offer_id


async def approved(world: World) -> Call:
    """It may be published."""
    return Call({"offer_id": await _approved(world)})


async def paused(world: World) -> Call:
    """Its member paused it."""
    offer_id = await things.offer(world)
    await world.do(OWNER, "POST", f"/member/offers/{offer_id}/pause")
    return Call({"offer_id": offer_id})


async def proposed(world: World) -> Call:
    """It is published, and a change of it is begun."""
    offer_id = await _approved(world)
    await world.do(OWNER, "POST", f"/member/offers/{offer_id}/publication")
    await world.do(OWNER, "PUT", f"/member/offers/{offer_id}", a_body(percent_off=30))
    return Call({"offer_id": offer_id})


async def with_budget(world: World) -> Call:
    """It has a budget, which is lowered."""
    offer_id = await _approved(world, stock_total=5, budget_fen=50_000)
    return Call({"offer_id": offer_id}, {"from_fen": 50_000, "to_fen": 40_000})


async def claimed(world: World) -> Call:
    """Somebody holds a coupon of it."""
    offer_id = await make_offer(world.service)
    await coupon_of(world.as_citizen(), offer_id)
    return Call({"offer_id": offer_id}, REASON)


# Objections and declarations.


async def contested(world: World) -> Call:
    """An answer of the source that nobody has contested yet."""
    return Call(body=await things.contest(world))


def lasting() -> dict[str, str]:
    """Until a day to come."""
    return {"valid_until": f"{shanghai_today() + timedelta(days=30)}"}


async def declared(_: World) -> Call:
    """It is valid for a month."""
    return Call(body=lasting())


async def accepted_declaration(world: World) -> Call:
    """Only what was accepted is passed on."""
    made = await things.declaration_and_evidence(world)
    path = f"/admin/declarations/{made['declaration_id']}/acceptance"
    await world.do(ADMIN, "POST", path, lasting())
    return Call({"declaration_id": made["declaration_id"]})


# What a member does with its own.


async def evidence(_: World) -> Call:
    """A price list."""
    return Call(query={"name": "价目表.pdf"}, content=PDF, media_type="application/pdf")


async def leaving(world: World) -> Call:
    """By the owner of a member that nobody else needs."""
    applicant, _ = await things.joined(world)
    login = {"login": f"owner-{uuid4().hex[:10]}", "password": "correct horse battery"}
    made = await applicant.http.post("/member-application/owner", json=login)
    assert made.is_success, made.text
    signed_in = await world.client.post(f"{API}/auth/staff", json=login)
    return Call(token=signed_in.json()["access_token"])


async def an_owner(world: World) -> Call:
    """An owner who has forgotten his password."""
    login = await make_staff(world.service, "owner")
    [row] = await world.service.fetch("SELECT id FROM staff WHERE login = $1", login)
    return Call({"staff_id": str(row["id"])})


async def session_of_clerk(world: World) -> Call:
    """A session of just that clerk."""
    login = await make_staff(world.service)
    await world.service.clerk(login)
    [row] = await world.service.fetch(
        "SELECT s.id, s.actor_id FROM sessions s JOIN staff p ON p.id = s.actor_id WHERE p.login = $1", login
    )
    return Call({"staff_id": str(row["actor_id"]), "session_id": str(row["id"])})


async def newcomer(_: World) -> Call:
    """A login that nobody has."""
    return Call(body={"login": f"new-{uuid4().hex[:12]}", "role": "cashier", "store_ids": [things.WULIN]})


async def invited_clerk(world: World) -> Call:
    """Somebody who has no password yet."""
    made = await world.do(OWNER, "POST", "/member/staff", (await newcomer(world)).body)
    return Call({"staff_id": made["staff_id"]})


async def closure(_: World) -> Call:
    """Days that are to come."""
    return Call(body=things.closure_body())
