"""The background process goes easy on a channel that is in trouble, and ends what it began."""

import asyncio
import signal
import time
from collections.abc import Mapping
from dataclasses import replace
from json import dumps
from uuid import UUID

import pytest

from citizens import consents, subscriptions
from citizens.channels import SendOutcome
from citizens.subscriptions import Answer
from common.clock import now
from common.database import execute, fetch_all
from models import notice_log
from models.citizen_enums import MessageTemplate
from models.enums import Channel, ConsentPurpose
from server import message_lanes
from server.config import load
from server.message_lanes import AT_ONCE, FIRST_REST_S, LONGEST_REST_S, Lane, desks_of, send_for_ever
from tests.conftest import Servers
from tests.factories.citizens import KEYS, a_person
from tests.factories.ledgers import some_redemptions
from tests.factories.members import a_shop
from tests.factories.messengers import WORDINGS
from tests.factories.settings import sandbox, settings
from tests.seeds import environment
from tests.server.commands import started_warm as started

CLAIMED = MessageTemplate.COUPON_CLAIMED
OFFERED = {Channel.SANDBOX: {CLAIMED: WORDINGS[CLAIMED]}}
SETTINGS = replace(settings(), data_keys=KEYS)
FACTS = {"coupon_id": UUID(int=1), "offer": "全场八折", "last_day": "2099-04-02"}


class Says:
    """A messenger that answers with what it is told to, after a while."""

    channel = Channel.SANDBOX

    def __init__(self, *outcomes: SendOutcome, takes_s: float = 0.0) -> None:
        self.outcomes, self.takes_s, self.asked = list(outcomes), takes_s, 0

    async def send(self, subject: str, template_id: str, page: str, data: Mapping[str, str]) -> SendOutcome:
        """See `Messenger.send`."""
        self.asked += 1
        await asyncio.sleep(self.takes_s)
        return self.outcomes.pop(0) if self.outcomes else SendOutcome.SENT


async def some_messages(count: int) -> None:
    person = await a_person()
    text = await consents.text_in_force(ConsentPurpose.NOTICES, now())
    await consents.grant(person, ConsentPurpose.NOTICES, text.version, now())
    for number in range(count):
        await subscriptions.report(person, Channel.SANDBOX, {CLAIMED: Answer.ACCEPT}, OFFERED)
        await notice_log.tell("citizen", person, "coupon_claimed", f"n{number}", FACTS, now())


def a_lane(messenger: Says) -> Lane:
    return Lane(desks_of(SETTINGS, messenger, OFFERED))


async def states() -> list[str]:
    return sorted(row["state"] for row in await fetch_all("SELECT state FROM messages"))


@pytest.mark.parametrize("trouble", [SendOutcome.TRY_LATER, SendOutcome.UNKNOWN])
async def test_after_trouble_one_message_asks_whether_it_is_over(database: str, trouble: SendOutcome) -> None:
    await some_messages(20)
    messenger = Says(*[trouble] * 9)
    lane = a_lane(messenger)
    await lane.send_some()
    assert (messenger.asked, lane.width, lane.rest_s) == (AT_ONCE, 1, FIRST_REST_S)
    await lane.send_some()
    assert (messenger.asked, lane.width, lane.rest_s) == (AT_ONCE + 1, 1, 2 * FIRST_REST_S)
    lane.rest_s = LONGEST_REST_S
    await lane.send_some()
    assert (messenger.asked, lane.width, lane.rest_s) == (AT_ONCE + 2, AT_ONCE, 0.0)


@pytest.mark.alone
async def test_the_background_process_tells_within_five_seconds(database: str, servers: Servers) -> None:
    shop = await a_shop()
    async with started(environment(database, servers.redis_url), "worker") as process:
        await some_redemptions(shop, 1)
        async with asyncio.timeout(20):  # it may still be starting
            while len(await fetch_all("SELECT 1 FROM citizen_notices")) < 2:
                await asyncio.sleep(0.05)
        begun = time.monotonic()
        await some_redemptions(shop, 2)
        async with asyncio.timeout(20):
            while len(await fetch_all("SELECT 1 FROM citizen_notices")) < 5:
                await asyncio.sleep(0.05)
        assert time.monotonic() - begun < 5
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 15) == 0


@pytest.mark.alone
async def test_a_channel_is_sent_no_more_than_so_many_a_second(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_lanes, "MOST_PER_S", 20)
    await some_messages(12)
    lane, begun = a_lane(messenger := Says()), time.monotonic()
    async with asyncio.timeout(20):
        while messenger.asked < 12:
            await lane.send_some()
    assert time.monotonic() - begun > 11 / 20
    assert await states() == ["sent"] * 12


async def test_told_to_end_it_ends_what_it_began(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await some_messages(3)
    messenger = Says(takes_s=0.2)
    desks = desks_of(SETTINGS, messenger, OFFERED)
    monkeypatch.setattr(message_lanes, "desks_of", lambda *_: desks)
    sending = asyncio.create_task(send_for_ever(SETTINGS, {Channel.SANDBOX: messenger}))
    async with asyncio.timeout(20):
        while messenger.asked < 3:
            await asyncio.sleep(0.01)
    sending.cancel()
    await asyncio.wait({sending})
    assert await states() == ["sent"] * 3


async def test_a_fault_only_interrupts_it(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_lanes, "RETRY_S", 0.01)
    await some_messages(1)
    await execute("ALTER TABLE message_stops RENAME TO gone")
    running = asyncio.create_task(a_lane(Says()).run())
    await asyncio.sleep(0.1)
    await execute("ALTER TABLE gone RENAME TO message_stops")
    async with asyncio.timeout(20):
        while await states() != ["sent"]:
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.wait({running})


async def test_without_a_channel_to_send_through_nothing_is_sent(database: str) -> None:
    await some_messages(1)
    sending = asyncio.create_task(send_for_ever(SETTINGS))
    await asyncio.sleep(0.1)
    assert not sending.done() and await states() == ["waiting"]
    sending.cancel()
    await asyncio.wait({sending})


def test_templates_are_read_and_judged_from_the_environment() -> None:
    from server.config import ConfigError, shown

    good = {"coupon_expiring": {"id": "abc_-1", "fields": {"thing1": "offer", "time2": "until"}}}
    loaded = load(sandbox(WECHAT_TEMPLATES=dumps(good)))
    [wording] = loaded.wordings[Channel.WECHAT].values()
    assert (wording.template_id, wording.fields) == ("abc_-1", {"thing1": "offer", "time2": "until"})
    assert shown(loaded)["WECHAT_TEMPLATES"] == "coupon_expiring"
    assert load(sandbox()).wordings == {} and shown(load(sandbox()))["WECHAT_TEMPLATES"] == "(not set)"
    for bad in (
        *("{", "[]", '{"birthday": {"id": "x", "fields": {"thing1": "offer"}}}', '{"answered": "x"}'),
        *(
            '{"answered": {"id": "x", "fields": {}}}',
            '{"answered": {"id": "", "fields": {"thing1": "matter"}}}',
        ),
        '{"answered": {"id": "x", "fields": {"thing1": "tier"}}}',
        '{"answered": {"id": "x", "fields": {"thing1": 1}, "more": 1}}',
    ):
        with pytest.raises(ConfigError, match="^WECHAT_TEMPLATES: "):
            load(sandbox(WECHAT_TEMPLATES=bad))
