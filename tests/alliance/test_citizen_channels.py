"""A citizen adds channels and takes them off: his own only, never the last one."""

import asyncio
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest

from alliance import citizen_channels
from alliance.account_joins import AccountsToJoin, JoinTokenInvalid, join
from citizens import accounts
from citizens.accounts import id_number_of, real_name_level_of
from citizens.channels import Login
from common.actors import CitizenActor
from common.database import fetch_all
from common.errors import NotFound
from models.citizen_enums import RealNameLevel
from models.enums import Channel
from tests.factories.accounts import LI, WANG, outcome, pair, phone_of, through, warm
from tests.factories.citizens import KEYS, a_phone
from tests.factories.moments import NOON
from tests.factories.scans import a_key

pytestmark = pytest.mark.usefixtures("database")


async def add(citizen_id: UUID, channel: Channel, login: Login) -> str:
    return await outcome(citizen_channels.add(phone_of(citizen_id), channel, login, KEYS, NOON))


async def channels_of(citizen_id: UUID) -> list[str]:
    return [row["channel"] for row in await accounts.identities_of(citizen_id, None, 10)]


async def test_a_channel_that_is_nobodys_is_added_with_its_person() -> None:
    wechat = await through(Channel.WECHAT, "openid")
    for _ in range(2):
        assert await add(wechat, Channel.ZHELIBAN, Login("wang", WANG, "13800000001")) == "done"
    assert await channels_of(wechat) == ["zheliban", "wechat"]
    assert await id_number_of(wechat, KEYS) == WANG.id_number
    assert await real_name_level_of(wechat) is RealNameLevel.REAL_NAME
    assert await through(Channel.ZHELIBAN, "wang", WANG) == wechat
    assert await add(wechat, Channel.ALIPAY, Login("uid", WANG)) == "done"


async def test_somebody_elses_channel_is_not_added() -> None:
    wechat, wang = await pair()
    assert await add(wang, Channel.ALIPAY, Login("li", LI)) == "other_person"
    li = await through(Channel.ZHELIBAN, "li", LI)
    assert await add(wang, Channel.ZHELIBAN, Login("li", LI)) == "other_person"
    assert await add(wang, Channel.ZHELIBAN, Login("li", None)) == "other_person"
    # An identity of nobody's person that its channel verifies as somebody else now.
    assert await add(wang, Channel.WECHAT, Login("openid", LI)) == "other_person"
    assert (await channels_of(wang), await channels_of(li)) == (["zheliban"], ["zheliban"])
    assert await real_name_level_of(wechat) is RealNameLevel.NONE


@pytest.mark.parametrize("login", [Login("wang", WANG), Login("wang", None), Login("another", WANG)])
async def test_a_channel_with_an_account_of_its_own_asks_first(login: Login) -> None:
    wechat, wang = await pair()
    with pytest.raises(AccountsToJoin) as asked:
        await citizen_channels.add(phone_of(wechat), Channel.ZHELIBAN, login, KEYS, NOON)
    assert await channels_of(wechat) == ["wechat"]
    await join(phone_of(wechat), str(asked.value.facts["join_token"]), a_key(), KEYS, NOON)
    assert set(await channels_of(wang)) == {"wechat", "zheliban"}
    assert await through(Channel.ZHELIBAN, login.subject) == wang


async def test_two_people_at_once_never_become_one_account() -> None:
    wechat = await through(Channel.WECHAT, "openid")
    await warm()
    logins = [Login("wang", WANG), Login("li", LI)]
    outcomes = await asyncio.gather(*(add(wechat, Channel.ZHELIBAN, login) for login in logins))
    assert sorted(outcomes) == ["done", "other_person"]
    assert len(await channels_of(wechat)) == 2


@pytest.mark.parametrize("is_guarded", [True, False])
async def test_the_last_channel_stays_also_when_both_are_taken_off_at_once(
    monkeypatch: pytest.MonkeyPatch, *, is_guarded: bool
) -> None:
    wang = await through(Channel.ZHELIBAN, "wang", WANG)
    await through(Channel.ALIPAY, "uid", WANG)
    both = [row["id"] for row in await accounts.identities_of(wang, None, 10)]
    both_looked, fetch = asyncio.Barrier(2), citizen_channels.fetch_all

    async def look_together(sql: str, *values: object) -> Any:
        found = await fetch(sql, *values)
        if "FROM channel_identities" in sql:
            with suppress(TimeoutError, asyncio.BrokenBarrierError):  # the other one has to wait
                await asyncio.wait_for(both_looked.wait(), 0.2)
        return found

    monkeypatch.setattr(citizen_channels, "fetch_all", look_together)
    if not is_guarded:
        monkeypatch.setattr(citizen_channels, "HOLD", "SELECT $1::uuid")
    outcomes = await asyncio.gather(
        *(outcome(citizen_channels.remove(phone_of(wang), each, NOON)) for each in both)
    )
    assert sorted(outcomes) == (["done", "last_channel"] if is_guarded else ["done", "done"])
    assert len(await channels_of(wang)) == (1 if is_guarded else 0)


async def test_taking_a_channel_off_signs_out_everywhere_else() -> None:
    wang = await through(Channel.ZHELIBAN, "wang", WANG)
    stranger = await through(Channel.WECHAT, "openid")
    await through(Channel.ALIPAY, "uid", WANG)
    here, there = await a_phone(wang), await a_phone(wang)
    first, *_ = await accounts.identities_of(wang, None, 10)
    (foreign, *_) = await accounts.identities_of(stranger, None, 10)
    with pytest.raises(NotFound):
        await citizen_channels.remove(CitizenActor(wang, here), foreign["id"], NOON)
    await citizen_channels.remove(CitizenActor(wang, here), first["id"], NOON)
    rows = await fetch_all("SELECT id, revoked_reason FROM sessions")
    assert {row["id"]: row["revoked_reason"] for row in rows} == {here: None, there: "channel_removed"}
    assert await real_name_level_of(wang) is RealNameLevel.REAL_NAME


async def test_a_channel_that_is_taken_off_joins_nothing_any_more() -> None:
    """Whoever had the phone for a minute has a token for ten: his own account must not be joined to the owner's by it."""
    wang = await through(Channel.ZHELIBAN, "wang", WANG)
    assert await add(wang, Channel.WECHAT, Login("lost", None)) == "done"
    thief = await through(Channel.ALIPAY, "thief")
    with pytest.raises(AccountsToJoin) as asked:
        await citizen_channels.add(phone_of(thief), Channel.WECHAT, Login("lost", None), KEYS, NOON)
    lost, *_ = await accounts.identities_of(wang, None, 10)
    await citizen_channels.remove(phone_of(wang), lost["id"], NOON)
    with pytest.raises(JoinTokenInvalid):
        await join(phone_of(thief), str(asked.value.facts["join_token"]), a_key(), KEYS, NOON)
    assert await through(Channel.ALIPAY, "thief") == thief
    assert await channels_of(wang) == ["zheliban"]
