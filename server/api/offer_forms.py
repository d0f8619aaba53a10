"""An offer as its member writes it and as its reviewers read it; used by the member's and the admin's routes alike."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, Field

from benefits.offer_reviews import Change, Story, Version
from benefits.proposals import (
    BudgetNeedsMostCost,
    FixedOncePublished,
    OfferFieldInvalid,
    OrdinaryPathMissing,
    Proposal,
    TitleSpellsTier,
)
from benefits.tier_bands import TierAdmitsOneBand
from common.clock import rfc3339
from models.enums import DiscountKind, LimitPeriod, OfferStatus, OfferVersionState, ShareConsentState
from server.schemas import Fen, In, Moment, Out, RegionCode

WRITING = (
    *(OfferFieldInvalid, OrdinaryPathMissing, TitleSpellsTier, TierAdmitsOneBand, BudgetNeedsMostCost),
    FixedOncePublished,
)
Minute = Annotated[int, Field(ge=0, le=1440)]
Share = Annotated[int, Field(ge=0, le=100)]
Weekday = Annotated[int, Field(ge=1, le=7)]
SomeFen = Annotated[int, Field(ge=1, le=1_000_000_000)]


class ProposalIn(In):
    """An offer in full. Days are Asia/Shanghai and both ends count; what the kind of discount has no use for is left out."""

    programme: Annotated[str, Field(min_length=1, max_length=32)]
    region: RegionCode
    title: Annotated[str, Field(min_length=1, max_length=64, pattern=r"\S")]
    description: Annotated[str, Field(max_length=4000)]
    discount_kind: DiscountKind
    percent_off: Annotated[int, Field(ge=1, le=99)] | None = None
    cap_fen: SomeFen | None = None
    amount_off_fen: SomeFen | None = None
    threshold_fen: SomeFen | None = None
    fixed_price_fen: Fen | None = None
    deposit_fen: SomeFen | None = None
    pay_later_days: Annotated[int, Field(ge=1, le=3660)] | None = None
    higher_limit: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    gift: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    store_ids: Annotated[list[UUID], Field(min_length=1, max_length=500)]
    uses_total: Annotated[int, Field(ge=1, le=1000)] | None = 1
    daily_use_cap: Annotated[int, Field(ge=1, le=1000)] | None = None
    first_day: date | None = None
    last_day: date | None = None
    valid_days: Annotated[int, Field(ge=1, le=3660)] | None = None
    wait_days: Annotated[int, Field(ge=0, le=366)] = 0
    weekdays: Annotated[list[Weekday], Field(min_length=1, max_length=7)] = Field(
        default_factory=lambda: [1, 2, 3, 4, 5, 6, 7]
    )
    open_minute: Minute = 0
    close_minute: Minute = 1440
    blackout_dates: Annotated[list[date], Field(max_length=400)] = Field(default_factory=list)
    is_client_renewal_allowed: bool = True
    shows_holder: bool = Field(
        default=False,
        description="扫码时店员能看到打码姓名，领取前市民须单独同意 / staff see the holder's masked name; claiming needs consent",
    )
    alliance_share: Share = 0
    public_unit_share: Share = 0
    public_unit_id: UUID | None = None
    min_tier_level: Annotated[int, Field(ge=1, le=4)] | None = None
    min_real_name_level: Annotated[int, Field(ge=0, le=2)] = 0
    ordinary_path: Annotated[str, Field(min_length=1, max_length=256, pattern=r"\S")] | None = None
    claim_from: Moment
    claim_until: Moment
    per_citizen_limit: Annotated[int, Field(ge=1, le=100)] | None = None
    per_citizen_period: LimitPeriod = LimitPeriod.EVER
    list_price_fen: SomeFen | None = None
    evidence_file_id: UUID | None = None
    stock_total: Annotated[int, Field(ge=0, le=100_000_000)] | None = None
    daily_limit: Annotated[int, Field(ge=1, le=100_000_000)] | None = None
    budget_fen: Fen | None = None

    def proposal(self) -> Proposal:
        """The same as plain values."""
        values = {name: getattr(self, name) for name in type(self).model_fields if name != "weekdays"}
        return Proposal(**values, weekday_mask=sum(1 << day - 1 for day in set(self.weekdays)))


def _weekdays(mask: int) -> list[int]:
    return [bit + 1 for bit in range(7) if mask >> bit & 1]


class ContentOut(Out):
    """What an offer gives and asks for. `valid_until` is exclusive; `most_cost_fen` is the most that a coupon can cost."""

    title: str
    description: str
    discount_kind: DiscountKind
    percent_off: int | None
    cap_fen: int | None
    amount_off_fen: int | None
    threshold_fen: int | None
    fixed_price_fen: int | None
    deposit_fen: int | None
    pay_later_days: int | None
    higher_limit: int | None
    gift: str | None
    store_ids: list[UUID]
    uses_total: int | None
    daily_use_cap: int | None
    valid_from: Moment | None
    valid_until: Moment | None
    valid_days: int | None
    wait_days: int
    weekdays: Annotated[list[int], BeforeValidator(_weekdays)] = Field(validation_alias="weekday_mask")
    open_minute: int
    close_minute: int
    blackout_dates: list[date]
    is_client_renewal_allowed: bool
    shows_holder: bool
    alliance_share: int
    public_unit_share: int
    public_unit_id: UUID | None
    min_tier_level: int | None
    min_real_name_level: int
    ordinary_path: str | None
    claim_from: Moment
    claim_until: Moment
    per_citizen_limit: int | None
    per_citizen_period: LimitPeriod
    list_price_fen: int | None = None
    evidence_file_id: UUID | None = None
    most_cost_fen: int | None


class VersionOut(Out):
    """One proposal with its review; `raised_shortly_before`: the list price rose within 30 days before this discount.

    `share_consent`: what the public unit that is to bear a share says to it, once it was asked; null where none is.
    """

    number: int
    state: OfferVersionState
    content: ContentOut
    raised_shortly_before: bool
    proposed_at: Moment
    submitted_at: Moment | None
    decided_at: Moment | None
    decision_reason: str | None
    in_force_at: Moment | None
    superseded_at: Moment | None
    share_consent: ShareConsentState | None
    share_consent_at: Moment | None
    share_consent_reason: str | None


class ChangeOut(Out):
    """A field of the open version that differs from what is in force."""

    field: str
    before: Any
    after: Any


class OfferLineOut(Out):
    """An offer in a list, with its stock and budget as they stand; `open_*` is the version that is not decided yet.

    `office_reason`: why the office paused, resumed or ended it, where it was the last to do so and said why.
    """

    id: UUID
    title: str | None
    status: OfferStatus
    programme: str = Field(validation_alias="programme_id")
    region: str = Field(validation_alias="region_id")
    member_id: UUID
    member_name: str
    claim_from: Moment
    claim_until: Moment
    stock_total: int | None = Field(validation_alias="total")
    daily_limit: int | None
    issued: int | None
    budget_fen: int | None
    reserved_fen: int | None
    open_number: int | None
    open_state: OfferVersionState | None
    office_reason: str | None


class NameOut(Out):
    """What a store or a public unit is called."""

    id: UUID
    name: str


class OfferStoryOut(OfferLineOut):
    """An offer in full. `claimed` and `used` count coupons, to 10,000 at most; versions are the newest 50.

    `names` are of the stores and public units that the versions name.
    """

    in_force: ContentOut | None
    versions: list[VersionOut]
    changes: list[ChangeOut]
    names: list[NameOut]
    claimed: int
    used: int


def story_out(story: Story) -> OfferStoryOut:
    """The whole of an offer for its member or its reviewers."""
    return OfferStoryOut.model_validate(
        {
            **dict(story.offer),
            "in_force": story.in_force,
            "versions": [_version(version) for version in story.versions],
            "changes": [_change(change) for change in story.changes],
            "names": [dict(row) for row in story.names],
            "claimed": story.claimed,
            "used": story.used,
        }
    )


def _version(version: Version) -> dict[str, Any]:
    return {**dict(version.row), "content": version.content}


def _change(change: Change) -> ChangeOut:
    if change.field == "weekday_mask":
        return ChangeOut(field="weekdays", before=_weekdays(change.before), after=_weekdays(change.after))
    return ChangeOut(field=change.field, before=_for_json(change.before), after=_for_json(change.after))


def _for_json(value: Any) -> Any:
    if isinstance(value, list):
        return [_for_json(each) for each in value]
    if isinstance(value, datetime):
        return rfc3339(value)
    return str(value) if isinstance(value, UUID | date) else value
