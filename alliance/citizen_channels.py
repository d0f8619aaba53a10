"""登录渠道: the channels that a citizen signs in through; he adds and takes off his own."""

from datetime import datetime

from alliance.account_joins import offer_to_join
from benefits import coupons
from citizens import accounts
from citizens.channels import Login
from common.actors import CitizenActor
from common.crypto import PersonalDataKeys
from common.database import Row, execute, fetch_all, fetch_one, transaction
from common.errors import NotFound, Refused
from models import audit_log, one_time_links
from models.enums import Channel

# One after the other: two at once must not take off the last two.
HOLD = "SELECT 1 FROM citizens WHERE id = $1 FOR NO KEY UPDATE"


class LastChannel(Refused):
    """Without a channel nobody could sign in to the account again."""

    code = "last_channel"
    zh = "这是您唯一的登录渠道，不能解除。请先添加另一个渠道，再解除这一个。"
    en = "This is your only channel, so it can't be taken off. Add another one first."


async def add(
    actor: CitizenActor, channel: Channel, login: Login, keys: PersonalDataKeys, now: datetime
) -> Row:
    """Add the channel that he has just logged in through; adding it again is adding it once.

    Returns:
        `id`, `channel` and `since` of the identity.

    Raises:
        NaturalPersonRequired, OtherPerson, AccountGone: as `accounts.add_identity` says.
        AccountsToJoin: it has an account of its own; with what it takes to join the two.
    """
    added = await accounts.add_identity(actor.id, channel, login, keys)
    if added.other is not None:
        raise await offer_to_join(actor.id, added.other, now)
    row = await fetch_one(
        "SELECT id, channel, created_at AS since FROM channel_identities WHERE id = $1 AND citizen_id = $2",
        *(added.id, actor.id),
    )
    if row is None:
        raise NotFound
    await audit_log.record(
        audit_log.who(actor), "channel.add", ("citizen", actor.id), now, after={"channel": channel}
    )
    return row


async def remove(actor: CitizenActor, identity_id: int, now: datetime) -> None:
    """Take a channel off, and sign out everywhere else: whoever had it may be signed in with it, or hold a token to join.

    Raises:
        NotFound: no such channel of his.
        LastChannel: it is the only one.
    """
    async with transaction():
        await fetch_one(HOLD, actor.id)
        held = await fetch_all("SELECT id, channel FROM channel_identities WHERE citizen_id = $1", actor.id)
        channel = {row["id"]: row["channel"] for row in held}.get(identity_id)
        if channel is None:
            raise NotFound
        if len(held) == 1:
            raise LastChannel
        await execute("DELETE FROM channel_identities WHERE id = $1", identity_id)
        ended = await fetch_all(
            "UPDATE sessions SET revoked_at = $3, revoked_reason = 'channel_removed'"
            " WHERE actor_id = $1 AND actor_kind = 'citizen' AND id <> $2 AND revoked_at IS NULL RETURNING id",
            *(actor.id, actor.session_id, now),
        )
        for session in ended:
            await coupons.forget_phone(session["id"])
        await one_time_links.forget(actor.id, now)
        await audit_log.record(
            audit_log.who(actor), "channel.remove", ("citizen", actor.id), now, before={"channel": channel}
        )
