"""The published roots of the ledger, and proofs that a redemption is under one: for its citizen, for the member."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field
from sanic import Blueprint

from benefits import ledger_proofs, seals
from benefits.ledger_proofs import NotYetSealed, Proof
from benefits.seals import Seal
from common.actors import CitizenActor, StaffActor
from common.clock import now
from server.endpoints import Answer, endpoint
from server.schemas import Moment, Out, Page, PageQuery, decode_cursor, page_of

routes = Blueprint("ledger")

HASH = "^[0-9a-f]{64}$"
Hash = Annotated[str, Field(pattern=HASH)]
# A full page never changes; the last one grows.
FULL_PAGE = "public, max-age=86400, immutable"
LAST_PAGE = "public, max-age=5"


class SealOut(Out):
    """A signed root. The signature is over the fields before it, as JSON in this order without blanks.

    `previous` is the SHA-256 of the text that was signed for the seal before; hashes, key and signature are
    hexadecimal. docs/ledger.md tells how to check it.
    """

    format: Literal["xinyi-seal/1"]
    number: int
    first_entry: int
    last_entry: int
    records: int
    root: Hash
    previous: Hash
    sealed_at: Moment
    public_key: Hash
    signature: str


class RootQuery(PageQuery):
    """Which roots: those behind the seal number `after`, as a verifier goes on where he stopped."""

    after: Annotated[int, Field(ge=0, le=(1 << 63) - 1)] = 0


class RecordProofOut(Out):
    """One record: its line, the place of its leaf in the seal's tree, and the neighbours on the way to the root.

    The leaf is `R` (redemption) or `V` (reversal), the entry as 8 bytes, the id as 16, and the SHA-256 of `record`.
    """

    record: str
    leaf_index: int
    path: list[Hash]
    seal: SealOut


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
    after = decode_cursor(query.cursor, (int,))[0] if query.cursor else query.after
    found = await seals.seals_after(after, query.limit + 1)
    page = page_of(Page[SealOut], found, query.limit, _seal, lambda seal: (seal.number,))
    return Answer(200, page, {"Cache-Control": FULL_PAGE if page.next_cursor else LAST_PAGE})


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


def _seal(seal: Seal) -> SealOut:
    return SealOut.model_validate(seal.published)


def _proof(proofs: Sequence[Proof]) -> ProofOut:
    redemption, *undone = [
        RecordProofOut(
            record=proof.record,
            leaf_index=proof.leaf_index,
            path=[node.hex() for node in proof.path],
            seal=_seal(proof.seal),
        )
        for proof in proofs
    ]
    return ProofOut(redemption=redemption, reversal=undone[0] if undone else None)
