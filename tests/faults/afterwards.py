"""What must be true after every fault: the invariants, in one place."""

import re
from collections.abc import Iterable, Mapping

from citizens.sandbox_people import person_of
from tests.e2e.invariants import check_sealed
from tests.faults.conftest import Town
from tests.faults.traffic import Tally, Traffic, check_answered_again, check_written

ID_NUMBER = re.compile(r"(?<!\d)\d{17}[\dX](?!\d)")
NAME = re.compile(r"压测\d+|\\u538b\\u6d4b\d+")


async def check_all(town: Town, traffic: Traffic, *others: Tally) -> None:
    """Assert I1 to I6 on a town that is at rest again, by what its traffic remembers.

    Args:
        others: what somebody else wrote into the same database, whose tokens may be over.
    """
    await check_answered_again(traffic.service, traffic.tally)
    for other in others:
        traffic.tally.absorb(other)
    await check_written(traffic.tally, town.fetch)
    await check_sealed(town.postgres.url)
    check_nobody_is_named(town.logs(), traffic.tally.people)


def check_nobody_is_named(logs: Mapping[str, str], people: Iterable[str]) -> None:
    """Assert that nobody who signed in is in a log with his name or his ID number (I6).

    Args:
        logs: what was written, by who wrote it.
        people: the login names of the traffic.
    """
    persons = [person_of(name) for name in people]
    canaries = {text for person in persons if person for text in (person.id_number, person.name)}
    assert canaries, "nobody was fed in"
    for writer, text in logs.items():
        seen = {*ID_NUMBER.findall(text)}
        seen |= {name.replace("\\u538b\\u6d4b", "压测") for name in NAME.findall(text)}
        assert not seen & canaries, (writer, sorted(seen & canaries)[:3])
