"""Submitting an application: with documents and a signature, after which the checks are asked for."""

from datetime import datetime

from common import jobs
from common.actors import ApplicantActor
from common.database import fetch_one, transaction
from common.errors import Refused
from merchants import application_documents, applications, commitments
from models import audit_log
from models.enums import ApplicationAction, ApplicationState

CHECK_JOB = "application.check"


class DocumentsMissing(Refused):
    """Nothing was uploaded that a reviewer could look at."""

    code = "documents_missing"
    zh = "还没有上传证明材料。请先上传营业执照等材料再提交。"
    en = "No documents yet. Upload the business licence and what else is needed, then submit."


class CommitmentMissing(Refused):
    """The commitment in force is not signed."""

    code = "commitment_missing"
    zh = "还没有签署现行的信用承诺书。请阅读并签署后再提交。"
    en = "The commitment in force is not signed. Read and sign it, then submit."


class AlreadyMember(Refused):
    """The organisation is in the alliance."""

    code = "already_member"
    zh = "该统一社会信用代码的单位已经是联盟成员，不用再申请。如忘记账号，请联系联盟办公室。"
    en = (
        "The organisation of this code is a member already. If you forgot the login, ask the alliance office."
    )


async def submit(actor: ApplicantActor, now: datetime) -> ApplicationState:
    """Submit a draft; the checks begin at once, or wait for two admins where the code's check digit is wrong.

    Raises:
        ApplicationNotOpen: it is no draft.
        DocumentsMissing, CommitmentMissing: something has to be added first.
        AlreadyMember: there is nothing to apply for.
    """
    async with transaction():
        application = await applications.by_id(actor.id)
        state = await applications.advance(application, ApplicationAction.SUBMIT, audit_log.who(actor), now)
        # After the row is held: no document vanishes meanwhile. What is refused undoes the step above.
        if not await application_documents.count(actor.id):
            raise DocumentsMissing
        if not await commitments.is_signed(actor.id, now):
            raise CommitmentMissing
        member = await fetch_one(
            "SELECT 1 FROM members WHERE uscc = $1 AND status <> 'left'", application["uscc"]
        )
        if member is not None:
            raise AlreadyMember
        await ask_for_check(str(actor.id))
    return state


async def ask_for_check(application_id: str) -> None:
    """Have the background process ask the organisation source, in the transaction of the cause."""
    await jobs.enqueue(CHECK_JOB, {"application_id": application_id}, once=f"{CHECK_JOB}:{application_id}")
