"""Races through four web processes of two services on one database: requests on warmed connections, let go at once.

Where it matters a row is held until the crowd stands before it, so that nobody can be lucky. That each rule
would break without its guard is shown in `test_race_twins.py`.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from tests.e2e.invariants import check, check_ledger
from tests.e2e.wire import (
    Answer,
    Call,
    Line,
    ReplyCutter,
    call_as,
    counted,
    lines_to,
    spread,
    volley,
)
from tests.e2e.workbench import add_offer, code_of_phone, crowd, middle_of_a_step, row_held
from tests.service import API, HUNDRED, CitizenClient, Service, StaffClient, new_key

Pair = tuple[Service, Service]


def redeem_by(clerk: StaffClient, code: str, key: str | None = None, **more: Any) -> Call:
    body = {"code": code, "store_id": clerk.store_id, "order_amount_fen": 10_000, **more}
    return call_as(clerk.http, "POST", "/redemptions", body, key or new_key())


def claim_by(token: Any, offer_id: str, key: str | None = None) -> Call:
    return call_as(token, "POST", f"/offers/{offer_id}/coupons", {}, key or new_key())


def reverse_by(clerk: StaffClient, redemption_id: str, key: str | None = None) -> Call:
    return call_as(
        clerk.http, "POST", f"/redemptions/{redemption_id}/reversals", {"reason": "扫错了"}, key or new_key()
    )


async def claimed(citizen: CitizenClient, offer_id: str) -> str:
    """The id of a coupon that the citizen claims."""
    answer = await citizen.http.post(
        f"/offers/{offer_id}/coupons", json={}, headers={"Idempotency-Key": new_key()}
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def codes_of_phone(citizen: CitizenClient, coupon_id: str, step: int) -> list[str]:
    """The three codes of a coupon that are good in this step, made on the phone."""
    answer = await citizen.http.get(f"/coupons/{coupon_id}/code?renewal=client")
    assert answer.status_code == 200, answer.text
    return [code_of_phone(answer.json(), near) for near in (step - 1, step, step + 1)]


async def release_at_once(
    service: Service, row: tuple[str, str], lines: Sequence[Line], calls: Sequence[Call], at_least: int
) -> list[Answer]:
    """Send every call while the row is held, and let it go when `at_least` sessions wait for it.

    Claims of one process share a statement: of theirs as many sessions wait as there are processes.
    """
    async with row_held(service.environment["DATABASE_URL"], *row) as holder:
        for line, call in zip(lines, calls, strict=True):
            line.send(call)
        await crowd(holder.fetch, at_least)
    return await asyncio.gather(*(line.receive() for line in lines))


@pytest.fixture(params=["two processes", "two services"])
def through(request: pytest.FixtureRequest, pair: Pair) -> tuple[Service, ...]:
    return pair[:1] if request.param == "two processes" else pair


# Redeeming ----------------------------------------------------------------------------------------


async def test_two_hundred_scans_at_two_stores_redeem_a_coupon_once(through: tuple[Service, ...]) -> None:
    service = through[0]
    citizen = await service.citizen()
    coupon = await citizen.coupon()
    clerks = [await service.clerk("demo-cashier"), await through[-1].clerk("demo-cashier-2")]
    async with lines_to(*through, count=200) as lines:
        code = await citizen.code(coupon["id"])
        calls = [redeem_by(clerks[number % 2], code) for number in range(200)]
        answers = await release_at_once(service, ("coupons", coupon["id"]), lines, calls, at_least=15)
    assert counted(answers) == {201: 1, "already_redeemed": 199}
    winner = next(answer.json() for answer in answers if answer.status == 201)
    assert {answer.json()["redeemed_at"] for answer in answers} == {winner["redeemed_at"]}
    rows = await service.fetch("SELECT id, store_id FROM redemptions WHERE coupon_id = $1", coupon["id"])
    assert [(str(row["id"]), str(row["store_id"])) for row in rows] == [(winner["id"], winner["store_id"])]
    kept = await service.fetch(
        "SELECT code, count(*) FROM attempts WHERE coupon_id = $1 GROUP BY code", coupon["id"]
    )
    assert [tuple(row) for row in kept] == [("already_redeemed", 199)]
    await check(service.fetch)


async def test_retries_of_a_lost_answer_get_the_same_body_and_write_one_row(pair: Pair) -> None:
    service = pair[0]
    citizen, clerk = await service.citizen(), await service.clerk()
    coupon = await citizen.coupon()
    key = new_key()
    before_anything, in_the_middle = ReplyCutter(pair[0].url, 0), ReplyCutter(pair[1].url, 40)
    async with (
        before_anything as first,
        in_the_middle as second,
        lines_to(*pair, count=30) as lines,
    ):
        redeem = redeem_by(clerk, await citizen.code(coupon["id"]), key)
        cut = [await Line.open(url) for url in (first, second) for _ in range(10)]
        for line in (*cut, *lines):
            line.send(redeem)
        lost = await asyncio.gather(*(line.receive() for line in cut), return_exceptions=True)
        answers = await asyncio.gather(*(line.receive() for line in lines))
        answers += await spread(lines[:4], [redeem] * 20)
        other = await lines[0].ask(
            Call("POST", redeem.path, redeem.headers, {**dict(redeem.body), "order_amount_fen": 1})  # type: ignore[call-overload]
        )
        for line in cut:
            line.close()
    assert len(lost) == before_anything.cut + in_the_middle.cut == 20
    assert all(isinstance(answer, EOFError | ConnectionError) for answer in lost)
    assert counted(answers) == {201: 50}
    assert len({answer.body for answer in answers}) == 1
    assert sum(not answer.is_replayed for answer in answers) <= 1
    assert all(answer.is_replayed for answer in answers[30:])
    assert other.what == "idempotency_key_reused"
    rows = await service.fetch("SELECT id FROM redemptions WHERE request_key = $1", key)
    assert [str(row["id"]) for row in rows] == [answers[0].json()["id"]]
    await check(service.fetch)


async def test_one_key_for_two_coupons_at_once_redeems_one(pair: Pair) -> None:
    service = pair[0]
    citizen, clerk = await service.citizen(), await service.clerk()
    coupons = [await citizen.coupon(), await citizen.coupon()]
    key = new_key()
    async with lines_to(*pair, count=20) as lines:
        codes = [await citizen.code(coupon["id"]) for coupon in coupons]
        answers = await volley(lines, [redeem_by(clerk, codes[n % 2], key) for n in range(20)])
    assert counted(answers) == {201: 10, "idempotency_key_reused": 10}
    rows = await service.fetch(
        "SELECT id FROM redemptions WHERE coupon_id = ANY($1)", [c["id"] for c in coupons]
    )
    assert {str(row["id"]) for row in rows} == {a.json()["id"] for a in answers if a.status == 201}
    assert len(rows) == 1
    await check(service.fetch)


@pytest.mark.parametrize(
    ("uses_total", "uses", "good"),
    [(4, 2, 2), (10, 1, 3), (2, 1, 2)],
    ids=["uses run out", "steps run out", "both"],
)
async def test_pass_is_never_used_more_often_than_allowed_and_a_step_once(
    pair: Pair, uses_total: int, uses: int, good: int
) -> None:
    service = pair[0]
    citizen, clerk = await service.citizen(), await service.clerk()
    coupon_id = await claimed(citizen, await add_offer(service.fetch, uses_total=uses_total))
    async with lines_to(*pair, count=60) as lines:
        codes = await codes_of_phone(citizen, coupon_id, await middle_of_a_step())
        calls = [redeem_by(clerk, codes[n % 3], uses=uses) for n in range(60)]
        answers = await release_at_once(service, ("coupons", coupon_id), lines, calls, at_least=20)
    seen = Counter(answer.what for answer in answers)
    assert seen[201] == good, seen
    assert set(seen) <= {201, "code_used", "not_enough_uses", "already_redeemed"}, seen
    rows = await service.fetch("SELECT step, uses FROM redemptions WHERE coupon_id = $1", coupon_id)
    assert len({row["step"] for row in rows}) == len(rows) == good
    [coupon] = await service.fetch("SELECT uses_done, status FROM coupons WHERE id = $1", coupon_id)
    assert coupon["uses_done"] == good * uses <= uses_total
    await check(service.fetch)


# Claiming -----------------------------------------------------------------------------------------


@pytest.mark.alone
async def test_hundred_pieces_and_two_thousand_claims_make_exactly_hundred_coupons(pair: Pair) -> None:
    service = pair[0]
    offer_id = await service.offer_id(HUNDRED)
    first = 3_000_000
    names = [f"load-{first + n}" for n in range(600)] + [f"load-{first + n}@b" for n in range(200)]
    async with lines_to(*pair, count=2000) as lines:
        tokens = await signed_in(lines[:24], names)
        calls = [claim_by(tokens[n % len(tokens)], offer_id) for n in range(2000)]
        answers = await release_at_once(service, ("offer_stock", offer_id), lines, calls, at_least=2)
    seen = Counter(answer.what for answer in answers)
    assert seen[201] == 100, seen
    assert set(seen) <= {201, "sold_out", "limit_reached"}, seen
    [stock] = await service.fetch("SELECT total, issued FROM offer_stock WHERE offer_id = $1", offer_id)
    assert tuple(stock) == (100, 100)
    held = await service.fetch(
        "SELECT citizen_id, count(*) AS n FROM coupons WHERE offer_id = $1 AND status = 'claimed' GROUP BY citizen_id",
        offer_id,
    )
    assert len(held) == 100 and {row["n"] for row in held} == {1}
    await check(service.fetch)
    await one_gives_back_and_another_gets_it(service, offer_id, calls, answers)
    await check(service.fetch)


async def signed_in(lines: Sequence[Line], names: Sequence[str]) -> list[str]:
    """Access tokens of many people who have agreed to the credit check, and have seen their tier.

    Whoever is looked up in the midst of a rush waits for a connection like everybody else; what happens when there
    are too few for too long is shown elsewhere.
    """
    logins = [Call("POST", f"{API}/auth/citizen", {}, {"channel": "sandbox", "code": name}) for name in names]
    tokens = [answer.json()["access_token"] for answer in await spread(lines, logins)]
    text = (await lines[0].ask(Call("GET", f"{API}/consents/credit_check"))).json()
    agreed = await spread(
        lines,
        [
            call_as(token, "PUT", "/me/consents/credit_check", {"version": text["version"], "granted": True})
            for token in tokens
        ],
    )
    assert counted(agreed) == {200: len(names)}
    rated = await spread(lines, [call_as(token, "GET", "/me/credit") for token in tokens])
    assert counted(rated) == {200: len(names)}
    return tokens


async def one_gives_back_and_another_gets_it(
    service: Service, offer_id: str, calls: Sequence[Call], answers: Sequence[Answer]
) -> None:
    lucky = next(n for n, answer in enumerate(answers) if answer.status == 201)
    unlucky = next(n for n, answer in enumerate(answers) if answer.what == "sold_out")
    async with lines_to(service, count=2) as (line, _):
        give_back = Call("DELETE", f"{API}/coupons/{answers[lucky].json()['id']}", calls[lucky].headers)
        assert (await line.ask(give_back)).status == 204
        # A refusal is not stored: the very same request is judged anew.
        assert (await line.ask(calls[unlucky])).status == 201
        assert (await line.ask(calls[lucky])).is_replayed
        fresh = Call("POST", calls[lucky].path, {**calls[lucky].headers, "Idempotency-Key": new_key()}, {})
        assert (await line.ask(fresh)).what == "sold_out"
    [stock] = await service.fetch("SELECT issued FROM offer_stock WHERE offer_id = $1", offer_id)
    assert stock["issued"] == 100


@pytest.mark.parametrize("per_citizen", [1, 2])
async def test_one_person_on_two_identities_never_gets_more_than_his_limit(
    pair: Pair, per_citizen: int
) -> None:
    service = pair[0]
    name = f"load-{3_100_000 + per_citizen}"
    one, other = await service.citizen(name), await service.citizen(f"{name}@b")
    assert one.id == other.id
    offer_id = await add_offer(service.fetch, stock=50, per_citizen=per_citizen, min_tier_level=4)
    async with lines_to(*pair, count=40) as lines:
        calls = [claim_by((one, other)[n % 2].http, offer_id) for n in range(40)]
        answers = await release_at_once(service, ("offer_stock", offer_id), lines, calls, at_least=2)
    assert counted(answers) == {201: per_citizen, "limit_reached": 40 - per_citizen}
    [stock] = await service.fetch("SELECT issued FROM offer_stock WHERE offer_id = $1", offer_id)
    assert stock["issued"] == per_citizen
    await check(service.fetch)


async def test_one_claim_key_thirty_times_at_once_makes_one_coupon(pair: Pair) -> None:
    service = pair[0]
    citizen = await service.citizen()
    offer_id = await add_offer(service.fetch, stock=50, min_tier_level=4)
    other_id = await add_offer(service.fetch)
    key = new_key()
    async with lines_to(*pair, count=30) as lines:
        calls = [claim_by(citizen.http, offer_id, key)] * 30
        answers = await release_at_once(service, ("offer_stock", offer_id), lines, calls, at_least=2)
        elsewhere = await lines[0].ask(claim_by(citizen.http, other_id, key))
    assert counted(answers) == {201: 30}
    assert len({answer.body for answer in answers}) == 1
    assert sum(not answer.is_replayed for answer in answers) == 1
    assert elsewhere.what == "idempotency_key_reused"
    rows = await service.fetch("SELECT count(*) FROM coupons WHERE citizen_id = $1", citizen.id)
    assert rows[0][0] == 1
    await check(service.fetch)


async def test_piece_that_is_given_back_forty_times_at_once_returns_once(pair: Pair) -> None:
    service = pair[0]
    offer_id = await add_offer(service.fetch, stock=5, per_citizen=5)
    citizen = await service.citizen()
    coupon_id = await claimed(citizen, offer_id)
    await claimed(citizen, offer_id)
    async with lines_to(*pair, count=40) as lines:
        calls = [call_as(citizen.http, "DELETE", f"/coupons/{coupon_id}")] * 40
        answers = await release_at_once(service, ("coupons", coupon_id), lines, calls, at_least=20)
    assert counted(answers) == {204: 40}
    [stock] = await service.fetch("SELECT issued FROM offer_stock WHERE offer_id = $1", offer_id)
    assert stock["issued"] == 1
    await check(service.fetch)


async def test_last_piece_changes_hands_as_often_as_one_likes_but_is_never_two(pair: Pair) -> None:
    service = pair[0]
    offer_id = await add_offer(service.fetch, stock=1, per_citizen=1)
    people = [await service.citizen(f"load-{3_200_000 + n}", consent=False) for n in range(8)]
    handed_on = 0

    async def claim_and_give_back(line: Line, citizen: CitizenClient) -> None:
        nonlocal handed_on
        for _ in range(15):
            call = claim_by(citizen.http, offer_id)
            answer = await line.ask(call)
            if answer.what == "busy":  # others were quicker five times over: the same key may try again
                answer = await line.ask(call)
            assert answer.what in (201, "sold_out"), answer
            if answer.status == 201:
                gone = await line.ask(call_as(citizen.http, "DELETE", f"/coupons/{answer.json()['id']}"))
                assert gone.status == 204
                handed_on += 1

    async with lines_to(*pair, count=8) as lines:
        await asyncio.gather(*(claim_and_give_back(*each) for each in zip(lines, people, strict=True)))
    assert handed_on >= 1
    [stock] = await service.fetch("SELECT issued FROM offer_stock WHERE offer_id = $1", offer_id)
    assert stock["issued"] == 0
    await check(service.fetch)


# Undoing, ending, and changing one's mind ---------------------------------------------------------


async def test_fifty_reversals_at_once_undo_a_redemption_once(pair: Pair) -> None:
    service = pair[0]
    citizen, clerk = await service.citizen(), await service.clerk()
    coupon = await citizen.coupon()
    done = (await clerk.redeem(await citizen.code(coupon["id"]))).json()
    key = new_key()
    async with lines_to(*pair, count=50) as lines:
        # Ten of them are one clerk's impatience: the same key.
        calls = [reverse_by(clerk, done["id"], key if n < 10 else None) for n in range(50)]
        answers = await release_at_once(service, ("coupons", coupon["id"]), lines, calls, at_least=20)
        late = await lines[0].ask(reverse_by(clerk, done["id"]))
    won = [answer for answer in answers if answer.status == 201]
    assert len({answer.body for answer in won}) == 1
    assert sum(not answer.is_replayed for answer in won) == 1
    assert counted(answers) in (
        {201: 1, "already_reversed": 49},
        {201: 10, "already_reversed": 40},
    )
    assert late.what == "already_reversed"
    rows = await service.fetch("SELECT id FROM reversals WHERE redemption_id = $1", done["id"])
    assert [str(row["id"]) for row in rows] == [won[0].json()["id"]]
    again = await clerk.redeem(await citizen.code(coupon["id"]))
    assert again.status_code == 201
    await check(service.fetch)


async def test_uses_add_up_when_redemptions_and_reversals_cross(pair: Pair) -> None:
    service = pair[0]
    clerk = await service.clerk()
    offer_id = await add_offer(service.fetch, uses_total=3)
    people = [await service.citizen(consent=False) for _ in range(6)]
    coupons = [await claimed(citizen, offer_id) for citizen in people]
    async with lines_to(*pair, count=48) as lines:
        step = await middle_of_a_step()
        codes = [await codes_of_phone(*each, step) for each in zip(people, coupons, strict=True)]
        done = await spread(lines, [redeem_by(clerk, of_one[0]) for of_one in codes])
        assert counted(done) == {201: 6}
        undo = [reverse_by(clerk, answer.json()["id"]) for answer in done for _ in range(4)]
        use = [redeem_by(clerk, code) for of_one in codes for code in of_one[1:] for _ in range(2)]
        answers = await volley(lines, [call for both in zip(undo, use, strict=True) for call in both])
    undone, used = answers[::2], answers[1::2]
    assert counted(undone) == {201: 6, "already_reversed": 18}
    twice = counted(used)
    assert twice.pop(201) == 12
    # All three uses may be taken for a moment, before the first one is undone.
    assert set(twice) <= {"code_used", "already_redeemed"} and sum(twice.values()) == 12
    rows = await service.fetch("SELECT uses_done, status FROM coupons WHERE id = ANY($1)", coupons)
    assert {tuple(row) for row in rows} == {(2, "claimed")}
    await check(service.fetch)


async def test_coupon_is_either_given_back_or_redeemed(pair: Pair) -> None:
    service = pair[0]
    offer_id = await add_offer(service.fetch, stock=20)
    citizen, clerk = await service.citizen(consent=False), await service.clerk()
    coupons = [await claimed(citizen, offer_id) for _ in range(20)]
    async with lines_to(*pair, count=40) as lines:
        codes = [await citizen.code(coupon_id) for coupon_id in coupons]
        calls = [
            call
            for coupon_id, code in zip(coupons, codes, strict=True)
            for call in (call_as(citizen.http, "DELETE", f"/coupons/{coupon_id}"), redeem_by(clerk, code))
        ]
        answers = await volley(lines, calls)
    outcomes = {(back.what, used.what) for back, used in zip(answers[::2], answers[1::2], strict=True)}
    assert outcomes <= {(204, "coupon_revoked"), ("already_redeemed", 201)}
    [stock] = await service.fetch("SELECT issued FROM offer_stock WHERE offer_id = $1", offer_id)
    assert stock["issued"] == sum(answer.status == 201 for answer in answers)
    await check(service.fetch)


async def test_coupon_is_either_revoked_or_redeemed(pair: Pair) -> None:
    service = pair[0]
    citizen, clerk, admin = await service.citizen(), await service.clerk(), await service.admin()
    head = await service.admin("demo-head")
    coupons = [(await citizen.coupon())["id"] for _ in range(20)]
    asked = [
        (await admin.post(f"/admin/coupons/{coupon_id}/revocation", json={"reason": "重复发放"})).json()
        for coupon_id in coupons
    ]
    async with lines_to(*pair, count=40) as lines:
        codes = [await citizen.code(coupon_id) for coupon_id in coupons]
        calls = [
            call
            for asking, code in zip(asked, codes, strict=True)
            for call in (
                call_as(
                    head, "POST", f"/admin/approvals/{asking['approval_id']}/approval", {"reason": "同意"}
                ),
                redeem_by(clerk, code),
            )
        ]
        answers = await volley(lines, calls)
    outcomes = {(ended.what, used.what) for ended, used in zip(answers[::2], answers[1::2], strict=True)}
    assert outcomes <= {(204, "coupon_revoked"), ("coupon_not_revocable", 201)}
    await check(service.fetch)


async def test_redemption_that_waits_while_its_coupon_is_revoked_is_refused(pair: Pair) -> None:
    service = pair[0]
    citizen, clerk = await service.citizen(), await service.clerk()
    coupon = await citizen.coupon()
    redeem = redeem_by(clerk, await citizen.code(coupon["id"]))
    async with lines_to(*pair, count=1) as [line]:
        async with row_held(service.environment["DATABASE_URL"], "coupons", coupon["id"]) as holder:
            line.send(redeem)
            await crowd(holder.fetch, 1)
            await holder.execute(
                "UPDATE coupons SET status = 'revoked', ended_at = now(), ended_reason = '重复发放' WHERE id = $1",
                coupon["id"],
            )
        assert (await line.receive()).what == "coupon_revoked"
    await check(service.fetch)


async def test_claim_that_is_sent_after_the_withdrawal_of_consent_is_refused(pair: Pair) -> None:
    service = pair[0]
    citizen = await service.citizen()
    offer_id = await add_offer(service.fetch, min_tier_level=4)
    withdrawn = asyncio.Event()
    sent_after: list[Answer] = []
    claims = 0

    async def keep_claiming(line: Line) -> None:
        nonlocal claims
        for _ in range(200):
            is_after = withdrawn.is_set()
            answer = await line.ask(claim_by(citizen.http, offer_id))
            assert answer.what in (201, "consent_required"), answer
            claims += answer.status == 201
            if is_after:
                sent_after.append(answer)
                if len(sent_after) >= 40:
                    return

    async with lines_to(*pair, count=9) as lines:
        claiming = [asyncio.create_task(keep_claiming(line)) for line in lines[1:]]
        await asyncio.sleep(0.3)
        gone = await lines[0].ask(call_as(citizen.http, "DELETE", "/me/consents/credit_check"))
        withdrawn.set()
        await asyncio.gather(*claiming)
    assert gone.status == 204
    assert claims > 0
    assert counted(sent_after).keys() == {"consent_required"}
    rows = await service.fetch("SELECT count(*) FROM coupons WHERE offer_id = $1", offer_id)
    assert rows[0][0] == claims
    await check(service.fetch)


async def test_everything_that_was_acknowledged_here_is_in_the_ledger(pair: Pair) -> None:
    """A stream of strangers who claim and redeem at once: what was answered is what is written."""
    service = pair[0]
    clerks = [await service.clerk(), await service.clerk("demo-cashier-2")]
    offer_id = await add_offer(service.fetch, stock=1000)
    citizen = await service.citizen(consent=False)
    async with lines_to(*pair, count=16) as lines:
        coupons = await spread(lines, [claim_by(citizen.http, offer_id) for _ in range(120)])
        ids = [answer.json()["id"] for answer in coupons]
        shown = await spread(lines, [call_as(citizen.http, "GET", f"/coupons/{id_}/code") for id_ in ids])
        keys = [new_key() for _ in ids]
        calls = [redeem_by(clerks[n % 2], answer.json()["code"], keys[n]) for n, answer in enumerate(shown)]
        answers = await spread(lines, calls)
    assert counted(answers) == {201: 120}

    async def of_this_offer(sql: str, *values: object) -> Any:
        return await service.fetch(f"{sql} WHERE offer_id = $1", offer_id, *values)

    acknowledged = {key: answer.json()["id"] for key, answer in zip(keys, answers, strict=True)}
    await check_ledger(of_this_offer, keys, acknowledged)
    await check(service.fetch)
