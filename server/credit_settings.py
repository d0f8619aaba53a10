"""Which credit source an installation asks, and the keys for it: all of one's variables or none of them.

`CREDIT_SOURCE` says who answers for citizens; batches are taken in whenever their three variables are set, so that a
gateway for people can go with a batch for organisations and repairs.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from common.signed_gateway import SignedGateway

KEY_BYTES = 32
SOURCES = ("gateway", "batch")
GATEWAY = ("CREDIT_PERSON_URL", "CREDIT_ACCESS_KEY", "CREDIT_ACCESS_SECRET", "CREDIT_ANSWER_KEY")
BATCH = ("CREDIT_BATCH_SOURCE", "CREDIT_BATCH_PUBLIC_KEY", "CREDIT_BATCH_DIR")
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class CreditSettings:
    """What is asked, and how. Without a source nobody is; `due_hour` in Asia/Shanghai, the day after a batch's date."""

    source: str = ""
    person_url: str = ""
    organisation_url: str = ""
    access_key: str = ""
    access_secret: str = field(default="", repr=False)
    answer_key: bytes = field(default=b"", repr=False)
    batch_source: str = ""
    batch_public_key: bytes = field(default=b"", repr=False)
    batch_folder: Path | None = None
    due_hour: int = 6

    def gateway(self, url: str) -> SignedGateway:
        """The gateway's address for one kind of look-up."""
        return SignedGateway(url, self.access_key, self.access_secret, self.answer_key)

    def shown(self) -> dict[str, str]:
        """By variable, with secrets masked; a public key is none, and is shown as it was set."""
        return {
            "CREDIT_SOURCE": self.source,
            "CREDIT_PERSON_URL": self.person_url,
            "CREDIT_ORGANISATION_URL": self.organisation_url,
            "CREDIT_ACCESS_KEY": self.access_key,
            "CREDIT_ACCESS_SECRET": "***" if self.access_secret else "",
            "CREDIT_ANSWER_KEY": "***" if self.answer_key else "",
            "CREDIT_BATCH_SOURCE": self.batch_source,
            "CREDIT_BATCH_PUBLIC_KEY": base64.b64encode(self.batch_public_key).decode(),
            "CREDIT_BATCH_DIR": str(self.batch_folder or ""),
            "CREDIT_BATCH_HOUR": str(self.due_hour),
        }


def read_credit_settings(
    environ: Mapping[str, str], problems: list[str], *, is_sandbox: bool
) -> CreditSettings:
    """Judge the variables of credit sources; what is wrong goes to `problems`, a line each."""
    source = environ.get("CREDIT_SOURCE", "")
    if source not in ("", *SOURCES):
        problems.append(f"CREDIT_SOURCE: must be one of {', '.join(SOURCES)}, or not set")
    _refuse_half(
        environ, problems, GATEWAY, needed=source == "gateway" or bool(environ.get("CREDIT_ORGANISATION_URL"))
    )
    _refuse_half(environ, problems, BATCH, needed=source == "batch")
    for name in ("CREDIT_PERSON_URL", "CREDIT_ORGANISATION_URL"):
        if environ.get(name) and not _is_gateway(environ[name], is_sandbox=is_sandbox):
            problems.append(f"{name}: must be https://host/path without a query")
    secret = environ.get("CREDIT_ACCESS_SECRET", "")
    if secret and len(secret) < 16:
        problems.append("CREDIT_ACCESS_SECRET: at least 16 characters, this is a secret")
    name = environ.get("CREDIT_BATCH_SOURCE", "")
    if name and not (name.isascii() and name.replace("-", "").replace("_", "").isalnum() and len(name) <= 32):
        problems.append("CREDIT_BATCH_SOURCE: up to 32 letters, digits, - and _, as the manifest has it")
    hour = environ.get("CREDIT_BATCH_HOUR") or "6"
    if not (hour.isascii() and hour.isdigit() and len(hour) < 3 and int(hour) < 24):
        problems.append("CREDIT_BATCH_HOUR: a whole number from 0 to 23 is needed")
        hour = "6"
    folder = environ.get("CREDIT_BATCH_DIR", "")
    return CreditSettings(
        source=source,
        person_url=environ.get("CREDIT_PERSON_URL", ""),
        organisation_url=environ.get("CREDIT_ORGANISATION_URL", ""),
        access_key=environ.get("CREDIT_ACCESS_KEY", ""),
        access_secret=secret,
        answer_key=_key(environ, problems, "CREDIT_ANSWER_KEY", is_exact=False),
        batch_source=name,
        batch_public_key=_key(environ, problems, "CREDIT_BATCH_PUBLIC_KEY", is_exact=True),
        batch_folder=Path(folder).absolute() if folder else None,
        due_hour=int(hour),
    )


def _refuse_half(
    environ: Mapping[str, str], problems: list[str], names: tuple[str, ...], *, needed: bool
) -> None:
    missing = [name for name in names if not environ.get(name)]
    if missing and (needed or len(missing) < len(names)):
        problems.extend(f"{name}: is not set; it goes with {', '.join(names)}" for name in missing)


def _is_gateway(url: str, *, is_sandbox: bool) -> bool:
    """An address that may be asked about people: encrypted, except for a stand-in on this machine."""
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        return False
    is_encrypted = parts.scheme == "https" or (
        parts.scheme == "http" and is_sandbox and parts.hostname in LOOPBACK
    )
    is_plain = url.isascii() and url.isprintable() and not set(url) & {" ", "?", "#"}
    return has_host and is_encrypted and is_plain and len(parts.path) > 1


def _key(environ: Mapping[str, str], problems: list[str], name: str, *, is_exact: bool) -> bytes:
    try:
        key = base64.b64decode(environ.get(name, ""), validate=True)
    except (binascii.Error, ValueError):
        problems.append(f"{name}: must be base64")
        return b""
    if key and (len(key) < KEY_BYTES or (is_exact and len(key) > KEY_BYTES)):
        wanted = f"exactly {KEY_BYTES}" if is_exact else f"at least {KEY_BYTES}"
        problems.append(f"{name}: {len(key)} bytes; {wanted} are needed")
    return key
