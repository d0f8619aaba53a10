"""互认: mappings of other places' schemes, asked for at the province and carried out when a second head there agrees."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any
from uuid import UUID

from alliance import approvals
from alliance.permissions import ProvinceAlone
from citizens import tier_mapping_versions, tier_mappings
from citizens.tier_mapping_versions import MappingDraft
from citizens.tier_mappings import MappedTier, Recognition
from common.actors import AdminActor
from common.clock import local_day
from common.database import Row
from common.errors import NotFound
from models import audit_log
from models.enums import TierLevel
from models.office_enums import ApprovalKind

NUMBER = re.compile("[0-9]{1,18}")


async def ask(actor: AdminActor, draft: MappingDraft, reason: str, now: datetime) -> UUID:
    """Ask for a mapping; the request's id.

    Raises:
        ProvinceAlone: the admin is a city's or a county's.
        TiersNotInOrder, MappingDaysInvalid, SchemeIsOurs, MappingOverlaps: it could not be published.
        AlreadyAsked: one of this scheme waits already.
    """
    _must_be_province(actor)
    tier_mapping_versions.check_draft(draft)
    await tier_mapping_versions.check_free(draft)
    return await _ask(actor, draft.scheme_code, {"what": "publish", **asdict(draft)}, reason, now)


async def ask_end(actor: AdminActor, mapping_id: str, until: date, reason: str, now: datetime) -> UUID:
    """Ask for a mapping to end sooner; the request's id. What was taken under it stays valid.

    Raises:
        ProvinceAlone: the admin is a city's or a county's.
        NotFound: no such mapping.
        MappingEndPast: it can't end then.
        AlreadyAsked: something about this scheme waits already.
    """
    _must_be_province(actor)
    number = int(mapping_id) if NUMBER.fullmatch(mapping_id) else 0
    row = await tier_mapping_versions.check_end(number, until, local_day(now))
    if row is None:
        raise NotFound
    payload = {"what": "end", "mapping_id": str(number), "effective_until": until}
    return await _ask(actor, row["scheme_code"], payload, reason, now)


async def carry_out(actor: AdminActor, asked: Row, payload: Mapping[str, Any], now: datetime) -> None:
    """Publish or end, inside the decision's transaction.

    Raises:
        SchemeIsOurs, MappingOverlaps, MappingEndPast: time has passed since it was asked for.
    """
    if payload["what"] == "end":
        until = date.fromisoformat(payload["effective_until"])
        row = await tier_mapping_versions.end(int(payload["mapping_id"]), until, local_day(now))
        action, after = "tier_mapping.end", {"mapping_id": payload["mapping_id"], "effective_until": until}
    else:
        draft = draft_of(payload)
        row = await tier_mapping_versions.publish(draft, asked["id"], now)
        action, after = "tier_mapping.publish", {"version": row["version"], "from": draft.effective_from}
    if row is None:
        raise NotFound
    thing = ("tier_mapping", asked["object_id"])
    await audit_log.record(audit_log.who(actor), action, thing, now, region=actor.region, after=after)


async def listed(actor: AdminActor, before: int | None, limit: int) -> Sequence[Recognition]:
    """Every version there was, newest first; `before` is the last id of the page before.

    Raises:
        ProvinceAlone: the admin is a city's or a county's.
    """
    _must_be_province(actor)
    return await tier_mappings.versions(before, limit)


def draft_of(payload: Mapping[str, Any]) -> MappingDraft:
    """What a request asks for."""
    plain = {name: value for name, value in payload.items() if name != "what"}
    return MappingDraft(
        **{
            **plain,
            "effective_from": date.fromisoformat(payload["effective_from"]),
            "effective_until": date.fromisoformat(payload["effective_until"]),
            "tiers": [MappedTier(**{**tier, "level": TierLevel(tier["level"])}) for tier in payload["tiers"]],
        }
    )


def _must_be_province(actor: AdminActor) -> None:
    if not actor.region.endswith("0000"):
        raise ProvinceAlone


async def _ask(actor: AdminActor, code: str, payload: Mapping[str, Any], reason: str, now: datetime) -> UUID:
    thing = ("tier_mapping", code)
    return await approvals.ask(*(actor, ApprovalKind.TIER_MAPPING, thing, actor.region, payload, reason, now))
