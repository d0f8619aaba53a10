"""A message goes out once or not at all: only while its citizen agrees and accepts one, whatever breaks in between."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from citizens import consents, messages, subscriptions
from citizens.channels import SendOutcome
from citizens.message_wordings import Wording
from citizens.messages import GOOD_FOR, LOST_AFTER, MOST_TRIES, PAUSES, Desk, send_next
from citizens.subscriptions import Answer, TemplateNotOffered
from common.clock import end_of, local_day
from common.database import execute, fetch_all, fetch_one
from models import notice_log
from models.citizen_enums import MessageState, MessageTemplate, StopReason
from models.enums import Channel, ConsentPurpose
from models.retention import RULES, forget
from tests.factories.citizens import KEYS, a_citizen, a_person
from tests.factories.messengers import WORDINGS, SocketMessenger, errcode, garbage
from tests.factories.moments import NOON
from tests.factories.tills import Till, hangs, hangs_up, running

CLAIMED, EXPIRING = MessageTemplate.COUPON_CLAIMED, MessageTemplate.COUPON_EXPIRING
OFFERED = {Channel.SANDBOX: WORDINGS}
MINUTE = timedelta(minutes=1)
FACTS = {"coupon_id": UUID(int=1), "offer": "全场八折", "last_day": "2026-04-02"}
QUIET = MessageState.GIVEN_UP, MessageState.REFUSED


@pytest.fixture
async def till() -> AsyncIterator[Till]:
    async with running(Till()) as made:
        made.answers = [errcode(0)] * 20
        yield made


@pytest.fixture
async def citizen(database: str) -> UUID:
    """Agrees, and accepts two messages of each kind."""
    person = await a_person()
    await agree(person)
    await accept(person, 2)
    return person


async def agree(citizen_id: UUID) -> None:
    text = await consents.text_in_force(ConsentPurpose.NOTICES, NOON)
    await consents.grant(citizen_id, ConsentPurpose.NOTICES, text.version, NOON)


async def accept(citizen_id: UUID, times: int, answer: Answer = Answer.ACCEPT) -> None:
    for _ in range(times):
        await subscriptions.report(citizen_id, Channel.SANDBOX, dict.fromkeys(WORDINGS, answer), OFFERED)


async def tell(citizen_id: UUID, once: str = "a", kind: str = "coupon_claimed") -> bool:
    return await notice_log.tell("citizen", citizen_id, kind, once, FACTS, NOON)


def desk(till: Till, at: Any = NOON, template: MessageTemplate = CLAIMED, **changes: Any) -> Desk:
    values = {"messenger": SocketMessenger(till), "wording": WORDINGS[template], "clock": lambda: at}
    return Desk(**{**values, "template": template, "keys": KEYS, **changes})


async def rows() -> list[dict[str, Any]]:
    return [dict(row) for row in await fetch_all("SELECT * FROM messages ORDER BY id")]


async def states() -> list[str]:
    return [row["state"] for row in await rows()]


async def left(citizen_id: UUID, template: MessageTemplate = CLAIMED) -> int:
    found = await subscriptions.listed(citizen_id, OFFERED)
    return next(each.left for each in found if each.template is template)


# Written with its notice --------------------------------------------------------------------------


async def test_a_message_is_written_with_its_notice_and_once(citizen: UUID) -> None:
    assert await tell(citizen) and not await tell(citizen)
    [row] = await rows()
    assert (row["state"], row["channel"], row["template"]) == ("waiting", "sandbox", "coupon_claimed")
    assert row["next_try_at"] == NOON and row["tries"] == 0


async def test_who_did_not_agree_or_accepts_none_or_has_no_identity_gets_no_message(database: str) -> None:
    silent, used_up, nobody = await a_person(), await a_person(), await a_citizen()
    await accept(silent, 1)
    for each in (used_up, nobody):
        await agree(each)
    await accept(nobody, 1)
    for each in (silent, used_up, nobody):
        assert await tell(each), "the inbox has it all the same"
    assert await rows() == []


async def test_a_kind_without_a_template_stays_in_the_inbox(citizen: UUID) -> None:
    facts = {"coupon_id": UUID(int=1), "reason": "x"}
    assert await notice_log.tell("citizen", citizen, "coupon_revoked", "x", facts, NOON)
    assert await rows() == []


async def test_every_identity_that_can_be_written_to_gets_its_own(citizen: UUID) -> None:
    for subject, sealed in (
        (b"b" * 32, KEYS.encrypt("other", "channel_identities.subject")),
        (b"c" * 32, None),
    ):
        await execute(
            "INSERT INTO channel_identities (citizen_id, channel, subject_hash, subject_encrypted, created_at)"
            " VALUES ($1, 'sandbox', $2, $3, $4)",
            *(citizen, subject, sealed, NOON),
        )
    await tell(citizen)
    assert len({row["identity_id"] for row in await rows()}) == 2


# Sent ---------------------------------------------------------------------------------------------


async def test_what_is_sent_says_what_happened_and_nothing_of_the_person(citizen: UUID, till: Till) -> None:
    await tell(citizen)
    assert await send_next(desk(till)) is SendOutcome.SENT and await send_next(desk(till)) is None
    [sent] = SocketMessenger(till).sent
    [notice] = await fetch_all("SELECT id FROM citizen_notices")
    assert sent["touser"].startswith("load-") and sent["template_id"] == "tmpl-claimed"
    assert sent["page"] == f"pages/notices/one?id={notice['id']}"
    assert sent["data"] == {"thing1": {"value": "全场八折"}, "time2": {"value": "2026年4月2日"}}
    [row] = await rows()
    assert (row["state"], row["tries"], row["ended_at"]) == ("sent", 1, NOON)
    assert await left(citizen) == 1 and await left(citizen, EXPIRING) == 2


async def test_several_senders_at_once_send_each_once_and_no_more_than_is_accepted(
    citizen: UUID, till: Till
) -> None:
    for number in range(5):
        await tell(citizen, f"n{number}")
    done = await asyncio.gather(*(send_next(desk(till)) for _ in range(8)))
    done += [await send_next(desk(till)) for _ in range(2)]
    assert done.count(SendOutcome.SENT) == 2 == len({each["page"] for each in SocketMessenger(till).sent})
    assert sorted(await states()) == ["refused"] * 3 + ["sent"] * 2
    assert await left(citizen) == 0


@pytest.mark.parametrize("what", ["withdrawn", "erased", "moved", "too old"])
async def test_who_withdraws_or_is_erased_in_between_gets_nothing(
    citizen: UUID, till: Till, what: str
) -> None:
    await tell(citizen)
    at = NOON
    if what == "withdrawn":
        await consents.withdraw(citizen, ConsentPurpose.NOTICES, NOON)
    elif what == "erased":
        await execute("DELETE FROM channel_identities")
    elif what == "moved":
        await execute("UPDATE channel_identities SET citizen_id = $1", await a_citizen())
    else:
        at += GOOD_FOR
    assert await send_next(desk(till, at)) in QUIET
    assert till.bodies == [] and await left(citizen) == 2


async def test_a_withdrawal_waits_for_a_message_that_is_being_taken_and_stops_the_next(
    citizen: UUID, till: Till
) -> None:
    for once in ("a", "b"):
        await tell(citizen, once)

    class Withdrawn(SocketMessenger):
        async def send(self, *what: Any) -> SendOutcome:
            await consents.withdraw(citizen, ConsentPurpose.NOTICES, NOON)
            return await super().send(*what)

    assert await send_next(desk(till, messenger=Withdrawn(till))) is SendOutcome.SENT
    assert await send_next(desk(till)) is MessageState.REFUSED and len(till.bodies) == 1


@pytest.mark.parametrize("is_over", [False, True])
async def test_a_withdrawal_that_is_not_committed_yet_is_waited_for(
    database: str, citizen: UUID, till: Till, is_over: bool
) -> None:
    from tests.server.commands import connect

    await tell(citizen)
    connection = await connect(database)
    withdrawing = connection.transaction()
    await withdrawing.start()
    await connection.execute("UPDATE consents SET withdrawn_at = granted_at WHERE purpose = 'notices'")
    taking = asyncio.create_task(send_next(desk(till)))
    await asyncio.sleep(0.1)
    assert not taking.done()
    await (withdrawing.commit() if is_over else withdrawing.rollback())
    assert await taking is (MessageState.REFUSED if is_over else SendOutcome.SENT)
    await connection.close()


# What comes of it ---------------------------------------------------------------------------------


async def test_what_was_not_taken_is_tried_again_later_and_later(citizen: UUID, till: Till) -> None:
    till.answers, at = [errcode(-1)] * 20, NOON
    await tell(citizen)
    for pause in PAUSES:
        assert await send_next(desk(till, at)) is SendOutcome.TRY_LATER
        assert await send_next(desk(till, at + pause - MINUTE / 2)) is None
        assert await left(citizen) == 2, "it was given back"
        at += pause
    assert await send_next(desk(till, at)) is SendOutcome.TRY_LATER
    assert await states() == ["given_up"] and len(till.bodies) == MOST_TRIES == 7
    assert await left(citizen) == 2 and at - NOON < GOOD_FOR


async def test_nobody_there_is_tried_again(citizen: UUID) -> None:
    await tell(citizen)
    nowhere = Till()
    nowhere.port = 1
    assert await send_next(desk(nowhere)) is SendOutcome.TRY_LATER and await states() == ["waiting"]


async def test_a_day_that_is_used_up_stops_the_template_until_tomorrow(citizen: UUID, till: Till) -> None:
    till.answers[:0] = [errcode(45009)]
    for once in ("a", "b"):
        await tell(citizen, once)
    await tell(citizen, "c", "coupon_expiring")
    assert await send_next(desk(till)) is SendOutcome.TRY_TOMORROW
    tomorrow = end_of(local_day(NOON))
    assert await send_next(desk(till, tomorrow - MINUTE)) is None
    assert await messages.stopped(NOON) == [(Channel.SANDBOX, CLAIMED, StopReason.DAILY_LIMIT)]
    assert await send_next(desk(till, template=EXPIRING)) is SendOutcome.SENT, "the others go on"
    assert [await send_next(desk(till, tomorrow)) for _ in range(3)] == [*[SendOutcome.SENT] * 2, None]


async def test_a_refusal_says_that_none_is_accepted_any_more(citizen: UUID, till: Till) -> None:
    till.answers[:0] = [errcode(43101)]
    for once in ("a", "b"):
        await tell(citizen, once)
    assert await send_next(desk(till)) is SendOutcome.REFUSED
    assert await left(citizen) == 0 and await left(citizen, EXPIRING) == 2
    assert await send_next(desk(till)) is MessageState.REFUSED and len(till.bodies) == 1
    assert await tell(citizen, "c") and len(await rows()) == 2


@pytest.mark.parametrize("code", [40037, 47003])
async def test_a_template_that_does_not_fit_is_stopped_for_a_day_or_until_it_is_another(
    citizen: UUID, till: Till, code: int
) -> None:
    till.answers[:0] = [errcode(code)]
    for once in ("a", "b"):
        await tell(citizen, once)
    assert await send_next(desk(till)) is SendOutcome.NO_TEMPLATE
    assert await states() == ["no_template", "waiting"] and await left(citizen) == 2
    assert await send_next(desk(till, NOON + timedelta(hours=23))) is None
    assert [each[2] for each in await messages.stopped(NOON)] == [StopReason.NO_TEMPLATE]
    mended = Wording("tmpl-new", WORDINGS[CLAIMED].fields)
    assert await send_next(desk(till, wording=mended)) is SendOutcome.SENT


@pytest.mark.parametrize("answer", [hangs, hangs_up, garbage(), errcode(99999)])
async def test_what_nobody_can_say_is_never_sent_again(citizen: UUID, till: Till, answer: Any) -> None:
    till.answers[:0] = [answer]
    await tell(citizen)
    assert await send_next(desk(till)) is SendOutcome.UNKNOWN
    assert await states() == ["unknown"] and await left(citizen) == 1
    assert await send_next(desk(till, NOON + timedelta(days=1))) is None and len(till.bodies) == 1


async def test_a_messenger_that_breaks_is_no_reason_to_send_twice_and_its_words_stay_out_of_the_log(
    citizen: UUID, till: Till, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken(SocketMessenger):
        async def send(self, subject: str, *_: Any) -> SendOutcome:
            raise RuntimeError(f"no route to {subject}")

    await tell(citizen)
    assert await send_next(desk(till, messenger=Broken(till))) is SendOutcome.UNKNOWN
    assert await send_next(desk(till)) is None
    said = capsys.readouterr().out + caplog.text
    assert "RuntimeError" in said and "load-" not in said


async def test_what_cannot_be_said_is_given_up(citizen: UUID, till: Till) -> None:
    await tell(citizen)
    await execute("UPDATE channel_identities SET subject_encrypted = 'nonsense'")
    assert await send_next(desk(till)) is MessageState.GIVEN_UP
    assert await states() == ["given_up"] and till.bodies == []


# Killed -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", range(6))
async def test_a_sender_that_is_killed_at_any_step_never_sends_twice(
    citizen: UUID, till: Till, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Before and after each await: taking, sending, writing what came of it."""
    steps, answered = iter(range(6)), {"fetch_one": fetch_one, "execute": execute}

    def dying(work: Any) -> Any:
        async def do(*what: Any) -> Any:
            if next(steps) == step:
                raise KeyboardInterrupt
            done = await work(*what)
            if next(steps) == step:
                raise KeyboardInterrupt
            return done

        return do

    await tell(citizen)
    messenger = SocketMessenger(till)
    for name, work in answered.items():
        monkeypatch.setattr(messages, name, dying(work))
    monkeypatch.setattr(messenger, "send", dying(messenger.send))
    with pytest.raises(KeyboardInterrupt):
        await send_next(desk(till, messenger=messenger))
    monkeypatch.undo()
    later = NOON + LOST_AFTER + MINUTE
    assert await messages.close_lost(NOON + LOST_AFTER) == 0
    assert await messages.close_lost(later) == (1 if step in (1, 2, 3, 4) else 0)
    await send_next(desk(till, later))
    assert await states() == [{0: "sent", 5: "sent"}.get(step, "unknown")]
    assert len(till.bodies) == (0 if step in (1, 2) else 1)
    assert await left(citizen) == 1


@pytest.mark.parametrize("outcome", [SendOutcome.SENT, SendOutcome.TRY_LATER])
async def test_who_was_taken_for_dead_settles_it_all_the_same(
    citizen: UUID, till: Till, outcome: SendOutcome
) -> None:
    class Slow(SocketMessenger):
        async def send(self, *_: Any) -> SendOutcome:
            assert await messages.close_lost(NOON + LOST_AFTER + MINUTE) == 1
            assert await states() == ["unknown"] and await send_next(desk(till)) is None
            return outcome

    await tell(citizen)
    assert await send_next(desk(till, messenger=Slow(till))) is outcome
    assert await states() == ["sent" if outcome is SendOutcome.SENT else "waiting"]


@pytest.mark.parametrize("moved", [timedelta(days=300), -timedelta(days=300)])
async def test_a_sender_whose_clock_was_off_blocks_nothing(
    citizen: UUID, till: Till, moved: timedelta
) -> None:
    await tell(citizen)
    await execute("UPDATE messages SET state = 'sending', tried_at = $1", NOON + moved)
    assert await messages.close_lost(NOON) == 1 and await states() == ["unknown"]


async def test_what_waited_too_long_is_given_up_and_what_ended_goes_after_three_months(citizen: UUID) -> None:
    await tell(citizen)
    assert (
        await messages.late(NOON + MINUTE, 2 * MINUTE) == 0
        and await messages.late(NOON + MINUTE, MINUTE / 2) == 1
    )
    assert await messages.give_up_old(NOON + GOOD_FOR) == 0
    assert await messages.give_up_old(NOON + GOOD_FOR + MINUTE) == 1
    assert await states() == ["given_up"]
    (rule,) = (rule for rule in RULES if rule.table == "messages")
    assert await forget(rule, NOON + timedelta(days=92)) == 0
    assert await forget(rule, NOON + timedelta(days=93)) == 1


async def test_a_notice_that_is_forgotten_takes_its_message_with_it(citizen: UUID) -> None:
    await tell(citizen)
    [notice] = await fetch_all("SELECT id FROM citizen_notices")
    await notice_log.mark_read("citizen", citizen, notice["id"], NOON)
    assert await notice_log.forget_old(NOON + timedelta(days=91)) == 1
    assert await rows() == [] == await fetch_all("SELECT 1 FROM citizen_notices")


# Subscriptions ------------------------------------------------------------------------------------


async def test_what_is_accepted_counts_up_to_twenty_and_never_below_nothing(citizen: UUID) -> None:
    await asyncio.gather(*(accept(citizen, 5) for _ in range(4)))
    assert await left(citizen) == 20
    await accept(citizen, 1, Answer.REJECT)
    await accept(citizen, 1, Answer.FILTER)
    assert await left(citizen) == 20
    await accept(citizen, 1, Answer.BAN)
    assert await left(citizen) == 0


async def test_a_try_that_is_given_back_stays_within_twenty(citizen: UUID, till: Till) -> None:
    await tell(citizen)

    class Meanwhile(SocketMessenger):
        async def send(self, *_: Any) -> SendOutcome:
            await accept(citizen, 19)
            return SendOutcome.TRY_LATER

    await send_next(desk(till, messenger=Meanwhile(till)))
    assert await left(citizen) == 20


async def test_only_what_is_offered_is_counted(citizen: UUID) -> None:
    for channel, answers in (
        (Channel.WECHAT, {CLAIMED: Answer.ACCEPT}),
        (Channel.SANDBOX, {CLAIMED: Answer.ACCEPT, MessageTemplate.COUPON_REVERSED: Answer.ACCEPT}),
    ):
        with pytest.raises(TemplateNotOffered):
            await subscriptions.report(citizen, channel, answers, OFFERED)
    assert await left(citizen) == 2
    none: Mapping[Channel, Any] = {}
    assert await subscriptions.listed(citizen, none) == []
    assert await subscriptions.is_agreed(citizen) and not await subscriptions.is_agreed(await a_citizen())
