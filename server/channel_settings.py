"""The variables of the login channels: a channel is there when all of its own are set, and half a channel is a mistake."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from citizens.channels import alipay, wechat, zheliban

NEEDED = {
    "WeChat": ("WECHAT_APP_ID", "WECHAT_SECRET"),
    "Alipay": ("ALIPAY_APP_ID", "ALIPAY_PRIVATE_KEY", "ALIPAY_PUBLIC_KEY"),
    "Zheliban": ("ZHELIBAN_APP_ID", "ZHELIBAN_ACCESS_KEY", "ZHELIBAN_SECRET"),
}
LONGEST = 8192


@dataclass(frozen=True)
class ChannelSettings:
    """What the channels are asked with, by variable name in small letters; empty where a channel is not there."""

    wechat_app_id: str = ""
    wechat_secret: str = field(default="", repr=False)
    wechat_url: str = wechat.URL
    alipay_app_id: str = ""
    alipay_private_key: str = field(default="", repr=False)
    # No secret, but whose answers are believed.
    alipay_public_key: str = field(default="", repr=False)
    alipay_url: str = alipay.URL
    zheliban_app_id: str = ""
    zheliban_access_key: str = field(default="", repr=False)
    zheliban_secret: str = field(default="", repr=False)
    zheliban_url: str = zheliban.URL


def read(environ: Mapping[str, str], problems: list[str], *, is_sandbox: bool) -> ChannelSettings:
    """Read and judge them; every problem goes into `problems`, a line for each variable."""
    for channel, names in NEEDED.items():
        missing = [name for name in names if not environ.get(name)]
        if missing and len(missing) < len(names):
            others = ", ".join(name for name in names if name not in missing)
            problems.extend(
                f"{name}: is not set, but {others} is; {channel} needs all of its variables, or none"
                for name in missing
            )
    found = ChannelSettings(
        wechat_app_id=_text(environ, "WECHAT_APP_ID", problems),
        wechat_secret=_text(environ, "WECHAT_SECRET", problems),
        wechat_url=_url(environ, "WECHAT_URL", wechat.URL, problems, is_sandbox),
        alipay_app_id=_text(environ, "ALIPAY_APP_ID", problems),
        alipay_private_key=environ.get("ALIPAY_PRIVATE_KEY", ""),
        alipay_public_key=environ.get("ALIPAY_PUBLIC_KEY", ""),
        alipay_url=_url(environ, "ALIPAY_URL", alipay.URL, problems, is_sandbox),
        zheliban_app_id=_text(environ, "ZHELIBAN_APP_ID", problems),
        zheliban_access_key=_text(environ, "ZHELIBAN_ACCESS_KEY", problems),
        zheliban_secret=_text(environ, "ZHELIBAN_SECRET", problems),
        zheliban_url=_url(environ, "ZHELIBAN_URL", zheliban.URL, problems, is_sandbox),
    )
    _judge_keys(found, problems)
    return found


def _text(environ: Mapping[str, str], name: str, problems: list[str]) -> str:
    """It is sent in a URL, a header or a signature: printable and without blanks."""
    value = environ.get(name, "")
    if not (value.isascii() and value.isprintable() and " " not in value and len(value) <= LONGEST):
        problems.append(f"{name}: printable letters, digits and signs without blanks are needed")
        return ""
    return value


def _judge_keys(found: ChannelSettings, problems: list[str]) -> None:
    keys = (
        ("ALIPAY_PRIVATE_KEY", found.alipay_private_key, alipay.private_key),
        ("ALIPAY_PUBLIC_KEY", found.alipay_public_key, alipay.public_key),
    )
    for name, text, read_key in keys:
        try:
            if text:
                read_key(text)
        except ValueError:  # whose words may hold a part of the key
            problems.append(
                f"{name}: must be an RSA key of 2048 bits or more, as PEM or as its DER in base64"
            )


def _url(environ: Mapping[str, str], name: str, default: str, problems: list[str], is_sandbox: bool) -> str:
    """Where secrets are sent: https, or this machine itself; a sandbox has none worth keeping."""
    value = environ.get(name) or default
    try:
        parts = urlsplit(value)
        host, is_good = parts.hostname or "", parts.port != 0
    except ValueError:
        host, is_good = "", False
    is_plain = value.isascii() and value.isprintable() and " " not in value
    is_good = (
        is_good and is_plain and bool(host) and not (parts.query or parts.fragment or "@" in parts.netloc)
    )
    if not is_good or parts.scheme not in ("http", "https"):
        problems.append(f"{name}: must be https://host[:port][/path], without a question mark")
        return default
    if parts.scheme == "http" and not (is_sandbox or _is_loopback(host)):
        problems.append(
            f"{name}: must be https: the app's secrets go there (http only to this machine itself)"
        )
        return default
    return value.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
