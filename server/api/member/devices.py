"""扫码终端: made for a store, paired with a code, given up."""

from typing import Annotated
from uuid import UUID

from pydantic import Field
from sanic import Blueprint

from common.actors import MemberActor
from common.clock import now
from merchants import devices
from merchants.devices import Pairing
from merchants.staff_rights import StoresUnknown
from server.endpoints import Answer, endpoint
from server.schemas import In, Moment, Out, Page, PageQuery, decode_cursor, page_of

routes = Blueprint("member_devices", url_prefix="/devices")


class DeviceIn(In):
    """What it is called, and its store."""

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"\S")]
    store_id: UUID


class PairingOut(Out):
    """Typed on the device, once, before `expires_at`; shown only here."""

    device_id: UUID
    code: str
    expires_at: Moment


class DeviceOut(Out):
    """A device; `last_seen_at` is some minutes behind."""

    id: UUID
    name: str
    store_id: UUID
    store_name: str
    made_at: Moment
    paired_at: Moment | None
    last_seen_at: Moment | None
    revoked_at: Moment | None


def _pairing(pairing: Pairing) -> Answer:
    body = PairingOut(device_id=pairing.device_id, code=pairing.code, expires_at=pairing.expires_at)
    return Answer(201, body, {"Cache-Control": "no-store"})


@endpoint(
    routes,
    "GET",
    "",
    summary="扫码终端列表 / Devices",
    answers={200: Page[DeviceOut]},
    may="device.read",
)
async def listed(actor: MemberActor, query: PageQuery) -> Page[DeviceOut]:
    """Oldest first; a manager sees those of his stores."""
    after = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    rows = await devices.listed(actor, after, query.limit + 1)
    return page_of(
        Page[DeviceOut],
        rows,
        query.limit,
        lambda row: DeviceOut.model_validate(dict(row)),
        lambda row: (row["id"],),
    )


@endpoint(
    routes,
    "POST",
    "",
    summary="添加扫码终端 / Add a device",
    answers={201: PairingOut},
    refusals=(StoresUnknown,),
    may="device.create",
)
async def create(actor: MemberActor, body: DeviceIn) -> Answer:
    """The code is good for ten minutes. A device redeems at its store without a person, and undoes nothing."""
    return _pairing(await devices.make(actor, body.name, body.store_id, now()))


@endpoint(
    routes,
    "POST",
    "/<device_id>/pairing",
    summary="重新配对 / Pair it again",
    answers={201: PairingOut},
    may="device.create",
)
async def make_code(actor: MemberActor, device_id: UUID) -> Answer:
    """A fresh code; when it is typed, whatever was paired before is out."""
    return _pairing(await devices.make_code(actor, device_id, now()))


@endpoint(
    routes,
    "POST",
    "/<device_id>/revocation",
    summary="停用扫码终端 / Revoke a device",
    answers={204: None},
    may="device.revoke",
)
async def revoke(actor: MemberActor, device_id: UUID) -> None:
    """For a lost one: refused within a second."""
    await devices.revoke(actor, device_id, now())
