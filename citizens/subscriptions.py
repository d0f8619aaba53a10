"""订阅: which messages a citizen accepts, one at a time, as his mini-program reports it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from citizens.message_wordings import Wording
from common.database import execute, fetch_all, fetch_one, transaction
from common.errors import Invalid
from models.citizen_enums import MessageTemplate
from models.enums import Channel, ConsentPurpose

MOST = 20

Wordings = Mapping[Channel, Mapping[MessageTemplate, Wording]]


class TemplateNotOffered(Invalid):
    """This installation sends no such message in this channel."""

    code = "template_not_offered"
    zh = "这个渠道没有这种消息。请先取“我的订阅”，按里面列出的消息再报一次。"
    en = "This channel has no such message. Read “my subscriptions” first, and report what is listed there."
    pointer = "/templates"


class Answer(StrEnum):
    """What the citizen said when he was asked, as WeChat calls it; `BAN` and `FILTER` are the channel's own doing."""

    ACCEPT = "accept"
    REJECT = "reject"
    BAN = "ban"
    FILTER = "filter"


@dataclass(frozen=True, slots=True)
class Subscription:
    """One kind of message in one channel; `left` is how many of it may still come."""

    channel: Channel
    template: MessageTemplate
    template_id: str
    left: int


async def report(
    citizen_id: UUID, channel: Channel, answers: Mapping[MessageTemplate, Answer], wordings: Wordings
) -> None:
    """Count what was accepted, 20 at most; what was refused takes nothing back, what is banned leaves nothing.

    Raises:
        TemplateNotOffered: one of them is not sent here.
    """
    if not answers.keys() <= wordings.get(channel, {}).keys():
        raise TemplateNotOffered
    accepted = sorted(each for each, answer in answers.items() if answer is Answer.ACCEPT)
    banned = sorted(each for each, answer in answers.items() if answer is Answer.BAN)
    async with transaction():
        # In the order of the key: two reports of one citizen never wait for each other crosswise.
        await fetch_all(
            "SELECT 1 FROM message_quotas WHERE citizen_id = $1 AND channel = $2 ORDER BY template FOR UPDATE",
            *(citizen_id, channel),
        )
        await execute(
            "INSERT INTO message_quotas AS q (citizen_id, channel, template, accepted)"
            " SELECT $1, $2, template, 1 FROM unnest($3::text[]) AS template ORDER BY template"
            " ON CONFLICT (citizen_id, channel, template) DO UPDATE SET accepted = least(q.accepted + 1, $4)",
            *(citizen_id, channel, accepted, MOST),
        )
        await execute(
            "UPDATE message_quotas SET accepted = 0 WHERE citizen_id = $1 AND channel = $2 AND template = ANY ($3)",
            *(citizen_id, channel, banned),
        )


async def listed(citizen_id: UUID, wordings: Wordings) -> Sequence[Subscription]:
    """Every message that this installation sends, with what the citizen still accepts of it."""
    rows = await fetch_all(
        "SELECT channel, template, accepted FROM message_quotas WHERE citizen_id = $1", citizen_id
    )
    left = {(row["channel"], row["template"]): row["accepted"] for row in rows}
    return [
        Subscription(channel, template, wording.template_id, left.get((channel, template), 0))
        for channel, offered in wordings.items()
        for template, wording in offered.items()
    ]


async def is_agreed(citizen_id: UUID) -> bool:
    """Whether the citizen's consent to messages is in force: without it none is sent."""
    return bool(
        await fetch_one(
            "SELECT 1 FROM consents WHERE citizen_id = $1 AND purpose = $2 AND withdrawn_at IS NULL",
            *(citizen_id, ConsentPurpose.NOTICES),
        )
    )
