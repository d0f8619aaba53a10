"""What is kept of a citizen's requests, of who acts for him, and of what he is told: a part of `alliance.own_data`."""

from collections.abc import Sequence

from alliance.own_data_terms import (
    A_RECORD,
    AT_ONCE,
    BOOKS,
    DELETED,
    HIMSELF,
    IN_THE_APP,
    OFFICE,
    TEN_YEARS,
    OwnData,
    delete,
    of_citizen,
)

OF_HIS_OBJECTIONS = "SELECT id FROM objections WHERE citizen_id = $1"
OF_HIS_DECLARATIONS = "SELECT id FROM declarations WHERE citizen_id = $1"
OF_HIS_GUARDIANSHIPS = "SELECT id FROM guardianship_requests WHERE guardian_id = $1"
# Proofs that name him, a child, lie with his guardians' requests.
ABOUT_HIM = (
    "SELECT g.id FROM agent_bindings b JOIN guardianship_requests g ON g.guardian_id = b.agent_id AND g.binding_id = b.id"
    " WHERE b.principal_id = $1"
)
# What his files belong to.
OWNERS = f"({OF_HIS_OBJECTIONS} UNION ALL {OF_HIS_DECLARATIONS} UNION ALL {OF_HIS_GUARDIANSHIPS})"

OWN_REQUESTS: Sequence[OwnData] = (
    OwnData(
        "citizen_joins",
        ("合并过的账户", "Accounts that were joined"),
        ("把两个账户的往来归到一处", "to have in one place what two accounts did"),
        *(AT_ONCE, HIMSELF, A_RECORD, DELETED),
        of_citizen("citizen_joins"),
        key="absorbed_id",
        erase=(delete("citizen_joins"),),
    ),
    OwnData(
        "consent_refusals",
        ("您说过“暂不同意”", "That you said “not now”"),
        ("不再反复问您", "so that you are not asked again and again"),
        *(AT_ONCE, HIMSELF, IN_THE_APP, DELETED),
        of_citizen("consent_refusals"),
        erase=(delete("consent_refusals"),),
    ),
    OwnData(
        "disclosures",
        ("向商户出示过什么", "What members were shown"),
        ("您可以知道谁在何时看到过您的打码姓名", "so that you know who saw your masked name, and when"),
        *(TEN_YEARS, HIMSELF, A_RECORD),
        ("保留，只有随机编号，不含姓名", "stay, with the random id alone; no name is in them"),
        of_citizen("disclosures"),
    ),
    OwnData(
        "objections",
        ("异议和信用修复申请", "Objections and requests for credit repair"),
        ("处理您的异议", "to settle what you contest"),
        *(BOOKS, OFFICE),
        ("未结的可以撤回后重提", "withdraw one that is open and file it anew"),
        (
            "未结的撤回，来源的记录编号清除；只剩随机编号和时间",
            "open ones are withdrawn, the source's record id is cleared; ids and times stay",
        ),
        of_citizen("objections"),
        erase=(
            "UPDATE objections SET status = 'withdrawn', closed_at = greatest($2, filed_at)"
            " WHERE citizen_id = $1 AND closed_at IS NULL",
            "UPDATE objections SET source_record_id = NULL, request_hash = decode(repeat('00', 32), 'hex')"
            " WHERE citizen_id = $1",
        ),
    ),
    OwnData(
        "objection_steps",
        ("异议的进展", "Steps of objections"),
        ("您可以看到办到哪一步", "so that you see how far it has come"),
        *(BOOKS, OFFICE, A_RECORD),
        ("保留，只有随机编号和时间", "stay: ids and times alone"),
        "SELECT s.* FROM objections o JOIN objection_steps s ON s.objection_id = o.id WHERE o.citizen_id = $1",
    ),
    OwnData(
        "objection_texts",
        ("异议的文字和答复", "Words of objections and their answers"),
        ("处理您的异议", "to settle what you contest"),
        *(
            ("办结后三年", "three years after it is closed"),
            ("您本人、联盟办公室、出具记录的信用主管部门", "you, the office, the credit authority"),
        ),
        ("结案后可以删除", "delete them when the objection is closed"),
        DELETED,
        "SELECT w.* FROM objections o JOIN objection_texts w ON w.objection_id = o.id WHERE o.citizen_id = $1",
        key="objection_id",
        erase=(f"DELETE FROM objection_texts WHERE objection_id IN ({OF_HIS_OBJECTIONS})",),
    ),
    OwnData(
        "declarations",
        ("自主申报", "Self-declared records"),
        ("您要联盟知道的志愿服务和荣誉", "voluntary service and honours that you want to be known"),
        *(AT_ONCE, OFFICE, IN_THE_APP, DELETED),
        of_citizen("declarations"),
        erase=(delete("declarations"),),
    ),
    OwnData(
        "declaration_texts",
        ("自主申报的文字", "Words of self-declared records"),
        ("审核您的申报", "to review what you declare"),
        *(AT_ONCE, OFFICE, IN_THE_APP, DELETED),
        "SELECT w.* FROM declarations d JOIN declaration_texts w ON w.declaration_id = d.id WHERE d.citizen_id = $1",
        key="declaration_id",
        erase=(f"DELETE FROM declaration_texts WHERE declaration_id IN ({OF_HIS_DECLARATIONS})",),
    ),
    OwnData(
        "agent_bindings",
        ("谁替谁办", "Who acts for whom"),
        ("监护人代孩子办，家人代长辈办", "guardians act for children, family for elders"),
        *(BOOKS, ("您本人和对方", "you and the other"), IN_THE_APP),
        ("立即结束；只剩随机编号和时间", "end at once; ids and times stay"),
        "SELECT * FROM agent_bindings WHERE $1 IN (agent_id, principal_id)",
    ),
    OwnData(
        "guardianship_requests",
        ("监护申请", "Guardians' requests"),
        ("核实您是孩子的监护人", "to check that you are the child's guardian"),
        *(BOOKS, OFFICE),
        ("未定的可以撤回后重提", "withdraw one that is open and ask anew"),
        (
            "未定的撤回，孩子的姓名和证件号清除；只剩随机编号和时间",
            "open ones are withdrawn, the child's name and number cleared; ids and times stay",
        ),
        "SELECT * FROM guardianship_requests WHERE guardian_id = $1",
        erase=(
            "UPDATE guardianship_requests SET state = 'withdrawn', decided_at = greatest($2, requested_at),"
            " child_hash = NULL, name_encrypted = NULL, id_number_encrypted = NULL"
            " WHERE guardian_id = $1 AND state = 'requested'",
            "UPDATE guardianship_requests SET reason = 'erased' WHERE guardian_id = $1 AND reason <> 'erased'",
        ),
    ),
    OwnData(
        "messages",
        ("渠道消息", "Messages through a channel"),
        ("经您同意，在微信等渠道提醒您", "to remind you through a channel, as you agreed"),
        *(("发送或放弃后 90 天", "90 days after it was sent or given up"), HIMSELF, A_RECORD, DELETED),
        "SELECT m.* FROM citizen_notices n JOIN messages m ON m.notice_id = n.id WHERE n.citizen_id = $1",
        erase=(
            "DELETE FROM messages WHERE notice_id IN (SELECT id FROM citizen_notices WHERE citizen_id = $1)",
        ),
    ),
    OwnData(
        "message_quotas",
        ("还可以给您发几条", "How many messages you still accept"),
        ("只发您点过同意的", "so that none is sent that you did not accept"),
        *(AT_ONCE, HIMSELF, IN_THE_APP, DELETED),
        of_citizen("message_quotas"),
        erase=(delete("message_quotas"),),
    ),
    OwnData(
        "coupon_reminders",
        ("到期提醒", "Reminders"),
        ("优惠券快到期时告诉您", "to tell you that a coupon ends soon"),
        *(
            ("提醒后即删，没提醒成的留 30 天", "until it is told, 30 days longer if it was not"),
            HIMSELF,
            A_RECORD,
            DELETED,
        ),
        "SELECT r.* FROM coupons c JOIN coupon_reminders r ON r.coupon_id = c.id WHERE c.citizen_id = $1",
        key="coupon_id",
        erase=(
            "DELETE FROM coupon_reminders WHERE coupon_id IN (SELECT id FROM coupons WHERE citizen_id = $1)",
        ),
    ),
)
FILES = OwnData(
    "stored_files",
    ("您上传的文件", "Files that you sent in"),
    ("支持您的申请", "to support what you asked for"),
    *(("随所支持的申请", "as long as the request that it supports"), OFFICE, IN_THE_APP),
    ("删除；内容一小时左右从磁盘清除", "deleted; the content leaves the disk within about an hour"),
    "SELECT id, purpose, name, media_type, size, sha256, stored_at FROM stored_files"
    f" WHERE owner_id IN {OWNERS} AND deleted_at IS NULL",
    erase=(
        # Whoever is sending one in holds what it belongs to: he has finished, or finds it gone.
        *(
            f"{each} ORDER BY id FOR UPDATE"
            for each in (OF_HIS_OBJECTIONS, OF_HIS_DECLARATIONS, OF_HIS_GUARDIANSHIPS)
        ),
        "UPDATE stored_files SET deleted_at = coalesce(deleted_at, $2), name = 'erased'"
        f" WHERE owner_id IN (SELECT * FROM {OWNERS} own UNION ALL {ABOUT_HIM}) AND name <> 'erased'",
    ),
)
