"""New versions of tier schemes: asked for at the province, and announced when a second head there agrees."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from alliance import approvals
from alliance.permissions import ProvinceAlone
from citizens import tier_scheme_versions
from citizens.tier_scheme_versions import Draft
from citizens.tier_schemes import Band
from common.actors import AdminActor
from common.clock import rfc3339
from models import audit_log
from models.enums import TierLevel
from models.office_enums import ApprovalKind


async def ask(actor: AdminActor, draft: Draft, reason: str, now: datetime) -> UUID:
    """Ask for a new version; the request's id. Nothing changes until a second head agrees.

    Raises:
        ProvinceAlone: the admin is a city's or a county's.
        BandsNotInOrder, NoticeTooShort, LaterVersionAnnounced: it could not be announced.
        AlreadyAsked: a version of this scheme waits already.
    """
    if not actor.region.endswith("0000"):
        raise ProvinceAlone
    tier_scheme_versions.check_bands(draft.bands)
    await tier_scheme_versions.check_time(draft.code, draft.notice_days, draft.effective_from, now)
    payload = {**asdict(draft), "effective_from": rfc3339(draft.effective_from)}
    return await approvals.ask(
        *(actor, ApprovalKind.TIER_SCHEME, ("tier_scheme", draft.code), actor.region, payload, reason, now)
    )


async def publish(actor: AdminActor, payload: Mapping[str, Any], now: datetime) -> None:
    """Announce what was asked for, inside the decision's transaction.

    Raises:
        NoticeTooShort: too much time has passed since it was asked for.
        LaterVersionAnnounced: another version came in between.
    """
    draft = Draft(
        **{
            **payload,
            "effective_from": datetime.fromisoformat(payload["effective_from"]),
            "bands": [Band(**{**band, "level": TierLevel(band["level"])}) for band in payload["bands"]],
        }
    )
    version = await tier_scheme_versions.publish(draft, now)
    await audit_log.record(
        *(audit_log.who(actor), "tier_scheme.publish", ("tier_scheme", draft.code), now),
        region=actor.region,
        after={"version": version, "effective_from": draft.effective_from},
    )
