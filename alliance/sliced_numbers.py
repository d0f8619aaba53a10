"""Claims, coupons given back and refused scans, counted by slices: a minute counted again replaces itself.

These have no number that the database draws, and get none: it would be one more index to write for every claim. They
are found by the minute of their id (UUID v7) or of their moment, which clocks make. A row can turn up late in a
minute that was counted before: its transaction was still on its way, its process stood still, or a clock was off.
So what each minute gave is kept (`number_slices`), the last minutes are counted again every time and the last two
days every few minutes, and only the difference is added to the sums, in one statement. Nothing can be counted twice,
and what comes late is counted when the minute is next looked at; what is later still than `SWEPT`, `alliance.recounts`
finds.

Whoever counts holds the source's mark from before he looks: two at once take turns, and the second one sees more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from alliance import number_marks
from common.database import execute, fetch_all, fetch_one, transaction
from models.office_enums import NumberSource

SLICE_S = 60
# Slices that are counted again each time: no statement of the service is on its way for longer.
AGAIN = 2
# Slices that a sweep counts again (two days), and for how long they are kept (four).
SWEPT = 2 * 24 * 60
KEPT = 2 * SWEPT
# Slices that are counted in one go where much is left to count.
STEP = 10
FORGOTTEN_AT_ONCE = 5_000
# The last slice that an id can be in, and the last that a moment can (the year 9999).
LAST_OF_IDS, LAST_OF_MOMENTS = ((1 << 48) - 1) // (SLICE_S * 1000), 253_402_300_799 // SLICE_S

# The first 48 bits of an id are the milliseconds of its making.
OF_ID = "('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 60000"
# As the index of coupons that have ended says it.
ENDED = "ended_at > '2000-01-01 00:00:00+00'"
DAY = "({} AT TIME ZONE 'Asia/Shanghai')::date"

# Of what was counted: what is more than before. The statement sees the slices as they were before it.
FRESH = """counted AS MATERIALIZED (
    SELECT * FROM unnest($2::bigint[], $3::date[], $4::uuid[], $5::text[], $6::bigint[])
               AS counted (slice, day, subject_id, code, count)
), fresh AS MATERIALIZED (
    SELECT c.*, c.count - coalesce(s.count, 0) AS more
      FROM counted c
      LEFT JOIN LATERAL (SELECT count FROM number_slices WHERE source = $1 AND slice = c.slice AND day = c.day
                            AND subject_id = c.subject_id AND code = c.code LIMIT 1) s ON true
     WHERE c.count > coalesce(s.count, 0)
), kept AS (
    INSERT INTO number_slices (source, slice, day, subject_id, code, count)
    SELECT $1, slice, day, subject_id, code, count FROM fresh
    ON CONFLICT (source, slice, day, subject_id, code) DO UPDATE SET count = excluded.count
), more AS (
    SELECT day, subject_id, code, sum(more)::bigint AS more FROM fresh GROUP BY day, subject_id, code
)"""
CLAIMED = f"""
WITH {FRESH}
INSERT INTO flow_days AS f (day, offer_id, member_id, region_id, claims)
SELECT more.day, o.id, o.member_id, o.region_id, more.more FROM more JOIN offers o ON o.id = more.subject_id
 ORDER BY more.day, o.id
ON CONFLICT (day, offer_id) WHERE store_id IS NULL DO UPDATE SET claims = f.claims + excluded.claims
"""
GIVEN_BACK = f"""
WITH {FRESH}
INSERT INTO flow_days AS f (day, offer_id, member_id, region_id, given_back)
SELECT more.day, o.id, o.member_id, o.region_id, more.more FROM more JOIN offers o ON o.id = more.subject_id
 ORDER BY more.day, o.id
ON CONFLICT (day, offer_id) WHERE store_id IS NULL DO UPDATE SET given_back = f.given_back + excluded.given_back
"""
REFUSED = f"""
WITH {FRESH}
INSERT INTO refusal_days AS r (day, member_id, code, refusals)
SELECT day, subject_id, code, more FROM more ORDER BY day, subject_id, code
ON CONFLICT (day, member_id, code) DO UPDATE SET refusals = r.refusals + excluded.refusals
"""


@dataclass(frozen=True, slots=True)
class Source:
    """Where rows are found by the slice they lie in, and where their sums go.

    `first` is the first slice from $1 on that has a row; `count` the rows of the slices from $1 to before $2.
    """

    first: str
    count: str
    add: str
    is_by_id: bool

    @property
    def last(self) -> int:
        """The last slice that there can be."""
        return LAST_OF_IDS if self.is_by_id else LAST_OF_MOMENTS

    def bound(self, number: int) -> UUID | datetime:
        """Where a slice begins, as the rows are found by."""
        number = min(max(0, number), self.last)
        if self.is_by_id:
            return UUID(int=number * SLICE_S * 1000 << 80)
        return datetime.fromtimestamp(number * SLICE_S, UTC)


def _by_id(table: str, moment: str, subject: str, code: str) -> tuple[str, str]:
    return (
        f"SELECT {OF_ID} AS slice FROM {table} WHERE id >= $1 ORDER BY id LIMIT 1",
        f"SELECT {OF_ID} AS slice, {DAY.format(moment)} AS day, {subject} AS subject_id, {code} AS code,"
        f" count(*) AS count FROM {table} WHERE id >= $1 AND id < $2 GROUP BY 1, 2, 3, 4",
    )


SOURCES: Mapping[NumberSource, Source] = {
    NumberSource.CLAIMS: Source(*_by_id("coupons", "claimed_at", "offer_id", "''"), CLAIMED, True),
    NumberSource.GIVEN_BACK: Source(
        "SELECT floor(extract(epoch FROM ended_at) / 60)::bigint AS slice FROM coupons"
        f" WHERE ended_at >= $1 AND {ENDED} ORDER BY ended_at LIMIT 1",
        "SELECT floor(extract(epoch FROM ended_at) / 60)::bigint AS slice,"
        f" {DAY.format('ended_at')} AS day, offer_id AS subject_id, '' AS code, count(*) AS count FROM coupons"
        f" WHERE ended_at >= $1 AND ended_at < $2 AND {ENDED} AND status = 'given_back' GROUP BY 1, 2, 3, 4",
        GIVEN_BACK,
        False,
    ),
    NumberSource.ATTEMPTS: Source(*_by_id("attempts", "attempted_at", "member_id", "code"), REFUSED, True),
}


async def count_sliced(now: datetime, again: int = AGAIN) -> int:
    """Count what is new of every source; how many rows were looked at.

    Args:
        again: how many slices before the last one are counted again.
    """
    return sum([await _count(source, now, again) for source in SOURCES])


async def sweep(now: datetime) -> int:
    """Count the last two days again: what turned up late is in the sums afterwards; 0 whatever it found."""
    await count_sliced(now, SWEPT)
    return 0


async def forget_slices(now: datetime) -> int:
    """Delete slices that are never counted again; how many."""
    return sum([await _forget(source, now) for source in SOURCES])


async def _count(source: NumberSource, now: datetime, again: int) -> int:
    # A clock that was ahead must not leave a gap: never later than the newest row that was counted.
    begin = min(await number_marks.read(source), _slice_of(now)) - again
    looked_at = 0
    how = SOURCES[source]
    while begin < how.last and (row := await fetch_one(how.first, how.bound(begin))):
        first = max(begin, row["slice"])
        begin = first + STEP
        looked_at += await _count_slices(source, first, begin)
    return looked_at


async def _count_slices(source: NumberSource, first: int, until: int) -> int:
    async with transaction():
        first = max(first, (await number_marks.held(source))["kept_from"])
        if first >= until:
            return 0
        how = SOURCES[source]
        rows = await fetch_all(how.count, how.bound(first), how.bound(until))
        names = ("slice", "day", "subject_id", "code", "count")
        await execute(how.add, source, *([row[name] for row in rows] for name in names))
        if rows:
            await number_marks.advance(source, max(row["slice"] for row in rows))
    return sum(row["count"] for row in rows)


async def _forget(source: NumberSource, now: datetime) -> int:
    async with transaction():
        mark = (await number_marks.held(source))["mark"]
        keep_from = max(0, min(mark, _slice_of(now)) - KEPT)
        await execute(
            "UPDATE number_marks SET kept_from = greatest(kept_from, $2) WHERE source = $1", source, keep_from
        )
        return await execute(
            "DELETE FROM number_slices WHERE id IN (SELECT id FROM number_slices"
            " WHERE source = $1 AND slice < $2 LIMIT $3)",
            *(source, keep_from, FORGOTTEN_AT_ONCE),
        )


def _slice_of(moment: datetime) -> int:
    return int(moment.timestamp()) // SLICE_S
