"""An offer's life: one table says which state follows on which, and each change is one UPDATE guarded by the old one.

    draft → submitted → approved → published ⇄ paused → ended
      ↑_________|___________|
    and withdrawn from any of them but ended

What happens to an offer never touches what was claimed of it (rule 13).
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import asyncpg

from common.actors import AdminActor, MemberActor
from common.database import (
    Row,
    constraint_of,
    execute,
    fetch_all,
    fetch_one,
    transaction,
    wait_for_older_statements,
)
from common.errors import NotFound, Refused
from models import audit_log, notice_log
from models.enums import OfferStatus
from models.region import subtree_prefix

Owner = MemberActor | AdminActor


class OfferEvent(StrEnum):
    """What can happen to an offer, as the audit tells it."""

    SUBMITTED = "submitted"
    RECALLED = "recalled"
    SENT_BACK = "sent_back"
    APPROVED = "approved"
    PUBLISHED = "published"
    PAUSED = "paused"
    RESUMED = "resumed"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"


LIVES: Mapping[tuple[OfferStatus, OfferEvent], OfferStatus] = {
    (OfferStatus.DRAFT, OfferEvent.SUBMITTED): OfferStatus.SUBMITTED,
    (OfferStatus.DRAFT, OfferEvent.WITHDRAWN): OfferStatus.WITHDRAWN,
    (OfferStatus.SUBMITTED, OfferEvent.RECALLED): OfferStatus.DRAFT,
    (OfferStatus.SUBMITTED, OfferEvent.SENT_BACK): OfferStatus.DRAFT,
    (OfferStatus.SUBMITTED, OfferEvent.APPROVED): OfferStatus.APPROVED,
    (OfferStatus.SUBMITTED, OfferEvent.WITHDRAWN): OfferStatus.WITHDRAWN,
    (OfferStatus.APPROVED, OfferEvent.RECALLED): OfferStatus.DRAFT,
    (OfferStatus.APPROVED, OfferEvent.SENT_BACK): OfferStatus.DRAFT,
    (OfferStatus.APPROVED, OfferEvent.PUBLISHED): OfferStatus.PUBLISHED,
    (OfferStatus.APPROVED, OfferEvent.WITHDRAWN): OfferStatus.WITHDRAWN,
    (OfferStatus.PUBLISHED, OfferEvent.PAUSED): OfferStatus.PAUSED,
    (OfferStatus.PUBLISHED, OfferEvent.ENDED): OfferStatus.ENDED,
    (OfferStatus.PUBLISHED, OfferEvent.WITHDRAWN): OfferStatus.WITHDRAWN,
    (OfferStatus.PAUSED, OfferEvent.RESUMED): OfferStatus.PUBLISHED,
    (OfferStatus.PAUSED, OfferEvent.ENDED): OfferStatus.ENDED,
    (OfferStatus.PAUSED, OfferEvent.WITHDRAWN): OfferStatus.WITHDRAWN,
}
# Not shown to anybody but its member and reviewers yet.
UNPUBLISHED = frozenset({OfferStatus.DRAFT, OfferStatus.SUBMITTED, OfferStatus.APPROVED})
LIVE = frozenset({OfferStatus.PUBLISHED, OfferStatus.PAUSED})


class OfferStateForbids(Refused):
    """What was asked for does not follow on the state that the offer is in."""

    code = "offer_state_forbids"
    zh = "优惠现在的状态不允许这样操作。请刷新页面，看清当前状态后再试。"
    en = "The offer's state does not allow this. Reload it, look at its state, then try again."
    shown = ("status",)


class OfferHasNoTerms(Refused):
    """An offer without terms can't be published."""

    code = "offer_has_no_terms"
    zh = "优惠还没有设置内容，不能发布。请先填写优惠内容。"
    en = "The offer has no terms yet; fill them in before publishing."


def where_of(actor: Owner, alias: str = "o") -> tuple[str, str | UUID]:
    """The condition that bounds an actor to his own, with the value for `$2`."""
    if isinstance(actor, MemberActor):
        return f"{alias}.member_id = $2::uuid", actor.member_id
    return f"{alias}.region_id LIKE $2::text || '%'", subtree_prefix(actor.region)


async def hold(actor: Owner, offer_id: UUID) -> Row:
    """The offer, held until the transaction ends, so that nothing else happens to it meanwhile.

    Raises:
        NotFound: no such offer of the member, or in the admin's region.
    """
    where, value = where_of(actor)
    row = await fetch_one(
        f"SELECT o.* FROM offers o WHERE o.id = $1 AND {where} FOR NO KEY UPDATE", offer_id, value
    )
    if row is None:
        raise NotFound
    return row


async def happen(actor: Owner, offer_id: UUID, event: OfferEvent, now: datetime) -> Row:
    """Let one thing happen to an offer, inside the caller's transaction; its id, member, region and state before.

    Raises:
        NotFound: no such offer of the member, or in the admin's region.
        OfferStateForbids: it does not follow on the offer's state.
        OfferHasNoTerms: there is nothing to publish.
    """
    where, value = where_of(actor)
    (status,) = {after for (_, each), after in LIVES.items() if each is event}
    try:
        row = await fetch_one(
            # Whatever is decided goes before what a suspension remembers.
            "UPDATE offers o SET status = $3, paused_for_suspension = false, office_reason = NULL FROM (SELECT id, status FROM offers WHERE id = $1 FOR NO KEY UPDATE) was"
            f" WHERE o.id = was.id AND was.status = ANY ($4) AND {where}"
            " RETURNING o.id, o.member_id, o.region_id, was.status AS status_before",
            *(offer_id, value, status, [before for before, each in LIVES if each is event]),
        )
    except asyncpg.CheckViolationError as error:
        if constraint_of(error) == "offers_published_with_terms":
            raise OfferHasNoTerms from None
        raise
    if row is None:
        raise OfferStateForbids(status=(await hold(actor, offer_id))["status"])
    await audit_log.record(
        audit_log.who(actor),
        f"offer.{event}",
        ("offer", offer_id),
        now,
        region=row["region_id"],
        before={"status": row["status_before"]},
        after={"status": status},
    )
    return row


# Versions that are still on their way.
OPEN_VERSION = "state IN ('draft', 'submitted', 'approved')"


async def stop(
    actor: Owner, offer_id: UUID, event: OfferEvent, now: datetime, reason: str | None = None
) -> None:
    """Pause, resume, end or withdraw an offer; what was claimed stays usable (rule 13).

    Args:
        reason: the office's, if it gives one: its member is told of what the office did, with or without it.

    Raises:
        NotFound, OfferStateForbids: as for `happen`.
    """
    async with transaction():
        row = await happen(actor, offer_id, event, now)
        if isinstance(actor, AdminActor):
            await told_by_office(row, event, reason, now)
        if event in (OfferEvent.ENDED, OfferEvent.WITHDRAWN):
            await execute(
                f"UPDATE offer_versions SET state = 'withdrawn' WHERE offer_id = $1 AND {OPEN_VERSION}",
                offer_id,
            )
    # A claim that had begun before may still be written; once this is answered, none is.
    await wait_for_older_statements()


async def told_by_office(offer: Row, event: OfferEvent, reason: str | None, now: datetime) -> None:
    """Keep why the office did that, and tell the member, in the caller's transaction.

    Args:
        offer: its `id`, `member_id` and `region_id`.
    """
    row = await fetch_one(
        "UPDATE offers o SET office_reason = $2 FROM offer_terms t"
        " WHERE o.id = $1 AND t.id = o.terms_id RETURNING t.title",
        *(offer["id"], reason),
    )
    assert row is not None, "what was published has terms"
    kind = f"offer_{event}" if reason else f"offer_{event}_unexplained"
    facts = {"offer_id": offer["id"], "title": row["title"], "reason": reason}
    await notice_log.tell(
        "member", offer["member_id"], kind, f"{kind}:{offer['id']}:{now.isoformat()}", facts, now
    )


async def end_all(member_id: UUID, by: audit_log.Who, now: datetime) -> None:
    """End what a member has published and withdraw the rest, inside the transaction in which it leaves."""
    rows = await fetch_all(
        "UPDATE offers SET paused_for_suspension = false, office_reason = NULL,"
        " status = CASE WHEN status IN ('published', 'paused') THEN 'ended' ELSE 'withdrawn' END"
        " WHERE member_id = $1 AND status NOT IN ('ended', 'withdrawn') RETURNING id, region_id, status",
        member_id,
    )
    for status in ("ended", "withdrawn"):
        ended = [row for row in rows if row["status"] == status]
        await audit_log.record_each(by, f"offer.{status}", "offer", ended, {"status": status}, now)
    await execute(
        "UPDATE offer_versions SET state = 'withdrawn'"
        f" WHERE offer_id IN (SELECT id FROM offers WHERE member_id = $1) AND {OPEN_VERSION}",
        member_id,
    )


# The last day on which a coupon can be used, by any of the offer's terms that were ever in force or may come.
OUTLIVED = """
UPDATE offers SET status = 'ended', office_reason = NULL WHERE status IN ('published', 'paused') AND id IN (
    SELECT o.id FROM offers o
     WHERE o.status IN ('published', 'paused') AND o.claim_until <= $1
       AND NOT EXISTS (SELECT FROM offer_terms t WHERE t.offer_id = o.id
            AND coalesce(t.valid_until, o.claim_until + (t.wait_days + t.valid_days + 1) * interval '1 day') > $1)
     ORDER BY o.claim_until LIMIT 200 FOR NO KEY UPDATE SKIP LOCKED)
RETURNING id, region_id
"""


async def end_outlived(now: datetime) -> int:
    """End offers that nobody can claim or use any more; how many. The background process calls it."""
    async with transaction():
        rows = await fetch_all(OUTLIVED, now)
        after = {"status": "ended"}
        await audit_log.record_each(audit_log.SYSTEM, "offer.ended", "offer", rows, after, now)
    return len(rows)
