"""What a citizen sees when a benefit can't be claimed: why, in the service's own sentence, and a way on; nothing is claimed.

Every answer is the running service's own. The last two tests compare what is shown here with what the service says it can
answer: a new reason fails them until it stands on the page.
"""

import asyncio
import inspect
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from playwright.async_api import Browser, Locator, expect

from benefits import eligibility
from benefits.offers import FRESH_S
from common.errors import DomainError
from sandbox.demo_data.rows import demo_id
from tests.api.families import a_helper, acting
from tests.api.kit import revocations_are_known
from tests.api.offers import FAIR, GOOD, make_offer
from tests.benefits.test_refusals import REFUSALS
from tests.browser import people
from tests.browser.answers import Shown, codes_of, heard, spoilt
from tests.browser.conftest import Stack
from tests.browser.rooms import PHONE, Window
from tests.service import CitizenClient

SHOWN = Shown()
# Claiming is open to whoever acts for somebody.
NEVER = {"not_for_agents"}
FIRST, LAST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
TEA = "hz-tea"
CONSENT, SHARING, ACCOUNT = "看授权书，由您决定", "看给这家商家的授权书", "去绑定或实名"
CREDIT, MINE, AGAIN, OTHERS = "看我的信用等级", "看我的券", "再试一次", "看看其他优惠"
# Where each way leads: the title of the screen.
LEADS_TO = {
    **{CONSENT: "授权书", SHARING: "授权书", ACCOUNT: "账号与登录", CREDIT: "我的信用等级"},
    **{MINE: "我的券", OTHERS: "信用惠民"},
}


@dataclass
class World:
    """One phone in the hands of one person after another, and offers that each can't be claimed for a reason."""

    stack: Stack
    window: Window
    people: dict[str, CitizenClient]
    offers: dict[str, str]
    holder: str = ""

    def api(self, who: str) -> httpx.AsyncClient:
        """Somebody's other phone, of the same session."""
        return self.stack.client(Authorization=f"Bearer {self.people[who].signed_in['access_token']}")

    async def look(self, who: str, offer: str) -> None:
        """Open an offer's page as somebody; by its name here, or its id."""
        page, signed_in = self.window.page, self.people[who].signed_in
        if self.holder != who:
            await self.window.go("/m/#/pages/privacy/index")
            kept = {"type": "object", "data": {name: signed_in[name] for name in TOKENS}}
            await page.evaluate("kept => localStorage.setItem('xinyi.citizen', kept)", json.dumps(kept))
            self.holder = who
        await page.goto("about:blank")
        await self.window.go(f"/m/#/pages/offers/one?id={self.offers.get(offer, offer)}")

    @property
    def box(self) -> Locator:
        """The part of the page that says whether it can be claimed."""
        return self.window.page.get_by_test_id("claim")

    @property
    def button(self) -> Locator:
        return self.box.get_by_role("button", name="领取", exact=True)

    async def held(self, who: str) -> int:
        """How many coupons somebody has."""
        rows = await self.stack.fetch(
            "SELECT count(*) AS n FROM coupons WHERE citizen_id = $1", UUID(self.people[who].id)
        )
        return int(rows[0]["n"])


TOKENS = ("access_token", "refresh_token")


@pytest.fixture(scope="module")
async def world(browser: Browser, stack: Stack) -> AsyncIterator[World]:
    offers = {name: await make_offer(stack, **changes) for name, changes in OFFERS.items()}
    await stack.fetch(
        "UPDATE offer_stock SET budget_fen = 1000, piece_fen = 600, reserved_fen = 600 WHERE offer_id = $1",
        UUID(offers["budget-spent"]),
    )
    persons = {
        **{"somebody": await stack.citizen(), "another": await stack.citizen()},
        **{"without-consent": await stack.citizen(consent=False), "poor": await stack.citizen("demo-poor")},
        **{"unrated": await stack.citizen("demo-unrated"), "child": await a_child_who_agreed(stack)},
        **{"nobody-known": await stack.citizen(), "source-down": await stack.citizen()},
    }
    await stack.fetch("DELETE FROM natural_persons WHERE citizen_id = $1", UUID(persons["nobody-known"].id))
    for offer in ("full", "day-full"):
        await people.send(persons["another"].http, f"/offers/{offers[offer]}/coupons", {})
    await people.send(persons["somebody"].http, f"/offers/{offers['one-each']}/coupons", {})
    await asyncio.sleep(FRESH_S + 0.1)  # by then every process's list has the offers made here
    window = await Window.open(browser, stack.url, PHONE, has_touch=True)
    yield World(stack, window, persons, offers)
    # Nobody else's list begins with them.
    await stack.fetch(
        "UPDATE offers SET status = 'ended' WHERE status = 'published' AND id = ANY ($1)",
        [UUID(offer) for offer in offers.values()],
    )
    await window.close()


async def a_child_who_agreed(stack: Stack) -> CitizenClient:
    """As when the rule about age came after the consent: today nobody under 18 gets so far."""
    child, other = await stack.citizen("demo-child", consent=False), await stack.citizen()
    await stack.fetch(
        "INSERT INTO consents (id, citizen_id, purpose, version, text_sha256, granted_at)"
        " SELECT $1, $2, purpose, version, text_sha256, granted_at FROM consents"
        "  WHERE citizen_id = $3 AND purpose = 'credit_check'",
        *(uuid4(), UUID(child.id), UUID(other.id)),
    )
    return child


OFFERS: Mapping[str, Mapping[str, Any]] = {
    "open": {"title": "人人可领"},
    "good": {"title": "良好可领", "min_tier_level": GOOD},
    "fair": {"title": "中等可领", "min_tier_level": FAIR},
    "good-too": {"title": "良好也可领", "min_tier_level": GOOD},
    "full": {"title": "只有一份", "total": 1},
    "budget-spent": {"title": "预算用完", "total": 5},
    "day-full": {"title": "一天一份", "daily_limit": 1},
    "one-each": {"title": "每人一份", "per_citizen_limit": 1},
    "not-started": {"title": "还没开始", "claim_from": datetime(2098, 1, 1, tzinfo=UTC)},
    "over": {"title": "领取结束", "claim_from": FIRST, "claim_until": LAST},
    "use-over": {"title": "使用结束", "valid_from": FIRST, "valid_until": LAST},
    "paused": {"title": "暂停", "status": "paused"},
    "ended": {"title": "停止", "status": "ended"},
    "withdrawn": {"title": "撤下", "status": "withdrawn"},
    "of-suspended": {"title": "商家停业", "member": TEA, "stores": ("hz-tea-longjing",)},
    "phone": {"title": "手机号", "min_real_name_level": 1},
    "real-name": {"title": "实名", "min_real_name_level": 2},
    "last-piece": {"title": "最后一份", "total": 1},
    "stopped-meanwhile": {"title": "马上停止"},
    "taken-meanwhile": {"title": "另一台手机", "per_citizen_limit": 1},
    "shows-holder": {"title": "核对姓名", "shows_holder": True},
    "one": {"title": "一样的骰子甲"},
    "two": {"title": "一样的骰子乙"},
}


@dataclass(frozen=True)
class Reason:
    """Who looks at which offer, why he can't claim it, and what the page offers instead."""

    who: str
    offer: str
    code: str
    ways: tuple[str, ...] = (OTHERS,)


AT_A_LOOK = {
    "sold-out": Reason("somebody", "full", "sold_out"),
    "budget-spent": Reason("somebody", "budget-spent", "sold_out"),
    "sold-out-today": Reason("somebody", "day-full", "sold_out_today"),
    "limit-reached": Reason("somebody", "one-each", "limit_reached", (MINE, OTHERS)),
    "not-started": Reason("somebody", "not-started", "offer_not_started"),
    "over": Reason("somebody", "over", "offer_ended"),
    "use-over": Reason("somebody", "use-over", "offer_ended"),
    "paused": Reason("somebody", "paused", "offer_ended"),
    "ended": Reason("somebody", "ended", "offer_ended"),
    "withdrawn": Reason("somebody", "withdrawn", "offer_ended"),
    "member-suspended": Reason("somebody", "of-suspended", "offer_ended"),
    "no-consent": Reason("without-consent", "good", "consent_required", (CONSENT, OTHERS)),
    "tier-too-low": Reason("poor", "good", "tier_too_low", (CREDIT, OTHERS)),
    "unrated": Reason("unrated", "fair", "unrated", (CREDIT, OTHERS)),
    "child": Reason("child", "good", "credit_subject_adult"),
    "unidentified": Reason("nobody-known", "good", "identity_unverified", (ACCOUNT, OTHERS)),
    "phone": Reason("nobody-known", "phone", "real_name_required", (ACCOUNT, OTHERS)),
    "real-name": Reason("nobody-known", "real-name", "real_name_required", (ACCOUNT, OTHERS)),
}


@SHOWN.by(*(case.code for case in AT_A_LOOK.values()))
@pytest.mark.parametrize("name", AT_A_LOOK)
async def test_reason_stands_on_the_page(world: World, name: str) -> None:
    case = AT_A_LOOK[name]
    member = demo_id("member", TEA)
    is_suspended = name == "member-suspended"
    if is_suspended:
        await world.stack.fetch("UPDATE members SET status = 'suspended' WHERE id = $1", member)
    try:
        await world.look(case.who, case.offer)
        await accept_reason(world, case.code, case.ways, name)
        told = (await world.api(case.who).get(f"/offers/{world.offers[case.offer]}")).json()["eligibility"]
    finally:
        if is_suspended:
            await world.stack.fetch("UPDATE members SET status = 'active' WHERE id = $1", member)
    assert [reason["code"] for reason in told["reasons"]] == [case.code]
    await expect(reason_of(world, case.code)).to_have_text(told["reasons"][0]["detail"])
    await follow(world, case.ways[0])


@SHOWN.by("credit_source_unavailable")
async def test_a_silent_credit_platform_is_said_and_asked_again(world: World) -> None:
    """No tier is made up. Also at the press: what the page knew is over, and the platform is silent."""
    who = f"NEW.citizen_id = '{UUID(world.people['source-down'].id)}'"
    async with spoilt(world.stack, "credit_lookups", who, "NEW.outcome := 'unavailable'; RETURN NEW;"):
        await world.look("source-down", "good")
        await accept_reason(world, "credit_source_unavailable", (AGAIN, OTHERS), "source-down")
    await world.box.get_by_role("button", name=AGAIN).click()
    await expect(world.button).to_be_visible()
    async with spoilt(world.stack, "credit_lookups", who, "NEW.outcome := 'unavailable'; RETURN NEW;"):
        await world.stack.fetch(
            "UPDATE tier_snapshots SET taken_at = $2, valid_until = $3 WHERE citizen_id = $1",
            *(UUID(world.people["source-down"].id), FIRST, LAST),
        )
        answer = await refused_press(world, "source-down", "credit_source_unavailable")
        await expect(world.box.get_by_role("alert")).to_have_text(answer["detail"])
    await world.button.click()
    await expect(people.code_picture(world.window)).to_be_visible()
    assert await world.held("source-down") == 1


async def test_the_last_piece_goes_between_look_and_press(world: World) -> None:
    await world.look("somebody", "last-piece")
    await expect(world.button).to_be_visible()
    await people.send(world.api("another"), f"/offers/{world.offers['last-piece']}/coupons", {})
    await refused_press(world, "somebody", "sold_out")
    await accept_reason(world, "sold_out", (OTHERS,), "race-sold-out")
    await expect(world.window.page.get_by_text("还剩 1 份")).to_have_count(0)
    # Whoever uses a keyboard goes on from there, not from the top of the page.
    await expect(world.box.get_by_role("button").first).to_be_focused()


async def test_an_offer_is_stopped_between_look_and_press(world: World) -> None:
    await world.look("somebody", "stopped-meanwhile")
    await expect(world.button).to_be_visible()
    await world.stack.fetch(
        "UPDATE offers SET status = 'paused' WHERE id = $1", UUID(world.offers["stopped-meanwhile"])
    )
    await refused_press(world, "somebody", "offer_ended")
    await accept_reason(world, "offer_ended", (OTHERS,), "race-stopped")


async def test_the_other_phone_of_a_person_was_quicker(world: World) -> None:
    await world.look("somebody", "taken-meanwhile")
    await expect(world.button).to_be_visible()
    await people.send(world.api("somebody"), f"/offers/{world.offers['taken-meanwhile']}/coupons", {})
    await refused_press(world, "somebody", "limit_reached")
    await accept_reason(world, "limit_reached", (MINE, OTHERS), "race-limit")
    await follow(world, MINE)
    await expect(world.window.page.get_by_text("另一台手机")).to_be_visible()


async def test_a_consent_that_was_withdrawn_is_asked_for_and_then_it_goes(world: World) -> None:
    await world.look("another", "good-too")
    await expect(world.button).to_be_visible()
    assert (await world.api("another").delete("/me/consents/credit_check")).status_code == 204
    await refused_press(world, "another", "consent_required")
    await accept_reason(world, "consent_required", (CONSENT, OTHERS), "race-consent")
    await agree_and_claim(world, CONSENT)


@SHOWN.by("sharing_consent_required")
async def test_who_would_be_shown_to_a_member_is_asked_first(world: World) -> None:
    await world.look("another", "shows-holder")
    await expect(world.button).to_be_visible()
    await refused_press(world, "another", "sharing_consent_required")
    await accept_reason(world, "sharing_consent_required", (SHARING, OTHERS), "race-sharing")
    await agree_and_claim(world, SHARING)


@SHOWN.by("busy")
async def test_a_busy_service_asks_for_the_press_again(world: World) -> None:
    await world.look("somebody", "open")
    await expect(world.button).to_be_visible()
    who = f"NEW.citizen_id = '{UUID(world.people['somebody'].id)}'"
    async with spoilt(world.stack, "coupons", who):
        answer = await refused_press(world, "somebody", "busy")
        await expect(world.box.get_by_role("alert")).to_have_text(answer["detail"])
        await world.window.accept_no_barriers()
        await world.window.picture("claim-busy")
    before = await world.held("somebody")
    await world.button.click()
    await expect(people.code_picture(world.window)).to_be_visible()
    assert await world.held("somebody") == before + 1


@SHOWN.by("idempotency_key_reused")
async def test_a_phone_whose_dice_fall_always_the_same(world: World) -> None:
    """Two wishes under one key: the second is refused, and not mistaken for the first."""
    await world.look("somebody", "open")
    await expect(world.button).to_be_visible()
    await world.window.page.evaluate("Math.random = () => 0.5")
    await people.claim(world.window, "一样的骰子甲")
    await people.find(world.window, "一样的骰子乙")
    await refused_press(world, "somebody", "idempotency_key_reused")
    await accept_reason(world, "idempotency_key_reused", (OTHERS,), "key-reused")


@SHOWN.by("not_found")
async def test_a_benefit_that_is_not_there_says_so(world: World) -> None:
    await world.look("somebody", str(uuid4()))
    await expect(world.window.page.get_by_role("alert")).to_contain_text("这个优惠已经不在了。")
    await world.window.accept_no_barriers()
    await world.window.picture("claim-gone")
    await world.window.page.get_by_role("button", name=OTHERS).click()
    await expect(world.window.page.get_by_role("heading", level=1)).to_have_text("信用惠民")
    await accept_claimable(world)


async def test_what_a_sentence_points_at_is_on_the_page(world: World) -> None:
    """“我的—…” in any refusal is a line of the page 我的, under that name."""
    named = {name for one in REFUSALS.values() for name in re.findall("“我的—([^”]+)”", one.zh)}
    assert len(named) >= 3
    await world.look("somebody", "open")
    await world.window.go("/m/#/pages/me/index")
    for name in named:
        await expect(world.window.page.get_by_role("main").get_by_role("button", name=name)).to_be_visible()


@SHOWN.by("acting_ended")
async def test_a_helper_whose_time_is_over_claims_nothing_for_anybody(world: World) -> None:
    elder, helper = await world.stack.citizen(), await world.stack.citizen()
    world.people |= {"elder": elder, "helper": helper}
    binding = await a_helper(elder, helper)
    assert (await (await acting(helper, elder.id)).get("/me/coupons")).status_code == 200
    whom = {"for": elder.id, "maskedName": "*三", "role": "helper"}
    kept = json.dumps({"type": "object", "data": whom})
    await world.look("helper", "open")
    await world.window.page.evaluate("kept => localStorage.setItem('xinyi.citizen.acting', kept)", kept)
    await world.look("helper", "open")
    await expect(world.button).to_be_visible()
    assert (await elder.http.delete(f"/me/helpers/{binding}")).status_code == 204
    async with heard(world.window.page, "/coupons") as answers:
        await world.button.click()
        await expect(world.window.page.get_by_text("代办已经结束")).to_be_visible()
    assert "acting_ended" in {answer["code"] for answer in answers}
    await world.window.accept_no_barriers()
    await world.window.picture("claim-acting-ended")
    assert (await world.held("elder"), await world.held("helper")) == (0, 0)


@SHOWN.by("unauthenticated")
async def test_a_session_that_was_ended_elsewhere_leads_to_signing_in(world: World) -> None:
    """The last one here: it is the end of somebody's session."""
    await world.look("poor", "open")
    await expect(world.button).to_be_visible()
    assert (await world.api("poor").post("/auth/logout")).status_code == 204
    await revocations_are_known()
    before = await world.held("poor")
    async with heard(world.window.page, "/coupons") as answers:
        await world.button.click()
        await expect(world.window.page.get_by_text("登录已经结束")).to_be_visible()
    assert {answer["code"] for answer in answers} == {"unauthenticated"}
    await world.window.accept_no_barriers()
    await world.window.picture("claim-signed-out")
    assert await world.held("poor") == before


async def test_every_refusal_of_a_claim_is_shown(stack: Stack) -> None:
    assert await codes_of(stack, "/offers/{offer_id}/coupons") == SHOWN | NEVER


def test_every_reason_that_is_known_before_a_claim_is_shown_before_it() -> None:
    reasons = {
        found.code
        for found in vars(eligibility).values()
        if inspect.isclass(found) and issubclass(found, DomainError) and found is not DomainError
    }
    assert reasons == {case.code for case in AT_A_LOOK.values()} | {"credit_source_unavailable"}


def reason_of(world: World, code: str) -> Locator:
    return world.box.locator(f"[data-reason={code}]")


async def accept_reason(world: World, code: str, ways: tuple[str, ...], name: str) -> None:
    """The sentence, no way to claim, every way on, and nothing that bars anybody."""
    await expect(reason_of(world, code)).to_contain_text("。")
    await expect(world.button).to_have_count(0)
    await expect(world.box.get_by_role("button")).to_have_text(list(ways))
    await world.window.accept_no_barriers()
    await world.window.accept_no_overflow()
    await world.window.picture(f"claim-{name}")


async def refused_press(world: World, who: str, code: str) -> dict[str, Any]:
    """Press; what the service refused it with. He has no more than before."""
    before = await world.held(who)
    page = world.window.page
    async with heard(page, "/coupons") as answers, page.expect_response("**/coupons"):
        await world.button.click()
    assert [answer["code"] for answer in answers] == [code]
    assert await world.held(who) == before
    if answers[0]["status"] < 500:
        await expect(reason_of(world, code)).to_have_text(answers[0]["detail"])
    return answers[0]


async def follow(world: World, way: str) -> None:
    """A way on leads where it says."""
    await world.box.get_by_role("button", name=way).click()
    await expect(world.window.page.get_by_role("heading", level=1)).to_have_text(LEADS_TO[way])
    if way == OTHERS:
        await accept_claimable(world)


async def accept_claimable(world: World) -> None:
    """Other benefits are those that can be claimed: the next press isn't refused for the same reason."""
    mine = world.window.page.get_by_role("button", name="我能领")
    await expect(mine).to_have_attribute("aria-pressed", "true")


async def agree_and_claim(world: World, way: str) -> None:
    """From the refusal to the consent, back to the offer, and to the code."""
    await follow(world, way)
    await world.window.page.get_by_role("button", name="同意", exact=True).click()
    await expect(world.button).to_be_visible()
    await world.button.click()
    await expect(people.code_picture(world.window)).to_be_visible()
