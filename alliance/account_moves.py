"""What goes from one account to the other when a person's two are joined: every row that points to a citizen.

Each statement takes `$1`, who goes, and `$2`, who stays, and runs while both citizens are held: nothing new can point
to either. The row of who goes is deleted at the end, so a table that is forgotten here refuses the join (its foreign
key does) instead of losing something; a test reads the foreign keys back.
"""

from datetime import datetime
from uuid import UUID

from benefits.codes import GENERATIONS
from citizens import agents
from common.crypto import PersonalDataKeys
from common.database import execute
from merchants import self_bindings

# In the order of the locks of every other statement: sessions before coupons, rows of a kind by their ids.
HOLD_SESSIONS = """
SELECT id FROM sessions WHERE actor_id IN ($1, $2) AND actor_kind = 'citizen' AND revoked_at IS NULL
 ORDER BY id FOR UPDATE
"""
END_SESSIONS = """
UPDATE sessions SET revoked_at = $2, revoked_reason = 'account_joined'
 WHERE actor_id = $1 AND actor_kind = 'citizen' AND revoked_at IS NULL
"""
# Of both: no coupon is given back between looking for free places and taking them.
HOLD_COUPONS = "SELECT id FROM coupons WHERE citizen_id IN ($1, $2) ORDER BY id FOR NO KEY UPDATE"
# A phone that was signed in as who goes has its renewal keys no more.
FORGET_PHONES = f"""
UPDATE coupons SET key_generation = least(key_generation + 1, {GENERATIONS - 1}), renewal_session_id = NULL
 WHERE citizen_id = $1 AND renewal_session_id IS NOT NULL
"""
# Into the lowest free places, above the limit where there are not enough: what is claimed stays, and every claim
# counts all of them. That the lowest are filled is what makes a claim in flight collide and be judged anew.
PLACE_COUPONS = """
WITH moving AS (
    SELECT id, offer_id, limit_period, row_number() OVER (PARTITION BY offer_id, limit_period ORDER BY slot) AS turn
      FROM coupons WHERE citizen_id = $1 AND slot IS NOT NULL
), spans AS (
    SELECT m.offer_id, m.limit_period, count(*) + (
           SELECT count(*) FROM coupons held
            WHERE held.offer_id = m.offer_id AND held.citizen_id = $2 AND held.limit_period = m.limit_period
              AND held.slot IS NOT NULL) AS places
      FROM moving m GROUP BY m.offer_id, m.limit_period
), free AS (
    SELECT s.offer_id, s.limit_period, place,
           row_number() OVER (PARTITION BY s.offer_id, s.limit_period ORDER BY place) AS turn
      FROM spans s CROSS JOIN LATERAL generate_series(1, s.places) AS place
     WHERE NOT EXISTS (SELECT FROM coupons taken
                        WHERE taken.offer_id = s.offer_id AND taken.citizen_id = $2
                          AND taken.limit_period = s.limit_period AND taken.slot = place)
)
UPDATE coupons SET citizen_id = $2, slot = free.place
  FROM moving JOIN free USING (offer_id, limit_period, turn)
 WHERE coupons.id = moving.id
"""
# A consent is one person's word to one text; the other account's does not speak for him any more (PIPL 14).
MOVE_CONSENTS = """
UPDATE consents SET citizen_id = $2, withdrawn_at = coalesce(withdrawn_at, greatest($3, granted_at))
 WHERE citizen_id = $1
"""
# Looked up under a consent that ends here.
MOVE_SNAPSHOTS = """
UPDATE tier_snapshots
   SET citizen_id = $2, valid_until = least(valid_until, greatest($3, taken_at + interval '1 microsecond'))
 WHERE citizen_id = $1
"""
# Both were told of one cause: both notices stay.
FREE_CAUSES = """
UPDATE citizen_notices gone SET once_key = left(gone.once_key, 90) || ':' || gone.id
 WHERE gone.citizen_id = $1
   AND EXISTS (SELECT FROM citizen_notices kept WHERE kept.citizen_id = $2 AND kept.once_key = gone.once_key)
"""
# Into the free places of each day; more than one may make in a day have none.
PLACE_COMPLAINTS = """
WITH moving AS (
    SELECT id, complained_on, row_number() OVER (PARTITION BY complained_on ORDER BY id) AS turn
      FROM complaints WHERE citizen_id = $1 AND place IS NOT NULL
), free AS (
    SELECT d.complained_on, place, row_number() OVER (PARTITION BY d.complained_on ORDER BY place) AS turn
      FROM (SELECT DISTINCT complained_on FROM moving) d CROSS JOIN generate_series(1, 5) AS place
     WHERE NOT EXISTS (SELECT FROM complaints taken
                        WHERE taken.citizen_id = $2 AND taken.complained_on = d.complained_on
                          AND taken.place = place.place)
)
UPDATE complaints SET citizen_id = $2, place = free.place
  FROM moving LEFT JOIN free USING (complained_on, turn)
 WHERE complaints.id = moving.id
"""
MOVE_PHONE = """
UPDATE citizen_phones SET citizen_id = $2
 WHERE citizen_id = $1 AND NOT EXISTS (SELECT FROM citizen_phones WHERE citizen_id = $2)
"""
FORGET_OWN_AGENTS = (
    "DELETE FROM agent_bindings WHERE $1 IN (agent_id, principal_id) AND $2 IN (agent_id, principal_id)"
)
MOVE_AGENTS = """
UPDATE agent_bindings SET agent_id = CASE WHEN agent_id = $1 THEN $2 ELSE agent_id END,
       principal_id = CASE WHEN principal_id = $1 THEN $2 ELSE principal_id END
 WHERE $1 IN (agent_id, principal_id)
"""
END_GUARDIANSHIPS = """
UPDATE guardianship_requests SET state = 'withdrawn', decided_at = greatest($2, requested_at),
       child_hash = NULL, name_encrypted = NULL, id_number_encrypted = NULL
 WHERE guardian_id = $1 AND state = 'requested'
"""
# Found by the notices that they are of, which move afterwards.
MOVE_MESSAGES = """
UPDATE messages SET citizen_id = $2 WHERE notice_id IN (SELECT id FROM citizen_notices WHERE citizen_id = $1)
"""
# Of two accounts' leave to send him so many, as much as one may give.
ADD_QUOTAS = """
UPDATE message_quotas kept SET accepted = least(kept.accepted + gone.accepted, 20)
  FROM message_quotas gone
 WHERE gone.citizen_id = $1 AND kept.citizen_id = $2 AND kept.channel = gone.channel AND kept.template = gone.template
"""
# Said or done twice, it is kept once: the columns that make two rows one.
SAME = {
    "message_quotas": ("channel", "template"),
    "consent_refusals": ("purpose", "recipient_member_id"),
    "data_copies": ("copied_on", "place"),
}
# What moves as it is, after whatever stood in its way.
PLAIN = (
    *("coupons", "credit_lookups", "citizen_notices", "complaints", "channel_identities", "citizen_joins"),
    *("objections", "declarations", "disclosures", *SAME),
)


async def move_all(gone: UUID, kept: UUID, keys: PersonalDataKeys, now: datetime) -> None:
    """Give everything of one citizen to another, and delete the one; the caller holds both and has a transaction.

    Raises:
        asyncpg.LockNotAvailableError, asyncpg.UniqueViolationError: something of theirs is being written; nothing is
            done, and the join can be tried again.
    """
    await execute(HOLD_SESSIONS, gone, kept)
    await execute(END_SESSIONS, gone, now)
    await execute(HOLD_COUPONS, gone, kept)
    await execute(FORGET_PHONES, gone)
    for table in ("coupons", "complaints", "objections", "declarations"):
        # No client can send a key that begins so.
        await execute(
            f"UPDATE {table} gone SET request_key = '=' || replace(gone.id::text, '-', '') WHERE gone.citizen_id = $1"
            f" AND EXISTS (SELECT FROM {table} kept WHERE kept.citizen_id = $2 AND kept.request_key = gone.request_key)",
            *(gone, kept),
        )
    await execute(PLACE_COUPONS, gone, kept)
    await execute(MOVE_CONSENTS, gone, kept, now)
    await execute(MOVE_SNAPSHOTS, gone, kept, now)
    # Who acts for whom is between two accounts; with one of them it ends, and is made anew with the other.
    await agents.end_all(gone, now)
    await execute(FREE_CAUSES, gone, kept)
    await execute(PLACE_COMPLAINTS, gone, kept)
    await execute(_place_requests("objections", "closed_at IS NULL", 10), gone, kept)
    await execute(_place_requests("declarations", "place IS NOT NULL", 20), gone, kept)
    await execute(FORGET_OWN_AGENTS, gone, kept)
    await execute(MOVE_AGENTS, gone, kept)
    await execute(END_GUARDIANSHIPS, gone, now)
    await execute("UPDATE guardianship_requests SET guardian_id = $2 WHERE guardian_id = $1", gone, kept)
    await execute(ADD_QUOTAS, gone, kept)
    for table, columns in SAME.items():
        same = " AND ".join(f"kept.{column} IS NOT DISTINCT FROM gone.{column}" for column in columns)
        await execute(
            f"DELETE FROM {table} gone USING {table} kept WHERE gone.citizen_id = $1 AND kept.citizen_id = $2 AND {same}",
            *(gone, kept),
        )
    await execute(MOVE_PHONE, gone, kept)
    await execute("DELETE FROM citizen_phones WHERE citizen_id = $1", gone)
    await execute(MOVE_MESSAGES, gone, kept)
    for table in PLAIN:
        await execute(f"UPDATE {table} SET citizen_id = $2 WHERE citizen_id = $1", gone, kept)
    await self_bindings.follow(gone, kept, keys)
    await execute("DELETE FROM citizens WHERE id = $1", gone)


def _place_requests(table: str, holds_place: str, most: int) -> str:
    """Into the free places of who stays; where there are not enough, his are taken and the join is refused for now."""
    return f"""
WITH moving AS (
    SELECT id, row_number() OVER (ORDER BY id) AS turn FROM {table} WHERE citizen_id = $1 AND {holds_place}
), free AS (
    SELECT place, row_number() OVER (ORDER BY place) AS turn FROM generate_series(1, {most}) AS place
     WHERE NOT EXISTS (SELECT FROM {table} taken
                        WHERE taken.citizen_id = $2 AND taken.place = place.place AND taken.{holds_place})
)
UPDATE {table} SET citizen_id = $2, place = coalesce(free.place, {table}.place)
  FROM moving LEFT JOIN free USING (turn) WHERE {table}.id = moving.id
"""
