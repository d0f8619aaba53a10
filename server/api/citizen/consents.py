"""Consents: what there is to agree to, giving one, refusing it, withdrawing it, and every proof of it."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from sanic import Blueprint, Request

from citizens import ages, consent_records, consents
from citizens.ages import CreditSubjectAdult, GuardianNeeded
from citizens.consents import ConsentVersionOutdated, Given, RecipientRequired
from common.actors import CitizenActor
from common.clock import now
from common.errors import NotFound
from models.citizen_enums import AgentKind, ConsentEnd
from models.enums import Channel, ConsentPurpose
from server.endpoints import endpoint
from server.problems import sentence_of
from server.schemas import (
    In,
    Moment,
    Out,
    Page,
    PageQuery,
    Query,
    decode_cursor,
    left_out_when_none,
    page_of,
)

routes = Blueprint("consents")

GUARDIANS = frozenset({AgentKind.GUARDIAN})
# Said of every purpose: nothing else depends on it.
IF_REFUSED = (
    "不同意没有任何不利后果：照常浏览和领取不需要这项授权的优惠，已领取的券照常使用。",
    "Refusing costs nothing: offers that don't need this consent stay yours, and so does what you claimed.",
)


class ConsentTextOut(Out):
    """The text in force; `sha256` is over its UTF-8."""

    purpose: ConsentPurpose
    version: str
    title: str
    text: str
    sha256: str


def _must_be_true(granted: bool) -> bool:
    if not granted:
        raise PydanticCustomError("only_true", "only true: withdrawing is DELETE")
    return granted


class ConsentIn(In):
    """Agreement to one version. Withdrawing is DELETE, not `false`."""

    version: Annotated[str, Field(min_length=1, max_length=32)]
    granted: Annotated[bool, AfterValidator(_must_be_true)]
    recipient_member_id: UUID | None = Field(
        default=None, description="member_sharing：给哪一家商家 / the member whose staff may see it"
    )


class RefusalIn(In):
    """ "Not now"; of `member_sharing`, to which member."""

    recipient_member_id: UUID | None = None


class RecipientQuery(Query):
    """Of the consents to share, the one that names this member; without it all of them."""

    recipient_member_id: UUID | None = None


class ConsentOut(Out):
    """A consent in force, with the id of its proof."""

    purpose: ConsentPurpose
    version: str
    granted_at: Moment
    proof_id: UUID
    recipient_member_id: UUID | None = left_out_when_none()


class PurposeOut(Out):
    """Something that a citizen can be asked for; its text is at `/consents/{purpose}`."""

    purpose: ConsentPurpose
    version: str
    title: str
    sha256: str
    names_recipient: bool
    if_refused: str


class PurposesOut(Out):
    """All of them."""

    items: list[PurposeOut]


class StandingOut(Out):
    """Where the citizen stands with one purpose, of `member_sharing` with one member.

    `may_ask`: whether a client may ask on its own now; a client that is not told so keeps silent until `not_before`.
    """

    purpose: ConsentPurpose
    recipient_member_id: UUID | None
    recipient_name: str | None
    proof_id: UUID | None
    version: str | None
    granted_at: Moment | None
    may_ask: bool
    not_before: Moment | None


class StandingsOut(Out):
    """All of them; a member that is not here was never asked for, and may be."""

    items: list[StandingOut]


class ProofOut(Out):
    """One consent with its text as it was; `given_through` is the channel of the sign-in, `given_by` who agreed."""

    id: UUID
    purpose: ConsentPurpose
    version: str
    title: str | None
    text: str | None
    sha256: str
    granted_at: Moment
    withdrawn_at: Moment | None
    ended_because: ConsentEnd | None
    recipient_member_id: UUID | None
    recipient_name: str | None
    given_by: Literal["citizen", "guardian"]
    given_through: Channel | None


@endpoint(
    routes,
    "GET",
    "/consents/<purpose>",
    summary="授权书文本 / A consent's text",
    answers={200: ConsentTextOut},
)
async def show_text(purpose: str) -> ConsentTextOut:
    """The text that is in force now."""
    return ConsentTextOut.model_validate(await consents.text_in_force(_purpose(purpose), now()))


@endpoint(
    routes, "GET", "/consents", summary="授权事项 / What there is to agree to", answers={200: PurposesOut}
)
async def purposes(request: Request) -> PurposesOut:
    """Every purpose with the text in force, and what refusing means: nothing."""
    texts = await consent_records.texts_in_force(now())
    refused = sentence_of(request, IF_REFUSED)
    return PurposesOut(
        items=[
            PurposeOut(
                purpose=text.purpose,
                version=text.version,
                title=text.title,
                sha256=text.sha256,
                names_recipient=text.purpose is ConsentPurpose.MEMBER_SHARING,
                if_refused=refused or "",
            )
            for text in texts
        ]
    )


@endpoint(
    routes,
    "GET",
    "/me/consents",
    summary="我的授权 / My consents",
    answers={200: StandingsOut},
    for_agents=GUARDIANS,
)
async def standings(actor: CitizenActor) -> StandingsOut:
    """What is in force, and what a client may ask for: for 30 days after a "not now" or a withdrawal it may not."""
    found = await consent_records.standings_of(actor.id, now())
    return StandingsOut(items=[StandingOut.model_validate(standing) for standing in found])


@endpoint(
    routes,
    "GET",
    "/me/consents/history",
    summary="授权记录 / Every proof of a consent",
    answers={200: Page[ProofOut]},
    for_agents=GUARDIANS,
)
async def history(actor: CitizenActor, query: PageQuery) -> Page[ProofOut]:
    """Newest first, those that ended too, each with its text as it was."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    rows = await consent_records.history_of(actor.id, before, query.limit + 1)
    return page_of(
        Page[ProofOut],
        rows,
        query.limit,
        lambda row: ProofOut.model_validate(dict(row)),
        lambda row: (row["id"],),
    )


@endpoint(
    routes,
    "PUT",
    "/me/consents/<purpose>",
    summary="同意授权 / Give consent",
    answers={200: ConsentOut},
    refusals=(ConsentVersionOutdated, RecipientRequired, GuardianNeeded, CreditSubjectAdult),
    for_agents=GUARDIANS,
)
async def grant(request: Request, actor: CitizenActor, purpose: str, body: ConsentIn) -> ConsentOut:
    """Agreeing again to the same version changes nothing. For a child under 14 his guardian agrees."""
    at, agent = now(), actor.agent
    wanted = _purpose(purpose)
    if agent and wanted is ConsentPurpose.GUARDIANSHIP:
        raise GuardianNeeded  # that is the guardian's own, and given by himself
    keys = request.app.ctx.settings.data_keys
    await ages.must_be_old_enough(actor.id, wanted, keys, at, by_guardian=agent is not None)
    given = Given(body.recipient_member_id, agent.id if agent else None, actor.session_id)
    consent = await consents.grant(actor.id, wanted, body.version, at, given)
    return ConsentOut(
        purpose=consent.purpose,
        version=consent.version,
        granted_at=consent.granted_at,
        proof_id=consent.id,
        recipient_member_id=consent.recipient_member_id,
    )


@endpoint(
    routes,
    "POST",
    "/me/consents/<purpose>/refusals",
    summary="暂不同意 / Not now",
    answers={204: None},
    refusals=(RecipientRequired,),
    for_agents=GUARDIANS,
)
async def refuse(actor: CitizenActor, purpose: str, body: RefusalIn) -> None:
    """Remembered, so that nobody asks again for 30 days; it changes nothing else."""
    await consent_records.refuse(actor.id, _purpose(purpose), body.recipient_member_id, now())


@endpoint(
    routes,
    "DELETE",
    "/me/consents/<purpose>",
    summary="撤回授权 / Withdraw consent",
    answers={204: None},
    for_agents=GUARDIANS,
)
async def withdraw(actor: CitizenActor, purpose: str, query: RecipientQuery) -> None:
    """What it allowed stops at once; coupons already claimed stay usable."""
    await consents.withdraw(actor.id, _purpose(purpose), now(), query.recipient_member_id)


def _purpose(text: str) -> ConsentPurpose:
    try:
        return ConsentPurpose(text)
    except ValueError:
        raise NotFound from None
