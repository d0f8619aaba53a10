"""What is published of seals, and what a proof looks like; the same for the ledger and for the audit."""

from typing import Annotated, Literal

from pydantic import Field

from models import seals
from models.seal_proofs import Proof
from models.seals import Book, Seal
from server.endpoints import Answer
from server.schemas import Moment, Out, Page, PageQuery, decode_cursor, page_of

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

    format: Literal["xinyi-seal/1", "xinyi-audit-seal/1"]
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

    The leaf is `R` (redemption), `V` (reversal) or `A` (audit record), the entry as 8 bytes, the id as 16, and the SHA-256 of `record`.
    """

    record: str
    leaf_index: int
    path: list[Hash]
    seal: SealOut


async def root_page(book: Book, query: RootQuery) -> Answer:
    """A page of a book's seals in their order, the first one first."""
    after = decode_cursor(query.cursor, (int,))[0] if query.cursor else query.after
    found = await seals.seals_after(book, after, query.limit + 1)
    page = page_of(Page[SealOut], found, query.limit, _shown, lambda seal: (seal.number,))
    return Answer(200, page, {"Cache-Control": FULL_PAGE if page.next_cursor else LAST_PAGE})


def proof_out(proof: Proof) -> RecordProofOut:
    """A proof as it is answered."""
    return RecordProofOut(
        record=proof.record,
        leaf_index=proof.leaf_index,
        path=[node.hex() for node in proof.path],
        seal=_shown(proof.seal),
    )


def _shown(seal: Seal) -> SealOut:
    return SealOut.model_validate(seal.published)
