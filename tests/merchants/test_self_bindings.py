"""A clerk is tied to himself as a citizen: once, without a name, by a code that is good for five minutes."""

import asyncio
import base64
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from common.crypto import PersonalDataKeys
from common.database import execute, fetch_all, fetch_one
from merchants import self_bindings
from merchants.self_bindings import (
    AlreadyBound,
    BindingCodeInvalid,
    bind,
    is_self,
    make_code,
    read_code,
    self_hash,
)
from merchants.staff import StaffRevoked
from tests.factories.citizens import KEYS, a_citizen
from tests.factories.members import Shop, a_shop
from tests.factories.moments import NOON

STAFF, CITIZEN = UUID(int=5), UUID(int=6)
OTHER_KEYS = PersonalDataKeys(KEYS.suite, KEYS.keys, b"another hash key of 32 bytes....")


@pytest.fixture
async def shop(database: str) -> Shop:
    await execute("INSERT INTO citizens (id, created_at) VALUES ($1, $2)", CITIZEN, NOON)
    return await a_shop()


async def hash_of(staff_id: UUID) -> bytes | None:
    row = await fetch_one("SELECT self_hash FROM staff WHERE id = $1", staff_id)
    assert row is not None
    found: bytes | None = row["self_hash"]
    return found


async def test_what_is_kept_says_the_same_person_and_not_who(shop: Shop) -> None:
    await bind(shop.clerk.id, CITIZEN, KEYS, NOON)
    kept = await hash_of(shop.clerk.id)
    assert kept == self_hash(CITIZEN, KEYS) and len(kept or b"") == 32
    assert CITIZEN.bytes not in (kept or b"")
    assert is_self(kept, CITIZEN, KEYS)
    assert not is_self(kept, uuid4(), KEYS) and not is_self(kept, CITIZEN, OTHER_KEYS)


def test_who_is_not_bound_is_nobody() -> None:
    assert not is_self(None, CITIZEN, KEYS)


async def test_binding_to_the_same_person_again_is_fine_and_to_another_is_not(shop: Shop) -> None:
    for _ in range(2):
        await bind(shop.clerk.id, CITIZEN, KEYS, NOON)
    with pytest.raises(AlreadyBound):
        await bind(shop.clerk.id, await a_citizen(), KEYS, NOON)
    assert await hash_of(shop.clerk.id) == self_hash(CITIZEN, KEYS)
    assert await hash_of(shop.manager.id) is None
    # Recorded once, and without a word about who he is as a citizen.
    (row,) = await fetch_all("SELECT * FROM audit_records")
    assert (row["action"], row["actor_id"], row["object_id"]) == (
        "staff.bind_self",
        shop.clerk.id,
        str(shop.clerk.id),
    )


async def test_of_many_at_once_one_is_bound(shop: Shop) -> None:
    people = [await a_citizen() for _ in range(6)]
    done = await asyncio.gather(
        *(bind(shop.clerk.id, person, KEYS, NOON) for person in people), return_exceptions=True
    )
    assert sum(result is None for result in done) == 1
    assert sum(isinstance(result, AlreadyBound) for result in done) == 5
    assert await hash_of(shop.clerk.id) == self_hash(people[done.index(None)], KEYS)


async def test_revoked_and_unknown_staff_are_not_bound(shop: Shop) -> None:
    await execute("UPDATE staff SET status = 'revoked', revoked_at = $1", NOON)
    for staff_id in (shop.clerk.id, uuid4()):
        with pytest.raises(StaffRevoked):
            await bind(staff_id, CITIZEN, KEYS, NOON)


def test_a_code_names_its_staff_account_for_five_minutes() -> None:
    code = make_code(STAFF, KEYS, NOON)
    for seconds in (0, 299, 300):
        assert read_code(code, KEYS, NOON + timedelta(seconds=seconds)) == STAFF
    for seconds in (300.5, 301, 10**6):
        with pytest.raises(BindingCodeInvalid):
            read_code(code, KEYS, NOON + timedelta(seconds=seconds))


def test_every_changed_byte_of_a_code_is_refused() -> None:
    raw = base64.urlsafe_b64decode(make_code(STAFF, KEYS, NOON) + "=")
    assert len(raw) == 16 + 8 + 32
    for place in range(len(raw)):
        changed = bytearray(raw)
        changed[place] ^= 1
        with pytest.raises(BindingCodeInvalid):
            read_code(base64.urlsafe_b64encode(changed).decode(), KEYS, NOON)


@pytest.mark.parametrize("text", ["", "A", "AAAA", "…", "一" * 75, "=" * 75, "A" * 75, "\0", "R1" + "A" * 48])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(BindingCodeInvalid):
        read_code(text, KEYS, NOON)


def test_a_code_of_other_keys_is_refused() -> None:
    with pytest.raises(BindingCodeInvalid):
        read_code(make_code(STAFF, OTHER_KEYS, NOON), KEYS, NOON)


def test_the_hash_of_a_person_is_no_mac_of_a_code() -> None:
    assert self_bindings.CONTEXT != self_bindings.CODE_CONTEXT
    assert self_hash(CITIZEN, KEYS) != KEYS.keyed_hash(str(CITIZEN), self_bindings.CODE_CONTEXT)
