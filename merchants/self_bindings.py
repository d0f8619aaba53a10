"""A clerk confirms, as a citizen, who he is, so that nobody redeems his own coupon. A keyed hash, no name."""

import base64
import binascii
import hmac
from datetime import datetime
from uuid import UUID

from common.crypto import PersonalDataKeys
from common.database import execute, fetch_one, transaction
from common.errors import Malformed, NotFound, Refused
from merchants.staff import StaffRevoked
from models import audit_log
from models.enums import ActorKind

CONTEXT = "staff self binding"
CODE_CONTEXT = "staff self binding code"
CODE_GOOD_FOR_S = 300


class BindingCodeInvalid(Malformed):
    """Not a code of ours, or older than five minutes."""

    code = "binding_code_invalid"
    zh = "确认码无效或已过期。请在店员端重新获取，五分钟内使用。"
    en = "The confirmation code is not valid or too old. Get a new one in the staff app and use it within five minutes."


class AlreadyBound(Refused):
    """The clerk is bound to a citizen already, for as long as he has this account."""

    code = "already_bound"
    zh = "这个店员账号已经完成本人确认，不能更改。如有错误，请联系联盟管理员停用后重新开通。"
    en = "This staff account is confirmed already and can't be changed. If it is wrong, ask the alliance office for a new one."


def self_hash(citizen_id: UUID, keys: PersonalDataKeys) -> bytes:
    """32 bytes that say "the same person" without saying who."""
    return keys.keyed_hash(str(citizen_id), CONTEXT)


def is_self(bound: bytes | None, citizen_id: UUID, keys: PersonalDataKeys) -> bool:
    """Whether a coupon's holder is the clerk himself; an unbound clerk is nobody's holder."""
    return bound is not None and hmac.compare_digest(bound, self_hash(citizen_id, keys))


async def bind(staff_id: UUID, citizen_id: UUID, keys: PersonalDataKeys, now: datetime) -> None:
    """Tie a clerk to himself as a citizen, once; the same person again is fine.

    The audit has the clerk only: it lasts, and must not say who he is as a citizen.

    Raises:
        AlreadyBound: he is bound to somebody else.
        NotFound: the citizen was joined to another account.
        StaffRevoked: he is no longer active, or no person but a device.
    """
    own = self_hash(citizen_id, keys)
    async with transaction():
        # Held until it is written: when the account is joined to another, the binding goes with it.
        if await fetch_one("SELECT 1 FROM citizens WHERE id = $1 FOR KEY SHARE", citizen_id) is None:
            raise NotFound
        if await execute(
            "UPDATE staff SET self_hash = $2 WHERE id = $1 AND status = 'active' AND role <> 'device'"
            " AND self_hash IS NULL AND EXISTS (SELECT FROM citizens WHERE id = $3 AND erased_at IS NULL)",
            *(staff_id, own, citizen_id),
        ):
            await audit_log.record(
                (ActorKind.STAFF, staff_id),
                "staff.bind_self",
                ("staff", staff_id),
                now,
                before={"is_bound": False},
                after={"is_bound": True},
            )
            return
    row = await fetch_one(
        "SELECT self_hash FROM staff WHERE id = $1 AND status = 'active' AND role <> 'device'", staff_id
    )
    if row is None:
        raise StaffRevoked
    if row["self_hash"] != own:
        raise AlreadyBound


async def follow(absorbed_id: UUID, citizen_id: UUID, keys: PersonalDataKeys) -> None:
    """Bind whoever was bound to one citizen to the one that he has become, in the transaction that joins the two."""
    await execute(
        "UPDATE staff SET self_hash = $2 WHERE self_hash = $1",
        *(self_hash(absorbed_id, keys), self_hash(citizen_id, keys)),
    )


def make_code(staff_id: UUID, keys: PersonalDataKeys, now: datetime) -> str:
    """What the clerk types or scans as a citizen; good for five minutes, it names the staff account only."""
    body = staff_id.bytes + (int(now.timestamp()) + CODE_GOOD_FOR_S).to_bytes(8)
    return base64.urlsafe_b64encode(body + _mac(body, keys)).rstrip(b"=").decode()


def read_code(code: str, keys: PersonalDataKeys, now: datetime) -> UUID:
    """The staff account of a code.

    Raises:
        BindingCodeInvalid: forged or too old.
    """
    try:
        raw = base64.b64decode(code + "=" * (-len(code) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BindingCodeInvalid from None
    body, mac = raw[:24], raw[24:]
    if not hmac.compare_digest(mac, _mac(body, keys)) or int.from_bytes(body[16:]) < now.timestamp():
        raise BindingCodeInvalid
    return UUID(bytes=body[:16])


def _mac(body: bytes, keys: PersonalDataKeys) -> bytes:
    return keys.keyed_hash(body.hex(), CODE_CONTEXT)
