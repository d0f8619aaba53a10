"""A public unit pays a share of another member's discounts only when it agrees, to exactly what was submitted.

What it agrees to is a version's terms, which are never changed, with the stock and the budget that the offer had when it
was asked. A version that is saved anew has new terms, and asks anew; one that is recalled and submitted as it was keeps
its answer. Whoever bears a share of his own offer is not asked.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from common.actors import MemberActor
from common.database import Row, fetch_all, fetch_one, transaction
from common.errors import NotFound, Refused
from common.ids import AFTER_ALL, new_id
from models import audit_log, notice_log
from models.enums import ShareConsentState as State


class ShareNotAgreed(Refused):
    """A public unit is to bear a share and has not agreed to this version, or to less than the offer has now."""

    code = "share_not_agreed"
    zh = (
        "承担部分优惠的公共单位还没有同意这一版，暂不能通过。请等它在“待同意的承担”里同意；"
        "它已拒绝，或之后又提高了份数、预算的，请退回，由商户重新保存后再提交。"
    )
    en = (
        "The public unit that is to bear a share has not agreed to this version. Wait until it does; if it refused, or"
        " stock or budget were raised since, send the version back, to be saved and submitted anew."
    )


class ShareConsentStateForbids(Refused):
    """It was decided already, or what was asked for is not submitted any more."""

    code = "share_consent_state_forbids"
    zh = "这一项已经答复过，或商户已撤回、修改，或本单位成员资格已暂停，现在不能答复。请刷新“待同意的承担”再看。"
    en = "It was answered already, recalled or changed by the member, or you are suspended. Reload the list of shares."


class RaiseNotAgreed(Refused):
    """More would be given out than the public unit that pays a share has agreed to."""

    code = "raise_not_agreed"
    zh = (
        "这个优惠由公共单位承担一部分，不能超过它同意的份数和预算（{most}）。"
        "要给得更多，请商户另建一个优惠，征得该单位同意后再发布。"
    )
    en = (
        "A public unit pays a share of this offer: not beyond the stock and budget that it agreed to ({most}). To give"
        " more, have the member begin another offer, to which the unit agrees."
    )
    shown = ("most",)


# Of a version `v`: nobody else's money is in it, or whose it is agreed to it and to no less than there is.
IS_AGREED = f"""(
    EXISTS (SELECT FROM offer_terms t JOIN offers o ON o.id = t.offer_id
             WHERE t.id = v.terms_id AND coalesce(t.public_unit_id, o.member_id) = o.member_id)
    OR EXISTS (SELECT FROM share_consents c LEFT JOIN offer_stock s ON s.offer_id = v.offer_id
                WHERE c.version_id = v.id AND c.terms_id = v.terms_id AND c.state = '{State.AGREED}'
                  AND coalesce(s.total <= c.stock_total, c.stock_total IS NULL)
                  AND coalesce(s.budget_fen <= c.budget_fen, c.budget_fen IS NULL)))"""
ASK = """
INSERT INTO share_consents (id, version_id, terms_id, unit_id, stock_total, budget_fen, asked_at)
SELECT $2, v.id, t.id, t.public_unit_id, s.total, s.budget_fen, $3
  FROM offer_versions v JOIN offer_terms t ON t.id = v.terms_id JOIN offers o ON o.id = v.offer_id
  LEFT JOIN offer_stock s ON s.offer_id = v.offer_id
 WHERE v.id = $1 AND t.public_unit_id <> o.member_id
ON CONFLICT (version_id, terms_id) DO NOTHING RETURNING unit_id
"""
# What it agreed to of the version in force, or of one that may still come.
AGREED_TO = f"""
SELECT min(c.stock_total) AS stock_total, min(c.budget_fen) AS budget_fen FROM offer_versions v
  JOIN share_consents c ON c.version_id = v.id AND c.terms_id = v.terms_id AND c.state = '{State.AGREED}'
 WHERE v.offer_id = $1 AND v.state IN ('submitted', 'approved', 'in_force')
"""
FACTS = """
SELECT m.name AS member, t.title, t.public_unit_share AS share
  FROM offer_terms t JOIN offers o ON o.id = t.offer_id JOIN members m ON m.id = o.member_id WHERE t.id = $1
"""
# Whoever is suspended takes on nothing new, and may still refuse.
DECIDE = f"""
UPDATE share_consents c SET state = $3, decided_by = $4, decided_at = $5, reason = $6
  FROM offer_versions v JOIN offers o ON o.id = v.offer_id JOIN members m ON m.id = $2
 WHERE c.id = $1 AND c.unit_id = $2 AND c.state = '{State.WAITING}' AND v.id = c.version_id
   AND v.terms_id = c.terms_id AND v.state = 'submitted' AND (m.status = 'active' OR $3 = '{State.REFUSED}')
RETURNING c.terms_id, c.stock_total, c.budget_fen, v.offer_id, v.number, o.member_id, o.region_id, m.name AS unit
"""
# The version's own columns come after its terms', and the consent's last: `id`, `state` and the limits are its.
OF_UNIT = f"""
SELECT t.*, v.*, o.programme_id, o.region_id, o.member_id, m.name AS member_name, c.*
  FROM share_consents c JOIN offer_versions v ON v.id = c.version_id AND v.terms_id = c.terms_id
  JOIN offer_terms t ON t.id = c.terms_id JOIN offers o ON o.id = v.offer_id JOIN members m ON m.id = o.member_id
 WHERE c.unit_id = $1 AND c.state = $2 AND c.id < $3 AND (c.state <> '{State.WAITING}' OR v.state = 'submitted')
 ORDER BY c.id DESC LIMIT $4
"""


async def ask(offer: Row, version: Row, now: datetime) -> None:
    """Ask the unit that a submitted version names, in the caller's transaction; nothing where none is to be asked."""
    consent_id = new_id()
    asked = await fetch_one(ASK, version["id"], consent_id, now)
    if asked is None:
        return
    facts = await fetch_one(FACTS, version["terms_id"])
    assert facts is not None
    told = {"offer_id": offer["id"], "consent_id": consent_id, **dict(facts)}
    once = f"offer_share_asked:{consent_id}"
    await notice_log.tell("member", asked["unit_id"], "offer_share_asked", once, told, now)


async def agree(actor: MemberActor, consent_id: UUID, now: datetime) -> None:
    """Take on the share of a version that waits for its review, as it was submitted.

    Raises:
        NotFound: nobody asked this unit that.
        ShareConsentStateForbids: it was answered, recalled or changed meanwhile, or the unit is suspended.
    """
    await _decide(actor, consent_id, State.AGREED, None, now)


async def refuse(actor: MemberActor, consent_id: UUID, reason: str, now: datetime) -> None:
    """Refuse it, with a reason that the offering member reads.

    Raises:
        NotFound, ShareConsentStateForbids: as for `agree`.
    """
    await _decide(actor, consent_id, State.REFUSED, reason, now)


async def of_unit(actor: MemberActor, state: State, before: UUID | None, limit: int) -> Sequence[Row]:
    """What a unit was asked for, newest first; `before` is the last id of the page before.

    Of what waits only what is still submitted; of what was answered only what was not written anew since.
    """
    return await fetch_all(OF_UNIT, actor.member_id, state, before or AFTER_ALL, limit)


async def is_missing(offer_id: UUID, number: int) -> bool:
    """Whether this version waits for its review without the consent that it needs."""
    row = await fetch_one(
        "SELECT 1 FROM offer_versions v WHERE v.offer_id = $1 AND v.number = $2 AND v.state = 'submitted'"
        f" AND NOT {IS_AGREED}",
        *(offer_id, number),
    )
    return row is not None


async def must_be_agreed(offer_id: UUID, limit: Literal["stock_total", "budget_fen"], to: int | None) -> None:
    """Refuse a limit beyond what a public unit agreed to pay a share of; None is "without a limit".

    In a transaction that holds the offer, no version is approved meanwhile.

    Raises:
        RaiseNotAgreed: it is.
    """
    row = await fetch_one(AGREED_TO, offer_id)
    if row is not None and row[limit] is not None and (to is None or to > row[limit]):
        raise RaiseNotAgreed(most=row[limit])


async def _decide(
    actor: MemberActor, consent_id: UUID, state: State, reason: str | None, now: datetime
) -> None:
    async with transaction():
        row = await fetch_one(DECIDE, consent_id, actor.member_id, state, actor.id, now, reason)
        if row is None:
            if await fetch_one(
                "SELECT 1 FROM share_consents WHERE id = $1 AND unit_id = $2", consent_id, actor.member_id
            ):
                raise ShareConsentStateForbids
            raise NotFound
        await audit_log.record(
            audit_log.who(actor),
            f"offer.share_{state}",
            ("offer", row["offer_id"]),
            now,
            region=row["region_id"],
            before={"share_consent": State.WAITING},
            after={
                "share_consent": state,
                "unit_id": actor.member_id,
                **{name: row[name] for name in ("number", "terms_id", "stock_total", "budget_fen")},
            },
        )
        told = {"offer_id": row["offer_id"], "number": row["number"], "unit": row["unit"], "reason": reason}
        kind = f"offer_share_{state}"
        await notice_log.tell("member", row["member_id"], kind, f"{kind}:{consent_id}", told, now)
