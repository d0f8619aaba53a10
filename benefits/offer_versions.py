"""A proposal's way: submitted, reviewed, put in force; an offer that is not published yet goes the same way with it.

Each step is one UPDATE guarded by the state before, while the offer is held. Putting a version in force swaps the
offer's terms and claim rules in one statement: a claim in flight was judged by the old terms and finds them changed
(`claims.CLAIM` compares them), so it is judged anew; what was claimed keeps its terms.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from benefits import offer_lives, share_consents
from benefits.offer_lives import LIVE, UNPUBLISHED, OfferEvent, OfferStateForbids, Owner
from benefits.proposals import BudgetNeedsMostCost
from benefits.share_consents import ShareNotAgreed
from common.actors import AdminActor, MemberActor
from common.database import Row, constraint_of, execute, fetch_one, transaction, wait_for_older_statements
from common.errors import Invalid, Refused
from common.ids import new_id
from models import audit_log, notice_log
from models.enums import OfferStatus
from models.enums import OfferVersionState as State

# A list price that rose within this time before a new discount is shown to the reviewer.
SHORTLY = timedelta(days=30)

STEPS: Mapping[tuple[State, OfferEvent], State] = {
    (State.DRAFT, OfferEvent.SUBMITTED): State.SUBMITTED,
    (State.DRAFT, OfferEvent.WITHDRAWN): State.WITHDRAWN,
    (State.SUBMITTED, OfferEvent.RECALLED): State.DRAFT,
    (State.SUBMITTED, OfferEvent.SENT_BACK): State.REFUSED,
    (State.SUBMITTED, OfferEvent.APPROVED): State.APPROVED,
    (State.SUBMITTED, OfferEvent.WITHDRAWN): State.WITHDRAWN,
    (State.APPROVED, OfferEvent.RECALLED): State.DRAFT,
    (State.APPROVED, OfferEvent.SENT_BACK): State.REFUSED,
    (State.APPROVED, OfferEvent.PUBLISHED): State.IN_FORCE,
    (State.APPROVED, OfferEvent.WITHDRAWN): State.WITHDRAWN,
    (State.IN_FORCE, OfferEvent.PUBLISHED): State.SUPERSEDED,
}


class VersionStateForbids(Refused):
    """No proposal of the offer is in a state on which this follows."""

    code = "version_state_forbids"
    zh = "这个优惠没有可以这样处理的修改方案。请刷新页面，看清当前状态后再试。"
    en = "The offer has no proposal that this can be done with. Reload it, look at its state, then try again."


class PriceNeedsEvidence(Invalid):
    """A list price is submitted with what shows it."""

    code = "price_needs_evidence"
    zh = "填了原价，请上传原价凭证（价目表、标价照片等）后再提交；没有原价就都不填。"
    en = "Send in evidence of the list price (a price list, a photo of the tag) before submitting, or give no list price."
    pointer = "/evidence_file_id"


async def submit(actor: MemberActor, offer_id: UUID, now: datetime) -> None:
    """Send the draft, or the proposal for what is published, to its review; a public unit that is to pay is asked.

    Raises:
        NotFound: no such offer of the member's.
        OfferStateForbids, VersionStateForbids: there is nothing to submit.
        PriceNeedsEvidence: a list price without evidence.
    """
    async with transaction():
        offer = await offer_lives.hold(actor, offer_id)
        try:
            version = await _step(
                actor,
                offer,
                OfferEvent.SUBMITTED,
                now,
                f"submitted_at = $4, raised_shortly_before = {RAISED}",
            )
        except asyncpg.CheckViolationError as error:
            if constraint_of(error) == "offer_versions_list_price_shown":
                raise PriceNeedsEvidence from None
            raise
        await _audit(actor, offer, version, "version.submitted", now)
        await share_consents.ask(offer, version, now)


async def recall(actor: MemberActor, offer_id: UUID, now: datetime) -> None:
    """Take a submission back, to go on writing; also one that is approved and not published yet.

    Raises:
        NotFound, OfferStateForbids, VersionStateForbids: as for `submit`.
    """
    async with transaction():
        offer = await offer_lives.hold(actor, offer_id)
        version = await _step(actor, offer, OfferEvent.RECALLED, now, FORGET_REVIEW)
        await _audit(actor, offer, version, "version.recalled", now)


async def discard(actor: MemberActor, offer_id: UUID, now: datetime) -> None:
    """Give up a proposal for what is published; the offer stays as it is.

    Raises:
        NotFound, OfferStateForbids, VersionStateForbids: as for `submit`; an offer that was never published is
            withdrawn as a whole instead.
    """
    async with transaction():
        offer = await offer_lives.hold(actor, offer_id)
        if offer["status"] not in LIVE:
            raise OfferStateForbids(status=offer["status"])
        version = await _step(actor, offer, OfferEvent.WITHDRAWN, now, "terms_id = terms_id")
        await _audit(actor, offer, version, "version.withdrawn", now)


async def approve(actor: AdminActor, offer_id: UUID, number: int, now: datetime) -> None:
    """Agree to what was submitted, in the version that the reviewer has read; its member is told.

    Raises:
        NotFound: no such offer in the admin's region.
        OfferStateForbids, VersionStateForbids: that version does not wait for a review.
        ShareNotAgreed: a public unit is to pay for it and has not agreed.
    """
    async with transaction():
        offer = await offer_lives.hold(actor, offer_id)
        sets = "decided_by = $5, decided_at = $4, decision_reason = NULL"
        try:
            version = await _step(actor, offer, OfferEvent.APPROVED, now, sets, actor.id, number=number)
        except VersionStateForbids:
            if await share_consents.is_missing(offer_id, number):
                raise ShareNotAgreed from None
            raise
        await _audit(actor, offer, version, "version.approved", now)
        await _tell(offer, version, "offer_approved", {}, now)


async def send_back(actor: AdminActor, offer_id: UUID, number: int, reason: str, now: datetime) -> None:
    """Refuse a version with reasons; its member reads them and goes on with a copy in draft.

    Raises:
        NotFound: no such offer in the admin's region.
        OfferStateForbids, VersionStateForbids: that version is neither submitted nor approved.
    """
    async with transaction():
        offer = await offer_lives.hold(actor, offer_id)
        sets = "decided_by = $5, decided_at = $4, decision_reason = $6"
        version = await _step(actor, offer, OfferEvent.SENT_BACK, now, sets, actor.id, reason, number=number)
        await execute(COPY, version["id"], new_id(), now)
        await _audit(actor, offer, version, "version.sent_back", now)
        await _tell(offer, version, "offer_sent_back", {"reason": reason}, now)


async def publish(actor: Owner, offer_id: UUID, now: datetime) -> None:
    """Put the approved version in force: the offer is published by it, or goes on under its new terms.

    Raises:
        NotFound: no such offer of the member's, or in the admin's region.
        OfferStateForbids, VersionStateForbids: nothing approved waits for it.
        OfferHasNoTerms: there is nothing to publish.
        BudgetNeedsMostCost: the offer's budget can't be kept under these terms.
    """
    async with transaction():
        offer = await offer_lives.hold(actor, offer_id)
        await execute(SUPERSEDE, offer_id, now)
        version = await fetch_one(PUT_IN_FORCE, offer_id, now)
        if version is not None:
            await _swap(offer_id, version)
            await _audit(actor, offer, version, "version.in_force", now)
        elif offer["status"] in LIVE:
            raise VersionStateForbids
        if offer["status"] not in LIVE:
            await offer_lives.happen(actor, offer_id, OfferEvent.PUBLISHED, now)
    # A claim that had begun before may still be written under the old terms; once this is answered, none is.
    await wait_for_older_statements()


# Whether the list price is higher than it was at some time of the last 30 days, and the discount is a new one.
DISCOUNT = (
    "({0}.discount_kind, {0}.percent_off, {0}.cap_fen, {0}.amount_off_fen, {0}.threshold_fen, {0}.fixed_price_fen,"
    " {0}.deposit_fen, {0}.pay_later_days, {0}.higher_limit, {0}.gift)"
)
RAISED = f"""(
    EXISTS (SELECT FROM offer_versions p WHERE p.offer_id = v.offer_id AND p.state IN ('in_force', 'superseded')
                AND p.list_price_fen < v.list_price_fen AND coalesce(p.superseded_at > $5, true))
    AND NOT EXISTS (SELECT FROM offers o JOIN offer_terms was ON was.id = o.terms_id
                      JOIN offer_terms will ON will.id = v.terms_id
                     WHERE o.id = v.offer_id
                       AND {DISCOUNT.format("was")} IS NOT DISTINCT FROM {DISCOUNT.format("will")}))"""
FORGET_REVIEW = "submitted_at = NULL, decided_by = NULL, decided_at = NULL, raised_shortly_before = false"
COPY = """
INSERT INTO offer_versions (id, offer_id, number, state, terms_id, min_tier_level, ordinary_path, claim_from, claim_until,
                            per_citizen_limit, per_citizen_period, list_price_fen, evidence_file_id, proposed_by, proposed_at,
                            min_real_name_level)
SELECT $2, v.offer_id, (SELECT max(number) + 1 FROM offer_versions n WHERE n.offer_id = v.offer_id), 'draft', v.terms_id,
       v.min_tier_level, v.ordinary_path, v.claim_from, v.claim_until, v.per_citizen_limit, v.per_citizen_period,
       v.list_price_fen, v.evidence_file_id, v.proposed_by, $3, v.min_real_name_level
  FROM offer_versions v WHERE v.id = $1
"""
SUPERSEDE = """
UPDATE offer_versions v SET state = 'superseded', superseded_at = $2
 WHERE v.offer_id = $1 AND v.state = 'in_force'
   AND EXISTS (SELECT FROM offer_versions n WHERE n.offer_id = $1 AND n.state = 'approved')
"""
PUT_IN_FORCE = """
UPDATE offer_versions SET state = 'in_force', in_force_at = $2 WHERE offer_id = $1 AND state = 'approved' RETURNING *
"""
SWAP = """
UPDATE offers SET terms_id = $2, min_tier_level = $3, ordinary_path = $4, claim_from = $5, claim_until = $6,
                  per_citizen_limit = $7, per_citizen_period = $8, min_real_name_level = $9
 WHERE id = $1 AND status IN ('approved', 'published', 'paused') RETURNING status
"""


async def _step(
    actor: Owner,
    offer: Row,
    event: OfferEvent,
    now: datetime,
    sets: str,
    *values: object,
    number: int | None = None,
) -> Row:
    """One step of the open version, and of its offer where it was never published.

    Args:
        sets: what else changes, over `$4` (now) and on from `$5` the values.
        number: which version the actor means; without it the open one, whichever it is.
    """
    if offer["status"] in UNPUBLISHED:
        await offer_lives.happen(actor, offer["id"], event, now)
    elif offer["status"] not in LIVE:
        raise OfferStateForbids(status=offer["status"])
    (state,) = {after for (_, each), after in STEPS.items() if each is event}
    before = [before for before, each in STEPS if each is event]
    if event is OfferEvent.SUBMITTED:
        values = (now - SHORTLY,)
    which = f" AND v.number = ${5 + len(values)}" if number is not None else ""
    if event is OfferEvent.APPROVED:
        which += f" AND {share_consents.IS_AGREED}"
    version = await fetch_one(
        f"UPDATE offer_versions v SET state = $2, {sets}"
        f" WHERE v.offer_id = $1 AND v.state = ANY ($3) AND $4::timestamptz IS NOT NULL{which} RETURNING *",
        *(offer["id"], state, before, now, *values),
        *([number] if number is not None else []),
    )
    if version is None:
        raise VersionStateForbids
    return version


async def _swap(offer_id: UUID, version: Row) -> None:
    swapped = await fetch_one(
        SWAP,
        *(offer_id, version["terms_id"], version["min_tier_level"], version["ordinary_path"]),
        *(version["claim_from"], version["claim_until"]),
        *(version["per_citizen_limit"], version["per_citizen_period"], version["min_real_name_level"]),
    )
    if swapped is None:
        raise OfferStateForbids(status=OfferStatus.DRAFT)
    try:
        await execute(
            "UPDATE offer_stock SET piece_fen = (SELECT most_cost_fen FROM offer_terms WHERE id = $2) WHERE offer_id = $1",
            *(offer_id, version["terms_id"]),
        )
    except asyncpg.CheckViolationError as error:
        if constraint_of(error) == "offer_stock_budget_knows_its_piece":
            raise BudgetNeedsMostCost from None
        raise


async def _audit(actor: Owner, offer: Row, version: Row, action: str, now: datetime) -> None:
    await audit_log.record(
        audit_log.who(actor),
        action,
        ("offer", offer["id"]),
        now,
        region=offer["region_id"],
        after={"number": version["number"], "state": version["state"], "terms_id": version["terms_id"]},
    )


async def _tell(offer: Row, version: Row, kind: str, facts: Mapping[str, object], now: datetime) -> None:
    once = f"{kind}:{version['id']}"
    facts = {"offer_id": offer["id"], "number": version["number"], **facts}
    await notice_log.tell("member", offer["member_id"], kind, once, facts, now)
