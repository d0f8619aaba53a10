"""Applications for membership on their way, the people who decide them, and an organisation source that obeys."""

from datetime import date, datetime
from itertools import count
from uuid import UUID, uuid4

from stdnum.cn import uscc as uscc_number

from alliance import application_reviews
from common.actors import AdminActor, ApplicantActor
from common.database import execute, fetch_all, fetch_one
from common.files import Content
from common.ids import new_id
from merchants import applications, commitments, submissions
from merchants.applications import Form
from merchants.organisation_sources import OrganisationRecord
from models import stored_files
from models.enums import Category, MemberKind, TierLevel
from models.office_enums import FilePurpose
from tests.factories.citizens import KEYS
from tests.factories.moments import NOON

AS_OF = date(2026, 3, 3)
_numbers = count(1)
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def a_uscc(mark: str = "MA2") -> str:
    """A code with a right check digit that nobody has had."""
    head = f"91330106{mark}{next(_numbers):06d}"
    return head + next(each for each in _ALPHABET if uscc_number.is_valid(head + each))


def a_wrong_uscc() -> str:
    """One whose check digit is wrong."""
    right = a_uscc()
    return right[:-1] + _ALPHABET[(_ALPHABET.index(right[-1]) + 1) % len(_ALPHABET)]


def a_form(**changes: object) -> Form:
    """A filled-in form of a shop in 西湖区."""
    values: dict[str, object] = {
        "uscc": a_uscc(),
        "kind": MemberKind.MERCHANT,
        "sector": Category.TOURISM_SHOPPING,
        "region": "330106",
        "name": "湖畔书店",
        "contact_name": "王大友",
        "contact_phone": "13700009050",
    }
    return Form(**{**values, **changes})  # type: ignore[arg-type]


async def a_draft(now: datetime = NOON, **changes: object) -> ApplicantActor:
    """An application that is filled in and nothing else."""
    application_id, _ = await applications.begin(a_form(**changes), KEYS, now)
    return ApplicantActor(application_id)


async def a_document(actor: ApplicantActor) -> UUID:
    """A row of a document, without its content."""
    content = Content("application/pdf", 5, "0" * 64)
    return await stored_files.add(FilePurpose.MEMBER_DOCUMENT, actor.id, "执照.pdf", content, NOON)


async def signed(actor: ApplicantActor, now: datetime = NOON) -> None:
    """Sign the commitment in force."""
    text = await commitments.text_in_force(now)
    await commitments.sign(actor, text.version, text.sha256, "王大友", KEYS, now)


async def submitted(now: datetime = NOON, **changes: object) -> ApplicantActor:
    """An application with all that it needs, submitted."""
    actor = await a_draft(now, **changes)
    await a_document(actor)
    await signed(actor, now)
    await submissions.submit(actor, now)
    return actor


async def in_review(now: datetime = NOON, **changes: object) -> ApplicantActor:
    """One that has passed its checks."""
    actor = await submitted(now, **changes)
    await application_reviews.check(Organisations(), actor.id, now)
    return actor


async def approved(now: datetime = NOON, **changes: object) -> UUID:
    """The member that an application became."""
    actor = await in_review(now, **changes)
    province = an_admin("330000")
    while (await applications.by_id(actor.id))["state"] != "approved":
        _, member_id = await application_reviews.approve(province, actor.id, None, now)
    assert member_id is not None
    return member_id


async def state_of(application_id: UUID) -> str:
    """Where an application stands."""
    return str((await applications.by_id(application_id))["state"])


async def waiting_jobs(kind: str) -> int:
    """How many jobs of a kind wait."""
    row = await fetch_one("SELECT count(*) AS n FROM pgqueuer WHERE entrypoint = $1", kind)
    assert row is not None
    return int(row["n"])


def an_admin(region: str = "330106", *roles: str) -> AdminActor:
    """An admin of a region, by default a reviewer."""
    return AdminActor(uuid4(), uuid4(), roles or ("reviewer",), region)


def record(grade: TierLevel | None = TierLevel.GOOD, *, is_dishonest: bool = False) -> OrganisationRecord:
    """An answer as of yesterday."""
    return OrganisationRecord(grade, is_dishonest, AS_OF, "record-1")


class Organisations:
    """Says one thing of everybody, or raises it, and remembers whom it was asked about."""

    name = "test"

    def __init__(self, says: OrganisationRecord | BaseException | None = None) -> None:
        self.says = says or record()
        self.asked: list[str] = []

    async def look_up(self, uscc: str) -> OrganisationRecord:
        """See `OrganisationSource.look_up`."""
        self.asked.append(uscc)
        if isinstance(self.says, BaseException):
            raise self.says
        return self.says


async def white_listed(uscc: str, region: str) -> None:
    """An entry of the white list."""
    await execute(
        "INSERT INTO white_list (id, uscc, region_id, reason, approval_id, added_at) VALUES ($1, $2, $3, 'x', $4, $5)",
        *(new_id(), uscc, region, uuid4(), NOON),
    )


async def audited(action: str) -> int:
    """How often something was audited."""
    return len(await fetch_all("SELECT 1 FROM audit_records WHERE action = $1", action))
