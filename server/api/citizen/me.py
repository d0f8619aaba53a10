"""Who the citizen is here, as little as possible; and his confirmation that he is a certain clerk."""

from uuid import UUID

from pydantic import Field
from sanic import Blueprint, Request

from citizens import accounts, consents, phones
from citizens.channels import ChannelUnavailable, PhoneCodeInvalid, PhoneNotMainland
from common.actors import CitizenActor
from common.clock import now
from common.masking import masked_phone
from merchants import self_bindings
from merchants.self_bindings import AlreadyBound, BindingCodeInvalid
from merchants.staff import StaffRevoked
from models.citizen_enums import RealNameLevel
from models.enums import Channel, ConsentPurpose
from server.channels import Channels
from server.endpoints import ANY_AGENT, endpoint
from server.schemas import In, Moment, Out, left_out_when_none

routes = Blueprint("me", url_prefix="/me")


class GivenConsentOut(Out):
    """A consent in force."""

    purpose: ConsentPurpose
    version: str
    granted_at: Moment
    recipient_member_id: UUID | None = left_out_when_none()


class MeOut(Out):
    """The citizen to himself; `masked_name` is like `*大友`, `masked_phone` like `137****9050`."""

    id: UUID
    masked_name: str
    masked_phone: str | None
    channels: list[Channel]
    consents: list[GivenConsentOut]
    real_name_level: int = Field(description="0 无，1 手机号，2 实名 / 0 none, 1 a mobile number, 2 a person")


class PhoneIn(In):
    """The one-time code that the channel gave the mini-program for the number (手机号授权), not the one of the login."""

    channel: Channel
    code: str = Field(min_length=1, max_length=512)


class PhoneOut(Out):
    """The number as it is shown, and the level that the citizen has with it: 1, or 2 with a verified name."""

    masked_phone: str
    real_name_level: RealNameLevel


class StaffBindingIn(In):
    """The code that the staff app shows."""

    binding_code: str = Field(min_length=1, max_length=200)


@endpoint(
    routes,
    "GET",
    "",
    summary="我的信息 / Me",
    answers={200: MeOut},
    for_agents=ANY_AGENT,
)
async def me(request: Request, actor: CitizenActor) -> MeOut:
    """Masked name and number, channels, consents, and how well he is known."""
    keys = request.app.ctx.settings.data_keys
    name, channels = await accounts.profile(actor.id, keys)
    given = await consents.in_force(actor.id)
    return MeOut(
        id=actor.id,
        masked_name=name,
        masked_phone=await phones.masked(actor.id, keys),
        channels=channels,
        consents=[GivenConsentOut.model_validate(consent) for consent in given],
        real_name_level=await accounts.real_name_level_of(actor.id),
    )


@endpoint(
    routes,
    "POST",
    "/staff-binding",
    summary="确认我是这位店员 / Confirm that I am this clerk",
    answers={204: None},
    refusals=(BindingCodeInvalid, AlreadyBound, StaffRevoked),
)
async def confirm_staff(request: Request, actor: CitizenActor, body: StaffBindingIn) -> None:
    """Keeps a keyed hash, no name, so that nobody redeems his own coupons."""
    keys = request.app.ctx.settings.data_keys
    staff_id = self_bindings.read_code(body.binding_code, keys, now())
    await self_bindings.bind(staff_id, actor.id, keys, now())


@endpoint(
    routes,
    "POST",
    "/phone",
    summary="绑定手机号 / Bind my mobile number",
    answers={200: PhoneOut},
    refusals=(PhoneCodeInvalid, PhoneNotMainland, ChannelUnavailable),
)
async def bind_phone(request: Request, actor: CitizenActor, body: PhoneIn) -> PhoneOut:
    """The number that the channel has verified, kept encrypted in place of an older one; nobody is found by it."""
    channels: Channels = request.app.ctx.channels
    channel = channels.phones.get(body.channel)
    if channel is None:
        raise ChannelUnavailable(retry_after_s=60)
    phone = await channel.phone(body.code)
    level = await phones.keep(actor.id, phone, body.channel, request.app.ctx.settings.data_keys, now())
    return PhoneOut(masked_phone=masked_phone(phone), real_name_level=level)
