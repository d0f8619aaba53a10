"""A member's legal person signs in as its owner (浙里办法人登录)."""

from datetime import datetime
from uuid import UUID

from alliance.memberships import MemberLeft
from common.database import Row, fetch_one
from common.errors import Forbidden
from merchants.staff import StaffAccount
from models import audit_log
from models.enums import ActorKind, Channel, MemberStatus, StaffRole


class NotAMember(Forbidden):
    """Nobody of the alliance has this 统一社会信用代码."""

    code = "not_a_member"
    zh = "该单位还不是联盟成员。如要加入，请先提交入盟申请。"
    en = "This organisation is no member of the alliance. To join, apply first."


class NoActiveOwner(Forbidden):
    """There is no account to sign in with: none was made, or nobody has set its password yet."""

    code = "no_active_owner"
    zh = "本单位还没有可用的负责人账号。请用邀请链接设置密码，或联系联盟办公室。"
    en = "The member has no owner's account in use. Set its password with the invitation link, or ask the alliance office."


async def owner_of(uscc: str) -> StaffAccount:
    """The owner's account that a legal person signs in with: of several in use the one that was made first.

    As everywhere, an owner who has not taken up his invitation is none yet.

    Raises:
        NotAMember, MemberLeft, NoActiveOwner.
    """
    row = await fetch_one(
        "SELECT m.id AS member_id, m.status, o.id, o.login, o.password_hash FROM members m"
        " LEFT JOIN LATERAL (SELECT s.id, s.login, s.password_hash FROM staff s WHERE s.member_id = m.id"
        "  AND s.role = 'owner' AND s.status = 'active' AND s.password_hash <> '!'"
        "  ORDER BY s.created_at, s.id LIMIT 1) o ON true WHERE m.uscc = $1",
        uscc,
    )
    return _account(row)


def _account(row: Row | None) -> StaffAccount:
    if row is None:
        raise NotAMember
    if row["status"] == MemberStatus.LEFT:
        raise MemberLeft
    if row["id"] is None:
        raise NoActiveOwner
    return StaffAccount(row["id"], row["member_id"], StaffRole.OWNER, row["password_hash"], row["login"])


async def record(staff_id: UUID, channel: Channel, now: datetime) -> None:
    """Write the sign-in into the audit: which account, and through what."""
    row = await fetch_one(
        "SELECT m.region_id FROM staff s JOIN members m ON m.id = s.member_id WHERE s.id = $1", staff_id
    )
    await audit_log.record(
        *((ActorKind.STAFF, staff_id), "staff.sign_in", ("staff", staff_id), now),
        region=row["region_id"] if row else None,
        after={"with": f"{channel}.legal_person"},
    )
