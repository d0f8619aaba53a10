"""Webhooks: every settled record is told at least once under one id, by a signed post; a till that fails harms nobody."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from json import loads
from typing import Any
from uuid import UUID, uuid4

import pytest

from benefits import webhook_deliveries, webhooks
from benefits.webhook_deliveries import (
    MOST_TRIES,
    PAUSES,
    TAKEN_FOR,
    deliver_next,
    derive_new,
    due,
    signature,
)
from benefits.webhooks import TooManyWebhooks, UrlNotAllowed
from common.actors import MemberActor
from common.database import fetch_all, fetch_one
from common.errors import NotFound
from common.outbound import NotSent, Reach, post
from models import seals
from models.enums import DeliveryStatus
from models.retention import RULES, forget
from tests.benefits.test_seals import written_but_not_committed
from tests.factories.citizens import KEYS, a_citizen
from tests.factories.ledgers import some_redemptions
from tests.factories.members import Shop, a_shop, an_owner
from tests.factories.moments import NOON
from tests.factories.offers import an_offer
from tests.factories.scans import claimed, redeemed, undone
from tests.factories.tills import Till, running, status

HERE = Reach(is_loopback_allowed=True)
URL = "https://till.example.com/xinyi"
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def owner(shop: Shop) -> MemberActor:
    return await an_owner(shop.member_id)


async def a_webhook(owner: MemberActor, url: str = URL) -> webhooks.Made:
    return await webhooks.create(owner, url, HERE, KEYS, NOON)


async def rows() -> list[dict[str, Any]]:
    return [dict(row) for row in await fetch_all("SELECT * FROM webhook_deliveries ORDER BY id")]


class Sent:
    """What was posted, and what comes of it: 204, or what `fails_with` says."""

    def __init__(self, fails_with: str = "") -> None:
        self.fails_with = fails_with
        self.posts: list[tuple[str, bytes, Mapping[str, str]]] = []

    async def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Post."""
        self.posts.append((url, body, headers))
        if self.fails_with:
            raise NotSent(self.fails_with)
        return 204


def clock(at: datetime) -> Callable[[], datetime]:
    return lambda: at


async def deliver(webhook_id: UUID, send: Any, at: datetime = NOON) -> bool:
    return await deliver_next(webhook_id, KEYS, send, clock(at))


# Deriving -----------------------------------------------------------------------------------------


async def test_what_is_redeemed_and_undone_is_told_without_anything_of_the_citizen(
    shop: Shop, owner: MemberActor
) -> None:
    hook, citizen = await a_webhook(owner), await a_citizen()
    coupon = await claimed(citizen, await an_offer(shop))
    done = await redeemed(shop, coupon.id)
    back = await undone(shop.clerk, done.id)
    assert await derive_new(NOON) == 2 and await derive_new(NOON) == 0
    created, reversed_ = await rows()
    assert (created["event"], created["event_id"]) == ("redemption.created", done.id)
    assert (reversed_["event"], reversed_["event_id"]) == ("redemption.reversed", back.id)
    body = loads(created["payload"])
    assert body == {
        "id": str(done.id),
        "type": "redemption.created",
        "at": "2026-03-04T12:00:00.000+08:00",
        "data": {
            "redemption_id": str(done.id),
            "store_id": str(shop.store_id),
            "offer_id": str(done.terms.offer_id),
            "order_amount_fen": 10_000,
            "discount_fen": 2_000,
            "payable_fen": 8_000,
            "uses": 1,
        },
    }
    assert loads(reversed_["payload"])["data"] == body["data"]
    number = await fetch_one("SELECT number FROM coupons WHERE id = $1", coupon.id)
    assert number is not None
    for secret in (citizen, coupon.id, shop.clerk.id, number["number"], hook.secret):
        assert str(secret) not in created["payload"] + reversed_["payload"]


async def test_only_ones_own_business_and_only_what_comes_after(shop: Shop, owner: MemberActor) -> None:
    await some_redemptions(shop, 2)
    hook = await a_webhook(owner)
    other = await a_shop()
    other_hook = await a_webhook(await an_owner(other.member_id))
    await some_redemptions(other, 1)
    [mine] = await some_redemptions(shop, 1)
    assert await derive_new(NOON) == 2
    told = {row["webhook_id"]: row["event_id"] for row in await rows()}
    assert told[hook.id] == mine and set(told) == {hook.id, other_hook.id}


async def test_each_webhook_begins_where_it_was_made(shop: Shop, owner: MemberActor) -> None:
    first = await a_webhook(owner)
    done = await some_redemptions(shop, 2)
    second = await a_webhook(owner)
    coupon = await claimed(await a_citizen(), await an_offer(shop))
    later = await redeemed(shop, coupon.id)
    back = await undone(shop.clerk, later.id)
    await derive_new(NOON)
    told = [(row["webhook_id"], row["event_id"]) for row in await rows()]
    assert sorted(event for hook, event in told if hook == first.id) == sorted([*done, later.id, back.id])
    assert sorted(event for hook, event in told if hook == second.id) == sorted([later.id, back.id])


async def test_a_record_that_is_committed_late_is_not_missed(
    database: str, shop: Shop, owner: MemberActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its number is smaller than that of one that is there already."""
    monkeypatch.setattr(seals, "PATIENCE_S", 0.2)
    await some_redemptions(shop, 1)
    await a_webhook(owner)
    async with written_but_not_committed(database) as (_, late):
        [early] = await some_redemptions(shop, 1)
        with pytest.raises(seals.SealingWaits):
            await derive_new(NOON)
        assert await rows() == []
    assert await derive_new(NOON) == 2
    assert {row["event_id"] for row in await rows()} == {early, late}


async def test_two_processes_at_once_tell_each_event_once(
    shop: Shop, owner: MemberActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_deliveries, "ENTRIES_AT_ONCE", 2)
    await a_webhook(owner)
    done = await some_redemptions(shop, 7)
    await asyncio.gather(*(derive_new(NOON) for _ in range(3)))
    assert sorted(row["event_id"] for row in await rows()) == sorted(done)


async def test_a_killed_process_has_derived_all_of_a_batch_or_nothing(
    shop: Shop, owner: MemberActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_webhook(owner)
    done = await some_redemptions(shop, 3)

    async def dies(sql: str, *values: object) -> int:
        if sql.startswith("UPDATE webhooks"):
            raise KeyboardInterrupt
        return await execute(sql, *values)

    execute = webhook_deliveries.execute
    monkeypatch.setattr(webhook_deliveries, "execute", dies)
    with pytest.raises(KeyboardInterrupt):
        await derive_new(NOON)
    assert await rows() == []
    monkeypatch.undo()
    assert await derive_new(NOON) == 3
    assert sorted(row["event_id"] for row in await rows()) == sorted(done)


async def test_what_happens_while_it_is_off_is_not_told_and_what_waited_goes_on(
    shop: Shop, owner: MemberActor
) -> None:
    hook, send = await a_webhook(owner), Sent()
    [before] = await some_redemptions(shop, 1)
    await derive_new(NOON)
    await webhooks.change(owner, hook.id, URL, False, HERE, NOON)
    await some_redemptions(shop, 1)
    assert await derive_new(NOON) == 0 and await due(NOON) == []
    assert not await deliver(hook.id, send)
    await webhooks.change(owner, hook.id, URL, True, HERE, NOON)
    [after] = await some_redemptions(shop, 1)
    assert await derive_new(NOON) == 1
    while await deliver(hook.id, send):
        pass
    assert [loads(body)["id"] for _, body, _ in send.posts] == [str(before), str(after)]


# Sending ------------------------------------------------------------------------------------------


async def test_a_delivery_is_signed_with_the_webhooks_secret(shop: Shop, owner: MemberActor) -> None:
    till = Till()
    async with running(till):
        hook = await a_webhook(owner, till.url)
        await some_redemptions(shop, 1)
        await derive_new(NOON)
        assert await due(NOON) == [hook.id]

        async def send(url: str, body: bytes, headers: Mapping[str, str]) -> int:
            return await post(url, body, headers, HERE)

        assert await deliver(hook.id, send)
        assert not await deliver(hook.id, send)
    [body], sent = till.bodies, till.header("X-Xinyi-Signature")
    moment, _, mac = sent.removeprefix("t=").partition(",v1=")
    assert int(moment) == int(NOON.timestamp())
    expected = hmac.new(hook.secret.encode(), moment.encode() + b"." + body, "sha256").hexdigest()
    assert hmac.compare_digest(mac, expected)
    assert till.header("X-Xinyi-Event-Id") == loads(body)["id"]
    [row] = await rows()
    assert (row["status"], row["last_result"], row["tries"], row["ended_at"]) == ("delivered", "204", 1, NOON)
    assert await due(NOON + timedelta(days=2)) == []


def test_the_signature_covers_the_time_and_every_byte() -> None:
    given = signature("whsec_x", b'{"a":1}', NOON)
    assert given == "t=1772596800,v1=f20045d7e7b352a6851aa1b883c90d766914e3a9eeaa9faa66c6fc05d1616a14"
    others = [
        ("whsec_y", b'{"a":1}', NOON),
        ("whsec_x", b'{"a":2}', NOON),
        ("whsec_x", b'{"a":1}', NOON + MINUTE),
    ]
    assert len({given, *(signature(*other) for other in others)}) == 4


async def test_a_fresh_secret_signs_from_now_on(shop: Shop, owner: MemberActor) -> None:
    hook, send = await a_webhook(owner), Sent()
    again = await webhooks.rotate(owner, hook.id, KEYS, NOON)
    assert again.secret != hook.secret
    await webhooks.ping(owner, hook.id, NOON)
    assert await deliver(hook.id, send)
    [(_, body, headers)] = send.posts
    assert headers["X-Xinyi-Signature"] == signature(again.secret, body, NOON)
    [kept] = await fetch_all("SELECT secret_encrypted FROM webhooks")
    assert again.secret.encode() not in kept["secret_encrypted"]


@pytest.mark.parametrize("answers", [[500, 404, 204]])
async def test_what_was_not_taken_is_sent_again_with_the_same_id_and_body(
    shop: Shop, owner: MemberActor, answers: list[int]
) -> None:
    till, at = Till(*map(status, answers)), NOON
    async with running(till):
        hook = await a_webhook(owner, till.url)
        await webhooks.ping(owner, hook.id, NOON)

        async def send(url: str, body: bytes, headers: Mapping[str, str]) -> int:
            return await post(url, body, headers, HERE)

        for pause in PAUSES[:2]:
            assert not await deliver(hook.id, send, at)
            [row] = await rows()
            assert row["due_at"] == at + pause and row["status"] == "pending"
            assert not await deliver(hook.id, send, at + pause / 2), "not due yet"
            at += pause
        assert await deliver(hook.id, send, at)
    assert len(till.bodies) == 3 and len(set(till.bodies)) == 1
    signatures = {till.header("X-Xinyi-Signature", n) for n in range(3)}
    assert len(signatures) == 3, "each try is signed with its own time"


async def test_a_delivery_is_given_up_after_a_day_shown_told_and_sent_again_by_hand(
    shop: Shop, owner: MemberActor
) -> None:
    hook, send, at = await a_webhook(owner), Sent(fails_with="timeout"), NOON
    delivery = await webhooks.ping(owner, hook.id, NOON)
    for _ in range(MOST_TRIES):
        assert not await deliver(hook.id, send, at)
        [row] = await rows()
        at = max(at, row["due_at"])
    assert timedelta(hours=23) < at - NOON < timedelta(hours=25)
    [row] = await webhooks.deliveries(owner, hook.id, DeliveryStatus.FAILED, None, 10)
    assert (row["id"], row["tries"], row["last_result"]) == (delivery, MOST_TRIES, "timeout")
    [notice] = await fetch_all("SELECT kind, facts FROM member_notices")
    assert notice["kind"] == "webhook_failed" and loads(notice["facts"])["result"] == "timeout"
    assert await due(at + timedelta(days=9)) == []
    await webhooks.send_again(owner, hook.id, delivery, at)
    with pytest.raises(NotFound):
        await webhooks.send_again(owner, hook.id, delivery, at)
    assert await due(at) == [hook.id]
    assert await deliver(hook.id, good := Sent(), at)
    assert good.posts[0][1] == send.posts[0][1]


async def test_a_member_is_told_once_a_day_however_much_fails(shop: Shop, owner: MemberActor) -> None:
    hook = await a_webhook(owner)
    for _ in range(3):
        await webhooks.ping(owner, hook.id, NOON)
    at = NOON
    for _ in range(MOST_TRIES):
        for _ in range(3):
            await deliver(hook.id, Sent(fails_with="500"), at)
        at = max(row["due_at"] for row in await rows())
    assert {row["status"] for row in await rows()} == {"failed"}
    assert len(await fetch_all("SELECT 1 FROM member_notices")) == 1


async def test_a_process_that_is_killed_while_it_sends_leaves_it_to_the_next(
    shop: Shop, owner: MemberActor
) -> None:
    hook, send = await a_webhook(owner), Sent()
    await webhooks.ping(owner, hook.id, NOON)

    async def dies(url: str, body: bytes, headers: Mapping[str, str]) -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await deliver(hook.id, dies)
    assert not await deliver(hook.id, send, NOON + TAKEN_FOR - timedelta(seconds=1)), "somebody may have it"
    assert await deliver(hook.id, send, NOON + TAKEN_FOR)


async def test_two_senders_at_once_send_it_once(shop: Shop, owner: MemberActor) -> None:
    hook, send = await a_webhook(owner), Sent()
    for _ in range(2):
        await webhooks.ping(owner, hook.id, NOON)
    taken = await asyncio.gather(*(deliver(hook.id, send) for _ in range(6)))
    assert taken.count(True) == 2 and len({body for _, body, _ in send.posts}) == 2


# Setting up ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["http://till.example.com/", "https://10.0.0.1/", "https://localhost/", "https://a b.cn/"]
)
async def test_an_address_that_is_not_outside_is_not_taken(shop: Shop, owner: MemberActor, url: str) -> None:
    hook = await a_webhook(owner)
    with pytest.raises(UrlNotAllowed):
        await webhooks.create(owner, url, Reach(), KEYS, NOON)
    with pytest.raises(UrlNotAllowed):
        await webhooks.change(owner, hook.id, url, True, Reach(), NOON)


async def test_a_member_has_three_at_most(shop: Shop, owner: MemberActor) -> None:
    done = await asyncio.gather(*(a_webhook(owner) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(each, TooManyWebhooks) for each in done) == 2
    assert len(await webhooks.listed(owner)) == 3


async def test_another_members_webhook_is_not_found(shop: Shop, owner: MemberActor) -> None:
    hook, other = await a_webhook(owner), await an_owner((await a_shop()).member_id)
    delivery = await webhooks.ping(owner, hook.id, NOON)
    await fetch_all("UPDATE webhook_deliveries SET status = 'failed', ended_at = $1", NOON)
    calls: list[Awaitable[object]] = [
        webhooks.change(other, hook.id, URL, False, HERE, NOON),
        webhooks.rotate(other, hook.id, KEYS, NOON),
        webhooks.ping(other, hook.id, NOON),
        webhooks.deliveries(other, hook.id, None, None, 10),
        webhooks.send_again(other, hook.id, delivery, NOON),
        webhooks.send_again(owner, uuid4(), delivery, NOON),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            await call
    assert await webhooks.listed(other) == []


async def test_what_is_done_with_a_webhook_is_audited_without_its_secret(
    shop: Shop, owner: MemberActor
) -> None:
    hook = await a_webhook(owner)
    again = await webhooks.rotate(owner, hook.id, KEYS, NOON)
    await webhooks.ping(owner, hook.id, NOON)
    await webhooks.change(owner, hook.id, URL, False, HERE, NOON)
    records = await fetch_all("SELECT * FROM audit_records ORDER BY entry")
    assert [row["action"] for row in records] == [
        "webhook.create",
        "webhook.rotate",
        "webhook.ping",
        "webhook.change",
    ]
    assert not any(text in str(records) for text in (hook.secret, again.secret, "till.example.com"))


async def test_deliveries_that_ended_are_kept_for_three_months(shop: Shop, owner: MemberActor) -> None:
    hook = await a_webhook(owner)
    await webhooks.ping(owner, hook.id, NOON)
    await deliver(hook.id, Sent())
    await webhooks.ping(owner, hook.id, NOON)
    (rule,) = (rule for rule in RULES if rule.table == "webhook_deliveries")
    assert await forget(rule, NOON + rule.kept) == 0
    assert await forget(rule, NOON + rule.kept + MINUTE) == 1
    assert [row["status"] for row in await rows()] == ["pending"]
