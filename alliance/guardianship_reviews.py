"""The office's side of guardianship: a reviewer of the county looks at the proof, confirms or refuses, and can end it.

Nobody's name or number is shown in full (rule 14); the proof itself is read by reviewers alone, and that is audited.
Two decisions at once: the first one holds the request's row, the second finds it decided.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from citizens import agents
from citizens.accounts import NAME, citizen_of_person
from citizens.ages import OWN_CONSENT, is_under
from citizens.channels import Person
from citizens.children import CHILD_NAME, CHILD_NUMBER, NotAChild, RequestNotOpen, until
from common.actors import AdminActor
from common.crypto import PersonalDataKeys
from common.database import Row, execute, fetch_all, fetch_one, transaction
from common.errors import NotFound, Refused
from common.ids import AFTER_ALL
from common.masking import masked_name, masked_numbers
from models import audit_log, notice_log, stored_files
from models.citizen_enums import AgentKind, BindingEnd, BindingState, GuardianshipState
from models.office_enums import FilePurpose
from models.region import shared_prefix, subtree_prefix

COLUMNS = """g.id, g.region_id, g.state, g.guardian_id, g.name_encrypted, g.id_number_encrypted, g.requested_at,
 g.decided_at, g.reason, g.binding_id, p.name_encrypted AS guardian_encrypted,
 (SELECT b.ended_at FROM agent_bindings b WHERE b.id = g.binding_id) AS ended_at"""
JOINED = "LEFT JOIN natural_persons p ON p.citizen_id = g.guardian_id"


class EvidenceMissing(Refused):
    """Nothing was uploaded that shows who the guardian is."""

    code = "evidence_missing"
    zh = "申请人还没有上传监护关系证明，不能通过。请等对方上传，或写明原因退回。"
    en = (
        "No proof of guardianship was uploaded, so it can't be confirmed. Wait for it, or refuse and say why."
    )


class GuardianshipOver(Refused):
    """There is nothing in force to end."""

    code = "guardianship_over"
    zh = "这份监护关系没有生效，或者已经结束，不用再处理。请刷新查看。"
    en = "This guardianship is not in force, or has ended; there is nothing to do. Look at it again."


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request as the office sees it; the child's name and number are masked, and gone once it is decided."""

    id: UUID
    region: str
    state: GuardianshipState
    guardian_name: str
    child_name: str | None
    child_id_number: str | None
    requested_at: datetime
    decided_at: datetime | None
    reason: str | None
    ended_at: datetime | None


async def listed(
    actor: AdminActor,
    region: str | None,
    state: GuardianshipState | None,
    keys: PersonalDataKeys,
    place: tuple[UUID | None, int],
) -> Sequence[RequestView]:
    """Of the admin's region and below, newest first; `place` is the last id of the page before, and how many."""
    prefix = shared_prefix(actor.region, region or actor.region)
    if prefix is None:
        return []
    before, limit = place
    which, more = ("AND g.state = $4", [state]) if state else ("", [])
    newest = "ORDER BY g.id DESC LIMIT $3"
    rows = await fetch_all(
        f"SELECT {COLUMNS} FROM regions r CROSS JOIN LATERAL (SELECT * FROM guardianship_requests g"
        f" WHERE g.region_id = r.code AND g.id < $2 {which} {newest}) g {JOINED}"
        f" WHERE r.code LIKE $1 || '%' {newest}",
        *(prefix, before or AFTER_ALL, limit, *more),
    )
    return [_view(row, keys) for row in rows]


async def one(actor: AdminActor, request_id: UUID, keys: PersonalDataKeys) -> RequestView:
    """A request of the admin's region.

    Raises:
        NotFound: there is none.
    """
    return _view(await _of_region(actor, request_id, ""), keys)


async def opened(
    actor: AdminActor, request_id: UUID, keys: PersonalDataKeys, now: datetime
) -> tuple[RequestView, Sequence[Row]]:
    """A request of the admin's region and its proofs; that it was read is recorded, and the guardian sees it.

    Raises:
        NotFound: there is none.
    """
    view, files = await one(actor, request_id, keys), await evidence_of(actor, request_id)
    who, thing = audit_log.who(actor), ("guardianship", request_id)
    await audit_log.record(who, "guardianship.read", thing, now, region=view.region)
    return view, files


async def evidence_of(actor: AdminActor, request_id: UUID) -> Sequence[Row]:
    """The proofs of a request in the admin's region, the first one first.

    Raises:
        NotFound: there is no such request.
    """
    await _of_region(actor, request_id, "")
    return await fetch_all(
        "SELECT id, name, media_type, size, stored_at FROM stored_files"
        " WHERE owner_id = $1 AND purpose = 'guardian_evidence' AND deleted_at IS NULL ORDER BY id",
        request_id,
    )


async def read_evidence(actor: AdminActor, request_id: UUID, file_id: UUID, now: datetime) -> Row:
    """One proof, to be read; that it was read is audited.

    Raises:
        NotFound: no such request in the admin's region, or no such file of it.
    """
    request = await _of_region(actor, request_id, "")
    file = await stored_files.of_owner(file_id, FilePurpose.GUARDIAN_EVIDENCE, request_id)
    await audit_log.record(
        *(audit_log.who(actor), "guardianship.read_evidence", ("file", file_id), now),
        region=request["region_id"],
    )
    return file


async def confirm(actor: AdminActor, request_id: UUID, keys: PersonalDataKeys, now: datetime) -> None:
    """Let the guardian act until the child's 14th birthday; the child becomes a citizen, if he is none yet.

    Raises:
        NotFound: no such request in the admin's region.
        RequestNotOpen: it was decided or withdrawn.
        EvidenceMissing: there is no proof.
        NotAChild: the child has turned 14 meanwhile.
        NameDiffers: the number is that of somebody who is known by another name.
        TooManyBindings, AlreadyBoundTo: the child has four guardians, the guardian ten children, or this one already.
    """
    async with transaction():
        request = await _open(actor, request_id)
        if not await evidence_of(actor, request_id):
            raise EvidenceMissing
        number = keys.decrypt(request["id_number_encrypted"], CHILD_NUMBER)
        if not is_under(number, OWN_CONSENT, now):
            raise NotAChild
        child = Person(name=keys.decrypt(request["name_encrypted"], CHILD_NAME), id_number=number)
        child_id = await citizen_of_person(child, keys)
        binding_id = await agents.bind(
            *(AgentKind.GUARDIAN, request["guardian_id"], child_id, BindingState.ACTIVE, until(number), now)
        )
        await _decided(actor, request_id, GuardianshipState.CONFIRMED, None, (child_id, binding_id), now)
        await _tell(request, "guardianship_confirmed", {}, now)
        await _record(actor, request, "guardianship.confirm", now)


async def refuse(actor: AdminActor, request_id: UUID, reason: str, now: datetime) -> None:
    """Say no, and why; who the child is, and the proof, are deleted.

    Raises:
        NotFound, RequestNotOpen: as for `confirm`.
    """
    async with transaction():
        request = await _open(actor, request_id)
        await _decided(actor, request_id, GuardianshipState.REFUSED, reason, (None, None), now)
        await stored_files.delete_all(FilePurpose.GUARDIAN_EVIDENCE, request_id, now)
        await _tell(request, "guardianship_refused", {"reason": reason}, now)
        await _record(actor, request, "guardianship.refuse", now)


async def end(actor: AdminActor, request_id: UUID, reason: str, now: datetime) -> None:
    """End a guardianship that was confirmed: it was wrong, or it was taken from the guardian. At once.

    Raises:
        NotFound: no such request in the admin's region.
        GuardianshipOver: it is not in force.
    """
    async with transaction():
        request = await _of_region(actor, request_id, " FOR UPDATE OF g")
        if request["binding_id"] is None or not await fetch_one(
            "SELECT 1 FROM agent_bindings WHERE id = $1 AND ended_at IS NULL FOR UPDATE",
            request["binding_id"],
        ):
            raise GuardianshipOver
        await agents.end(request["binding_id"], AgentKind.GUARDIAN, None, BindingEnd.OFFICE, now)
        await _tell(request, "guardianship_ended_by_office", {"reason": reason}, now)
        await _record(actor, request, "guardianship.end", now)


async def _of_region(actor: AdminActor, request_id: UUID, lock: str) -> Row:
    row = await fetch_one(
        f"SELECT {COLUMNS} FROM guardianship_requests g {JOINED}"
        f" WHERE g.id = $1 AND g.region_id LIKE $2 || '%'{lock}",
        *(request_id, subtree_prefix(actor.region)),
    )
    if row is None:
        raise NotFound
    return row


async def _open(actor: AdminActor, request_id: UUID) -> Row:
    row = await _of_region(actor, request_id, " FOR UPDATE OF g")
    if row["state"] != GuardianshipState.REQUESTED:
        raise RequestNotOpen
    return row


async def _decided(
    actor: AdminActor,
    request_id: UUID,
    state: GuardianshipState,
    reason: str | None,
    made: tuple[UUID | None, UUID | None],
    now: datetime,
) -> None:
    await execute(
        "UPDATE guardianship_requests SET state = $2, decided_at = $3, decided_by = $4, reason = $5, child_id = $6,"
        " binding_id = $7, child_hash = NULL, name_encrypted = NULL, id_number_encrypted = NULL"
        " WHERE id = $1 AND state = 'requested'",
        *(request_id, state, now, actor.id, reason, *made),
    )


async def _tell(request: Row, kind: str, facts: dict[str, object], now: datetime) -> None:
    await notice_log.tell("citizen", request["guardian_id"], kind, f"{kind}:{request['id']}", facts, now)


async def _record(actor: AdminActor, request: Row, action: str, now: datetime) -> None:
    await audit_log.record(
        *(audit_log.who(actor), action, ("guardianship", request["id"]), now), region=request["region_id"]
    )


def _view(row: Row, keys: PersonalDataKeys) -> RequestView:
    def opened(column: str, context: str) -> str | None:
        return None if row[column] is None else keys.decrypt(row[column], context)

    name, number = opened("name_encrypted", CHILD_NAME), opened("id_number_encrypted", CHILD_NUMBER)
    return RequestView(
        id=row["id"],
        region=row["region_id"],
        state=GuardianshipState(row["state"]),
        guardian_name=masked_name(opened("guardian_encrypted", NAME) or ""),
        child_name=masked_name(name) if name else None,
        child_id_number=masked_numbers(number) if number else None,
        requested_at=row["requested_at"],
        decided_at=row["decided_at"],
        reason=row["reason"],
        ended_at=row["ended_at"],
    )
