"""A citizen signs in through a channel."""

from pydantic import Field
from sanic import Blueprint, Request

from benefits.refusals import Busy
from citizens.accounts import citizen_of
from citizens.channels import (
    ChannelUnavailable,
    Login,
    LoginBlocked,
    LoginCodeInvalid,
    NaturalPersonRequired,
)
from common.clock import now
from models.enums import ActorKind, Channel
from server import sessions
from server.api.sessions import ActorOut, TokensOut, tokens_of
from server.channels import Channels
from server.endpoints import Answer, endpoint
from server.passwords import LoginFailed
from server.schemas import In, Out

routes = Blueprint("citizen_sign_in", url_prefix="/auth")

MOST_TRIES = 3
# They change with a restart, if at all.
KEPT = {"Cache-Control": "public, max-age=300"}


class SignInChannelOut(Out):
    """A channel that citizens can sign in through here."""

    channel: Channel


class SignInChannelsOut(Out):
    """All of them; a page offers these and no others."""

    items: list[SignInChannelOut]


@endpoint(
    routes,
    "GET",
    "/channels",
    summary="登录渠道 / Channels to sign in through",
    answers={200: SignInChannelsOut},
)
async def list_sign_in_channels(request: Request) -> Answer:
    """What this installation was set up with, and the sandbox's own in a sandbox."""
    channels: Channels = request.app.ctx.channels
    items = [SignInChannelOut(channel=channel) for channel in Channel if channel in channels.logins]
    return Answer(200, SignInChannelsOut(items=items), KEPT)


class CitizenSignInIn(In):
    """The one-time code that the channel gave the mini-program."""

    channel: Channel
    code: str = Field(min_length=1, max_length=512)


class CitizenSignedInOut(TokensOut):
    """Tokens, and the citizen's random id."""

    citizen: ActorOut


@endpoint(
    routes,
    "POST",
    "/citizen",
    summary="市民登录 / Sign in as a citizen",
    answers={200: CitizenSignedInOut},
    refusals=(LoginCodeInvalid, LoginBlocked, NaturalPersonRequired, ChannelUnavailable, Busy),
)
async def sign_in(request: Request, body: CitizenSignInIn) -> CitizenSignedInOut:
    """One natural person is one citizen, whichever channel he comes from."""
    settings = request.app.ctx.settings
    login = await exchanged(request, body.channel, body.code)
    for _ in range(MOST_TRIES):
        citizen_id = await citizen_of(body.channel, login, settings.data_keys)
        try:
            signed_in = await sessions.begin(
                settings, ActorKind.CITIZEN, citizen_id, None, now(), channel=body.channel
            )
        except LoginFailed:
            continue  # a moment ago he joined the account to another of his, or had himself erased
        return CitizenSignedInOut(**tokens_of(signed_in), citizen=ActorOut(id=citizen_id))  # type: ignore[arg-type]
    raise Busy


async def exchanged(request: Request, channel: Channel, code: str) -> Login:
    """Who a channel says that a code belongs to.

    Raises:
        ChannelUnavailable: it does not answer, or is not there.
        LoginCodeInvalid, LoginBlocked: it refuses.
    """
    channels: Channels = request.app.ctx.channels
    found = channels.logins.get(channel)
    if found is None:
        raise ChannelUnavailable(retry_after_s=60)
    return await found.exchange(code)
