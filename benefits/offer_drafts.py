"""A member writes an offer: a draft, or a proposal to change what is published. Terms are written once, at each saving."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from benefits.offer_lives import LIVE, OfferStateForbids, hold
from benefits.proposals import (
    BudgetNeedsMostCost,
    FixedOncePublished,
    Proposal,
    check_discount,
    check_kindness,
    check_places,
    check_shares,
    check_spans,
)
from common.actors import MemberActor
from common.database import Row, constraint_of, fetch_one, transaction
from common.errors import Forbidden, Invalid, NotFound, Refused
from common.files import Content
from common.ids import new_id
from models import audit_log, stored_files
from models.enums import MemberKind, OfferStatus
from models.office_enums import FilePurpose


class MemberNotActive(Forbidden):
    """A suspended member's offers wait as well."""

    code = "member_not_active"
    zh = "本单位目前不能提交优惠。请联系联盟办公室了解原因。"
    en = "Your organisation can't put forward offers now. Ask the alliance office why."


class EvidenceUnknown(Invalid):
    """The list price's evidence was not sent in by this member."""

    code = "evidence_unknown"
    zh = "没有找到原价凭证。请先上传凭证文件，再保存优惠。"
    en = "The evidence of the list price was not found. Send the file in first, then save the offer."
    pointer = "/evidence_file_id"


class TooMuchEvidence(Refused):
    """So much was sent in within a day, whether a version names it or not."""

    code = "too_much_evidence"
    zh = "一天内上传的原价凭证太多（最多 {most} 份）。同一份凭证可以用于多个优惠；其余的请 24 小时后再上传。"
    en = "Too much evidence within a day ({most} at most). One file can serve several offers; send the rest in 24 hours."


MOST_EVIDENCE_A_DAY = 100
DAY = timedelta(days=1)


async def must_have_room(actor: MemberActor, now: datetime) -> None:
    """Refuse more evidence than a member may send in within a day, before anything of it is read.

    Raises:
        TooMuchEvidence: there is as much.
    """
    if (
        await stored_files.count_since(FilePurpose.PRICE_EVIDENCE, actor.member_id, now - DAY)
        >= MOST_EVIDENCE_A_DAY
    ):
        raise TooMuchEvidence(most=MOST_EVIDENCE_A_DAY)


async def create(actor: MemberActor, proposal: Proposal, now: datetime) -> UUID:
    """Begin an offer as a draft that only its member sees; its id.

    Raises:
        MemberNotActive: the member may not.
        OfferFieldInvalid, OrdinaryPathMissing, TitleSpellsTier, TierAdmitsOneBand, BudgetNeedsMostCost, EvidenceUnknown: a field
            is wrong.
    """
    offer_id = new_id()
    async with transaction():
        member = await _checked(actor, proposal, now)
        await fetch_one(
            "INSERT INTO offers (id, programme_id, member_id, member_kind, region_id, status, min_tier_level,"
            " ordinary_path, claim_from, claim_until, per_citizen_limit, per_citizen_period, min_real_name_level,"
            " created_at) VALUES ($1, $2, $3, $4, $5, 'draft', $6, $7, $8, $9, $10, $11, $12, $13)",
            *(offer_id, proposal.programme, actor.member_id, member["kind"], proposal.region),
            *_rules(proposal),
            now,
        )
        await _save_version(actor, offer_id, proposal, now)
        await _save_stock(offer_id, proposal)
        await _audit(actor, offer_id, "offer.create", proposal, now)
    return offer_id


async def change(actor: MemberActor, offer_id: UUID, proposal: Proposal, now: datetime) -> None:
    """Save a draft anew, or begin or save a proposal to change what is published; what is in force stays so.

    Raises:
        NotFound: no such offer of the member's.
        OfferStateForbids: it, or the proposal, waits for its review or publication, or the offer is over.
        FixedOncePublished: what is no matter of versions would change.
        MemberNotActive, OfferFieldInvalid and so on: as for `create`.
    """
    async with transaction():
        offer = await hold(actor, offer_id)
        status = OfferStatus(offer["status"])
        if status is not OfferStatus.DRAFT and status not in LIVE:
            raise OfferStateForbids(status=status)
        await _checked(actor, proposal, now)
        if status is OfferStatus.DRAFT:
            await fetch_one(
                "UPDATE offers SET programme_id = $2, region_id = $3, min_tier_level = $4, ordinary_path = $5,"
                " claim_from = $6, claim_until = $7, per_citizen_limit = $8, per_citizen_period = $9,"
                " min_real_name_level = $10"
                " WHERE id = $1 AND status = 'draft' AND terms_id IS NULL RETURNING id",
                *(offer_id, proposal.programme, proposal.region, *_rules(proposal)),
            )
            await _save_stock(offer_id, proposal)
        else:
            await _must_be_fixed(offer, proposal)
        await _save_version(actor, offer_id, proposal, now)
        await _audit(actor, offer_id, "offer.change", proposal, now)


async def add_evidence(actor: MemberActor, name: str, content: Content, now: datetime) -> UUID:
    """Take in evidence of a list price whose content is in the store; the file's id, by which an offer names it.

    Raises:
        TooMuchEvidence: as for `must_have_room`.
    """
    purpose = FilePurpose.PRICE_EVIDENCE
    async with stored_files.or_forgotten(purpose, actor.member_id, content, now), transaction():
        # Again, one after the other: uploads at the same time all saw room for one.
        member = await fetch_one(
            "SELECT region_id FROM members WHERE id = $1 FOR NO KEY UPDATE", actor.member_id
        )
        await must_have_room(actor, now)
        file_id = await stored_files.add(purpose, actor.member_id, name, content, now)
        await audit_log.record(
            audit_log.who(actor),
            "evidence.add",
            ("file", file_id),
            now,
            region=member["region_id"] if member else None,
            after={"member_id": actor.member_id, "size": content.size, "sha256": content.sha256},
        )
    return file_id


def _rules(proposal: Proposal) -> tuple[object, ...]:
    return (
        *(proposal.min_tier_level, proposal.ordinary_path, proposal.claim_from, proposal.claim_until),
        *(proposal.per_citizen_limit, proposal.per_citizen_period, proposal.min_real_name_level),
    )


async def _checked(actor: MemberActor, proposal: Proposal, now: datetime) -> Row:
    """The member, when everything that it says can be."""
    member = await fetch_one("SELECT kind, status FROM members WHERE id = $1", actor.member_id)
    if member is None or member["status"] != "active":
        raise MemberNotActive
    check_discount(proposal)
    check_spans(proposal, now)
    await check_places(proposal, actor.member_id)
    await check_shares(proposal)
    await check_kindness(proposal, MemberKind(member["kind"]), now)
    if proposal.evidence_file_id is not None:
        try:
            await stored_files.of_owner(
                proposal.evidence_file_id, FilePurpose.PRICE_EVIDENCE, actor.member_id
            )
        except NotFound:
            raise EvidenceUnknown from None
    return member


async def _must_be_fixed(offer: Row, proposal: Proposal) -> None:
    stock = await fetch_one(
        "SELECT total, daily_limit, budget_fen FROM offer_stock WHERE offer_id = $1", offer["id"]
    )
    now_fixed = (offer["programme_id"], offer["region_id"], *(stock or (None, None, None)))
    if now_fixed != (
        *(proposal.programme, proposal.region),
        *(proposal.stock_total, proposal.daily_limit, proposal.budget_fen),
    ):
        raise FixedOncePublished


async def _save_version(actor: MemberActor, offer_id: UUID, proposal: Proposal, now: datetime) -> None:
    """Write the terms, and the draft version that names them; the offer is held."""
    terms = await fetch_one(
        *_insert(
            "offer_terms",
            {**proposal.terms(), "offer_id": offer_id, "created_at": now},
            version="(SELECT coalesce(max(version), 0) + 1 FROM offer_terms WHERE offer_id = $1)",
        )
    )
    assert terms is not None
    rules = proposal.rules()
    names = list(rules)
    sets = ", ".join(f"{name} = ${position}" for position, name in enumerate(names, 5))
    saved = await fetch_one(
        "UPDATE offer_versions SET terms_id = $2, proposed_by = $3, proposed_at = $4, "
        f"{sets} WHERE offer_id = $1 AND state = 'draft' RETURNING id",
        *(offer_id, terms["id"], actor.id, now, *rules.values()),
    )
    if saved is not None:
        return
    values = {**rules, "offer_id": offer_id, "id": new_id(), "terms_id": terms["id"], "state": "draft"}
    try:
        await fetch_one(
            *_insert(
                "offer_versions",
                {**values, "proposed_by": actor.id, "proposed_at": now},
                number="(SELECT coalesce(max(number), 0) + 1 FROM offer_versions WHERE offer_id = $1)",
            )
        )
    except asyncpg.UniqueViolationError as error:
        if constraint_of(error) == "offer_versions_one_open":
            raise OfferStateForbids(status="version_open") from None
        raise


def _insert(table: str, values: dict[str, Any], **computed: str) -> tuple[Any, ...]:
    """An INSERT of these columns, the offer's id first; what is computed is SQL over `$1`."""
    ordered = {"offer_id": values["offer_id"], **values}
    columns = ", ".join([*ordered, *computed])
    holders = ", ".join([*(f"${position}" for position in range(1, len(ordered) + 1)), *computed.values()])
    return f"INSERT INTO {table} ({columns}) VALUES ({holders}) RETURNING id", *ordered.values()


async def _save_stock(offer_id: UUID, proposal: Proposal) -> None:
    """Stock, daily limit and budget of a draft: nothing of it is claimed yet."""
    if not proposal.is_limited:
        await fetch_one("DELETE FROM offer_stock WHERE offer_id = $1 AND issued = 0 RETURNING 1", offer_id)
        return
    try:
        await fetch_one(
            "INSERT INTO offer_stock (offer_id, total, daily_limit, budget_fen, piece_fen) VALUES ($1, $2, $3, $4, $5)"
            " ON CONFLICT (offer_id) DO UPDATE SET total = $2, daily_limit = $3, budget_fen = $4, piece_fen = $5"
            " RETURNING 1",
            *(offer_id, proposal.stock_total, proposal.daily_limit, proposal.budget_fen),
            proposal.terms()["most_cost_fen"],
        )
    except asyncpg.CheckViolationError as error:
        if constraint_of(error) == "offer_stock_budget_knows_its_piece":
            raise BudgetNeedsMostCost from None
        raise


async def _audit(actor: MemberActor, offer_id: UUID, action: str, proposal: Proposal, now: datetime) -> None:
    await audit_log.record(
        audit_log.who(actor),
        action,
        ("offer", offer_id),
        now,
        region=proposal.region,
        after={"discount_kind": proposal.discount_kind, "list_price_fen": proposal.list_price_fen},
    )
