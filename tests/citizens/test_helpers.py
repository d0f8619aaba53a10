"""Helpers: a code that is good once, a confirmation, and an end that holds at the next request (rule 10's neighbours)."""

import asyncio
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest

from citizens import agents, helping
from citizens.agents import ActingEnded, AlreadyBoundTo, TooManyBindings
from citizens.ages import GuardianNeeded
from citizens.children import AgentNotAdult
from citizens.credit import IdentityUnverified
from citizens.helping import HelperCodeInvalid, HelperNotWaiting
from common.database import execute, fetch_all
from common.errors import NotFound
from models.citizen_enums import AgentKind, BindingEnd, BindingState
from tests.factories.agents import a_helper_of, a_real_person
from tests.factories.citizens import KEYS, a_citizen
from tests.factories.moments import NOON

HELPER = AgentKind.HELPER
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
pytestmark = pytest.mark.usefixtures("database")


async def notices_of(citizen_id: UUID) -> list[str]:
    rows = await fetch_all("SELECT kind FROM citizen_notices WHERE citizen_id = $1 ORDER BY id", citizen_id)
    return [row["kind"] for row in rows]


async def may_act(agent_id: UUID, citizen_id: UUID, at: object = NOON) -> bool:
    try:
        await agents.acting(agent_id, citizen_id, None, at)  # type: ignore[arg-type]
    except ActingEnded:
        return False
    return True


async def end(whose: BindingEnd, citizen_id: UUID, binding_id: UUID) -> None:
    await agents.end(binding_id, HELPER, (whose, citizen_id), whose, NOON)


async def test_a_helper_acts_once_he_is_confirmed_and_both_are_told() -> None:
    elder, helper = await a_real_person(name="陈奶奶"), await a_real_person(name="陈小芳")
    binding_id = await a_helper_of(elder, helper, confirmed=False)
    assert not await may_act(helper, elder)
    (waiting,) = await agents.of_principal(HELPER, elder, KEYS)
    assert (waiting.masked_name, waiting.state, waiting.citizen_id) == ("*小芳", BindingState.WAITING, helper)
    assert await notices_of(elder) == ["helper_waiting"]
    await helping.confirm(elder, binding_id, NOON)
    await helping.confirm(elder, binding_id, NOON)
    assert await notices_of(helper) == ["helper_confirmed"], "told once"
    assert (await agents.acting(helper, elder, None, NOON)).kind == HELPER
    (helped,) = await agents.of_agent(HELPER, helper, KEYS)
    assert (helped.masked_name, helped.state, helped.ends_at) == ("*奶奶", BindingState.ACTIVE, None)
    assert not await may_act(elder, helper), "one way only"


@pytest.mark.parametrize("whose", [BindingEnd.AGENT, BindingEnd.PRINCIPAL])
async def test_either_of_the_two_ends_it_at_once(whose: BindingEnd) -> None:
    elder, helper = await a_real_person(), await a_real_person()
    binding_id = await a_helper_of(elder, helper)
    who, other = (helper, elder) if whose is BindingEnd.AGENT else (elder, helper)
    with pytest.raises(NotFound):
        await end(whose, other, binding_id)
    assert await may_act(helper, elder)
    for _ in range(2):
        await end(whose, who, binding_id)
    assert not await may_act(helper, elder)
    assert "helper_ended" in await notices_of(elder) and (await notices_of(helper)).count("helper_ended") == 1
    with pytest.raises(HelperNotWaiting):
        await helping.confirm(elder, binding_id, NOON)


async def test_a_code_is_good_once_for_ten_minutes_in_any_spelling() -> None:
    elder, helper = await a_real_person(), await a_real_person()
    old = await helping.make_code(elder, KEYS, NOON)
    made = await helping.make_code(elder, KEYS, NOON)
    for code, at in ((old.code, NOON), (made.code, NOON + 10 * MINUTE), ("wrong", NOON), ("", NOON)):
        with pytest.raises(HelperCodeInvalid):
            await helping.enter_code(helper, code, KEYS, at)
    with pytest.raises(HelperCodeInvalid):
        await helping.enter_code(elder, made.code, KEYS, NOON)
    await helping.enter_code(helper, f" {made.code.lower().replace('-', ' ')} ", KEYS, NOON + 9 * MINUTE)
    with pytest.raises(HelperCodeInvalid):
        await helping.enter_code(await a_real_person(), made.code, KEYS, NOON)
    rows = await fetch_all("SELECT * FROM one_time_links")
    assert made.code.replace("-", "") not in str([dict(row) for row in rows]), "kept as a hash alone"


async def test_who_helps_has_a_name_and_is_grown_up_and_a_child_makes_no_code() -> None:
    elder = await a_real_person()
    for helper, refusal in (
        (await a_citizen(), IdentityUnverified),
        (await a_real_person(date(2010, 1, 1)), AgentNotAdult),
    ):
        made = await helping.make_code(elder, KEYS, NOON)
        with pytest.raises(refusal):
            await helping.enter_code(helper, made.code, KEYS, NOON)
    with pytest.raises(GuardianNeeded):
        await helping.make_code(await a_real_person(date(2018, 5, 1)), KEYS, NOON)
    # Who is no elder, or is known by nothing but a channel's id, may want help too.
    await helping.make_code(await a_citizen(), KEYS, NOON)


async def test_what_nobody_confirms_within_a_day_is_over_and_its_place_free() -> None:
    elder, helper = await a_real_person(), await a_real_person()
    binding_id = await a_helper_of(elder, helper, confirmed=False)
    with pytest.raises(HelperNotWaiting):
        await helping.confirm(elder, binding_id, NOON + DAY)
    assert await agents.end_due(NOON + DAY - MINUTE) == 0
    assert await agents.end_due(NOON + DAY) == 1 and await agents.end_due(NOON + DAY) == 0
    (row,) = await fetch_all("SELECT state, ended_because FROM agent_bindings")
    assert (row["state"], row["ended_because"]) == ("ended", "expired")
    await a_helper_of(elder, helper)


async def test_the_same_two_are_bound_once_and_the_code_stays_good_for_another() -> None:
    elder, helper = await a_real_person(), await a_real_person()
    await a_helper_of(elder, helper)
    made = await helping.make_code(elder, KEYS, NOON)
    with pytest.raises(AlreadyBoundTo):
        await helping.enter_code(helper, made.code, KEYS, NOON)
    await helping.enter_code(await a_real_person(), made.code, KEYS, NOON)


async def test_five_helpers_and_no_more_and_an_end_frees_a_place() -> None:
    elder = await a_real_person()
    made = [await a_helper_of(elder) for _ in range(5)]
    with pytest.raises(TooManyBindings):
        await a_helper_of(elder)
    await end(BindingEnd.PRINCIPAL, elder, made[2])
    await a_helper_of(elder)


async def test_ten_are_helped_and_no_more() -> None:
    helper = await a_real_person()
    for _ in range(10):
        await a_helper_of(await a_real_person(), helper)
    with pytest.raises(TooManyBindings):
        await a_helper_of(await a_real_person(), helper)


async def test_many_codes_entered_at_once_take_no_place_twice() -> None:
    """Ten helpers, each with a code of his own that somebody kept good, and five places."""
    elder = await a_real_person()
    helpers = [await a_real_person() for _ in range(10)]

    async def enter(helper: UUID) -> bool:
        try:
            await agents.bind(HELPER, helper, elder, BindingState.WAITING, NOON + DAY, NOON)
        except TooManyBindings:
            return False
        return True

    assert sum(await asyncio.gather(*map(enter, helpers))) == 5
    rows = await fetch_all("SELECT principal_place FROM agent_bindings ORDER BY 1")
    assert [row["principal_place"] for row in rows] == [1, 2, 3, 4, 5]


async def test_the_places_hold_without_the_lock_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The unique index decides when two found the same place free."""
    elder = await a_real_person()
    await a_helper_of(elder)
    with pytest.raises(Exception, match="agent_bindings_principal_place_once"):
        await execute(
            "INSERT INTO agent_bindings (id, kind, agent_id, principal_id, state, agent_place, principal_place, made_at,"
            " ends_at) VALUES ($1, 'helper', $2, $3, 'waiting', 1, 1, $4, $5)",
            *(uuid4(), await a_real_person(), elder, NOON, NOON + DAY),
        )


async def test_two_confirmations_at_once_are_one_and_an_end_at_the_same_time_wins_or_comes_after() -> None:
    for _ in range(6):
        elder, helper = await a_real_person(), await a_real_person()
        binding_id = await a_helper_of(elder, helper, confirmed=False)
        done = await asyncio.gather(
            helping.confirm(elder, binding_id, NOON),
            helping.confirm(elder, binding_id, NOON),
            end(BindingEnd.AGENT, helper, binding_id),
            return_exceptions=True,
        )
        assert all(each is None or isinstance(each, HelperNotWaiting) for each in done), done
        assert not await may_act(helper, elder), "it was ended, whichever came first"
        assert (await notices_of(helper)).count("helper_confirmed") <= 1


async def test_a_binding_of_one_does_not_let_another_act() -> None:
    elder, helper, stranger = [await a_real_person() for _ in range(3)]
    binding_id = await a_helper_of(elder, helper)
    for agent, principal, named in (
        (stranger, elder, binding_id),
        (helper, stranger, binding_id),
        (helper, elder, uuid4()),
    ):
        with pytest.raises(ActingEnded):
            await agents.acting(agent, principal, named, NOON)
