"""The channels against their stand-ins: what is asked, how often, and what is believed; over real sockets."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from citizens.channels import (
    ChannelUnavailable,
    LegalPerson,
    Login,
    LoginChannel,
    LoginCodeInvalid,
    Messenger,
    Person,
    PhoneChannel,
    SendOutcome,
    alipay,
    wechat_token,
)
from citizens.channels.alipay import AlipayChannel
from citizens.channels.outside import ChannelServer
from citizens.channels.wechat import WeChatChannel
from citizens.channels.zheliban import ZhelibanChannel
from common.clock import now
from models.enums import Channel
from sandbox.standins.moods import WELL
from tests.factories.standins import Outside, outside

SESSION, STABLE = "/sns/jscode2session", "/cgi-bin/stable_token"
PHONE, MESSAGE = "/wxa/business/getuserphonenumber", "/cgi-bin/message/subscribe/send"
# For what is not about time, however busy the machine is.
PATIENT = {"total_s": 30.0, "connect_s": 30.0}
DATA = {"thing1": "信易购", "time2": "2026-11-27 12:00"}


@pytest.fixture(scope="module")
async def standins() -> AsyncIterator[Outside]:
    async with outside() as found:
        yield found


@pytest.fixture
def world(standins: Outside) -> Outside:
    standins.recover()
    standins.wechat.forget_tokens()
    standins.wechat.sent.clear()
    return standins


@pytest.fixture
def self_signed(tmp_path: Path) -> ssl.SSLContext:
    """A certificate for localhost that its owner has signed himself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    begun = now() - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, begun, begun + timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (tmp_path / "pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pem")
    return context


def wechat(world: Outside, **limits: float) -> WeChatChannel:
    given = world.variables
    server = ChannelServer(Channel.WECHAT, given["WECHAT_URL"], **{**PATIENT, **limits})
    return WeChatChannel(given["WECHAT_APP_ID"], given["WECHAT_SECRET"], server)


def alipay_channel(world: Outside, **changes: str) -> AlipayChannel:
    given = {**world.variables, **changes}
    return AlipayChannel(
        given["ALIPAY_APP_ID"],
        alipay.private_key(given["ALIPAY_PRIVATE_KEY"]),
        alipay.public_key(given["ALIPAY_PUBLIC_KEY"]),
        ChannelServer(Channel.ALIPAY, given["ALIPAY_URL"], **PATIENT),
    )


def zheliban(world: Outside, **changes: str) -> ZhelibanChannel:
    given = {**world.variables, **changes}
    return ZhelibanChannel(
        given["ZHELIBAN_APP_ID"],
        given["ZHELIBAN_ACCESS_KEY"],
        given["ZHELIBAN_SECRET"],
        ChannelServer(Channel.ZHELIBAN, given["ZHELIBAN_URL"], **PATIENT),
    )


async def failure(work: Any) -> tuple[str, int]:
    """Why a channel was unavailable, in the operator's word, and for how long."""
    with pytest.raises(ChannelUnavailable) as refused:
        await work
    return getattr(refused.value.__cause__, "result", "open"), refused.value.retry_after_s


def test_every_channel_keeps_its_contract(world: Outside) -> None:
    logins: list[LoginChannel] = [wechat(world), alipay_channel(world), zheliban(world)]
    phones: list[PhoneChannel] = [wechat(world)]
    messengers: list[Messenger] = [wechat(world)]
    assert [each.channel for each in (*logins, *phones, *messengers)] == [
        *(Channel.WECHAT, Channel.ALIPAY, Channel.ZHELIBAN),
        *(Channel.WECHAT, Channel.WECHAT),
    ]


async def test_a_login_is_the_channels_own_id_and_the_person_it_verified(world: Outside) -> None:
    assert await wechat(world).exchange("wang.1") == Login("o-wang", None)
    assert await alipay_channel(world).exchange("wang.1") == Login("2088-wang", None)
    assert await alipay_channel(world).exchange("open-li.1") == Login("2088-open-li", None)
    found = await zheliban(world).exchange("demo-good.1")
    assert found.person == Person("陈小芳", found.person.id_number if found.person else "")
    assert (found.subject, found.phone) == ("u-demo-good", "13700009050")
    legal = await zheliban(world).exchange("uscc-91330106ma2b00001x.1")
    assert (legal.person, legal.phone) == (None, None)
    assert legal.legal_person == LegalPerson("91330106MA2B00001X", "湖畔百货有限公司")


async def test_binding_the_app_to_an_open_platform_makes_nobody_somebody_else(world: Outside) -> None:
    before = await wechat(world).exchange("wang.before")
    world.wechat.has_unionid = True
    assert await wechat(world).exchange("wang.after") == before
    world.wechat.has_unionid = False


async def test_people_with_other_papers_are_told_apart_by_a_number_that_stays(world: Outside) -> None:
    found = {
        who: (await zheliban(world).exchange(f"{who}.2")).person for who in ("hongkong", "taiwan", "passport")
    }
    assert {who: person and person.id_number for who, person in found.items()} == {
        # Without the last two digits, which count how often the permit was made anew.
        "hongkong": "HKM:H12345678",
        "taiwan": "TWN:12345678",
        "passport": None,
    }
    assert await failure(zheliban(world).exchange("misprinted.2")) == ("wrong_idNo", 2)


# WeChat's token ------------------------------------------------------------------------------------


async def test_a_hundred_at_once_ask_for_one_token(world: Outside) -> None:
    channel = wechat(world)
    numbers = await asyncio.gather(*(channel.phone(f"13700009{n:03d}.{n}") for n in range(100)))
    assert numbers == [f"13700009{n:03d}" for n in range(100)]
    assert (world.wechat.calls[STABLE], world.wechat.calls[PHONE]) == (1, 100)


async def test_a_token_that_wechat_forgot_is_asked_for_once_and_every_call_goes_through(
    world: Outside,
) -> None:
    channel = wechat(world)
    await channel.phone("13700009050.a")
    world.wechat.forget_tokens()
    world.wechat.calls.clear()
    numbers = await asyncio.gather(*(channel.phone(f"13700009{n:03d}.b{n}") for n in range(50)))
    assert len(set(numbers)) == 50
    assert world.wechat.calls[STABLE] == 1 and world.wechat.calls[PHONE] <= 100


async def test_a_token_that_is_never_taken_is_renewed_once_a_call_and_no_more(world: Outside) -> None:
    channel = wechat(world)
    world.wechat.become("no_token")
    assert await failure(channel.phone("13700009050.c")) == ("errcode_40001", 2)
    # The first one, the stable one again, and one by force; the code itself was posted twice, and taken never.
    assert (world.wechat.calls[STABLE], world.wechat.calls[PHONE]) == (3, 2)
    world.wechat.become(WELL)
    assert await channel.phone("13700009050.c") == "13700009050"


async def test_a_token_is_renewed_before_it_ends(world: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = wechat(world)
    await channel.phone("13700009050.d")
    present = time.monotonic()
    for later_s, asked in ((7200 - 301, 1), (7200 - 299, 2), (7200 - 299 + 6890, 2)):
        monkeypatch.setattr(wechat_token, "monotonic", lambda: present + later_s)  # noqa: B023
        await channel.phone(f"13700009050.d{later_s}")
        assert world.wechat.calls[STABLE] == asked


async def test_who_hangs_up_while_a_token_is_asked_for_takes_it_from_nobody(world: Outside) -> None:
    channel = wechat(world)
    world.wechat.become("hanging")
    first = asyncio.create_task(channel.phone("13700009050.e"))
    others = [asyncio.create_task(channel.phone(f"1370000905{n}.e")) for n in range(5)]
    await asyncio.sleep(0.1)
    first.cancel()
    with suppress(asyncio.CancelledError):
        await first
    world.wechat.become(WELL)  # which cuts the one that hangs: it is asked again
    assert len(await asyncio.gather(*others)) == 5
    assert world.wechat.calls[STABLE] == 2


@pytest.mark.parametrize("mood", ["failing", "cutting", "garbage", "busy"])
async def test_a_token_is_asked_for_again_because_that_does_no_harm(world: Outside, mood: str) -> None:
    world.wechat.become(mood)
    result, _ = await failure(wechat(world).phone("13700009050.f"))
    assert result.startswith("no_token_")
    assert (world.wechat.calls[STABLE], world.wechat.calls[PHONE]) == (3, 0)


# Messages ------------------------------------------------------------------------------------------


async def test_a_message_goes_out_in_wechats_form(world: Outside) -> None:
    assert await wechat(world).send("o-wang", "T1", "pages/coupon?id=1", DATA) is SendOutcome.SENT
    [sent] = world.wechat.sent
    assert sent == {
        "touser": "o-wang",
        "template_id": "T1",
        "page": "pages/coupon?id=1",
        "data": {"thing1": {"value": "信易购"}, "time2": {"value": "2026-11-27 12:00"}},
        "miniprogram_state": "formal",
        "lang": "zh_CN",
    }


OUTCOMES = {
    "unwanted": SendOutcome.REFUSED,
    "no_template": SendOutcome.NO_TEMPLATE,
    "too_often": SendOutcome.TRY_LATER,
    "busy": SendOutcome.TRY_LATER,
    "no_token": SendOutcome.TRY_LATER,
    "throttling": SendOutcome.TRY_LATER,
    **dict.fromkeys(("failing", "cutting", "truncated", "garbage", "wrong_types"), SendOutcome.UNKNOWN),
}


@pytest.mark.parametrize("mood", OUTCOMES)
async def test_what_became_of_a_message_is_said_honestly_and_it_is_sent_once(
    world: Outside, mood: str
) -> None:
    channel = wechat(world)
    await channel.phone(f"13700009050.{mood}")  # there is a token
    world.wechat.become(mood)
    is_sent = mood == "wrong_types"  # which this stand-in does not spoil: it has nothing but numbers to say
    assert await channel.send("o-wang", "T1", "p", DATA) is (SendOutcome.SENT if is_sent else OUTCOMES[mood])
    assert world.wechat.calls[MESSAGE] == (2 if mood == "no_token" else 1)


async def test_a_message_that_hangs_may_have_arrived(world: Outside) -> None:
    channel = wechat(world)
    await channel.phone("13700009050.g")
    channel._server.total_s = 0.3
    world.wechat.become("hanging")
    assert await channel.send("o-wang", "T1", "p", DATA) is SendOutcome.UNKNOWN
    assert world.wechat.calls[MESSAGE] == 1


@pytest.mark.alone
async def test_a_message_without_a_token_or_a_server_was_not_sent(world: Outside) -> None:
    channel = wechat(world, total_s=1.0)
    world.wechat.become("hanging")
    assert await channel.send("o-wang", "T1", "p", DATA) is SendOutcome.TRY_LATER
    nowhere = WeChatChannel("a", "s", ChannelServer(Channel.WECHAT, "http://127.0.0.1:1"))
    for _ in range(7):  # and then the breaker is open
        assert await nowhere.send("o-wang", "T1", "p", DATA) is SendOutcome.TRY_LATER
    assert await failure(nowhere.exchange("a.1")) == ("open", 10)


# The breaker, and what may be asked again ----------------------------------------------------------


async def test_five_failures_in_a_row_open_the_breaker_and_a_good_answer_closes_it(world: Outside) -> None:
    channel = wechat(world, open_for_s=0.2)
    world.wechat.become("failing")
    for n in range(5):
        assert await failure(channel.exchange(f"a.{n}")) == ("503", 2)
    assert await failure(channel.exchange("a.6")) == ("open", 1)
    assert (await alipay_channel(world).exchange("a.6")).subject == "2088-a", "the others go on"
    assert world.wechat.calls[SESSION] == 5
    world.wechat.become(WELL)
    await asyncio.sleep(0.25)
    assert (await channel.exchange("a.7")).subject == "o-a"


@pytest.mark.parametrize("mood", ["throttling", "too_often", "missing_fields", "well"])
async def test_nobody_closes_the_channel_to_others_by_what_is_his_own_matter(
    world: Outside, mood: str
) -> None:
    """Ten throttled logins, odd people or wrong codes in a row: the eleventh is asked all the same."""
    channel = wechat(world)
    world.wechat.become(mood)
    for n in range(10):
        with pytest.raises(LoginCodeInvalid if mood == "well" else ChannelUnavailable):
            await channel.exchange(f"stale.{n}" if mood == "well" else f"b{mood}.{n}")
    world.wechat.become(WELL)
    assert (await channel.exchange(f"c{mood}.1")).subject == f"o-c{mood}"


async def test_what_never_left_is_sent_again(
    world: Outside, unused_tcp_port_factory: Callable[[], int]
) -> None:
    """The server comes up while the login waits: a connection that was refused has used no code up."""
    port = unused_tcp_port_factory()
    server = ChannelServer(Channel.WECHAT, f"http://127.0.0.1:{port}", **PATIENT)
    given = world.variables
    asking = asyncio.create_task(
        WeChatChannel(given["WECHAT_APP_ID"], given["WECHAT_SECRET"], server).exchange("late.1")
    )
    await asyncio.sleep(0.05)
    target = int(given["WECHAT_URL"].rpartition(":")[2])

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
        far_writer.write(await reader.readuntil(b"\r\n\r\n"))
        writer.write(await far_reader.read(65536))
        far_writer.close()
        writer.close()

    proxy = await asyncio.start_server(pass_on, "127.0.0.1", port)
    try:
        assert (await asking).subject == "o-late"
    finally:
        proxy.close()
        await proxy.wait_closed()


async def test_a_server_that_nobody_vouches_for_is_told_nothing(self_signed: ssl.SSLContext) -> None:
    heard = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1000))
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0, ssl=self_signed)
    try:
        url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
        channel = WeChatChannel("app", "secret", ChannelServer(Channel.WECHAT, url, **PATIENT))
        assert await failure(channel.exchange("w.1")) == ("not_reached", 2)
        assert heard == []
    finally:
        server.close()
        await server.wait_closed()


async def test_who_hangs_up_says_nothing_about_the_channel(world: Outside) -> None:
    channel = wechat(world)
    world.wechat.become("hanging")
    asking = [asyncio.create_task(channel.exchange(f"h.{n}")) for n in range(8)]
    await asyncio.sleep(0.1)
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    world.wechat.become(WELL)
    assert (await channel.exchange("h.9")).subject == "o-h"


# Who we are to them --------------------------------------------------------------------------------


async def test_a_wrong_key_of_ours_is_told_to_the_operator_and_to_nobody_else(world: Outside) -> None:
    other = {"ALIPAY_PRIVATE_KEY": world.alipay.other_key()}
    assert await failure(alipay_channel(world, **other).exchange("w.1")) == (
        "refused_isv.invalid-signature",
        2,
    )
    for changes, result in (
        ({"ZHELIBAN_SECRET": "wrong"}, "401_invalid_signature"),
        ({"ZHELIBAN_ACCESS_KEY": "wrong"}, "401_invalid_access_key"),
        ({"ZHELIBAN_APP_ID": "wrong"}, "refused_C-USER-SSO-APP-INVALID"),
    ):
        assert await failure(zheliban(world, **changes).exchange("w.1")) == (result, 2)
    server = ChannelServer(Channel.WECHAT, world.variables["WECHAT_URL"], **PATIENT)
    for app_id, secret, result in (("wrong", "s", "40013"), (world.variables["WECHAT_APP_ID"], "s", "40125")):
        channel = WeChatChannel(app_id, secret, server)
        assert await failure(channel.exchange("w.1")) == (f"errcode_{result}", 2)
        assert await failure(channel.phone("w.1")) == (f"no_token_errcode_{result}", 2)


async def test_a_clock_that_is_off_by_more_than_90_seconds_is_refused(
    world: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    from citizens.channels import zheliban as module

    for off_s, is_good in ((-80, True), (80, True), (-100, False), (100, False)):
        monkeypatch.setattr(module, "now", lambda off_s=off_s: now() + timedelta(seconds=off_s))
        monkeypatch.setattr(alipay, "now", lambda off_s=off_s: now() + timedelta(seconds=off_s))
        if is_good:
            assert (await zheliban(world).exchange(f"load-1.{off_s}")).subject == "u-load-1"
            assert (await alipay_channel(world).exchange(f"c.{off_s}")).subject == "2088-c"
        else:
            assert await failure(zheliban(world).exchange(f"load-1.{off_s}")) == (
                "401_clock_skew_exceeded",
                2,
            )
            result, _ = await failure(alipay_channel(world).exchange(f"c.{off_s}"))
            assert result == "refused_isv.invalid-timestamp"
