"""Relatives who help: a code is made, entered, confirmed; either of the two ends it."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import Field
from sanic import Blueprint, Request

from citizens import agents, helping
from citizens.agents import AlreadyBoundTo, Binding, TooManyBindings
from citizens.ages import GuardianNeeded
from citizens.children import AgentNotAdult
from citizens.credit import IdentityUnverified
from citizens.helping import HelperCodeInvalid, HelperNotWaiting
from common.actors import CitizenActor
from common.clock import now
from models.citizen_enums import AgentKind, BindingEnd, BindingState
from server.endpoints import endpoint
from server.schemas import In, Moment, Out

routes = Blueprint("helpers", url_prefix="/me")


class HelperCodeOut(Out):
    """Tell it to the relative who is to help, and to nobody else; good once, for ten minutes."""

    code: str
    expires_at: Moment


class HelperCodeIn(In):
    """As it is read on the other's phone; dash, blanks and lower case don't matter."""

    code: str = Field(min_length=1, max_length=64)


class AskedOut(Out):
    """The binding's id; it holds once the other confirms it."""

    id: UUID


class HelperOut(Out):
    """Somebody who helps, or is helped; `waiting` until it is confirmed, at the latest by `confirm_by`.

    `citizen_id` is for `/auth/acting`.
    """

    id: UUID
    state: BindingState
    citizen_id: UUID
    masked_name: str
    since: Moment
    confirm_by: Moment | None


class HelpersOut(Out):
    """All of them."""

    items: list[HelperOut]


@endpoint(
    routes,
    "POST",
    "/helpers/codes",
    summary="生成代办码 / Make a code for a helper",
    answers={201: HelperCodeOut},
    refusals=(GuardianNeeded,),
)
async def make_code(request: Request, actor: CitizenActor) -> HelperCodeOut:
    """Those made before are good no more."""
    made = await helping.make_code(actor.id, request.app.ctx.settings.data_keys, now())
    return HelperCodeOut.model_validate(made)


@endpoint(routes, "GET", "/helpers", summary="谁在帮我办 / Who helps me", answers={200: HelpersOut})
async def my_helpers(request: Request, actor: CitizenActor) -> HelpersOut:
    """With the masked name, to be looked at before one confirms."""
    return _helpers(await agents.of_principal(AgentKind.HELPER, actor.id, request.app.ctx.settings.data_keys))


@endpoint(
    routes,
    "POST",
    "/helpers/<helper_id>/confirmation",
    summary="确认由这位亲友代办 / Confirm a helper",
    answers={204: None},
    refusals=(HelperNotWaiting,),
)
async def confirm(actor: CitizenActor, helper_id: UUID) -> None:
    """From now on he may find and claim offers, show codes, give coupons back and complain. Twice is once."""
    await helping.confirm(actor.id, helper_id, now())


@endpoint(
    routes,
    "DELETE",
    "/helpers/<helper_id>",
    summary="不再由这位亲友代办 / End a helper",
    answers={204: None},
)
async def end_helper(actor: CitizenActor, helper_id: UUID) -> None:
    """At once; both are told. Also says no to one that waits. Twice is once."""
    whose = BindingEnd.PRINCIPAL, actor.id
    await agents.end(helper_id, AgentKind.HELPER, whose, BindingEnd.PRINCIPAL, now())


@endpoint(
    routes,
    "POST",
    "/helped",
    summary="填写代办码 / Enter somebody's code",
    answers={201: AskedOut},
    refusals=(IdentityUnverified, AgentNotAdult, HelperCodeInvalid, TooManyBindings, AlreadyBoundTo),
)
async def enter_code(request: Request, actor: CitizenActor, body: HelperCodeIn) -> AskedOut:
    """The other one sees the helper's masked name, and confirms within a day."""
    keys = request.app.ctx.settings.data_keys
    return AskedOut(id=await helping.enter_code(actor.id, body.code, keys, now()))


@endpoint(routes, "GET", "/helped", summary="我在帮谁办 / Whom I help", answers={200: HelpersOut})
async def whom_i_help(request: Request, actor: CitizenActor) -> HelpersOut:
    """Those that wait to be confirmed too."""
    return _helpers(await agents.of_agent(AgentKind.HELPER, actor.id, request.app.ctx.settings.data_keys))


@endpoint(
    routes,
    "DELETE",
    "/helped/<helped_id>",
    summary="不再为他代办 / Stop helping somebody",
    answers={204: None},
)
async def stop_helping(actor: CitizenActor, helped_id: UUID) -> None:
    """At once; both are told. Twice is once."""
    whose = BindingEnd.AGENT, actor.id
    await agents.end(helped_id, AgentKind.HELPER, whose, BindingEnd.AGENT, now())


def _helpers(bindings: Sequence[Binding]) -> HelpersOut:
    return HelpersOut(items=[_helper(binding) for binding in bindings])


def _helper(binding: Binding) -> HelperOut:
    return HelperOut(
        id=binding.id,
        state=binding.state,
        citizen_id=binding.citizen_id,
        masked_name=binding.masked_name,
        since=binding.made_at,
        confirm_by=binding.ends_at,
    )
