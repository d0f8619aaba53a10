"""The published roots of the ledger and of the audit, and proofs that a redemption is under one."""

from collections.abc import Sequence
from uuid import UUID

from sanic import Blueprint

from benefits import ledger_proofs
from benefits.ledger import LEDGER
from common.actors import CitizenActor, StaffActor
from common.clock import now
from models.audit_book import AUDIT
from models.seal_proofs import NotYetSealed, Proof
from server.api.seals import RecordProofOut, RootQuery, SealOut, proof_out, root_page
from server.endpoints import Answer, endpoint
from server.schemas import Out, Page

routes = Blueprint("ledger")


class ProofOut(Out):
    """The proof of a redemption, and of its reversal when it was undone."""

    redemption: RecordProofOut
    reversal: RecordProofOut | None


@endpoint(
    routes,
    "GET",
    "/ledger/roots",
    summary="账本封存 / The published roots of the ledger",
    answers={200: Page[SealOut]},
)
async def list_roots(query: RootQuery) -> Answer:
    """In their order, the first one first; open to everybody, so that anybody can keep them."""
    return await root_page(LEDGER, query)


@endpoint(
    routes,
    "GET",
    "/audit/roots",
    summary="审计封存 / The published roots of the audit",
    answers={200: Page[SealOut]},
)
async def list_audit_roots(query: RootQuery) -> Answer:
    """As those of the ledger, in a chain of their own; they tell nothing of what was recorded."""
    return await root_page(AUDIT, query)


@endpoint(
    routes,
    "GET",
    "/me/redemptions/<redemption_id>/proof",
    summary="我的核销证明 / The proof of my redemption",
    answers={200: ProofOut},
    refusals=(NotYetSealed,),
)
async def prove_mine(actor: CitizenActor, redemption_id: UUID) -> ProofOut:
    """The id is in the history of the coupon."""
    return _proof(await ledger_proofs.proofs_for_citizen(actor.id, redemption_id, now()))


@endpoint(
    routes,
    "GET",
    "/redemptions/<redemption_id>/proof",
    summary="核销证明 / The proof of a redemption",
    answers={200: ProofOut},
    refusals=(NotYetSealed,),
)
async def prove(actor: StaffActor, redemption_id: UUID) -> ProofOut:
    """For whoever of the member's staff may see the redemption."""
    return _proof(await ledger_proofs.proofs_for_staff(actor, redemption_id, now()))


def _proof(proofs: Sequence[Proof]) -> ProofOut:
    redemption, *undone = [proof_out(proof) for proof in proofs]
    return ProofOut(redemption=redemption, reversal=undone[0] if undone else None)
