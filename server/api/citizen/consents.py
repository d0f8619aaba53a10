"""Consents: reading the text, giving one, withdrawing it."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from sanic import Blueprint

from citizens import consents
from citizens.consents import ConsentVersionOutdated
from common.actors import CitizenActor
from common.clock import now
from common.errors import NotFound
from models.enums import ConsentPurpose
from server.endpoints import endpoint
from server.schemas import In, Moment, Out

routes = Blueprint("consents")


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


class ConsentOut(Out):
    """A consent in force, with the id of its proof."""

    purpose: ConsentPurpose
    version: str
    granted_at: Moment
    proof_id: UUID


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
    routes,
    "PUT",
    "/me/consents/<purpose>",
    summary="同意授权 / Give consent",
    answers={200: ConsentOut},
    refusals=(ConsentVersionOutdated,),
)
async def grant(actor: CitizenActor, purpose: str, body: ConsentIn) -> ConsentOut:
    """Agreeing again to the same version changes nothing."""
    consent = await consents.grant(actor.id, _purpose(purpose), body.version, now())
    return ConsentOut(
        purpose=consent.purpose,
        version=consent.version,
        granted_at=consent.granted_at,
        proof_id=consent.id,
    )


@endpoint(
    routes, "DELETE", "/me/consents/<purpose>", summary="撤回授权 / Withdraw consent", answers={204: None}
)
async def withdraw(actor: CitizenActor, purpose: str) -> None:
    """Look-ups stop at once; coupons already claimed stay usable."""
    await consents.withdraw(actor.id, _purpose(purpose), now())


def _purpose(text: str) -> ConsentPurpose:
    try:
        return ConsentPurpose(text)
    except ValueError:
        raise NotFound from None
