"""A 统一社会信用代码 that fails its check digit and is right all the same: taken when two admins say so."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from alliance import application_reviews, approvals
from common.actors import AdminActor
from common.database import Row, fetch_one
from common.errors import Refused
from merchants import applications, submissions
from merchants.applications import ApplicationNotOpen
from models import audit_log
from models.enums import ApplicationState
from models.office_enums import ApprovalKind


class UsccNotInDoubt(Refused):
    """The check digit is right, or two admins have looked at it."""

    code = "uscc_not_in_doubt"
    zh = "这个统一社会信用代码不需要人工放行。请按正常流程审核。"
    en = "This code needs no override. Review the application as usual."


async def ask(actor: AdminActor, application_id: UUID, reason: str, now: datetime) -> UUID:
    """Ask for a code to be taken in spite of its check digit; the approval's id.

    Raises:
        NotFound: no such application in the admin's region.
        ApplicationNotOpen: it is decided.
        UsccNotInDoubt: there is nothing to override.
        AlreadyAsked: it waits for a second admin.
    """
    application = await application_reviews.one(actor, application_id)
    if application["state"] in applications.FINAL:
        raise ApplicationNotOpen
    if applications.is_uscc_right(application["uscc"]) or application["uscc_overridden_at"] is not None:
        raise UsccNotInDoubt
    payload = {"application_id": application_id, "uscc": application["uscc"]}
    thing, region = ("application", application_id), application["region_id"]
    return await approvals.ask(actor, ApprovalKind.USCC_OVERRIDE, thing, region, payload, reason, now)


async def carry_out(actor: AdminActor, asked: Row, payload: Mapping[str, Any], now: datetime) -> None:
    """Take the code, and go on with the checks if the application is submitted.

    Raises:
        ApplicationNotOpen: it was decided meanwhile, or names another code now.
    """
    row = await fetch_one(
        "UPDATE member_applications SET uscc_overridden_at = $3"
        " WHERE id = $1 AND uscc = $2 AND decided_at IS NULL RETURNING id, region_id, state",
        *(UUID(payload["application_id"]), payload["uscc"], now),
    )
    if row is None:
        raise ApplicationNotOpen
    if row["state"] == ApplicationState.SUBMITTED:
        await submissions.ask_for_check(str(row["id"]))
    thing, after = ("application", row["id"]), {"approval_id": asked["id"]}
    who = audit_log.who(actor)
    await audit_log.record(who, "application.override_uscc", thing, now, region=row["region_id"], after=after)
