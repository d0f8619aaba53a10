"""A clerk gets a code, and confirms it as a citizen: from then on he can't redeem his own coupons."""

from sanic import Blueprint, Request

from common.actors import StaffActor
from common.clock import now
from merchants import self_bindings
from server.endpoints import endpoint
from server.schemas import Out

routes = Blueprint("self_binding", url_prefix="/staff")


class BindingCodeOut(Out):
    """To be confirmed in the citizen's app within `good_for_s` seconds."""

    binding_code: str
    good_for_s: int


@endpoint(
    routes,
    "POST",
    "/self-binding",
    summary="店员本人确认 / Who am I as a citizen",
    answers={200: BindingCodeOut},
)
async def make_code(request: Request, actor: StaffActor) -> BindingCodeOut:
    """A code for `POST /me/staff-binding`."""
    code = self_bindings.make_code(actor.id, request.app.ctx.settings.data_keys, now())
    return BindingCodeOut(binding_code=code, good_for_s=self_bindings.CODE_GOOD_FOR_S)
