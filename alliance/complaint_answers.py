"""The member's side of a complaint: an answer in time, or the mark that it gave none."""

from datetime import datetime
from uuid import UUID

from alliance.complaint_files import ANSWER
from alliance.complaint_states import ComplaintEvent, after
from common.actors import MemberActor
from common.crypto import PersonalDataKeys
from common.database import execute, fetch_all, fetch_one, transaction
from common.errors import NotFound, Refused
from models import audit_log, notice_log
from models.office_enums import ComplaintStatus

BATCH = 500


class AnswerTooLate(Refused):
    """The days of the region's policy are over; the office decides without an answer."""

    code = "answer_too_late"
    zh = "答复期限（{due_at}）已过，投诉已转联盟办公室处理。有情况要说明，请联系联盟办公室。"
    en = "The time to answer ended at {due_at}; the alliance office decides. If there is something to say, contact it."
    shown = ("due_at",)


async def answer(
    actor: MemberActor, complaint_id: UUID, text: str, keys: PersonalDataKeys, now: datetime
) -> None:
    """Answer a complaint about the actor's member, once and in time; the citizen gets a notice.

    Raises:
        NotFound: no such complaint about his member.
        ComplaintNotPossible: it is answered, decided or withdrawn.
        AnswerTooLate: the time is over, whether the background process has marked it or not.
    """
    async with transaction():
        row = await fetch_one(
            "SELECT status, citizen_id, region_id, answer_due_at, overdue_at FROM complaints"
            " WHERE id = $1 AND member_id = $2 FOR UPDATE",
            *(complaint_id, actor.member_id),
        )
        if row is None:
            raise NotFound
        if row["status"] == ComplaintStatus.OVERDUE or (
            row["status"] == ComplaintStatus.OPEN and now >= row["answer_due_at"]
        ):
            raise AnswerTooLate(due_at=row["answer_due_at"])
        status = after(row["status"], ComplaintEvent.ANSWER)
        await execute(
            "UPDATE complaints SET status = $2, answered_at = $3, answered_by = $4 WHERE id = $1",
            *(complaint_id, status, now, actor.id),
        )
        await execute(
            "UPDATE complaint_texts SET answer_encrypted = $2 WHERE complaint_id = $1",
            *(complaint_id, keys.encrypt(text, ANSWER)),
        )
        once, facts = f"complaint_answered:{complaint_id}", {"complaint_id": complaint_id}
        await notice_log.tell("citizen", row["citizen_id"], "complaint_answered", once, facts, now)
        await audit_log.record(
            audit_log.who(actor),
            "complaint.answer",
            ("complaint", complaint_id),
            now,
            region=row["region_id"],
            before={"status": row["status"]},
            after={"status": status},
        )


async def mark_overdue(now: datetime) -> int:
    """Mark what was not answered in time, and tell the member once; how many. The background process calls it."""
    status = after(ComplaintStatus.OPEN, ComplaintEvent.BECOME_OVERDUE)
    async with transaction():
        rows = await fetch_all(
            "UPDATE complaints SET status = $2, overdue_at = $1 WHERE status = 'open' AND id IN ("
            " SELECT id FROM complaints WHERE status = 'open' AND answer_due_at <= $1 ORDER BY answer_due_at"
            " LIMIT $3 FOR UPDATE SKIP LOCKED) RETURNING id, member_id, region_id",
            *(now, status, BATCH),
        )
        for row in rows:
            once, facts = f"complaint_overdue:{row['id']}", {"complaint_id": row["id"]}
            await notice_log.tell("member", row["member_id"], "complaint_overdue", once, facts, now)
            await audit_log.record(
                audit_log.SYSTEM,
                "complaint.become_overdue",
                ("complaint", row["id"]),
                now,
                region=row["region_id"],
                before={"status": "open"},
                after={"status": status},
            )
    return len(rows)
