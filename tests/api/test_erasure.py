"""A citizen whose name, number and words can't be mistaken does everything, and erases himself: nobody finds him again.

He is looked for in a dump of the database, in a base backup, in Redis, in the log, the metrics, the stored files and
in every answer to others; and under his keyed hashes and encrypted values too.
"""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import asyncio as aioredis

from alliance.data_pages import LABELS
from alliance.own_data import DELETED, OWN_DATA
from citizens import sandbox_people
from sandbox.embedded import Postgres
from server.config import SANDBOX_SECRETS, load
from tests.api import families
from tests.api.kit import answered, claim, code_of, coupon_of, own_redis, problem, with_key
from tests.api.offers import make_admin, make_offer
from tests.conftest import Servers
from tests.seeds import copy_seed
from tests.service import CitizenClient, Service

NUMBER = "177055543"
CODE, NAME = f"load-{NUMBER}", f"压测{NUMBER}"
PERSON = sandbox_people.person_of(CODE)
assert PERSON is not None and PERSON.name == NAME
PHONE, COMPLAINT = "13798765432", "店员认出我是金丝雀甲，当众念出"
ANSWER, DECISION, UNDONE = "金丝雀乙说的不实", "经查金丝雀丙确有其事", "金丝雀丁扫错了"
REVOKED, FILE, CHILD = "金丝雀己多领", "金丝雀戊.pdf", "金丝雀庚"
CONTESTED, REPLIED, DECLARED, NOT_TAKEN = (
    "金丝雀辛的等级不对",
    "金丝雀壬请补证明",
    "金丝雀癸做过义工",
    "金丝雀子看不清",
)
CANARIES = (NUMBER, PERSON.id_number, PHONE, "金丝雀")


@dataclass
class Canary:
    """One service after he was erased, and everything that others were told."""

    service: Service
    postgres: Postgres
    redis_url: str
    citizen: CitizenClient
    before: dict[str, int] = field(default_factory=dict)
    copies: dict[str, str] = field(default_factory=dict)
    hidden: list[bytes] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    preview: dict[str, Any] = field(default_factory=dict)
    erased: httpx.Response | None = None


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[Postgres]:
    """A server of its own: a base backup is of a whole one."""
    with tempfile.TemporaryDirectory(prefix="xy-canary-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        copy_seed(16, folder / "pg")
        postgres = Postgres.start(folder / "pg", major=16, settings={"fsync": "off"})
        try:
            yield postgres
        finally:
            postgres.kill()


@pytest.fixture(scope="module")
async def canary(
    own_postgres: Postgres, servers: Servers, make_service: Callable[..., Service]
) -> AsyncIterator[Canary]:
    """He does everything, takes a copy, and is erased."""
    redis_url = own_redis(servers.redis_url, 9)
    service = make_service(workers=1, ACCESS_LOG="1", REDIS_URL=redis_url, DATABASE_URL=own_postgres.url)
    found = Canary(service, own_postgres, redis_url, await service.citizen(CODE))
    await _live(found)
    await _put_afterwards(service, found.citizen.id)
    found.hidden = await _hidden(service, found.citizen.id)
    http = found.citizen.http
    for kind in ("json", "html"):
        copy = await http.get(f"/me/data?format={kind}")
        assert copy.status_code == 200 and copy.headers["cache-control"] == "no-store"
        found.copies[kind] = copy.text
    found.preview = answered(await http.get("/me/erasure"), 200, "shares", "coupons_lost", "confirmation")
    found.before = {share["name"]: share["rows"] for share in found.preview["shares"]}
    body = {"confirmation": found.preview["confirmation"]}
    problem(await http.request("DELETE", "/me", json={"confirmation": "x"}), 400, "confirmation_invalid")
    found.erased = await http.request("DELETE", "/me", json=body)
    yield found


async def _live(canary: Canary) -> None:
    service, citizen, http = canary.service, canary.citizen, canary.citizen.http
    clerk, owner, admin = await service.clerk(), await service.clerk("demo-owner"), await service.admin()
    other = await service.client().post("/auth/citizen", json={"channel": "sandbox", "code": f"{CODE}@b"})
    assert other.json()["citizen"]["id"] == citizen.id
    await _put_by_hand(service, citizen.id)
    assert (await http.get("/me/credit")).json()["status"] == "rated"
    offer = await make_offer(service, total=9, uses_total=2)
    [coupon, unused] = [await coupon_of(http, offer) for _ in "12"]
    await http.get(f"/coupons/{unused}/code?renewal=client")
    redemption = (await clerk.redeem(await code_of(http, coupon))).json()["id"]
    reason = {"reason": UNDONE}
    undone = await clerk.http.post(f"/redemptions/{redemption}/reversals", json=reason, headers=with_key())
    again = await clerk.redeem(await code_of(http, coupon))
    assert (undone.status_code, again.status_code) == (201, 201)
    await clerk.redeem(await code_of(http, coupon), uses=9)
    for about in ({"redemption_id": redemption}, {"store_id": clerk.store_id}):
        body = {"kind": "other", "text": COMPLAINT, **about}
        made = await http.post("/me/complaints", json=body, headers=with_key())
        assert made.status_code == 201, made.text
    complaint = made.json()["id"]
    decider = await service.admin(await make_admin(service, "330000", "operator", "reviewer", "head"))
    for who, path, sent in (
        (owner.http, f"/member/complaints/{complaint}/answer", {"text": ANSWER}),
        (decider, f"/admin/complaints/{complaint}/decision", {"decision": "upheld", "reason": DECISION}),
    ):
        answer = await who.post(path, json=sent)
        assert answer.status_code < 300, (path, answer.text)
    await service.revoke_coupon(await coupon_of(http, offer), REVOKED)
    await _ask(canary, decider)
    binding = await (await service.clerk("demo-cashier-2")).http.post("/staff/self-binding")
    code = {"binding_code": binding.json()["binding_code"]}
    assert (await http.post("/me/staff-binding", json=code)).status_code == 204
    for path in ("/me", "/me/notices", "/me/access-log", f"/coupons/{coupon}", "/offers?eligible=true"):
        assert (await http.get(path)).status_code == 200
    await http.get("/nothing", params={"name": NAME})
    await http.post("/auth/refresh", json={"refresh_token": NAME})
    for audience in (clerk.http, owner.http, admin, decider):
        for path in ("/redemptions", "/member/complaints", "/admin/audit?limit=100"):
            canary.heard.append((await audience.get(path)).text)
    canary.heard.append((await service.client().get(service.url + "/metrics")).text)


async def _ask(canary: Canary, office: httpx.AsyncClient) -> None:
    """He contests his tier, declares a record, asks to act for a child, lets somebody help, and wants messages."""
    http, pdf = canary.citizen.http, {"Content-Type": "application/pdf"}
    contest = {"kind": "objection", "about": "tier", "region": "330106", "text": CONTESTED}
    declared = {"kind": "volunteer_hours", "region": "330106", "happened_on": "2026-03-04", "hours": 8}
    child = {"name": CHILD, "id_number": families.id_number(), "region": families.COUNTY}
    assert (await families.agree(http, "guardianship")).status_code == 200
    asked = {}
    for path, body in (
        ("/me/objections", contest),
        ("/me/declarations", {**declared, "text": DECLARED}),
        ("/me/children", child),
    ):
        made = await http.post(path, json=body, headers=with_key())
        assert made.status_code == 201, made.text
        asked[path] = f"{path}/{made.json()['id']}"
        sent = await http.post(
            f"{asked[path]}/evidence", params={"name": FILE}, content=families.PDF, headers=pdf
        )
        assert sent.status_code == 201, sent.text
    assert (await http.post(f"{asked['/me/declarations']}/submission")).status_code < 300
    for path, reply in (
        (asked["/me/objections"] + "/answer", {"outcome": "dismissed", "reason": REPLIED}),
        (asked["/me/declarations"] + "/refusal", {"reason": NOT_TAKEN}),
    ):
        done = await office.post(path.replace("/me/", "/admin/"), json=reply)
        assert done.status_code < 300, (path, done.text)
    await families.a_helper(canary.citizen, await canary.service.citizen())
    assert (await http.post("/me/consents/notices/refusals", json={})).status_code == 204
    templates = {"channel": "wechat", "templates": {"coupon_expiring": "accept"}}
    assert (await http.post("/me/subscriptions", json=templates)).status_code < 300


async def _put_by_hand(service: Service, citizen_id: str) -> None:
    """What no route stores here: a verified number, a code for a relative; what the background process counts."""
    keys = load({**service.environment, **SANDBOX_SECRETS}).data_keys
    phone = keys.encrypt(PHONE, "citizen_phones.phone")
    await service.fetch(
        "INSERT INTO citizen_phones (citizen_id, phone_encrypted, channel, verified_at) VALUES ($1, $2, 'sandbox', now())",
        *(citizen_id, phone),
    )
    await service.fetch(
        "INSERT INTO one_time_links (id, purpose, subject_id, secret_hash, made_at, expires_at)"
        " VALUES (gen_random_uuid(), 'account_join', $1, decode(repeat('07', 32), 'hex'), now(), now() + interval '1 day')",
        citizen_id,
    )
    await service.fetch(
        "INSERT INTO member_customers (member_id, citizen_id, first_entry, first_day, last_day)"
        " SELECT id, $1, 1, current_date, current_date FROM members LIMIT 1",
        citizen_id,
    )


async def _put_afterwards(service: Service, citizen_id: str) -> None:
    """What the background process and a clerk's screen write, and an account that was joined to his."""
    for sql in (
        "INSERT INTO citizen_joins (absorbed_id, citizen_id, joined_at, request_key, request_hash)"
        " VALUES (gen_random_uuid(), $1, now(), 'a-key-of-his', decode(repeat('00', 32), 'hex'))",
        "INSERT INTO disclosures (id, citizen_id, consent_id, member_id, store_id, offer_id, what, shown_at)"
        " SELECT gen_random_uuid(), $1, c.id, s.member_id, s.id, o.id, 'masked_name', now()"
        "  FROM (SELECT * FROM stores LIMIT 1) s, consents c, (SELECT id FROM offers LIMIT 1) o"
        "  WHERE c.citizen_id = $1 LIMIT 1",
        "INSERT INTO messages (notice_id, citizen_id, identity_id, channel, template, state, made_at, next_try_at)"
        " SELECT n.id, $1, i.id, 'wechat', 'answered', 'waiting', now(), now()"
        "  FROM citizen_notices n, channel_identities i WHERE n.citizen_id = $1 AND i.citizen_id = $1 LIMIT 1",
        "INSERT INTO coupon_reminders (coupon_id, due_at, days) SELECT id, now(), 3 FROM coupons"
        " WHERE citizen_id = $1 LIMIT 1 ON CONFLICT DO NOTHING",
    ):
        await service.fetch(sql, citizen_id)


async def _hidden(service: Service, citizen_id: str) -> list[bytes]:
    """The keyed hashes and the encrypted values that are his."""
    found = []
    for sql in (
        "SELECT person_hash, name_encrypted, id_number_encrypted FROM natural_persons WHERE citizen_id::text = $1",
        "SELECT subject_hash, subject_encrypted FROM channel_identities WHERE citizen_id::text = $1",
        "SELECT phone_encrypted FROM citizen_phones WHERE citizen_id::text = $1",
        "SELECT w.text_encrypted, w.answer_encrypted, w.decision_encrypted FROM complaint_texts w"
        " JOIN complaints c ON c.id = w.complaint_id WHERE c.citizen_id::text = $1",
        "SELECT self_hash FROM staff WHERE login = 'demo-cashier-2' AND $1 <> ''",
        "SELECT secret_hash FROM one_time_links WHERE subject_id::text = $1 AND purpose = 'account_join'",
        "SELECT w.text_encrypted, w.answer_encrypted FROM objection_texts w"
        " JOIN objections o ON o.id = w.objection_id WHERE o.citizen_id::text = $1",
        "SELECT w.text_encrypted, w.refusal_encrypted FROM declaration_texts w"
        " JOIN declarations d ON d.id = w.declaration_id WHERE d.citizen_id::text = $1",
        "SELECT child_hash, name_encrypted, id_number_encrypted FROM guardianship_requests"
        " WHERE guardian_id::text = $1",
    ):
        found += [value for row in await service.fetch(sql, citizen_id) for value in row.values() if value]
    assert len(found) == 3 + 2 * 2 + 1 + (3 + 1) + 1 + 1 + 2 + 2 + 3
    return found


def seen(text: str) -> list[str]:
    """Which canaries stand in a text, as they are, escaped as JSON does, or as the hexadecimal of their bytes."""
    low = text.lower()
    return [
        word
        for word in CANARIES
        if word in text or json.dumps(word)[1:-1].lower() in low or word.encode().hex() in low
    ]


async def test_he_was_everywhere_before(canary: Canary) -> None:
    """Else the tests below would find nothing for the wrong reason."""
    assert canary.before and not [name for name, rows in canary.before.items() if not rows]
    assert set(canary.before) == {entry.table for entry in OWN_DATA if entry.select}
    for copy in canary.copies.values():
        assert not [text for text in (NAME, PERSON.id_number, PHONE, COMPLAINT, ANSWER, DECISION, UNDONE, FILE, CHILD, CONTESTED, REPLIED, DECLARED, NOT_TAKEN) if text not in copy]  # type: ignore[union-attr] # fmt: skip
    assert len(canary.preview["coupons_lost"]) == 2
    assert canary.erased is not None and canary.erased.status_code == 204


async def test_what_the_list_says_is_deleted_is_gone(canary: Canary) -> None:
    for entry in OWN_DATA:
        if (entry.select and entry.erasure is DELETED) or entry.table == "stored_files":
            assert not await canary.service.fetch(entry.select, canary.citizen.id), entry.table
    for sql in (
        "SELECT FROM one_time_links WHERE subject_id::text = $1",
        "SELECT FROM consents WHERE citizen_id::text = $1 AND withdrawn_at IS NULL",
        "SELECT FROM sessions WHERE actor_id::text = $1 AND revoked_at IS NULL",
        "SELECT FROM coupons WHERE citizen_id::text = $1 AND status = 'claimed'",
        "SELECT FROM complaints WHERE citizen_id::text = $1 AND status NOT IN ('upheld', 'withdrawn')",
    ):
        assert await canary.service.fetch(sql, canary.citizen.id) == [], sql
    [clerk] = await canary.service.fetch("SELECT self_hash FROM staff WHERE login = 'demo-cashier-2'")
    assert clerk["self_hash"] is None


async def test_a_dump_has_neither_him_nor_his_hashes(canary: Canary) -> None:
    dump = canary.postgres.run("pg_dump", "--dbname=xinyi", "--inserts")
    assert canary.citizen.id in dump, "his random id stays, for the books"
    assert [line[:120] for line in dump.splitlines() if seen(line)] == []
    assert [value.hex() for value in canary.hidden if value.hex() in dump] == []


async def test_a_base_backup_never_had_him_in_the_open(canary: Canary, tmp_path: Path) -> None:
    """What is encrypted never lay there; the words of others (a clerk's reason, a file's name) go with the pages."""
    folder = Path(tempfile.mkdtemp(prefix="xy-base-", dir=canary.postgres.folder.parent))
    folder.chmod(0o777)
    canary.postgres.run("pg_basebackup", "-D", folder / "copy", "--checkpoint=fast")
    words = [word.encode() for word in (NUMBER, PERSON.id_number, PHONE, COMPLAINT, ANSWER)]  # type: ignore[union-attr]
    files = [path for path in (folder / "copy").rglob("*") if path.is_file()]
    assert len(files) > 500
    for path in files:
        content = await asyncio.to_thread(path.read_bytes)
        assert not [word for word in words if word in content], path


async def test_redis_the_log_the_metrics_and_the_files_have_nothing(canary: Canary) -> None:
    client, text = aioredis.from_url(canary.redis_url), ""
    async for key in client.scan_iter():
        text += f"{key!r} {await client.get(key)!r}\n"
    await client.aclose()
    metrics = (await canary.service.client().get(canary.service.url + "/metrics")).text
    log = canary.service.log.read_text()
    assert "limit:" in text and '"event": "request"' in log and "requests" in metrics
    files = [path for path in Path(canary.service.environment["FILES_DIR"]).rglob("*") if path.is_file()]
    stored = "".join(f"{path} {path.read_bytes()!r}" for path in files)
    for where in (text, metrics, log, stored):
        assert seen(where) == [] and canary.citizen.id not in where


async def test_others_were_told_his_random_id_at_most(canary: Canary) -> None:
    """The member and the office read his words, which he was told; nobody read who he is."""
    assert any("金丝雀" in text for text in canary.heard)
    for text in canary.heard:
        assert not [word for word in (NUMBER, PERSON.id_number, PHONE) if word in text]  # type: ignore[union-attr]


async def test_every_process_refuses_him_within_a_second_and_he_comes_back_as_somebody_new(
    canary: Canary,
) -> None:
    await asyncio.sleep(1)
    service = canary.service
    http = service.client(Authorization=canary.citizen.http.headers["Authorization"])
    problem(await http.get("/me"), 401, "unauthenticated")
    refresh = {"refresh_token": canary.citizen.signed_in["refresh_token"]}
    problem(await http.post("/auth/refresh", json=refresh), 401, "refresh_token_invalid")
    again = await service.citizen(CODE, consent=False)
    assert again.id != canary.citizen.id
    for path in ("/me/coupons", "/me/complaints", "/me/notices", "/me/credit/lookups", "/me/access-log"):
        assert (await again.http.get(path)).json()["items"] == [], path
    assert (await again.http.get("/me")).json()["consents"] == []


def test_the_copy_for_programs_is_what_the_document_says(canary: Canary) -> None:
    copy = json.loads(canary.copies["json"])
    assert (copy["format"], copy["version"]) == ("xinyi-own-data", 1)
    sections = {section["name"]: section for section in copy["sections"]}
    assert list(sections) == [entry.table for entry in OWN_DATA if entry.select]
    for name, section in sections.items():
        assert (
            len(section["items"]) == canary.before[name] - (name == "data_copies" and 1)
            and section["is_complete"]
        )
        assert not [key for item in section["items"] for key in item if key.endswith(("_hash", "_encrypted"))]
    [person] = sections["natural_persons"]["items"]
    assert (person["name"], person["id_number"]) == (NAME, PERSON.id_number)  # type: ignore[union-attr]
    assert sections["consents"]["items"][0]["text"] and sections["redemptions"]["items"][0]["store_name"]
    assert sections["citizen_notices"]["items"][0]["text"].endswith("。")


def test_the_copy_to_read_has_no_scripts_and_a_word_for_everything(canary: Canary) -> None:
    page = canary.copies["html"]
    assert page.startswith('<!DOCTYPE html>\n<html lang="zh-CN">')
    assert not [
        mark
        for mark in ("<script", "http://", "https://", "src=", "onload", "@import", "url(")
        if mark in page
    ]
    items = [item for section in json.loads(canary.copies["json"])["sections"] for item in section["items"]]
    assert {name for item in items for name in item} - set(LABELS) == set()


async def test_a_copy_takes_a_fresh_sign_in_and_is_given_three_times_a_day(service: Service) -> None:
    citizen = await service.citizen()
    assert (await citizen.http.head("/me/data")).status_code == 200
    answers = await asyncio.gather(*(citizen.http.get("/me/data") for _ in range(5)))
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [200, 200, 200, 409, 409]
    problem(await citizen.http.get("/me/data"), 409, "data_copies_used_up")
    copies = [
        item
        for item in (await citizen.http.get("/me/access-log")).json()["items"]
        if item["action"] == "data.copy"
    ]
    assert len(copies) == 3
    await service.fetch(
        "UPDATE sessions SET created_at = now() - interval '301 seconds' WHERE actor_id::text = $1",
        citizen.id,
    )
    for path in ("/me/data", "/me/data?format=html", "/me/erasure"):
        problem(await citizen.http.get(path), 403, "sign_in_too_old")


async def test_nobody_elses_confirmation_erases(service: Service) -> None:
    citizen, other = await service.citizen(), await service.citizen()
    stolen = (await other.http.get("/me/erasure")).json()["confirmation"]
    refused = await citizen.http.request("DELETE", "/me", json={"confirmation": stolen})
    problem(refused, 400, "confirmation_invalid")
    problem(await citizen.http.request("DELETE", "/me", json={}), 422, "validation_failed")
    assert (await citizen.http.get("/me")).status_code == 200


async def test_markup_in_words_is_shown_and_never_run(service: Service) -> None:
    citizen, clerk = await service.citizen(), await service.clerk()
    body = {"kind": "other", "text": "<script>alert('x')</script>&\"", "store_id": clerk.store_id}
    assert (await citizen.http.post("/me/complaints", json=body, headers=with_key())).status_code == 201
    page = (await citizen.http.get("/me/data?format=html")).text
    assert "<script" not in page and "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;&amp;&quot;" in page
    answer = await citizen.http.get("/me/data?format=html")
    assert (
        "attachment" in answer.headers["content-disposition"]
        and "sandbox" in answer.headers["content-security-policy"]
    )


async def test_the_access_log_tells_who_did_what(service: Service) -> None:
    citizen, clerk = await service.citizen(), await service.clerk()
    await citizen.http.get("/me/credit")
    offer = await make_offer(service, uses_total=3)
    coupon = (await claim(citizen.http, offer)).json()["id"]
    code = await code_of(citizen.http, coupon)
    done = (await clerk.redeem(code)).json()["id"]
    await clerk.redeem(code)
    await clerk.reverse(done)
    await service.revoke_coupon(coupon)
    log = (await citizen.http.get("/me/access-log")).json()["items"]
    assert [(line["who"], line["action"]) for line in log] == [
        ("admin", "coupon.revoke"),
        ("admin", "coupon_revocation.ask"),
        ("staff", "coupon.reverse"),
        ("staff", "coupon.scan"),
        ("staff", "coupon.redeem"),
        ("credit_source", "credit.look_up"),
    ]
    assert [bool(line["store_name"]) for line in log] == [False, False, True, True, True, False]
    assert log[3]["outcome"] == "code_used"


async def test_who_opened_his_complaint_is_in_the_access_log(service: Service) -> None:
    citizen, clerk, manager = (
        await service.citizen(),
        await service.clerk(),
        await service.clerk("demo-manager"),
    )
    body = {"kind": "other", "text": "不给打折", "store_id": clerk.store_id}
    made = (await citizen.http.post("/me/complaints", json=body, headers=with_key())).json()["id"]
    for who, path in ((manager.http, "/member"), (await service.admin(), "/admin")):
        assert (await who.get(f"{path}/complaints/{made}")).status_code == 200
    log = (await citizen.http.get("/me/access-log")).json()["items"]
    assert [(line["who"], line["action"], line["object_id"] == made) for line in log] == [
        ("admin", "complaint.read", True),
        ("staff", "complaint.read", True),
        ("citizen", "complaint.make", True),
    ]


async def test_a_number_is_deleted_at_once(service: Service) -> None:
    citizen = await service.citizen()
    for _ in "12":
        assert (await citizen.http.delete("/me/phone")).status_code == 204
