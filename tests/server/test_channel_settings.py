"""The channels' variables: all or none of a channel, https, keys that are keys, and no secret is shown."""

from typing import Any

import pytest
from sanic import Sanic

from models.enums import Channel
from sandbox.standins.alipay import AlipayStandIn
from sandbox.standins.wechat import WeChatStandIn
from sandbox.standins.zheliban import ZhelibanStandIn
from server.app import SIGN_IN, create_app
from server.channel_settings import NEEDED, ChannelSettings
from server.channels import channels_of
from server.config import ConfigError, load, shown
from tests.factories.settings import production, sandbox

URL = "https://channel.example"
GIVEN = {
    "WeChat": WeChatStandIn().variables(URL),
    "Alipay": AlipayStandIn().variables(URL),
    "Zheliban": ZhelibanStandIn().variables(URL),
}
ALL = {name: value for each in GIVEN.values() for name, value in each.items()}
URLS = ("WECHAT_URL", "ALIPAY_URL", "ZHELIBAN_URL")
SECRET = (
    "WECHAT_SECRET",
    "ALIPAY_PRIVATE_KEY",
    "ALIPAY_PUBLIC_KEY",
    "ZHELIBAN_ACCESS_KEY",
    "ZHELIBAN_SECRET",
)


def problems(environ: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        load(environ)
    return str(refused.value).splitlines()


@pytest.mark.parametrize("name", GIVEN)
def test_a_channel_is_there_when_all_its_variables_are(name: str) -> None:
    channel = Channel(name.lower())
    found = channels_of(load(production(**GIVEN[name])))
    assert set(found.logins) == {channel}
    assert set(found.phones) == set(found.messengers) == ({Channel.WECHAT} & {channel})
    both = channels_of(load(sandbox(**GIVEN[name])))
    assert set(both.logins) == {channel, Channel.SANDBOX}


def test_a_production_without_them_has_no_channel_and_a_sandbox_its_own() -> None:
    assert load(production()).channels == ChannelSettings()
    assert channels_of(load(production())).logins == {}
    assert set(channels_of(load(sandbox())).logins) == {Channel.SANDBOX}
    assert set(channels_of(load(production(**ALL))).logins) == set(Channel) - {Channel.SANDBOX}


@pytest.mark.parametrize(
    ("channel", "missing"), [(channel, name) for channel in NEEDED for name in NEEDED[channel]]
)
@pytest.mark.parametrize("make", [production, sandbox])
def test_half_a_channel_is_a_mistake_that_names_what_is_missing(
    make: object, channel: str, missing: str
) -> None:
    environ = make(**GIVEN[channel], **{})  # type: ignore[operator]
    del environ[missing]
    (line,) = problems(environ)
    assert line.startswith(f"{missing}: is not set") and channel in line
    given = [name for name in NEEDED[channel] if name != missing]
    assert all(name in line for name in given) and not any(ALL[name] in line for name in given)


def test_two_missing_ones_are_two_lines() -> None:
    lines = problems(production(ALIPAY_APP_ID="1"))
    assert [line.partition(":")[0] for line in lines] == ["ALIPAY_PRIVATE_KEY", "ALIPAY_PUBLIC_KEY"]


@pytest.mark.parametrize("name", URLS)
@pytest.mark.parametrize(
    "url",
    [
        *(
            "channel.example",
            "ftp://channel.example",
            "https://",
            "https:///p",
            "https://u:p@channel.example",
        ),
        *("https://channel.example/?a=1", "https://channel.example/#a", "https://channel.example:0/"),
        *("https://channel.example:x/", "https://channel.example/a b", "https://渠道.example/"),
        *(
            "http://channel.example",
            "http://10.0.0.1/",
            "http://localhost.example",
            "http://127.0.0.1.example",
        ),
    ],
)
def test_secrets_go_over_https_to_a_plain_address(name: str, url: str) -> None:
    (line,) = problems(production(**{**ALL, name: url}))
    assert line.startswith(f"{name}: ")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9101", "http://localhost:9101/", "http://[::1]:9101"])
def test_plain_http_goes_to_this_machine_itself_and_from_a_sandbox_anywhere(url: str) -> None:
    assert load(production(**{**ALL, "WECHAT_URL": url})).channels.wechat_url == url.rstrip("/")
    elsewhere = "http://standin.example:9101"
    assert load(sandbox(**{**ALL, "WECHAT_URL": elsewhere})).channels.wechat_url == elsewhere


@pytest.mark.parametrize("name", ["ALIPAY_PRIVATE_KEY", "ALIPAY_PUBLIC_KEY"])
@pytest.mark.parametrize("value", ["x", "bm90IGEga2V5", ALL["ALIPAY_PRIVATE_KEY"][:-8], "other"])
def test_a_key_that_is_none_is_named_and_not_repeated(name: str, value: str) -> None:
    pair = ("ALIPAY_PRIVATE_KEY", "ALIPAY_PUBLIC_KEY")
    value = ALL[pair[1 - pair.index(name)]] if value == "other" else value
    (line,) = problems(production(**{**ALL, name: value}))
    assert line.startswith(f"{name}: must be an RSA key") and value not in line


@pytest.mark.parametrize(
    "name", [name for name in ALL if name.endswith(("_ID", "_SECRET", "_KEY")) and "ALIPAY_P" not in name]
)
@pytest.mark.parametrize("value", ["with blank", "换行", "a\nb", "x" * 9000])
def test_a_value_that_cant_be_sent_is_refused(name: str, value: str) -> None:
    lines = problems(production(**{**ALL, name: value}))
    assert [line.partition(":")[0] for line in lines] == [name] and value not in lines[0]


def test_no_secret_is_shown() -> None:
    settings = load(production(**ALL))
    lines = shown(settings)
    for name, value in ALL.items():
        assert (value in str(lines)) == (name not in SECRET), name
        assert (lines[name] == "***") == (name in SECRET)
        assert name not in SECRET or value not in repr(settings)
    assert "CHANNELS" not in lines
    assert shown(load(production()))["WECHAT_SECRET"] == "(not set)"


def test_what_is_tried_with_a_code_has_the_narrower_limit_of_an_address() -> None:
    Sanic.test_mode = True
    app: Sanic[Any, Any] = create_app(load(sandbox()), name="limited")
    paths = {f"/{route.path}" for route in app.router.routes if "POST" in route.methods}
    assert paths >= SIGN_IN
    assert {path for path in paths if "/auth/" in path} - SIGN_IN == {
        "/api/v1/auth/refresh",
        "/api/v1/auth/logout",
        # By who is signed in already, for one whom he is bound to.
        "/api/v1/auth/acting",
    }
    assert {path for path in SIGN_IN if "/me/" in path} == {
        # What the channel is asked about, or what somebody may guess at, by who is signed in already.
        *("/api/v1/me/phone", "/api/v1/me/channels", "/api/v1/me/channels/join", "/api/v1/me/helped"),
    }
