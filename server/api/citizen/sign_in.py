"""A citizen signs in through a channel."""

from functools import partial

from pydantic import Field
from sanic import Blueprint, Request

from citizens import phones
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
from server.endpoints import endpoint
from server.passwords import LoginFailed
from server.schemas import In

routes = Blueprint("citizen_sign_in", url_prefix="/auth")


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
    refusals=(LoginCodeInvalid, LoginBlocked, NaturalPersonRequired, ChannelUnavailable),
)
async def sign_in(request: Request, body: CitizenSignInIn) -> CitizenSignedInOut:
    """One natural person is one citizen, whichever channel he comes from."""
    settings = request.app.ctx.settings
    login = await exchanged(request, body.channel, body.code)
    if login.legal_person is not None:
        raise NaturalPersonRequired
    citizen_id = await citizen_of(body.channel, login, settings.data_keys)
    begin = partial(sessions.begin, settings, ActorKind.CITIZEN, channel=body.channel)
    try:
        signed_in = await begin(citizen_id, None, now())
    except LoginFailed:
        # He had himself erased on another phone in this moment: he comes as somebody new.
        citizen_id = await citizen_of(body.channel, login, settings.data_keys)
        signed_in = await begin(citizen_id, None, now())
    if login.phone is not None:
        await phones.keep(citizen_id, login.phone, body.channel, settings.data_keys, now())
    return CitizenSignedInOut(**tokens_of(signed_in), citizen=ActorOut(id=citizen_id))  # type: ignore[arg-type]


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
