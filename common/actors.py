"""Who is asking."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Agent:
    """Who acts for a citizen, under which binding, and as what: `guardian` or `helper`."""

    id: UUID
    binding_id: UUID
    kind: str


@dataclass(frozen=True, slots=True)
class CitizenActor:
    """A signed-in citizen: his random subject id and his session. With an agent, both are another's: the session is the
    agent's, and few routes let him in (`server.endpoints`: `for_agents`)."""

    id: UUID
    session_id: UUID
    agent: Agent | None = None


@dataclass(frozen=True, slots=True)
class StaffActor:
    """A signed-in person of a member's staff. Role and stores are read where they are needed, never trusted from a token."""

    id: UUID
    session_id: UUID
    member_id: UUID


@dataclass(frozen=True, slots=True)
class MemberActor:
    """Somebody of a member's staff who acts for the member, with his role as the database has it now."""

    id: UUID
    session_id: UUID
    member_id: UUID
    role: str


@dataclass(frozen=True, slots=True)
class AdminActor:
    """A signed-in alliance admin, with his roles and his region as the database has them now."""

    id: UUID
    session_id: UUID
    roles: tuple[str, ...]
    region: str


@dataclass(frozen=True, slots=True)
class ApplicantActor:
    """Whoever holds the key of an application for membership; `id` is the application's. He has no session."""

    id: UUID


Actor = CitizenActor | StaffActor | MemberActor | AdminActor | ApplicantActor
