"""Imports: always checked first, applied by a second admin, whole or not at all, and never twice."""

import asyncio
from datetime import timedelta
from json import loads
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from alliance import admin_rights, import_invitations, import_runs, imports, rechecks
from alliance.admin_rights import NotConfirmed
from alliance.imports import TRANSITIONS, ImportHasErrors, ImportNotReady, OwnImport
from common.database import execute, fetch_all, fetch_one
from common.errors import NotFound
from common.files import XLSX
from models import one_time_links
from models.office_enums import ImportKind, ImportStatus, LinkPurpose
from models.retention import RULES, forget
from tests.alliance.imported import Office, an_admin, table, uscc_of
from tests.factories import admins
from tests.factories.members import a_clerk, a_member, a_store, suspend
from tests.factories.moments import NOON
from tests.factories.offers import an_offer

pytestmark = pytest.mark.usefixtures("database")
MEMBERS, STORES, STAFF, OFFERS = ImportKind.MEMBERS, ImportKind.STORES, ImportKind.STAFF, ImportKind.OFFERS
FIVE = [{"uscc": uscc_of(number), "name": f"商家 {number}"} for number in range(5)]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """The office of Hangzhou."""
    return Office.at(tmp_path)


async def count(table_name: str) -> int:
    row = await fetch_one(f"SELECT count(*) AS rows FROM {table_name}")
    assert row is not None
    return int(row["rows"])


async def own_member(uscc: str = uscc_of(1), region: str = "330106", **more: Any) -> Any:
    member_id = await a_member(region=region, **more)
    await execute("UPDATE members SET uscc = $2 WHERE id = $1", member_id, uscc)
    return member_id


async def test_a_second_admin_is_one_whom_nobody_else_could_be(office: Office) -> None:
    row = await office.checked(MEMBERS, table(MEMBERS, *FIVE))
    puppet = await admins.an_admin("330100", linked_by=office.sender.id)
    with pytest.raises(NotConfirmed):
        await imports.apply(puppet, row["id"], NOON)
    assert (await office.row(row["id"]))["status"] == "checked"
    await admin_rights.confirm(await admins.an_admin(), puppet.id, NOON)
    await imports.apply(puppet, row["id"], NOON)


async def test_members_are_taken_over_when_a_second_admin_says_so(office: Office) -> None:
    row = await office.checked(MEMBERS, table(MEMBERS, *FIVE))
    assert (row["status"], row["rows_total"], row["rows_done"], row["rows_bad"]) == ("checked", 5, 5, 0)
    assert await count("members") == 0
    with pytest.raises(OwnImport):
        await imports.apply(office.sender, row["id"], NOON)
    with pytest.raises(NotFound):
        await imports.apply(an_admin("330200"), row["id"], NOON)
    await imports.apply(office.second, row["id"], NOON)
    with pytest.raises(ImportNotReady):
        await imports.apply(office.second, row["id"], NOON)
    await import_runs.apply(office.files, row["id"], NOON)
    row = await office.row(row["id"])
    assert (row["status"], row["rows_done"], row["applied_by"]) == ("applied", 5, office.second.id)
    members = await fetch_all("SELECT uscc, status, region_id FROM members ORDER BY uscc")
    assert [tuple(each) for each in members] == [(uscc_of(n), "active", "330106") for n in range(5)]
    assert await rechecks.enqueue_due(NOON) == 5, "nobody checked them yet"
    told = await fetch_all("SELECT actor_id, action, region_id, after FROM audit_records ORDER BY entry")
    assert [each["action"] for each in told] == [
        *("import.upload", "import.apply", *["member.import"] * 5, "import.applied")
    ]
    assert {each["actor_id"] for each in told[1:]} == {office.second.id}
    assert loads(told[2]["after"])["import_id"] == str(row["id"]) and "商家" not in str(told)


async def test_a_store_outside_of_the_province_is_named(office: Office) -> None:
    await own_member(uscc_of(1))
    own = {"member_uscc": uscc_of(1), "region": "330105"}
    rows = [{**own, "name": "武林店", "lat": "31.5"}, {**own, "name": "西溪店", "lng": "124"}]
    checked = await office.checked(STORES, table(STORES, *rows))
    assert await office.errors(checked) == [(2, "lat", "place_outside"), (3, "lat", "place_outside")]


async def test_stores_staff_and_offers_of_a_member(office: Office) -> None:
    await office.applied(MEMBERS, table(MEMBERS, FIVE[1]))
    own = {"member_uscc": uscc_of(1)}
    names = [{**own, "name": name, "region": "330105"} for name in ("武林店", "西溪店")]
    assert (await office.applied(STORES, table(STORES, *names), CSV_))["status"] == "applied"
    people = [{**own, "login": "anna"}, {**own, "login": "boss", "role": "owner", "stores": ""}]
    row = await office.applied(STAFF, table(STAFF, *people))
    places = await fetch_all(
        "SELECT s.login, st.name, l.position FROM staff_stores l JOIN staff s ON s.id = l.staff_id"
        " JOIN stores st ON st.id = l.store_id ORDER BY s.login, l.position"
    )
    assert [tuple(each) for each in places][:2] == [("anna", "武林店", 0), ("anna", "西溪店", 1)]
    assert len(places) == 4
    offers = [
        {**own, "title": "八折"},
        {
            **own,
            "title": "满减",
            **THRESHOLD,
            "stores": "",
            "stock_total": "",
            "real_name_level": "2",
            "shows_holder": "1",
        },
    ]
    assert (await office.applied(OFFERS, table(OFFERS, *offers)))["status"] == "applied"
    levels = await fetch_all("SELECT min_real_name_level FROM offers ORDER BY min_real_name_level")
    assert [each["min_real_name_level"] for each in levels] == [0, 2]
    shown = await fetch_all("SELECT title, shows_holder FROM offer_terms ORDER BY shows_holder")
    assert [each["shows_holder"] for each in shown] == [False, True] and shown[1]["title"] == "满减"
    drafts = await fetch_all(
        "SELECT o.status, o.region_id, t.title, t.discount_kind, cardinality(t.store_ids) AS stores, s.total,"
        " t.weekday_mask, t.open_minute FROM offers o JOIN offer_terms t ON t.id = o.terms_id"
        " LEFT JOIN offer_stock s ON s.offer_id = o.id ORDER BY t.title"
    )
    assert [tuple(each) for each in drafts] == [
        ("draft", "330105", "八折", "percent_off", 1, 1000, 31, 540),
        ("draft", "330105", "满减", "threshold_off", 2, None, 31, 540),
    ]
    await _invited(office, row["id"])


async def _invited(office: Office, import_id: Any) -> None:
    """Links are made when they are asked for, and the newest ones are good."""
    first = await import_invitations.invite(office.second, import_id, NOON)
    assert {login for _, login, _ in first} == {"anna", "boss"}
    # A table writes an apostrophe before what begins with a "-".
    assert all(secret.isalnum() and len(secret) >= 43 for _, _, secret in first)
    second = await import_invitations.invite(office.second, import_id, NOON)
    secrets = {login: secret for _, login, secret in second}
    with pytest.raises(one_time_links.LinkInvalid):
        await one_time_links.use(LinkPurpose.STAFF_INVITATION, first[0][2], NOON)
    staff_id = await one_time_links.use(LinkPurpose.STAFF_INVITATION, secrets["anna"], NOON)
    row = await fetch_one("SELECT login, password_hash FROM staff WHERE id = $1", staff_id)
    assert row is not None and tuple(row) == ("anna", "!")
    await execute("UPDATE staff SET password_hash = 'chosen' WHERE login = 'anna'")
    third = await import_invitations.invite(office.second, import_id, NOON)
    assert [login for _, login, _ in third] == ["boss"]


CSV_ = "text/csv"
THRESHOLD = {
    **{"discount_kind": "threshold_off", "percent_off": "", "cap_fen": ""},
    **{"amount_off_fen": "1000", "threshold_fen": "5000", "daily_limit": ""},
}


@pytest.mark.parametrize("media_type", [CSV_, XLSX])
async def test_every_error_names_its_row_and_column(office: Office, media_type: str) -> None:
    await own_member(uscc_of(1))
    rows = [
        {"uscc": uscc_of(2)},
        {"uscc": "91330106XY0000017A"},
        {"uscc": uscc_of(2)},
        {"uscc": uscc_of(1)},
        {"uscc": uscc_of(3), "region": "330199"},
        {"uscc": uscc_of(4), "region": "330203"},
        {"uscc": uscc_of(5), "kind": "shop", "name": ""},
        {"uscc": uscc_of(6), "name": "x" * 129, "joined_on": "31.12.2025"},
    ]
    row = await office.checked(MEMBERS, table(MEMBERS, *rows, media_type=media_type), media_type)
    assert (row["status"], row["rows_total"], row["rows_bad"]) == ("checked", 8, 7)
    assert sorted(await office.errors(row)) == [
        (3, "uscc", "uscc_invalid"),
        (4, "uscc", "row_twice"),
        (5, "uscc", "member_exists"),
        (6, "region", "region_unknown"),
        (7, "region", "region_not_yours"),
        (8, "kind", "value_not_allowed"),
        (8, "name", "value_missing"),
        (9, "joined_on", "day_invalid"),
        (9, "name", "value_too_long"),
    ]
    with pytest.raises(ImportHasErrors):
        await imports.apply(office.second, row["id"], NOON)
    assert await count("members") == 1


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        ({"member_uscc": uscc_of(9)}, "member_uscc", "member_unknown"),
        ({"member_uscc": uscc_of(7)}, "member_uscc", "member_unknown"),
        ({"member_uscc": uscc_of(8)}, "member_uscc", "member_unknown"),
        ({"login": "taken"}, "login", "login_taken"),
        ({"login": "a b"}, "login", "login_invalid"),
        ({"role": "king"}, "role", "value_not_allowed"),
        ({"stores": "别家店"}, "stores", "store_unknown"),
        ({"stores": "武林店"}, "stores", "store_ambiguous"),
        ({"stores": "关门店"}, "stores", "store_unknown"),
    ],
)
async def test_staff_of_nobody_and_at_a_store_of_another_member_are_refused(
    office: Office, row: dict[str, object], column: str, code: str
) -> None:
    member_id = await own_member()
    stores = [await a_store(member_id) for _ in range(3)]  # two are called 武林店
    await execute("UPDATE stores SET name = '关门店', is_active = false WHERE id = $1", stores[2])
    other = await own_member(uscc_of(7), "330203")
    await execute("UPDATE stores SET name = '别家店' WHERE id = $1", await a_store(other))
    await suspend(await own_member(uscc_of(8)))
    clerk = await a_clerk(member_id)
    await execute("UPDATE staff SET login = 'taken' WHERE id = $1", clerk.id)
    content = table(STAFF, {"member_uscc": uscc_of(1), "login": "new-one", "stores": "", **row})
    assert await office.errors(await office.checked(STAFF, content)) == [(2, column, code)]


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        ({"min_tier_level": "5"}, "min_tier_level", "tier_not_allowed"),
        ({"min_tier_level": "4", "title": "信用良好八折"}, "title", "title_spells_tier"),
        ({"real_name_level": "3"}, "real_name_level", "number_invalid"),
        ({"shows_holder": "yes"}, "shows_holder", "number_invalid"),
        ({"member_uscc": uscc_of(2), "ordinary_path": ""}, "ordinary_path", "ordinary_path_missing"),
        ({"percent_off": ""}, "percent_off", "discount_needs"),
        ({"percent_off": "100"}, "percent_off", "number_invalid"),
        ({"deposit_fen": "100"}, "deposit_fen", "discount_has_no"),
        ({**THRESHOLD, "threshold_fen": "999"}, "threshold_fen", "threshold_below_amount"),
        ({"discount_kind": "gift"}, "discount_kind", "value_not_allowed"),
        ({"uses_total": "", "daily_use_cap": ""}, "uses_total", "uses_unlimited"),
        ({"valid_from": "2026-01-01"}, "valid_days", "validity_unclear"),
        ({"valid_days": ""}, "valid_days", "validity_unclear"),
        ({"claim_until": "2025-12-31"}, "claim_until", "ends_before_it_begins"),
        ({"closes_at": "08:00"}, "closes_at", "ends_before_it_begins"),
        ({"opens_at": "9 Uhr"}, "opens_at", "time_invalid"),
        ({"weekdays": "8"}, "weekdays", "value_not_allowed"),
        ({"programme": "xinyi_fly"}, "programme", "programme_unknown"),
        ({"title": "全场八折", "member_uscc": uscc_of(1)}, "title", "offer_exists"),
        ({"stores": "没有店"}, "stores", "store_unknown"),
        ({"member_uscc": uscc_of(3)}, "stores", "stores_outside"),
    ],
)
async def test_an_offer_that_breaks_a_rule_is_refused_by_column(
    office: Office, row: dict[str, object], column: str, code: str
) -> None:
    from models.enums import MemberKind
    from tests.factories.members import Shop

    ids = [
        await own_member(),
        await own_member(uscc_of(2), kind=MemberKind.PUBLIC_UNIT),
        await own_member(uscc_of(3)),
    ]
    stores = [await a_store(member_id) for member_id in ids]
    second = await a_store(ids[2], "330203")
    await execute("UPDATE stores SET name = '宁波店' WHERE id = $1", second)
    await an_offer(Shop(ids[0], stores[0], stores[0], await a_clerk(ids[0]), await a_clerk(ids[0])))
    content = table(OFFERS, {"member_uscc": uscc_of(1), "title": "新的", "stores": "", **row})
    assert await office.errors(await office.checked(OFFERS, content)) == [(2, column, code)]


async def test_an_import_moves_only_as_the_table_says(office: Office) -> None:
    """Every pair of states."""
    import_id = await office.sent(MEMBERS, table(MEMBERS, FIVE[0]))
    allowed = set()
    for before in ImportStatus:
        for to in ImportStatus:
            await execute(
                "UPDATE imports SET status = $2, applied_by = $3, ended_at = $4 WHERE id = $1",
                *(import_id, before, office.second.id, None if TRANSITIONS[before] else NOON),
            )
            moved = await imports.move(import_id, to, NOON)
            assert (await office.row(import_id))["status"] == (to if moved else before)
            allowed |= {(before, to)} if moved else set()
    assert allowed == {(before, to) for before, following in TRANSITIONS.items() for to in following}
    assert len(allowed) == 10 and TRANSITIONS.keys() == set(ImportStatus)


async def test_what_changed_since_the_check_stops_the_whole_import(office: Office) -> None:
    row = await office.checked(MEMBERS, table(MEMBERS, *FIVE))
    await own_member(uscc_of(3))
    await imports.apply(office.second, row["id"], NOON)
    await import_runs.apply(office.files, row["id"], NOON)
    row = await office.row(row["id"])
    assert (row["status"], row["failure"], row["rows_bad"]) == ("failed", "rows_refused", 1)
    assert await office.errors(row) == [(5, "uscc", "member_exists")]
    assert await count("members") == 1


@pytest.mark.parametrize("statement", range(1, 9))
async def test_a_worker_killed_while_applying_doubles_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch, statement: int
) -> None:
    monkeypatch.setattr(import_runs, "BATCH", 2)
    row = await office.checked(MEMBERS, table(MEMBERS, *FIVE))
    await imports.apply(office.second, row["id"], NOON)
    sent = 0

    with monkeypatch.context() as deadly:
        for name in ("fetch_all", "execute"):
            real = getattr(import_runs, name)

            async def killed(*values: object, real: Any = real) -> object:
                nonlocal sent
                sent += 1
                if sent == statement:
                    raise asyncpg.ConnectionDoesNotExistError
                return await real(*values)

            deadly.setattr(import_runs, name, killed)
        if statement <= 7:  # as many as there are
            with pytest.raises(asyncpg.ConnectionDoesNotExistError):
                await import_runs.apply(office.files, row["id"], NOON)
            assert await count("members") == 0
    await import_runs.apply(office.files, row["id"], NOON)
    await import_runs.apply(office.files, row["id"], NOON)
    assert await count("members") == 5 and (await office.row(row["id"]))["status"] == "applied"
    assert len(await fetch_all("SELECT 1 FROM audit_records WHERE action = 'member.import'")) == 5


async def test_two_workers_that_apply_at_once_write_once(office: Office) -> None:
    await own_member(uscc_of(1))
    rows = [{"member_uscc": uscc_of(1), "name": f"{number} 店"} for number in range(5)]
    row = await office.checked(STORES, table(STORES, *rows))
    await imports.apply(office.second, row["id"], NOON)
    ended = await asyncio.gather(
        *(import_runs.apply(office.files, row["id"], NOON) for _ in range(3)), return_exceptions=True
    )
    assert None in ended and await count("stores") == 5
    assert (await office.row(row["id"]))["status"] == "applied"


async def test_a_check_that_is_begun_anew_stops_the_one_before(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The older one was only believed to be dead: it goes on after the newer one is through."""
    monkeypatch.setattr(import_runs, "BATCH", 2)
    import_id = await office.sent(MEMBERS, table(MEMBERS, *FIVE))
    real, calls = import_runs._check_batch, 0

    async def slow(*values: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            await import_runs.check(office.files, import_id, NOON)
        await real(*values)

    monkeypatch.setattr(import_runs, "_check_batch", slow)
    await import_runs.check(office.files, import_id, NOON)
    row = await office.row(import_id)
    assert (row["status"], row["rows_total"], row["rows_bad"]) == ("checked", 5, 0)
    staged = await fetch_all("SELECT number FROM import_rows WHERE import_id = $1 ORDER BY number", import_id)
    assert [each["number"] for each in staged] == [2, 3, 4, 5, 6]


async def test_a_check_that_was_killed_begins_anew(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_runs, "BATCH", 2)
    import_id = await office.sent(MEMBERS, table(MEMBERS, *FIVE))
    real, calls = import_runs._check_batch, 0

    async def deadly(*values: Any) -> None:
        nonlocal calls
        calls += 1
        await real(*values)
        if calls == 2:
            raise asyncpg.ConnectionDoesNotExistError

    monkeypatch.setattr(import_runs, "_check_batch", deadly)
    with pytest.raises(asyncpg.ConnectionDoesNotExistError):
        await import_runs.check(office.files, import_id, NOON)
    seen = await office.row(import_id)
    assert (seen["status"], seen["rows_done"]) == ("checking", 3)
    await import_runs.check(office.files, import_id, NOON)
    row = await office.row(import_id)
    assert (row["status"], row["rows_total"]) == ("checked", 5) and await count("import_rows") == 5


async def test_progress_is_seen_before_the_transaction_is_over(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_runs, "BATCH", 2)
    row = await office.checked(MEMBERS, table(MEMBERS, *FIVE))
    await imports.apply(office.second, row["id"], NOON)
    seen: list[tuple[int, int]] = []
    real = import_runs._outside

    async def watched(work: Any) -> Any:
        done = await real(work)
        seen.append(
            await real(_progress_of(row["id"])),
        )
        return done

    monkeypatch.setattr(import_runs, "_outside", watched)
    await import_runs.apply(office.files, row["id"], NOON)
    assert seen == [(2, 0), (4, 0), (5, 0)]


async def _progress_of(import_id: Any) -> tuple[int, int]:
    row = await fetch_one("SELECT rows_done FROM imports WHERE id = $1", import_id)
    assert row is not None
    return row["rows_done"], await count("members")


async def test_a_discarded_import_is_over(office: Office) -> None:
    row = await office.checked(MEMBERS, table(MEMBERS, *FIVE))
    await imports.discard(office.sender, row["id"], NOON)
    await imports.discard(office.sender, row["id"], NOON)
    with pytest.raises(ImportNotReady):
        await imports.apply(office.second, row["id"], NOON)
    await import_runs.check(office.files, row["id"], NOON)
    assert (await office.row(row["id"]))["status"] == "discarded"
    (rule,) = (rule for rule in RULES if rule.table == "import_rows")
    assert await forget(rule, NOON + rule.kept) == 0
    assert await forget(rule, NOON + rule.kept + timedelta(milliseconds=1)) == 5
