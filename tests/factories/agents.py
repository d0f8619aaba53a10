"""People with a day of birth, guardians with a child, helpers."""

from datetime import date, datetime
from itertools import count
from uuid import UUID, uuid4

from stdnum.cn import ric

from alliance import guardianship_reviews
from citizens import children, consents, helping
from citizens.accounts import citizen_of
from citizens.channels import Login, Person
from citizens.children import Child
from common.database import execute, fetch_one
from models.enums import Channel, ConsentPurpose
from tests.factories.admins import an_admin
from tests.factories.citizens import KEYS
from tests.factories.moments import NOON

_numbers = count(1)
GROWN, SMALL = date(1985, 6, 7), date(2018, 5, 1)


def id_number(born: date) -> str:
    """One that nobody had before."""
    stem = f"330106{born:%Y%m%d}{next(_numbers) % 1000:03d}"
    return stem + ric.calc_check_digit(stem + "0")


async def a_real_person(born: date = GROWN, name: str = "张三丰", number: str | None = None) -> UUID:
    """Somebody who came through a channel that knows his name."""
    login = Login(f"subject-{uuid4()}", Person(name=name, id_number=number or id_number(born)))
    return await citizen_of(Channel.SANDBOX, login, KEYS)


async def agree(citizen_id: UUID, purpose: ConsentPurpose, at: datetime = NOON, **given: UUID) -> UUID:
    """Agree to a purpose as it is worded now; the proof's id."""
    text = await consents.text_in_force(purpose, at)
    made = await consents.grant(citizen_id, purpose, text.version, at, consents.Given(**given))
    return made.id


async def a_guardian() -> UUID:
    """A grown-up who has agreed to the text for guardians."""
    guardian_id = await a_real_person()
    await agree(guardian_id, ConsentPurpose.GUARDIANSHIP)
    return guardian_id


async def a_request(
    guardian_id: UUID, number: str | None = None, at: datetime = NOON, *, has_proof: bool = True
) -> UUID:
    """A guardian's request for a child of seven, with a proof."""
    child = Child("张小明", number or id_number(SMALL), "330106")
    request_id = await children.ask(guardian_id, child, KEYS, at)
    if has_proof:
        await add_proof(request_id, at)
    return request_id


async def add_proof(request_id: UUID, at: datetime = NOON) -> None:
    """A proof of guardianship that was sent in."""
    await execute(
        "INSERT INTO stored_files (id, purpose, owner_id, name, media_type, size, sha256, stored_at)"
        " VALUES ($1, 'guardian_evidence', $2, '户口簿.pdf', 'application/pdf', 1, repeat('0', 64), $3)",
        *(uuid4(), request_id, at),
    )


async def a_child_of(guardian_id: UUID, number: str | None = None, at: datetime = NOON) -> tuple[UUID, UUID]:
    """A confirmed guardianship: the binding and the child's citizen id."""
    request_id = await a_request(guardian_id, number, at)
    await guardianship_reviews.confirm(await an_admin("330106", "reviewer"), request_id, KEYS, at)
    row = await fetch_one("SELECT binding_id, child_id FROM guardianship_requests WHERE id = $1", request_id)
    assert row is not None
    return row["binding_id"], row["child_id"]


async def a_helper_of(citizen_id: UUID, helper_id: UUID | None = None, *, confirmed: bool = True) -> UUID:
    """A binding of a helper, confirmed by whom he helps."""
    made = await helping.make_code(citizen_id, KEYS, NOON)
    binding_id = await helping.enter_code(helper_id or await a_real_person(), made.code, KEYS, NOON)
    if confirmed:
        await helping.confirm(citizen_id, binding_id, NOON)
    return binding_id
