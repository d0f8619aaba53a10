"""New versions of tier schemes: asked for at the province, counted, and announced when a second head there agrees."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from alliance import approvals, tier_what_ifs
from alliance.tier_scheme_notices import begin_telling
from benefits import tier_bands
from citizens import tier_scheme_versions
from citizens.tier_scheme_versions import Draft
from common.actors import AdminActor
from common.database import transaction
from common.errors import Refused
from models import audit_log
from models.office_enums import ApprovalKind


class OffersAdmitOneBand(Refused):
    """Rule 2: under the new version a scan of some offers would tell the holder's band."""

    code = "offers_admit_one_band"
    zh = "按这份草案，有优惠只容纳一档（列在试算结果里，如“{title}”）。请先请成员修改或结束这些优惠，或调整等级档。"
    en = "Under this draft some offers admit one band alone (the what-if lists them, such as “{title}”). Have them changed or ended first, or change the bands."


async def ask(actor: AdminActor, draft: Draft, reason: str, now: datetime) -> UUID:
    """Ask for a new version; the request's id. It is counted unless that was done; nothing changes until a second
    head agrees.

    Raises:
        ProvinceAlone: the admin is a city's or a county's.
        BandsNotInOrder, RefreshBeyondValidity, NoticeTooShort, LaterVersionAnnounced: it could not be announced.
        WhatIfRunning: another draft of the scheme is being counted.
        AlreadyAsked: a version of this scheme waits already.
    """
    await tier_what_ifs.check(actor, draft, now)
    async with transaction():
        known = await tier_what_ifs.of_draft(draft, now)
        what_if_id = known["id"] if known is not None else await tier_what_ifs.ask(actor, draft, now)
        payload = {**draft.plain(), "what_if_id": what_if_id}
        thing = ("tier_scheme", draft.code)
        return await approvals.ask(
            *(actor, ApprovalKind.TIER_SCHEME, thing, actor.region, payload, reason, now)
        )


async def publish(actor: AdminActor, payload: Mapping[str, Any], now: datetime) -> None:
    """Announce what was asked for, inside the decision's transaction.

    Raises:
        WhatIfMissing: nobody counted what this very draft does, or that was more than a week ago.
        OffersAdmitOneBand: an offer would admit one of its bands alone.
        NoticeTooShort: too much time has passed since it was asked for.
        LaterVersionAnnounced: another version came in between.
    """
    draft = tier_what_ifs.draft_of(payload)
    what_if_id = await tier_what_ifs.must_be_seen(draft, now)
    await tier_bands.hold_offers_still()
    for offer in await tier_bands.admitting_one([band.level for band in draft.bands], now):
        raise OffersAdmitOneBand(title=offer["title"])
    version = await tier_scheme_versions.publish(draft, now)
    await begin_telling(draft.code, version)
    await audit_log.record(
        *(audit_log.who(actor), "tier_scheme.publish", ("tier_scheme", draft.code), now),
        region=actor.region,
        after={"version": version, "effective_from": draft.effective_from, "what_if_id": what_if_id},
    )
