"""Citizens and members sign in through real channels; a channel that is ill lets nobody in, and keeps nobody waiting."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from itertools import count
from typing import Any

import pytest

from sandbox.standins.moods import MOODS, SPOILT, WELL
from sandbox.standins.wechat import SECRET
from sandbox.standins.zheliban import SECRET as ZHELIBAN_SECRET
from tests.api.kit import answered, fingerprint, problem
from tests.factories.standins import Outside, outside
from tests.service import Service

CHANNELS = ("wechat", "alipay", "zheliban")
SLOW = ("hanging", "dribbling")
ANSWER_WITHIN_S = 3.5
OWN = {
    "wechat": ("too_often", "busy", "blocked"),
    "alipay": ("too_often", "busy", "forged", "unsigned", "other_answer", "twice"),
    "zheliban": (
        *("clock_off", "other_signature", "other_key", "no_route"),
        *("user_empty", "token_lost", "strange", "nobody"),
    ),
}
REFUSED = {
    "blocked": (403, "login_blocked"),
    "user_empty": (401, "login_code_invalid"),
    "token_lost": (401, "login_code_invalid"),
}
# What holds the code that is good once, and how often it may be sent.
SPENDS = {
    "wechat": "/sns/jscode2session",
    "alipay": "/gateway.do",
    "zheliban": "/restapi/prod/IC33000020220329000007/uc/sso/access_token",
}
RETRY_AFTER = {"throttling": "7", "too_often": "60"}
_numbers = count(1)


def cases() -> list[tuple[str, str]]:
    return [
        (channel, mood)
        for channel in CHANNELS
        for mood in (*MOODS, *SPOILT, *OWN[channel])
        if mood not in SLOW
    ]


def a_code(channel: str) -> str:
    """One of somebody whom nobody knows."""
    return f"load-{700_000 + next(_numbers)}.1" if channel == "zheliban" else f"somebody{next(_numbers)}.1"


@pytest.fixture(scope="module")
async def world() -> AsyncIterator[Outside]:
    async with outside() as found:
        yield found


@pytest.fixture(scope="module")
def connected(world: Outside, make_service: Callable[..., Service]) -> Service:
    """A sandbox that the environment alone has connected to the three channels."""
    return make_service(workers=1, **world.variables)


@pytest.fixture(autouse=True)
def _well(world: Outside) -> None:
    world.recover()


async def test_the_channels_that_are_connected_are_told(connected: Service) -> None:
    body = answered(await connected.client().get("/auth/channels"), 200, "items")
    assert [each["channel"] for each in body["items"]] == [*CHANNELS, "sandbox"]


async def sign_in(service: Service, channel: str, code: str, path: str = "/auth/citizen") -> Any:
    return await service.client().post(path, json={"channel": channel, "code": code})


async def me(service: Service, answer: Any) -> dict[str, Any]:
    client = service.client(Authorization="Bearer " + answer.json()["access_token"])
    return answered(await client.get("/me"), 200, "masked_name", "masked_phone", "channels")


@pytest.mark.parametrize(("channel", "mood"), cases())
async def test_an_ill_channel_lets_nobody_in_and_is_used_again_when_it_is_well(
    connected: Service, world: Outside, channel: str, mood: str
) -> None:
    before = await fingerprint(connected)
    world.of(channel).become(mood)
    began = time.monotonic()
    answer = await sign_in(connected, channel, a_code(channel))
    took_s = time.monotonic() - began
    problem(answer, *REFUSED.get(mood, (503, "channel_unavailable")))
    if mood in RETRY_AFTER:
        assert answer.headers["retry-after"] == RETRY_AFTER[mood]
    assert took_s < ANSWER_WITHIN_S
    assert await fingerprint(connected) == before, "nothing is stored"
    # A code that may have been used is never sent again; only a channel that says that it has done nothing is asked more.
    assert world.of(channel).calls[SPENDS[channel]] == (3 if (channel, mood) == ("wechat", "busy") else 1)
    world.of(channel).become(WELL)
    assert (await sign_in(connected, channel, a_code(channel))).status_code == 200


@pytest.mark.alone
@pytest.mark.parametrize("mood", SLOW)
async def test_a_slow_channel_keeps_nobody_waiting(connected: Service, world: Outside, mood: str) -> None:
    """All three at once, and somebody of another channel beside them."""
    before = await fingerprint(connected)
    for channel in CHANNELS:
        world.of(channel).become(mood)

    async def timed(channel: str) -> float:
        began = time.monotonic()
        problem(await sign_in(connected, channel, a_code(channel)), 503, "channel_unavailable")
        return time.monotonic() - began

    times = await asyncio.gather(*map(timed, CHANNELS))
    assert all(2.5 < took_s < ANSWER_WITHIN_S for took_s in times)
    assert await fingerprint(connected) == before
    for channel in CHANNELS:
        assert world.of(channel).calls[SPENDS[channel]] == 1
        world.of(channel).become(WELL)
        assert (await sign_in(connected, channel, a_code(channel))).status_code == 200


@pytest.mark.parametrize("channel", CHANNELS)
async def test_a_code_is_good_once_and_not_when_it_is_stale_or_nobodys(
    connected: Service, world: Outside, channel: str
) -> None:
    code = a_code(channel)
    first = await sign_in(connected, channel, code)
    body = answered(first, 200, "access_token", "refresh_token", "citizen")
    before = await fingerprint(connected)
    for bad in (code, "stale.1", "nobodys", "with blank.1", "换行\n.1"):
        problem(await sign_in(connected, channel, bad), 401, "login_code_invalid")
    assert await fingerprint(connected) == before
    again = await sign_in(connected, channel, code.replace(".1", ".2"))
    assert again.json()["citizen"] == body["citizen"], "the same subject is the same citizen"
    assert (await me(connected, again))["channels"] == [channel]


async def test_a_code_used_by_many_at_once_lets_one_in(connected: Service, world: Outside) -> None:
    for channel in CHANNELS:
        code = a_code(channel)
        answers = await asyncio.gather(*(sign_in(connected, channel, code) for _ in range(8)))
        assert sorted(answer.status_code for answer in answers) == [200, *[401] * 7]


async def test_zheliban_tells_name_and_number_and_both_are_kept(connected: Service) -> None:
    answer = await sign_in(connected, "zheliban", "demo-good.me")
    found = await me(connected, answer)
    assert (found["masked_name"], found["masked_phone"]) == ("*小芳", "137****9050")
    sandbox = await connected.citizen("demo-good", consent=False)
    assert sandbox.id == answer.json()["citizen"]["id"], "one person, whichever channel he comes from"


@pytest.mark.parametrize("who", ["hongkong", "taiwan"])
async def test_a_permit_for_life_is_a_person_and_not_somebody_elses_number(
    connected: Service, who: str
) -> None:
    found = await me(connected, await sign_in(connected, "zheliban", f"{who}.1"))
    assert found["masked_name"] == "*念"


async def test_a_paper_that_is_not_for_life_lets_in_without_a_name(connected: Service) -> None:
    found = await me(connected, await sign_in(connected, "zheliban", "passport.1"))
    assert found["masked_name"] == ""
    before = await fingerprint(connected)
    problem(await sign_in(connected, "zheliban", "misprinted.1"), 503, "channel_unavailable")
    assert await fingerprint(connected) == before


async def test_a_legal_person_signs_in_as_the_members_first_owner(connected: Service) -> None:
    [member] = await connected.fetch(
        "SELECT m.id, m.uscc, m.region_id FROM members m JOIN staff s ON s.member_id = m.id"
        " WHERE s.role = 'owner' AND s.status = 'active' AND m.status = 'active' ORDER BY m.id LIMIT 1"
    )
    before = await fingerprint(connected, {"audit_records", "sessions"})
    answer = await sign_in(connected, "zheliban", f"uscc-{member['uscc']}.1", "/auth/staff/legal-person")
    body = answered(answer, 200, "access_token", "refresh_token", "staff")
    assert body["staff"]["member_id"] == str(member["id"]) and body["staff"]["role"] == "owner"
    owner = connected.client(Authorization="Bearer " + body["access_token"])
    assert (await owner.get("/member/stores")).status_code == 200
    [record] = await connected.fetch(
        "SELECT * FROM audit_records WHERE request_id = $1", answer.headers["x-request-id"]
    )
    assert (record["action"], record["region_id"]) == ("staff.sign_in", member["region_id"])
    assert str(record["object_id"]) == body["staff"]["id"] and "zheliban.legal_person" in record["after"]
    assert await fingerprint(connected, {"audit_records", "sessions"}) == before, "no citizen was made"


async def test_each_entrance_is_for_its_own_kind_of_person(connected: Service) -> None:
    before = await fingerprint(connected)
    legal = "uscc-91330106MA2B00001X."
    problem(await sign_in(connected, "zheliban", legal + "1"), 403, "natural_person_required")
    problem(await sign_in(connected, "sandbox", "uscc-91330106MA2B00001X"), 403, "natural_person_required")
    path = "/auth/staff/legal-person"
    for channel, code in (("zheliban", "load-9.x"), ("wechat", "wang.x"), ("sandbox", "demo-good")):
        problem(await sign_in(connected, channel, code, path), 403, "legal_person_required")
    problem(await sign_in(connected, "zheliban", legal + "2", path), 403, "not_a_member")
    problem(await sign_in(connected, "zheliban", "uscc-no-code.1", path), 503, "channel_unavailable")
    problem(await sign_in(connected, "zheliban", legal + "2", path), 401, "login_code_invalid")
    assert await fingerprint(connected) == before


async def test_who_has_left_and_who_has_no_owner_is_told_so(connected: Service) -> None:
    made = [("left", "91330106MA2B0LEFTX", "x"), ("active", "91330106MA2B0WNERX", "!")]
    for status, uscc, password in made:
        await connected.fetch(
            "WITH m AS (INSERT INTO members (id, kind, name, uscc, region_id, status, joined_at)"
            "  VALUES (gen_random_uuid(), 'merchant', '测试', $1::varchar, '330106', $2, now()) RETURNING id)"
            " INSERT INTO staff (id, member_id, login, password_hash, role, created_at)"
            " SELECT gen_random_uuid(), m.id, $1::varchar, $3, 'owner', now() FROM m",
            *(uscc.replace("O", "0"), status, password),
        )
    path = "/auth/staff/legal-person"
    for (_, uscc, _), (status, code) in zip(
        made, [(409, "member_left"), (403, "no_active_owner")], strict=True
    ):
        code_of_legal = f"uscc-{uscc.replace('O', '0')}.1"
        problem(await sign_in(connected, "zheliban", code_of_legal, path), status, code)


async def test_a_citizen_binds_the_number_of_his_wechat_account(connected: Service, world: Outside) -> None:
    citizen = await connected.citizen(consent=False)
    assert (await citizen.http.get("/me")).json()["masked_phone"] is None

    async def bind(code: str, channel: str = "wechat") -> Any:
        return await citizen.http.post("/me/phone", json={"channel": channel, "code": code})

    body = answered(await bind("13912345678.1"), 200)
    assert body == {"masked_phone": "139****5678", "real_name_level": 2}
    for code, status, refusal in (
        ("13912345678.1", 422, "phone_code_invalid"),
        ("stale.1", 422, "phone_code_invalid"),
        ("852-51234567.1", 409, "phone_not_mainland"),
        ("12345.1", 503, "channel_unavailable"),
    ):
        problem(await bind(code), status, refusal)
    world.wechat.become("other_app")
    problem(await bind("13800000001.2"), 503, "channel_unavailable")
    problem(await bind("13800000001.3", "alipay"), 503, "channel_unavailable")
    world.wechat.become(WELL)
    assert (await citizen.http.get("/me")).json()["masked_phone"] == "139****5678"
    answered(await bind("+86-13800000001.4".replace("+", "")), 200)
    assert (await citizen.http.get("/me")).json()["masked_phone"] == "138****0001"


async def test_who_came_without_a_name_has_the_first_level_with_his_number(connected: Service) -> None:
    answer = await sign_in(connected, "wechat", a_code("wechat"))
    client = connected.client(Authorization="Bearer " + answer.json()["access_token"])
    bound = await client.post("/me/phone", json={"channel": "wechat", "code": "13912345678.level"})
    assert answered(bound, 200)["real_name_level"] == 1


async def test_the_log_tells_what_a_channel_did_wrong_and_nothing_of_anybody(
    connected: Service, world: Outside
) -> None:
    ill = {
        ("alipay", "forged"): "wrong_signature",
        ("alipay", "bomb"): "packed",
        ("wechat", "too_often"): "errcode_45011",
        ("wechat", "huge"): "too_large",
        ("zheliban", "clock_off"): "401_clock_skew_exceeded",
        ("zheliban", "empty_texts"): "wrong_accessToken",
    }
    for channel, mood in ill:
        world.of(channel).become(mood)
        problem(await sign_in(connected, channel, a_code(channel)), 503, "channel_unavailable")
        world.of(channel).become(WELL)
        assert (await sign_in(connected, channel, a_code(channel))).status_code == 200
    log = connected.log.read_text()
    for result in ill.values():
        assert f'"result": "{result}"' in log, result
    for secret in (SECRET, ZHELIBAN_SECRET, "somebody", "load-7", "13700009050", "access_token"):
        assert secret not in log
