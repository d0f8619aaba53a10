"""The channels that a citizen signs in through: adding one, joining its account, taking one off."""

from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, Field
from sanic import Blueprint, Request

from alliance import account_joins, citizen_channels
from alliance.account_joins import AccountsToJoin, JoinsUsedUp, JoinTokenInvalid
from alliance.citizen_channels import LastChannel
from benefits.refusals import Busy, IdempotencyKeyReused
from citizens import accounts
from citizens.accounts import AccountGone, OtherPerson
from citizens.channels import ChannelUnavailable, LoginBlocked, LoginCodeInvalid, NaturalPersonRequired
from common.actors import CitizenActor
from common.clock import now
from common.errors import NotFound
from common.request_keys import request_key
from models.enums import Channel
from server import sessions
from server.api.citizen.sign_in import exchanged
from server.endpoints import Answer, IdempotencyKey, endpoint
from server.schemas import In, Moment, Out, Page, PageQuery, decode_cursor, page_of
from server.sessions import SignInTooOld

routes = Blueprint("citizen_channels", url_prefix="/me/channels")

MOST_ID = (1 << 63) - 1


class ChannelIn(In):
    """The one-time code that the channel gave, as for signing in."""

    channel: Channel
    code: str = Field(min_length=1, max_length=512)


class OwnChannelOut(Out):
    """One identity that the citizen signs in with; a channel may be there twice."""

    id: Annotated[str, BeforeValidator(str)]
    channel: Channel
    since: Moment


class JoinIn(In):
    """The token of the answer `accounts_to_join`, good for ten minutes and for the account that got it."""

    token: str = Field(min_length=1, max_length=200)


class JoinedOut(Out):
    """The account that both are now. `sign_in_again`: the caller's session has ended with the account that went."""

    citizen_id: UUID
    joined_at: Moment
    sign_in_again: bool = Field(validation_alias="is_signed_out")


@endpoint(
    routes,
    "GET",
    "",
    summary="我的登录渠道 / My channels",
    answers={200: Page[OwnChannelOut]},
)
async def listed(actor: CitizenActor, query: PageQuery) -> Page[OwnChannelOut]:
    """Newest first."""
    before = decode_cursor(query.cursor, (int,))[0] if query.cursor else None
    rows = await accounts.identities_of(actor.id, before, query.limit + 1)
    return page_of(
        Page[OwnChannelOut],
        rows,
        query.limit,
        lambda row: OwnChannelOut.model_validate(dict(row)),
        lambda row: (row["id"],),
    )


@endpoint(
    routes,
    "POST",
    "",
    summary="添加登录渠道 / Add a channel",
    answers={200: OwnChannelOut},
    refusals=(
        *(LoginCodeInvalid, LoginBlocked, ChannelUnavailable, NaturalPersonRequired, OtherPerson),
        *(AccountsToJoin, AccountGone, NotFound, SignInTooOld),
    ),
)
async def add(request: Request, actor: CitizenActor, body: ChannelIn) -> OwnChannelOut:
    """Where the channel has an account of its own, the answer says how to join the two. After a sign-in of the last five minutes."""
    # Whoever has a token for some minutes must not make himself a way in that stays. Before the code is spent.
    await sessions.must_be_recent(actor.session_id, now())
    login = await exchanged(request, body.channel, body.code)
    keys = request.app.ctx.settings.data_keys
    row = await citizen_channels.add(actor, body.channel, login, keys, now())
    return OwnChannelOut.model_validate(dict(row))


@endpoint(
    routes,
    "POST",
    "/join",
    summary="合并账号 / Join two accounts",
    answers={200: JoinedOut},
    refusals=(JoinTokenInvalid, OtherPerson, JoinsUsedUp, IdempotencyKeyReused, Busy),
)
async def join(request: Request, actor: CitizenActor, body: JoinIn, key: IdempotencyKey) -> Answer:
    """The account with the verified person stays, else the older one; coupons and records of both are there."""
    asked = request_key(key, body.canonical())
    keys = request.app.ctx.settings.data_keys
    joined = await account_joins.join(actor, body.token, asked, keys, now())
    return Answer(200, JoinedOut.model_validate(joined), replayed=joined.is_replayed)


@endpoint(
    routes,
    "DELETE",
    "/<identity_id>",
    summary="解除登录渠道 / Take a channel off",
    answers={204: None},
    refusals=(NotFound, LastChannel),
)
async def remove(actor: CitizenActor, identity_id: str) -> None:
    """Not the last one; every other phone is signed out."""
    is_number = identity_id.isascii() and identity_id.isdecimal() and len(identity_id) <= len(str(MOST_ID))
    if not is_number or int(identity_id) > MOST_ID:
        raise NotFound
    await citizen_channels.remove(actor, int(identity_id), now())
