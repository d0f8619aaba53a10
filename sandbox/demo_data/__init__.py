"""The demo data: members, offers, staff and tier schemes, read from the files beside this one and checked."""

import json
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from models import reference
from models.enums import MemberKind
from sandbox.demo_data.entries import AdminEntry, Entry, MemberEntry, OfferEntry, SchemeEntry, StaffEntry

FOLDER = Path(__file__).parent

Shape = TypeVar("Shape", bound=Entry)


class DemoDataError(ValueError):
    """A demo file is wrong; the sentence names the file, the entry and the field."""


@dataclass(frozen=True)
class DemoData:
    """Everything that the demo files hold, checked one by one and against each other."""

    members: list[MemberEntry]
    offers: list[OfferEntry]
    staff: list[StaffEntry]
    admins: list[AdminEntry]
    tier_schemes: list[SchemeEntry]


def read(folder: Path = FOLDER) -> DemoData:
    """Read the demo files of a folder.

    Raises:
        DemoDataError: an entry breaks a rule, or names a member, store, programme or region that isn't there.
    """
    data = DemoData(
        members=_entries(_content(folder, "members.json"), "members.json", MemberEntry),
        offers=_entries(_content(folder, "offers.json"), "offers.json", OfferEntry),
        staff=_entries(_content(folder, "staff.json", "staff"), "staff.json", StaffEntry),
        admins=_entries(_content(folder, "staff.json", "admins"), "staff.json", AdminEntry),
        tier_schemes=_entries(_content(folder, "tier_schemes.json"), "tier_schemes.json", SchemeEntry),
    )
    for check in (_check_names_once, _check_regions, _check_offers, _check_staff):
        check(data)
    return data


def _content(folder: Path, file: str, part: str | None = None) -> list[Any]:
    try:
        content = json.loads((folder / file).read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise DemoDataError(f"{file}: no valid JSON: {error}") from error
    listed = content.get(part) if part is not None and isinstance(content, dict) else content
    if not isinstance(listed, list):
        raise DemoDataError(f"{file}: {part or 'the file'} must be a list")
    return listed


def _entries(content: list[Any], file: str, shape: type[Shape]) -> list[Shape]:
    names = (_name(raw) or f"entry {place}" for place, raw in enumerate(content, 1))
    return [_entry(raw, f"{file}, {name}", shape) for raw, name in zip(content, names, strict=True)]


def _entry(raw: object, where: str, shape: type[Shape]) -> Shape:
    try:
        # From JSON text, so that "strict" still takes a date or an enum's value for what it is.
        return shape.model_validate_json(json.dumps(raw))
    except ValidationError as error:
        wrong = error.errors()[0]
        field = ".".join(str(part) for part in wrong["loc"]) or "the entry"
        raise DemoDataError(f"{where}, {field}: {wrong['msg']}") from error


def _name(raw: object) -> object:
    known = raw if isinstance(raw, dict) else {}
    return known.get("slug") or known.get("login") or known.get("code")


def _check_names_once(data: DemoData) -> None:
    stores = [store for member in data.members for store in member.stores]
    _once("members.json", "slug", (member.slug for member in data.members))
    _once("members.json", "uscc", (member.uscc for member in data.members))
    _once("members.json", "stores.slug", (store.slug for store in stores))
    _once("offers.json", "slug", (offer.slug for offer in data.offers))
    _once("staff.json", "login", (person.login for person in data.staff))
    _once("staff.json", "login", (admin.login for admin in data.admins))
    _once("tier_schemes.json", "version", (f"{scheme.code} {scheme.version}" for scheme in data.tier_schemes))


def _once(file: str, field: str, values: Iterable[str]) -> None:
    for value, times in Counter(values).items():
        if times > 1:
            raise DemoDataError(f"{file}, {value}, {field}: there are {times} of it")


def _check_regions(data: DemoData) -> None:
    regions = reference.rows("regions.csv")
    codes = {row["code"] for row in regions}
    counties = {row["code"] for row in regions if row["level"] == "county"}
    for member in data.members:
        _require(member.region, codes, "members.json", member.slug, "region")
        for store in member.stores:
            _require(store.region, counties, "members.json", store.slug, "region of a county")
    for admin in data.admins:
        _require(admin.region, codes, "staff.json", admin.login, "region")


def _check_offers(data: DemoData) -> None:
    programmes = {row["code"] for row in reference.rows("programmes.csv")}
    members = {member.slug: member for member in data.members}
    for offer in data.offers:
        _require(offer.programme, programmes, "offers.json", offer.slug, "programme")
        _require(offer.member, members, "offers.json", offer.slug, "member")
        member = members[offer.member]
        for store in offer.stores or ():
            _require(store, _store_slugs(member), "offers.json", offer.slug, f"stores of {member.slug}")
        if member.kind is MemberKind.PUBLIC_UNIT and offer.ordinary_path is None:
            raise DemoDataError(
                f"offers.json, {offer.slug}, ordinary_path: a public unit must name it (rule 3)"
            )
        last = offer.validity.last
        if last is not None and not offer.claim_from <= (offer.claim_until or last) <= last:
            raise DemoDataError(f"offers.json, {offer.slug}, validity.until: it can be claimed after that")


def _check_staff(data: DemoData) -> None:
    members = {member.slug: member for member in data.members}
    for person in data.staff:
        _require(person.member, members, "staff.json", person.login, "member")
        for store in person.stores:
            of_member = _store_slugs(members[person.member])
            _require(store, of_member, "staff.json", person.login, f"stores of {person.member}")


def _store_slugs(member: MemberEntry) -> set[str]:
    return {store.slug for store in member.stores}


def _require(value: str, among: Collection[str], file: str, entry: str, field: str) -> None:
    if value not in among:
        raise DemoDataError(f"{file}, {entry}, {field}: there is no {value}")
