"""Who the citizen is here, as little as possible; and his confirmation that he is a certain clerk."""

from uuid import UUID

from pydantic import Field
from sanic import Blueprint, Request

from citizens import accounts, consents
from common.actors import CitizenActor
from common.clock import now
from merchants import self_bindings
from merchants.self_bindings import AlreadyBound, BindingCodeInvalid
from merchants.staff import StaffRevoked
from models.enums import Channel, ConsentPurpose
from server.endpoints import endpoint
from server.schemas import In, Moment, Out

routes = Blueprint("me", url_prefix="/me")


class GivenConsentOut(Out):
    """A consent in force."""

    purpose: ConsentPurpose
    version: str
    granted_at: Moment


class MeOut(Out):
    """The citizen to himself; `masked_name` is like `*大友`."""

    id: UUID
    masked_name: str
    channels: list[Channel]
    consents: list[GivenConsentOut]
    real_name_level: int = Field(description="0 无，1 手机号，2 实名 / 0 none, 1 a mobile number, 2 a person")


class StaffBindingIn(In):
    """The code that the staff app shows."""

    binding_code: str = Field(min_length=1, max_length=200)


@endpoint(routes, "GET", "", summary="我的信息 / Me", answers={200: MeOut})
async def me(request: Request, actor: CitizenActor) -> MeOut:
    """Masked name, channels, consents, and how well he is known."""
    name, channels = await accounts.profile(actor.id, request.app.ctx.settings.data_keys)
    given = await consents.in_force(actor.id)
    return MeOut(
        id=actor.id,
        masked_name=name,
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
