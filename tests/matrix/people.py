"""Rule 2 on every route: no answer to staff, members or admins tells who a citizen is, or what his tier is.

Every call of the matrix goes through `must_tell_nothing`, and the matrix calls every route of the document that an
admin or somebody of a member may call: a new one is looked at by being there.
"""

import re
from collections.abc import Iterator, Mapping
from json import JSONDecodeError
from typing import Any

import httpx

from citizens import sandbox_people
from server.config import SANDBOX_SECRETS, load
from tests.service import CitizenClient, Service

# Nobody else's name, number or id looks like these.
CODE, PHONE = "load-177055501", "13798765401"
PERSON = sandbox_people.person_of(CODE)
assert PERSON is not None
# Of whoever comes through the sandbox: the name of one without a number of his own begins the same way.
ANYBODY = re.compile(r"压测\d{3,}|load-\d{3,}")
WORDS = (PERSON.name, PERSON.id_number, PHONE, CODE)
# What a person's tier would be called; `min_tier_level` is an offer's.
FIELDS = {
    *(
        "tier",
        "tier_name",
        "tier_level",
        "tier_code",
        "score",
        "credit",
        "citizen_name",
        "id_number",
        "phone",
        "mobile",
        "full_name",
    ),
    *("masked_name", "subject", "openid"),
}
# Routes that have such a field, and whose it is.
NO_CITIZENS: Mapping[str, str] = {}


async def a_known_citizen(service: Service) -> CitizenClient:
    """Whose things the matrix looks at: rated, with a verified name and number."""
    citizen = await service.citizen(CODE)
    assert (await citizen.http.get("/me/credit")).json()["tier"] == "excellent"
    keys = load({**service.environment, **SANDBOX_SECRETS}).data_keys
    await service.fetch(
        "INSERT INTO citizen_phones (citizen_id, phone_encrypted, channel, verified_at) VALUES ($1, $2, 'sandbox', now())",
        *(citizen.id, keys.encrypt(PHONE, "citizen_phones.phone")),
    )
    return citizen


def must_tell_nothing(route: str, answer: httpx.Response, citizen_id: str, is_for_members: bool) -> None:
    """Let an answer pass that tells of no citizen who he is or what his tier is; to a member not even his random id."""
    text = f"{answer.text}\n{answer.headers}"
    told = [word for word in WORDS if word in text] + ANYBODY.findall(text)
    if is_for_members and citizen_id in text:
        told.append(citizen_id)
    try:
        fields = set(_fields(answer.json()))
    except (JSONDecodeError, UnicodeDecodeError):
        fields = set()  # a file
    if route not in NO_CITIZENS:
        told += sorted(fields & FIELDS)
    assert not told, f"{route} tells {told}"


def _fields(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        for member in value.values():
            yield from _fields(member)
    elif isinstance(value, list):
        for member in value:
            yield from _fields(member)
