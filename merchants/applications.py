"""入盟申请: begun by anybody, moved by one table of states, read by its applicant with his key.

A USCC can't be squatted: any number of applications may name one, and only an approved one makes a member.
"""

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

import asyncpg
from stdnum.cn import uscc as uscc_number

from common.actors import ApplicantActor
from common.crypto import PersonalDataKeys
from common.database import Row, constraint_of, execute, fetch_all, fetch_one, transaction
from common.errors import NotFound, Refused
from common.ids import AFTER_ALL, new_id
from merchants.regions import RegionUnknown
from models import audit_log, stored_files
from models.enums import ApplicationAction as Action
from models.enums import ApplicationState as State
from models.enums import Category, MemberKind
from models.office_enums import FilePurpose

# Tells the key of an application from an access token at first sight.
KEY_PREFIX = "ak1."
KEY_BYTES = 32
# How long a draft waits for its submission, and so many are taken back at once.
DRAFT_KEPT, AT_ONCE = timedelta(days=180), 100
ABANDONED = (
    "半年内没有提交，已自动撤回，材料已删除；需要时请重新申请。"
    " It was not submitted within half a year and is taken back, its documents are deleted; apply again if needed."
)
CONTACT_NAME, CONTACT_PHONE = "member_applications.contact_name", "member_applications.contact_phone"

# Every way from one state to another; what is not here is refused and changes nothing.
NEXT: Mapping[tuple[State, Action], State] = {
    (State.DRAFT, Action.SUBMIT): State.SUBMITTED,
    (State.DRAFT, Action.WITHDRAW): State.WITHDRAWN,
    # The automatic checks pass it on, or refuse it; so can a reviewer while they wait for something.
    (State.SUBMITTED, Action.TO_COUNTY): State.COUNTY_REVIEW,
    (State.SUBMITTED, Action.TO_CITY): State.CITY_REVIEW,
    (State.SUBMITTED, Action.REFUSE): State.REFUSED,
    (State.SUBMITTED, Action.WITHDRAW): State.WITHDRAWN,
    (State.COUNTY_REVIEW, Action.TO_CITY): State.CITY_REVIEW,
    (State.COUNTY_REVIEW, Action.APPROVE): State.APPROVED,
    (State.COUNTY_REVIEW, Action.REFUSE): State.REFUSED,
    (State.COUNTY_REVIEW, Action.WITHDRAW): State.WITHDRAWN,
    (State.CITY_REVIEW, Action.APPROVE): State.APPROVED,
    (State.CITY_REVIEW, Action.REFUSE): State.REFUSED,
    (State.CITY_REVIEW, Action.WITHDRAW): State.WITHDRAWN,
}
FINAL = frozenset({State.APPROVED, State.REFUSED, State.WITHDRAWN})

COLUMNS = (
    "id, uscc, kind, sector, region_id, name, contact_name, contact_phone, state, begun_at, submitted_at, decided_at,"
    " uscc_overridden_at, member_id, owner_made_at"
)


class ApplicationNotOpen(Refused):
    """It is in a state from which this is not possible (any more)."""

    code = "application_not_open"
    zh = "申请当前的状态不能进行这一步，可能已经提交、审结或撤回。请刷新后查看最新进度。"
    en = "The application's state does not allow this; it may be submitted, decided or withdrawn. Look at it again."


@dataclass(frozen=True, slots=True)
class Form:
    """What an applicant fills in; the contact's name and phone are kept encrypted."""

    uscc: str
    kind: MemberKind
    sector: Category
    region: str
    name: str
    contact_name: str
    contact_phone: str

    def values(self, keys: PersonalDataKeys) -> tuple[object, ...]:
        """In the order of the columns, as they are stored."""
        return (
            *(self.uscc, self.kind, self.sector, self.region, self.name),
            keys.encrypt(self.contact_name, CONTACT_NAME),
            keys.encrypt(self.contact_phone, CONTACT_PHONE),
        )


def is_uscc_right(uscc: str) -> bool:
    """Whether the check digits of a 统一社会信用代码 hold (GB 32100)."""
    return bool(uscc_number.is_valid(uscc))


async def begin(form: Form, keys: PersonalDataKeys, now: datetime) -> tuple[UUID, str]:
    """Begin an application; its id, and the key that is shown this once.

    Raises:
        RegionUnknown: there is no such region.
    """
    application_id, key = new_id(), KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
    try:
        async with transaction():
            await execute(
                "INSERT INTO member_applications (id, key_hash, begun_at, uscc, kind, sector, region_id, name,"
                " contact_name, contact_phone) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                *(application_id, _hash(key), now, *form.values(keys)),
            )
            await audit_log.record(
                audit_log.who(ApplicantActor(application_id)),
                "application.begin",
                ("application", application_id),
                now,
                region=form.region,
            )
    except asyncpg.ForeignKeyViolationError:
        raise RegionUnknown from None
    return application_id, key


async def of_key(key: str) -> UUID | None:
    """The application that a key opens."""
    row = await fetch_one("SELECT id FROM member_applications WHERE key_hash = $1", _hash(key))
    return None if row is None else row["id"]


async def change(actor: ApplicantActor, form: Form, keys: PersonalDataKeys, now: datetime) -> None:
    """Fill a draft in anew.

    Raises:
        ApplicationNotOpen: it is submitted already.
        RegionUnknown: there is no such region.
    """
    try:
        async with transaction():
            changed = await execute(
                "UPDATE member_applications SET uscc = $2, kind = $3, sector = $4, region_id = $5, name = $6,"
                " contact_name = $7, contact_phone = $8, uscc_overridden_at = NULL"
                " WHERE id = $1 AND state = 'draft'",
                *(actor.id, *form.values(keys)),
            )
            if not changed:
                raise ApplicationNotOpen
            who, thing = audit_log.who(actor), ("application", actor.id)
            await audit_log.record(who, "application.change", thing, now, region=form.region)
    except asyncpg.ForeignKeyViolationError as error:
        if "region" in constraint_of(error):
            raise RegionUnknown from None
        raise


async def withdraw(actor: ApplicantActor, now: datetime) -> None:
    """Take an application back.

    Raises:
        ApplicationNotOpen: it is decided.
    """
    async with transaction():
        application = await by_id(actor.id)
        await advance(application, Action.WITHDRAW, audit_log.who(actor), now)


async def withdraw_abandoned(now: datetime) -> int:
    """Take back drafts that nobody submitted in half a year, with their documents; how many.

    The background process calls it: what nobody will decide about is kept no longer.
    """
    drafts = await fetch_all(
        "SELECT id, state FROM member_applications WHERE state = 'draft' AND begun_at <= $1 ORDER BY id LIMIT $2",
        *(now - DRAFT_KEPT, AT_ONCE),
    )
    withdrawn = 0
    for draft in drafts:
        with suppress(ApplicationNotOpen):  # submitted or withdrawn in this moment
            async with transaction():
                await advance(draft, Action.WITHDRAW, audit_log.SYSTEM, now, reason=ABANDONED)
                await stored_files.delete_all(FilePurpose.MEMBER_DOCUMENT, draft["id"], now)
            withdrawn += 1
    return withdrawn


async def advance(
    application: Row,
    action: Action,
    by: audit_log.Who,
    now: datetime,
    *,
    code: str | None = None,
    reason: str | None = None,
    member_id: UUID | None = None,
) -> State:
    """Move an application, in the caller's transaction; its new state. The applicant reads code and reason.

    Args:
        application: as it was read, with `id` and `state`: if it has moved since, nothing is changed.
        member_id: whom an approval makes.

    Raises:
        ApplicationNotOpen: the table knows no such way, or somebody else was faster.
    """
    before = State(application["state"])
    after = NEXT.get((before, action))
    if after is None:
        raise ApplicationNotOpen
    row = await fetch_one(
        "UPDATE member_applications SET state = $3, submitted_at = coalesce($4, submitted_at), decided_at = $5,"
        " member_id = $6 WHERE id = $1 AND state = $2 RETURNING region_id",
        *(application["id"], before, after, now if after is State.SUBMITTED else None),
        *(now if after in FINAL else None, member_id),
    )
    if row is None:
        raise ApplicationNotOpen
    await execute(
        "INSERT INTO application_events (id, application_id, action, state, code, reason, happened_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        *(new_id(), application["id"], action, after, code, reason, now),
    )
    await audit_log.record(
        by,
        f"application.{action}",
        ("application", application["id"]),
        now,
        region=row["region_id"],
        before={"state": before},
        after={"state": after, "code": code, "member_id": member_id},
    )
    return after


async def by_id(application_id: UUID) -> Row:
    """An application as it is now.

    Raises:
        NotFound: there is none.
    """
    row = await fetch_one(f"SELECT {COLUMNS} FROM member_applications WHERE id = $1", application_id)
    if row is None:
        raise NotFound
    return row


async def events(application_id: UUID, before: UUID | None, limit: int) -> Sequence[Row]:
    """What happened to an application, newest first; `before` is the last id of the page before."""
    return await fetch_all(
        "SELECT id, action, state, code, reason, happened_at FROM application_events"
        " WHERE application_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        *(application_id, before or AFTER_ALL, limit),
    )


def _hash(key: str) -> bytes:
    return sha256(key.encode()).digest()
