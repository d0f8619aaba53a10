"""Tokens → Actor. A session that was ended is refused by every process within a second."""

import asyncio
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic, time
from uuid import UUID

from sanic import Request

from citizens import agents
from common.actors import Actor, AdminActor, ApplicantActor, CitizenActor, MemberActor, StaffActor
from common.clock import now
from common.database import fetch_all, fetch_one, own_connection
from merchants import applications
from server import tokens
from server.config import Settings
from server.errors import NotAllowed, NotSignedIn
from server.rate_limit import RateLimiter
from server.tokens import Claims

# Checking a signature costs more than everything else here; a token that was good stays good until it
# expires or its session ends, and both are looked at every time.
MAX_REMEMBERED = 20_000
REVOCATIONS_EVERY_S = 0.4
# Older than this, and each request asks for its own session: an ended one is refused within a second.
FRESH_S = 0.9
KIND_OF = {"citizen": CitizenActor, "staff": StaffActor, "admin": AdminActor}


class RevokedSessions:
    """The sessions that ended while access tokens of theirs may still be about."""

    def __init__(self, access_token_s: int) -> None:
        self._span = timedelta(seconds=access_token_s + 60)
        self._ids: frozenset[UUID] = frozenset()
        self._read_at = -math.inf

    def __contains__(self, session_id: UUID) -> bool:
        return session_id in self._ids

    @property
    def is_fresh(self) -> bool:
        """Whether the list is young enough to rely on; a busy or sick database can keep it from being read."""
        return monotonic() - self._read_at < FRESH_S

    async def refresh(self, at: datetime) -> None:
        """Read them anew; called by a task of each worker several times a second."""
        asked_at = monotonic()
        rows = await fetch_all("SELECT id FROM sessions WHERE revoked_at > $1", at - self._span)
        if asked_at > self._read_at:  # else another reading, begun later, was faster
            self._ids = frozenset(row["id"] for row in rows)
            self._read_at = asked_at


@dataclass(frozen=True, slots=True)
class Known:
    """What a good token says once and for all; an admin is asked for anew, and whoever acts for another."""

    claims: Claims
    kind: type
    who: str
    actor: Actor | None

    @classmethod
    def of(cls, claims: Claims) -> "Known":
        """From what the token says.

        Raises:
            NotSignedIn: a clerk's token without a member.
        """
        # Whoever acts for another uses up his own limit, not the other's.
        return cls(claims, KIND_OF[claims.audience], str(claims.agent_id or claims.actor_id), _actor(claims))


def _actor(claims: Claims) -> Actor | None:
    if claims.agent_id is not None:
        return None
    if claims.audience == "citizen":
        return CitizenActor(claims.actor_id, claims.session_id)
    if claims.audience == "admin":
        return None
    if claims.member_id is None:
        raise NotSignedIn
    return StaffActor(claims.actor_id, claims.session_id, claims.member_id)


class Authenticator:
    """Finds out who asks, and whether he asks too often."""

    def __init__(self, settings: Settings, limiter: RateLimiter) -> None:
        self._settings = settings
        self._limiter = limiter
        self._limits = {
            "citizen": settings.citizen_limit,
            "staff": settings.staff_limit,
            "admin": settings.admin_limit,
        }
        self._remembered: dict[str, Known] = {}
        self.revoked = RevokedSessions(settings.access_token_s)

    async def __call__(self, request: Request, /, *kinds: type, optional: bool) -> Actor | None:
        """One of `kinds`; nobody only where that is allowed.

        Raises:
            NotSignedIn: no token, or one that is not good.
            NotAllowed: a good token of another audience.
            TooManyRequests: the actor's limit.
            ActingEnded: he acts for somebody, and may no more.
        """
        header: str | None = request.headers.get("authorization")
        if header is None:
            if optional:
                return None
            raise NotSignedIn
        scheme, _, token = header.partition(" ")
        if token.startswith(applications.KEY_PREFIX):
            return await self._applicant(scheme, token, kinds, optional=optional)
        known = self._known(scheme, token)
        claims = known.claims
        if await self.is_over(claims.session_id):
            raise NotSignedIn
        acts_for_member = known.kind is StaffActor and MemberActor in kinds
        if known.kind not in kinds and not acts_for_member:
            if optional:
                return None
            raise NotAllowed
        self._limiter.hit(claims.audience, known.who, self._limits[claims.audience])
        if acts_for_member:
            return await _member(claims.actor_id, claims.session_id)
        if claims.agent_id is not None and claims.binding_id is not None:
            return await _acting(claims.actor_id, claims.session_id, claims.agent_id, claims.binding_id)
        return known.actor or await _admin(claims.actor_id, claims.session_id)

    async def anew(self, actor: Actor) -> Actor:
        """The same one as he is now, when his request took minutes to arrive; how old his token is by now is no matter.

        Raises:
            NotSignedIn: his session or his account was ended meanwhile.
            ActingEnded: he may not act for the other any more.
        """
        if isinstance(actor, ApplicantActor):  # no session; each write looks at the application
            return actor
        if await self.is_over(actor.session_id):
            raise NotSignedIn
        if isinstance(actor, AdminActor):
            return await _admin(actor.id, actor.session_id)
        if isinstance(actor, CitizenActor) and actor.agent:
            agent = actor.agent
            return await _acting(actor.id, actor.session_id, agent.id, agent.binding_id)
        return await _member(actor.id, actor.session_id) if isinstance(actor, MemberActor) else actor

    async def is_over(self, session_id: UUID) -> bool:
        """Whether a session was ended; asks the database only while the list can't be relied on."""
        if self.revoked.is_fresh:
            return session_id in self.revoked
        return session_id in self.revoked or not await _is_session_open(session_id)

    async def _applicant(
        self, scheme: str, key: str, kinds: tuple[type, ...], *, optional: bool
    ) -> ApplicantActor | None:
        # The key of an application opens that application and nothing else; wrong ones cost their address.
        application_id = await applications.of_key(key) if scheme.lower() == "bearer" else None
        if application_id is None:
            raise NotSignedIn
        if ApplicantActor not in kinds:
            if optional:
                return None
            raise NotAllowed
        self._limiter.hit("applicant", str(application_id), self._settings.citizen_limit)
        return ApplicantActor(application_id)

    def _known(self, scheme: str, token: str) -> Known:
        if scheme.lower() != "bearer" or not token:
            raise NotSignedIn
        known = self._remembered.get(token)
        if known is None:
            known = Known.of(tokens.read_access(self._settings, token))
            if len(self._remembered) >= MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[token] = known
        if known.claims.expires_at <= time() or known.claims.session_id in self.revoked:
            self._remembered.pop(token, None)
            raise NotSignedIn
        return known


async def _is_session_open(session_id: UUID) -> bool:
    row = await fetch_one("SELECT 1 FROM sessions WHERE id = $1 AND revoked_at IS NULL", session_id)
    return row is not None


async def _admin(admin_id: UUID, session_id: UUID) -> AdminActor:
    """An admin's roles are asked for every time."""
    row = await fetch_one("SELECT roles, region_id FROM admins WHERE id = $1 AND status = 'active'", admin_id)
    if row is None:
        raise NotSignedIn
    return AdminActor(admin_id, session_id, tuple(row["roles"]), row["region_id"])


async def _acting(citizen_id: UUID, session_id: UUID, agent_id: UUID, binding_id: UUID) -> CitizenActor:
    """Somebody who acts for a citizen: whether he still may is asked every time, so that ending it ends it at once."""
    agent = await agents.acting(agent_id, citizen_id, binding_id, now())
    return CitizenActor(citizen_id, session_id, agent)


async def _member(staff_id: UUID, session_id: UUID) -> MemberActor:
    """So is the role of somebody who acts for his member."""
    row = await fetch_one("SELECT member_id, role FROM staff WHERE id = $1 AND status = 'active'", staff_id)
    if row is None:
        raise NotSignedIn
    return MemberActor(staff_id, session_id, row["member_id"], row["role"])


async def watch_revocations(authenticator: Authenticator, database_url: str) -> None:
    """Keep a process's list of ended sessions fresh, for as long as the process lives.

    Over a connection of its own: behind a rush of requests the list would be old when it comes.
    """
    async with own_connection(database_url):
        while True:
            await authenticator.revoked.refresh(now())
            await asyncio.sleep(REVOCATIONS_EVERY_S)
