"""Refreshing and ending a session, the same for every audience."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from pydantic import Field
from sanic import Blueprint, Request

from common.actors import AdminActor, CitizenActor, StaffActor
from common.clock import now
from common.database import Row
from models.enums import ActorKind
from server import sessions
from server.config import Settings
from server.endpoints import endpoint
from server.schemas import In, Moment, Out, Page, left_out_when_none, page_of
from server.sessions import RefreshTokenInvalid, RefreshTokenReused, SignedIn

routes = Blueprint("sessions", url_prefix="/auth")


class ActorOut(Out):
    """The signed-in person's own id."""

    id: UUID


class TokensOut(Out):
    """A pair of tokens; `expires_in` is the access token's life in seconds."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the scheme's name
    expires_in: int


class RefreshedOut(TokensOut):
    """A new pair, and whose it is: exactly one of the three is there."""

    citizen: ActorOut | None = left_out_when_none()
    staff: ActorOut | None = left_out_when_none()
    admin: ActorOut | None = left_out_when_none()


class RefreshIn(In):
    """The refresh token that came with the last pair."""

    refresh_token: str = Field(min_length=1, max_length=4096)


class SessionOut(Out):
    """One sign-in; `refreshed_at` is when it was used last, some minutes behind."""

    id: UUID
    created_at: Moment
    refreshed_at: Moment
    expires_at: Moment
    is_this_one: bool


def session_page(rows: Sequence[Row], limit: int, own: UUID) -> Page[SessionOut]:
    """A page of somebody's sessions, read with one row more than it shows; `own` is the one that asks."""
    return page_of(
        Page[SessionOut],
        rows,
        limit,
        lambda row: SessionOut(
            id=row["id"],
            created_at=row["created_at"],
            refreshed_at=row["rotated_at"],
            expires_at=row["expires_at"],
            is_this_one=row["id"] == own,
        ),
        lambda row: (row["id"],),
    )


def tokens_of(signed_in: SignedIn) -> dict[str, str | int]:
    """The fields that every sign-in answers with."""
    return {
        "access_token": signed_in.access_token,
        "refresh_token": signed_in.refresh_token,
        "expires_in": signed_in.expires_in,
    }


@endpoint(
    routes,
    "POST",
    "/refresh",
    summary="换取新的令牌 / Exchange a refresh token",
    answers={200: RefreshedOut},
    refusals=(RefreshTokenInvalid, RefreshTokenReused),
)
async def refresh(request: Request, body: RefreshIn) -> RefreshedOut:
    """Each refresh token is good once; for a minute a lost answer is given again."""
    settings: Settings = request.app.ctx.settings
    signed_in = await sessions.refresh(settings, body.refresh_token, now())
    actor = ActorOut(id=signed_in.actor_id)
    whose = {
        ActorKind.CITIZEN: {"citizen": actor},
        ActorKind.STAFF: {"staff": actor},
        ActorKind.ADMIN: {"admin": actor},
    }[signed_in.actor_kind]
    return RefreshedOut(**tokens_of(signed_in), **whose)  # type: ignore[arg-type]


@endpoint(routes, "POST", "/logout", summary="退出登录 / Sign out", answers={204: None}, may="session.own")
async def logout(request: Request, actor: CitizenActor | StaffActor | AdminActor) -> None:
    """Ends this session everywhere, with the codes that its phone could make."""
    await sessions.end(actor.session_id, "logout", now())
    await request.app.ctx.authenticate.revoked.refresh(now())
