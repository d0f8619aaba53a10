"""转送材料: what goes to the agency that keeps a record, so that it finds the record by its id, without anybody's number."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from json import dumps
from typing import Literal
from uuid import UUID

from alliance import objection_evidence, objection_files, objection_steps
from alliance.objection_answers import NothingToForward
from alliance.objection_files import ObjectionFile
from common.actors import AdminActor
from common.clock import rfc3339
from common.crypto import PersonalDataKeys
from common.database import Row
from models import audit_log

Form = Literal["json", "html"]
MEDIA_TYPES: dict[Form, str] = {"json": "application/json", "html": "text/html; charset=utf-8"}
KINDS = {"objection": "异议 / Objection", "repair": "信用修复 / Repair"}


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything about an objection in order: the objection, what happened to it and who did it, its evidence."""

    file: ObjectionFile
    steps: Sequence[Row]
    evidence: Sequence[Row]


async def of_region(actor: AdminActor, objection_id: UUID, keys: PersonalDataKeys) -> Dossier:
    """The dossier of one that the admin's region answers, numbers of persons masked.

    Raises:
        NotFound: no such objection there.
    """
    file = await objection_files.one_of_region(actor, objection_id, keys)
    return Dossier(file, await objection_steps.of(objection_id), await objection_evidence.of(objection_id))


async def opened(actor: AdminActor, objection_id: UUID, keys: PersonalDataKeys, now: datetime) -> Dossier:
    """The dossier, for whoever works on it; that its words were read is recorded, and whoever filed it sees it.

    Raises:
        NotFound: as for `of_region`.
    """
    dossier = await of_region(actor, objection_id, keys)
    if dossier.file.text is not None:
        who, thing = audit_log.who(actor), ("objection", objection_id)
        await audit_log.record(who, "objection.read", thing, now, region=dossier.file.region)
    return dossier


async def outgoing(
    actor: AdminActor, objection_id: UUID, form: Form, keys: PersonalDataKeys, now: datetime
) -> bytes:
    """What the agency is sent; that it was made is audited.

    Raises:
        NotFound: no such objection in the admin's region.
        NothingToForward: no agency keeps the record.
    """
    dossier = await of_region(actor, objection_id, keys)
    file = dossier.file
    if file.source is None:
        raise NothingToForward
    facts: dict[str, str | None] = {
        "objection_id": str(file.id),
        "kind": file.kind,
        "source": file.source,
        "source_record_id": file.source_record_id,
        "data_date": str(file.data_date) if file.data_date else None,
        "recorded_at": rfc3339(file.recorded_at),
        "filed_at": rfc3339(file.filed_at),
        "answer_before": rfc3339(file.due_at),
        "text": file.text,
    }
    evidence = [
        {"number": number, "media_type": row["media_type"], "size": row["size"], "sha256": row["sha256"]}
        for number, row in enumerate(dossier.evidence, 1)
    ]
    who, thing = audit_log.who(actor), ("objection", objection_id)
    await audit_log.record(who, "objection.make_dossier", thing, now, region=file.region)
    if form == "json":
        return dumps({**facts, "evidence": evidence}, ensure_ascii=False, indent=2).encode()
    return _html(facts, evidence).encode()


def _html(facts: dict[str, str | None], evidence: Sequence[dict[str, object]]) -> str:
    rows = {
        "异议编号 / Objection": facts["objection_id"],
        "事项 / Kind": KINDS[facts["kind"] or ""],
        "信息提供单位 / Source": facts["source"],
        "记录编号 / Record": facts["source_record_id"],
        "数据日期 / As of": facts["data_date"],
        "查询时间 / Looked up": facts["recorded_at"],
        "提出时间 / Filed": facts["filed_at"],
        "请在此前答复 / Answer before": facts["answer_before"],
        "内容 / What is said": facts["text"],
        **{
            f"材料 {each['number']} / Evidence": f"{each['media_type']}, {each['size']} B, SHA-256 {each['sha256']}"
            for each in evidence
        },
    }
    lines = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value or '—')}</td></tr>" for name, value in rows.items()
    )
    return (
        '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>异议核查函 / Objection</title>'
        f"<h1>异议核查函 / Objection to be looked into</h1><table>{lines}</table></html>"
    )
