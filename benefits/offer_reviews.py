"""Reading offers with their versions: by their member, and by who reviews them; what a version would change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from benefits.offer_lives import Owner, where_of
from benefits.proposals import RULES, TERMS
from common.actors import AdminActor, MemberActor
from common.database import Row, fetch_all, fetch_one
from common.errors import NotFound
from common.ids import AFTER_ALL
from models.enums import OfferStatus, OfferVersionState
from models.region import subtree_prefix

# Counting goes no further: whoever needs the whole of a large offer's numbers reads the statistics.
MOST_COUNTED = 10_000
MOST_VERSIONS = 50

CONTENT = (
    *sorted(TERMS),
    "store_ids",
    "blackout_dates",
    "valid_from",
    "valid_until",
    "most_cost_fen",
    *RULES,
)
SHOWN = (
    "o.*, m.name AS member_name, coalesce(t.title, n.title) AS title, s.total, s.daily_limit, s.issued,"
    " s.budget_fen, s.reserved_fen, v.number AS open_number, v.state AS open_state"
    " FROM offers o JOIN members m ON m.id = o.member_id"
    " LEFT JOIN offer_stock s ON s.offer_id = o.id"
    " LEFT JOIN offer_terms t ON t.id = o.terms_id"
    " LEFT JOIN offer_versions v ON v.offer_id = o.id AND v.state IN ('draft', 'submitted', 'approved')"
    " LEFT JOIN offer_terms n ON n.id = v.terms_id"
)
COUNTED = f"""
SELECT (SELECT count(*) FROM (SELECT FROM coupons WHERE offer_id::text = $1 LIMIT {MOST_COUNTED}) AS all_of_them) AS claimed,
       (SELECT count(*) FROM (SELECT FROM coupons WHERE offer_id::text = $1 AND uses_done > 0 LIMIT {MOST_COUNTED})
                              AS used) AS used
"""


@dataclass(frozen=True, slots=True)
class Version:
    """One proposal with all its content; `row` has the columns of `offer_versions`."""

    row: Row
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """A field in which a version differs from what is in force."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Story:
    """An offer, what is in force, its versions (newest first), what the open one changes, and its counters.

    `names` are of the stores and public units that its versions name; who reviews can't read them elsewhere.
    """

    offer: Row
    in_force: Mapping[str, Any] | None
    versions: Sequence[Version]
    changes: Sequence[Change]
    names: Sequence[Row]
    claimed: int
    used: int


async def of_member(
    actor: MemberActor, status: OfferStatus | None, before: UUID | None, limit: int
) -> Sequence[Row]:
    """The member's offers, newest first; `before` is the last id of the page before."""
    return await fetch_all(
        f"SELECT {SHOWN} WHERE o.member_id = $1 AND o.id < $2 AND o.status = ANY ($3) ORDER BY o.id DESC LIMIT $4",
        *(actor.member_id, before or AFTER_ALL, [status] if status else [*OfferStatus], limit),
    )


async def in_region(
    actor: AdminActor, status: OfferStatus | None, before: UUID | None, limit: int
) -> Sequence[Row]:
    """Offers of one status, or of all, in the admin's region and below, newest first."""
    return await fetch_all(
        f"SELECT {SHOWN} WHERE o.status = ANY ($1) AND o.id < $2 AND o.region_id LIKE $3 || '%'"
        " ORDER BY o.id DESC LIMIT $4",
        *([status] if status else [*OfferStatus], before or AFTER_ALL, subtree_prefix(actor.region), limit),
    )


async def queue(
    actor: AdminActor, state: OfferVersionState, before: UUID | None, limit: int
) -> Sequence[Row]:
    """Versions of one state in the admin's region and below, newest first: new offers and changes of published ones."""
    return await fetch_all(
        "SELECT v.id, v.offer_id, v.number, v.state, v.submitted_at, v.raised_shortly_before, v.list_price_fen,"
        " o.status AS offer_status, o.region_id, o.member_id, m.name AS member_name, t.title, c.state AS share_consent"
        " FROM offer_versions v JOIN offers o ON o.id = v.offer_id JOIN members m ON m.id = o.member_id"
        " JOIN offer_terms t ON t.id = v.terms_id"
        " LEFT JOIN share_consents c ON c.version_id = v.id AND c.terms_id = v.terms_id"
        " WHERE v.state = $1 AND v.id < $2 AND o.region_id LIKE $3 || '%' ORDER BY v.id DESC LIMIT $4",
        *(state, before or AFTER_ALL, subtree_prefix(actor.region), limit),
    )


async def story_of(actor: Owner, offer_id: UUID) -> Story:
    """One offer with its versions.

    Raises:
        NotFound: no such offer of the member's, or in the admin's region.
    """
    where, value = where_of(actor)
    offer = await fetch_one(f"SELECT {SHOWN} WHERE o.id = $1 AND {where}", offer_id, value)
    if offer is None:
        raise NotFound
    versions = [Version(row, content_of(row)) for row in await _versions(offer_id)]
    in_force = await _in_force(offer, versions)
    open_ones = [version for version in versions if version.row["number"] == offer["open_number"]]
    counted = await fetch_one(COUNTED, str(offer_id))
    assert counted is not None
    return Story(
        offer=offer,
        in_force=in_force,
        versions=versions,
        changes=changes(in_force, open_ones[0].content) if in_force and open_ones else (),
        names=await _names([in_force or {}, *(version.content for version in versions)]),
        claimed=counted["claimed"],
        used=counted["used"],
    )


async def _names(contents: Sequence[Mapping[str, Any]]) -> Sequence[Row]:
    stores = {store for content in contents for store in content.get("store_ids", ())}
    units = {unit for content in contents if (unit := content.get("public_unit_id"))}
    return await fetch_all(
        "SELECT id, name FROM stores WHERE id = ANY ($1) UNION ALL SELECT id, name FROM members WHERE id = ANY ($2)",
        *([*stores], [*units]),
    )


async def evidence_of(actor: AdminActor, offer_id: UUID, file_id: UUID) -> Row:
    """The stored file that shows the list price of one of the offer's versions.

    Raises:
        NotFound: no version of an offer in the admin's region names it.
    """
    row = await fetch_one(
        "SELECT f.name, f.media_type, f.size, f.sha256 FROM offer_versions v JOIN offers o ON o.id = v.offer_id"
        " JOIN stored_files f ON f.id = v.evidence_file_id"
        " WHERE v.offer_id = $1 AND v.evidence_file_id = $2 AND o.region_id LIKE $3 || '%' AND f.deleted_at IS NULL"
        " LIMIT 1",
        *(offer_id, file_id, subtree_prefix(actor.region)),
    )
    if row is None:
        raise NotFound
    return row


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Sequence[Change]:
    """The fields in which two contents differ, in the order of `CONTENT`."""
    return [
        Change(name, before.get(name), after[name])
        for name in CONTENT
        if _plain(before.get(name)) != _plain(after[name])
    ]


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value


async def _versions(offer_id: UUID) -> Sequence[Row]:
    # The version's own columns come last: `id` and `offer_id` are its.
    return await fetch_all(
        "SELECT c.state AS share_consent, c.decided_at AS share_consent_at, c.reason AS share_consent_reason, t.*, v.*"
        " FROM offer_versions v JOIN offer_terms t ON t.id = v.terms_id"
        " LEFT JOIN share_consents c ON c.version_id = v.id AND c.terms_id = v.terms_id"
        " WHERE v.offer_id = $1 ORDER BY v.number DESC LIMIT $2",
        *(offer_id, MOST_VERSIONS),
    )


def content_of(row: Row) -> Mapping[str, Any]:
    """What a version gives and asks for, of a row that has the columns of its terms and its own."""
    values: dict[str, Any] = dict(row)
    return {name: values.get(name) for name in CONTENT}


async def _in_force(offer: Row, versions: Sequence[Version]) -> Mapping[str, Any] | None:
    """What the offer gives and asks for now; an offer that is older than versions has its terms and rules alone."""
    for version in versions:
        if version.row["state"] == OfferVersionState.IN_FORCE:
            return version.content
    if offer["terms_id"] is None:
        return None
    terms = await fetch_one("SELECT * FROM offer_terms WHERE id = $1", offer["terms_id"])
    assert terms is not None
    rules = {name: offer[name] for name in RULES if name in offer.keys()}  # noqa: SIM118 - a Record has no `in`
    return {**content_of(terms), **rules}
