"""试算: what a draft of a tier scheme would do, counted in the background before a second head decides on it.

Counted by scores where the credit source can count people by them, else by the bands of valid snapshots. Results hold
counts only, in tens, and small ones not at all.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from json import dumps, loads
from typing import Any
from uuid import UUID

import asyncpg

from alliance.permissions import ProvinceAlone
from benefits import tier_bands
from citizens.credit_sources import ScoreHistogram
from citizens.tier_moves import Moves, count_by_bands, count_by_scores, shown_count
from citizens.tier_scheme_versions import Draft, check_bands, check_spans, check_time
from citizens.tier_schemes import Band, Scheme, find_in_force, scheme_by_id
from common.actors import AdminActor
from common.database import Row, constraint_of, execute, fetch_all, fetch_one, transaction
from common.errors import NotFound, Refused
from common.ids import new_id
from common.jobs import enqueue
from models import audit_log
from models.office_enums import ApprovalKind, WhatIfState

WHAT_IF_JOB = "tier_scheme.what_if"
GOOD_FOR = timedelta(days=7)
# A job that failed for good leaves its run behind: after so long another one may begin.
GIVEN_UP_AFTER = timedelta(hours=1)
# Citizens' ids are random: each part of their range holds as many as another, and few enough for one statement.
PARTS = 256
TELL_EVERY = 16
COLUMNS = "id, scheme_code, draft_hash, state, parts_done, result, asked_at, done_at"

COUNT_PART = """
SELECT s.scheme_id, s.tier_code, count(*)::bigint AS people FROM tier_snapshots s
 WHERE s.citizen_id BETWEEN $1 AND $2 AND s.valid_until > $3 AND s.tier_code IS NOT NULL
   AND s.scheme_id = ANY ($4::bigint[])
   AND NOT EXISTS (SELECT FROM tier_snapshots n WHERE n.citizen_id = s.citizen_id AND n.taken_at > s.taken_at)
 GROUP BY s.scheme_id, s.tier_code
"""


class WhatIfRunning(Refused):
    """Another draft of the same scheme is being counted."""

    code = "what_if_running"
    zh = "这个方案的另一份草案正在试算，请等它完成后再试。"
    en = "Another draft of this scheme is being counted. Try again when that is done."


class WhatIfMissing(Refused):
    """Nobody may agree to what was not counted."""

    code = "what_if_missing"
    zh = "这份草案还没有试算结果，或结果已超过 7 天，或之后又公布了新版本。请先试算同一份草案，完成后再审批。"
    en = "There is no what-if of this very draft, or it is older than 7 days, or than the last version. Run it for the same draft, then decide."


async def ask(actor: AdminActor, draft: Draft, now: datetime) -> UUID:
    """Have a draft counted; the run's id. One that is counted right now is not counted twice.

    Raises:
        ProvinceAlone: the admin is a city's or a county's.
        BandsNotInOrder, RefreshBeyondValidity, NoticeTooShort, LaterVersionAnnounced: it could not be announced.
        WhatIfRunning: another draft of the scheme is being counted.
    """
    await check(actor, draft, now)
    await execute(
        "UPDATE tier_what_ifs SET state = 'given_up', done_at = $2"
        " WHERE scheme_code = $1 AND state = 'waiting' AND asked_at < $3",
        *(draft.code, now, now - GIVEN_UP_AFTER),
    )
    what_if_id = new_id()
    try:
        async with transaction():
            await execute(
                "INSERT INTO tier_what_ifs (id, scheme_code, draft_hash, draft, asked_by, asked_at)"
                " VALUES ($1, $2, $3, $4, $5, $6)",
                *(what_if_id, draft.code, draft.digest(), dumps(draft.plain()), actor.id, now),
            )
            await enqueue(WHAT_IF_JOB, {"what_if_id": what_if_id}, once=f"{WHAT_IF_JOB}:{what_if_id}")
            await audit_log.record(
                audit_log.who(actor),
                "tier_scheme.what_if",
                ("tier_scheme", draft.code),
                now,
                region=actor.region,
                after={"what_if_id": what_if_id},
            )
    except asyncpg.UniqueViolationError as error:
        if constraint_of(error) != "tier_what_ifs_one_at_a_time":
            raise
        running = await fetch_one(
            "SELECT id FROM tier_what_ifs WHERE scheme_code = $1 AND state = 'waiting' AND draft_hash = $2",
            *(draft.code, draft.digest()),
        )
        if running is None:
            raise WhatIfRunning from None
        return running["id"]  # type: ignore[no-any-return]
    return what_if_id


async def check(actor: AdminActor, draft: Draft, now: datetime) -> None:
    """Let a draft pass that could be announced by this admin's province.

    Raises:
        ProvinceAlone, BandsNotInOrder, RefreshBeyondValidity, NoticeTooShort, LaterVersionAnnounced: it could not.
    """
    _must_be_province(actor)
    check_bands(draft.bands)
    check_spans(draft)
    await check_time(draft.code, draft.notice_days, draft.effective_from, now)


def _must_be_province(actor: AdminActor) -> None:
    if not actor.region.endswith("0000"):
        raise ProvinceAlone


async def of_draft(draft: Draft, now: datetime) -> Row | None:
    """The newest run of this very draft that is under way or less than a week old.

    One that was begun before another version was announced has counted against what is not the last one any more.
    """
    return await fetch_one(
        f"SELECT {COLUMNS} FROM tier_what_ifs w WHERE draft_hash = $1 AND state <> 'given_up'"
        " AND coalesce(done_at > $2, true) AND NOT EXISTS"
        "  (SELECT FROM tier_schemes s WHERE s.code = w.scheme_code AND s.published_at > w.asked_at) ORDER BY done_at DESC NULLS LAST LIMIT 1",
        *(draft.digest(), now - GOOD_FOR),
    )


async def must_be_seen(draft: Draft, now: datetime) -> UUID:
    """The finished run of a draft, without which nobody agrees to it.

    Raises:
        WhatIfMissing: there is none, it is older than a week, or than the last version, or of another draft.
    """
    found = await of_draft(draft, now)
    if found is None or found["state"] != WhatIfState.DONE:
        raise WhatIfMissing
    return found["id"]  # type: ignore[no-any-return]


async def one(actor: AdminActor, what_if_id: UUID) -> Row:
    """A run, as far as it has come.

    Raises:
        ProvinceAlone: the admin is a city's or a county's.
        NotFound: there is none.
    """
    _must_be_province(actor)
    row = await fetch_one(f"SELECT {COLUMNS} FROM tier_what_ifs WHERE id = $1", what_if_id)
    if row is None:
        raise NotFound
    return row


async def of_requests(requests: Sequence[Row]) -> Mapping[UUID, Row]:
    """The newest run of what is asked for, by the request's id; of tier schemes only."""
    hashes = {row["id"]: draft_of(loads(row["payload"])).digest() for row in requests if _is_scheme(row)}
    if not hashes:
        return {}
    rows = await fetch_all(
        f"SELECT DISTINCT ON (draft_hash) {COLUMNS} FROM tier_what_ifs WHERE draft_hash = ANY ($1::bytea[])"
        " AND state <> 'given_up' ORDER BY draft_hash, done_at DESC NULLS LAST",
        [*hashes.values()],
    )
    newest = {row["draft_hash"]: row for row in rows}
    return {id_: newest[digest] for id_, digest in hashes.items() if digest in newest}


def _is_scheme(request: Row) -> bool:
    return bool(request["kind"] == ApprovalKind.TIER_SCHEME)


def draft_of(payload: Mapping[str, Any]) -> Draft:
    """What a request asks for, without what was added to it for those who decide."""
    return Draft.of({name: value for name, value in payload.items() if name != "what_if_id"})


async def run(what_if_id: UUID, scores: ScoreHistogram | None, now: datetime) -> None:
    """Count; what was counted already, or given up, stays so. A run that is killed begins anew.

    Args:
        scores: the credit source, if it can count people by their scores.

    Raises:
        CreditSourceUnavailable, OSError, TimeoutError: it can't now; the run waits for the next try.
    """
    row = await fetch_one("SELECT draft FROM tier_what_ifs WHERE id = $1 AND state = 'waiting'", what_if_id)
    if row is None:
        return
    draft = Draft.of(loads(row["draft"]))
    before, after = await find_in_force(draft.code, draft.effective_from), draft.scheme()
    histogram = await scores.histogram(draft.code) if scores is not None else {}
    if histogram:
        moves = count_by_scores(before, after, histogram)
    else:
        moves = count_by_bands(await _people_by_band(what_if_id, draft.code, now), after)
    result = {"basis": "scores" if histogram else "snapshots", **shown(before, after, moves)}
    offers = await tier_bands.admitting_one([band.level for band in draft.bands], now)
    result["offers_of_one_band"] = [
        {"id": str(offer["id"]), "title": offer["title"], "min_tier_level": offer["min_tier_level"]}
        for offer in offers[: tier_bands.AT_MOST]
    ]
    result["has_more_offers"] = len(offers) > tier_bands.AT_MOST
    await execute(
        "UPDATE tier_what_ifs SET state = 'done', result = $2, done_at = $3, parts_done = $4"
        " WHERE id = $1 AND state = 'waiting'",
        *(what_if_id, dumps(result, ensure_ascii=False), now, PARTS),
    )


async def _people_by_band(
    what_if_id: UUID, code: str, now: datetime
) -> Sequence[tuple[Scheme, Mapping[str, int]]]:
    """Whose newest snapshot is valid and under the scheme, by version and band; part by part."""
    ids = [row["id"] for row in await fetch_all("SELECT id FROM tier_schemes WHERE code = $1", code)]
    people: dict[int, Counter[str]] = {}
    for part in range(PARTS):
        first, last = UUID(int=part << 120), UUID(int=((part + 1) << 120) - 1)
        for row in await fetch_all(COUNT_PART, first, last, now, ids):
            people.setdefault(row["scheme_id"], Counter())[row["tier_code"]] += row["people"]
        if part % TELL_EVERY == 0:
            await execute("UPDATE tier_what_ifs SET parts_done = $2 WHERE id = $1", what_if_id, part)
    return [(await scheme_by_id(scheme_id), by_code) for scheme_id, by_code in sorted(people.items())]


def shown(before: Scheme | None, after: Scheme, moves: Moves) -> dict[str, Any]:
    """What a run found, as it is kept and shown."""
    cells = sorted(moves.people.items(), key=lambda cell: [band.low if band else -1 for band in cell[0]])
    cells_undecided = sorted(moves.undecided.items(), key=lambda cell: cell[0].low)
    return {
        "bands_before": [_plain(band) for band in before.bands] if before else [],
        "bands_after": [_plain(band) for band in after.bands],
        **{
            name: shown_count(count)
            for name, count in {
                "people": moves.total,
                "rise": moves.risen(),
                "fall": moves.fallen(),
                "stay": moves.stayed(),
                "off_scale": moves.off_scale(),
                "saved_by_grace": moves.saved_by_grace,
                "undecided": moves.undecided.total(),
            }.items()
        },
        "moves": [
            *(
                {"before": old and old.code, "after": new and new.code, "people": shown_count(count)}
                for (old, new), count in cells
            ),
            *(
                {"before": old.code, "after": None, "people": shown_count(count), "is_undecided": True}
                for old, count in cells_undecided
            ),
        ],
        "by_min_tier_level": [
            {
                "min_tier_level": level,
                "lose": shown_count(moves.losing(level)),
                "gain": shown_count(moves.gaining(level)),
            }
            for level in range(1, 5)
        ],
    }


def _plain(band: Band) -> dict[str, Any]:
    return {
        "code": band.code,
        "name": band.name,
        "level": int(band.level),
        "low": band.low,
        "high": band.high,
    }
