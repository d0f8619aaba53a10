"""Reference data and demo data as they lie in their files: true codes, every rule used, no tier spelt."""

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from stdnum.cn import uscc

from alliance.admins import GRANTABLE
from models import reference
from models.enums import AdminRole, Category, DiscountKind, LimitPeriod, MemberKind, StaffRole, TierLevel
from sandbox import demo_data
from sandbox.demo_data import DemoDataError
from sandbox.demo_data.entries import OfferEntry

DATA = demo_data.read()
REGIONS = {row["code"]: row for row in reference.rows("regions.csv")}
PROGRAMMES = {row["code"]: row for row in reference.rows("programmes.csv")}
COUNTIES_PER_CITY = {
    "杭州市": 13,
    "宁波市": 10,
    "温州市": 12,
    "嘉兴市": 7,
    "湖州市": 5,
    "绍兴市": 6,
    "金华市": 9,
    "衢州市": 6,
    "舟山市": 4,
    "台州市": 9,
    "丽水市": 9,
}
TIER_WORDS = re.compile(
    r"优秀|良好|中等|较差|差|[A-D]{1,3}\s*级|[A-D]\+|信用分|[0-9]+\s*分(?!钟)|等级"
    r"|\b(excellent|good|fair|poor|bad|tier|grade)\b",
    re.IGNORECASE,
)


def offer_named(title: str) -> OfferEntry:
    """The one offer of that title."""
    (found,) = [offer for offer in DATA.offers if offer.title == title]
    return found


def test_zhejiang_has_its_11_cities_and_90_counties() -> None:
    counties = [row for row in REGIONS.values() if row["level"] == "county"]
    assert Counter(REGIONS[row["parent"]]["name"] for row in counties) == COUNTIES_PER_CITY
    assert len(counties) == sum(COUNTIES_PER_CITY.values()) == 90
    assert len({row["name"] for row in counties}) == 90


def test_every_region_lies_in_its_parent_by_its_digits() -> None:
    for code, row in REGIONS.items():
        match row["level"]:
            case "province":
                assert (code, row["parent"]) == ("330000", "")
            case "city":
                assert row["parent"] == "330000"
                assert re.fullmatch(r"33\d[1-9]00|33[1-9]\d00", code)
            case "county":
                assert row["parent"] == f"{code[:4]}00"
                assert REGIONS[row["parent"]]["level"] == "city"


def test_hangzhou_is_as_of_2021() -> None:
    names = {row["name"]: code for code, row in REGIONS.items() if row["parent"] == "330100"}
    assert {name: names[name] for name in ("上城区", "拱墅区", "临平区", "钱塘区")} == {
        "上城区": "330102",
        "拱墅区": "330105",
        "临平区": "330113",
        "钱塘区": "330114",
    }
    assert not {"下城区", "江干区"} & names.keys()


def test_every_programme_says_in_one_sentence_what_it_is() -> None:
    for code, row in PROGRAMMES.items():
        assert re.fullmatch(r"xinyi_[a-z_]+", code)
        assert row["name"].startswith("信易")
        assert row["summary"].count("。") == 1
        assert row["summary"].endswith("。")
    assert {row["category"] for row in PROGRAMMES.values()} == set(Category)


def test_every_credit_code_is_valid_and_of_the_members_region() -> None:
    for member in DATA.members:
        assert uscc.is_valid(member.uscc), member.slug
        assert member.uscc[2:8] == member.region, member.slug
        assert member.uscc[:2] in ({"12", "91"} if member.kind is MemberKind.PUBLIC_UNIT else {"91"}), (
            member.slug
        )
    assert any(member.uscc.startswith("12") for member in DATA.members)


def test_members_of_both_kinds_are_in_every_city() -> None:
    for kind, least in ((MemberKind.PUBLIC_UNIT, 14), (MemberKind.MERCHANT, 26)):
        members = [member for member in DATA.members if member.kind is kind]
        assert len(members) >= least
        cities = {f"{member.region[:4]}00" for member in members}
        assert cities == {code for code, row in REGIONS.items() if row["level"] == "city"}


def test_every_address_names_the_county_it_is_in() -> None:
    for member in DATA.members:
        assert 1 <= len(member.stores) <= 4
        for store in member.stores:
            assert REGIONS[store.region]["level"] == "county"
            assert REGIONS[store.region]["name"] in store.address, store.slug


def test_stores_of_one_city_lie_together() -> None:
    by_city: dict[str, list[tuple[float, float]]] = {}
    for store in (store for member in DATA.members for store in member.stores):
        by_city.setdefault(store.region[:4], []).append((store.lat, store.lng))
    for city, places in by_city.items():
        for axis in zip(*places, strict=True):
            assert max(axis) - min(axis) < 1.2, city


def test_offers_use_every_kind_period_category_and_open_level() -> None:
    assert len(DATA.offers) >= 70
    assert {offer.discount.kind for offer in DATA.offers} == set(DiscountKind)
    assert {offer.limit.period for offer in DATA.offers if offer.limit} == set(LimitPeriod)
    assert {PROGRAMMES[offer.programme]["category"] for offer in DATA.offers} == set(Category)
    assert {offer.programme for offer in DATA.offers} == PROGRAMMES.keys()
    assert {offer.member for offer in DATA.offers} == {member.slug for member in DATA.members}
    assert {offer.min_tier_level for offer in DATA.offers} == {None, *TierLevel} - {TierLevel.EXCELLENT}


def test_offers_use_every_rule_of_validity_use_and_stock() -> None:
    offers = DATA.offers
    assert any(offer.validity.last for offer in offers)
    assert any(offer.validity.wait_days for offer in offers)
    assert any(len(offer.weekdays) < 7 for offer in offers)
    assert any(offer.hours != ("00:00", "24:00") for offer in offers)
    assert any("10-01" in offer.blackout.every_year for offer in offers)
    assert any(offer.blackout.dates for offer in offers)
    assert any(offer.uses_total is None and offer.daily_use_cap for offer in offers)
    assert {1, 5, 10} <= {offer.uses_total for offer in offers}
    assert any(offer.stock and offer.stock.total for offer in offers)
    assert any(offer.stock and offer.stock.daily_limit for offer in offers)
    assert any(offer.discount.cap_fen for offer in offers)
    assert any(not offer.is_client_renewal_allowed for offer in offers)


def test_a_good_part_is_open_to_all() -> None:
    for kind in MemberKind:
        of_kind = {member.slug for member in DATA.members if member.kind is kind}
        offers = [offer for offer in DATA.offers if offer.member in of_kind]
        assert sum(offer.min_tier_level is None for offer in offers) >= len(offers) / 3


def test_no_name_or_id_spells_a_tier() -> None:
    names = [name for member in DATA.members for name in (member.slug, member.name)]
    names += [name for member in DATA.members for store in member.stores for name in (store.slug, store.name)]
    names += [name for offer in DATA.offers for name in (offer.slug, offer.title, offer.discount.gift or "")]
    names += [name for row in PROGRAMMES.values() for name in (row["code"], row["name"])]
    assert [name for name in names if TIER_WORDS.search(name)] == []
    assert all(TIER_WORDS.search(name) for name in ("优秀市民八折", "A级特惠", "good-coupon", "700分以上"))


def test_every_offer_of_a_public_unit_names_its_ordinary_path() -> None:
    public = {member.slug for member in DATA.members if member.kind is MemberKind.PUBLIC_UNIT}
    for offer in DATA.offers:
        assert bool(offer.ordinary_path) == (offer.member in public), offer.slug
        assert (offer.ordinary_path or "。").endswith("。")


def test_nothing_ends_within_the_next_years() -> None:
    for offer in DATA.offers:
        assert offer.claim_from <= date(2026, 1, 1)
        assert (offer.claim_until or date.max) >= date(2035, 12, 31)
        assert (offer.validity.last or date.max) >= date(2035, 12, 31)


def test_the_two_trial_offers_differ_in_stock_and_limit_only() -> None:
    unlimited, hundred = offer_named("压测 · 不限量"), offer_named("限量 100 份")
    ignored = {"slug", "title", "description", "stock", "limit"}
    assert unlimited.model_dump(exclude=ignored) == hundred.model_dump(exclude=ignored)
    assert unlimited.stock is None
    assert unlimited.limit is None
    assert hundred.stock is not None
    assert (hundred.stock.total, hundred.stock.daily_limit) == (100, None)
    assert hundred.limit is not None
    assert (hundred.limit.count, hundred.limit.period) == (1, LimitPeriod.EVER)
    assert (unlimited.discount.percent_off, unlimited.discount.cap_fen) == (20, None)
    assert (unlimited.min_tier_level, unlimited.uses_total, unlimited.daily_use_cap) == (
        TierLevel.GOOD,
        1,
        None,
    )
    assert (unlimited.hours, len(unlimited.weekdays), unlimited.stores) == (("00:00", "24:00"), 7, None)
    assert unlimited.blackout.every_year == unlimited.blackout.dates == []
    (member,) = [member for member in DATA.members if member.slug == unlimited.member]
    assert (member.kind, member.region[:4], len(member.stores)) == (MemberKind.MERCHANT, "3301", 2)


def test_staff_and_admins_are_the_promised_ones() -> None:
    staff = {person.login: person for person in DATA.staff}
    first, second = staff["demo-cashier"], staff["demo-cashier-2"]
    manager, owner, other = staff["demo-manager"], staff["demo-owner"], staff["demo-other"]
    assert (
        first.member == second.member == manager.member == owner.member == offer_named("限量 100 份").member
    )
    assert first.role == second.role == other.role == StaffRole.CASHIER
    assert (manager.role, owner.role) == (StaffRole.MANAGER, StaffRole.OWNER)
    assert len(first.stores) == len(second.stores) == 1
    assert manager.stores == [*first.stores, *second.stores]
    assert first.stores != second.stores
    assert other.member != first.member
    admins = {admin.login: (set(admin.roles), admin.region) for admin in DATA.admins}
    assert admins == {
        "demo-admin": (set(GRANTABLE), "330000"),
        "demo-head": ({AdminRole.HEAD}, "330000"),
        "demo-admin-hz": ({AdminRole.REVIEWER, AdminRole.OPERATOR}, "330100"),
        "demo-reviewer-xh": ({AdminRole.REVIEWER}, "330106"),
    }


def test_every_scheme_maps_0_to_1000_to_the_five_levels() -> None:
    assert {scheme.code for scheme in DATA.tier_schemes} == {"zj-demo", "hz-qianjiang"}
    for scheme in DATA.tier_schemes:
        bands = sorted(scheme.bands, key=lambda band: band.low)
        assert (bands[0].low, bands[-1].high) == (0, 1001)
        assert [band.level for band in bands] == list(TierLevel)
        assert [band.code for band in bands] == ["bad", "poor", "fair", "good", "excellent"]
        assert (scheme.effective_on - scheme.published_on).days >= scheme.notice_days


def test_published_boundaries_of_the_qianjiang_score() -> None:
    (scheme,) = [scheme for scheme in DATA.tier_schemes if scheme.code == "hz-qianjiang"]

    def level(score: int) -> TierLevel:
        return next(band.level for band in scheme.bands if band.low <= score < band.high)

    assert [level(score) for score in (549, 550, 599, 600, 699, 700, 750, 751)] == [1, 2, 2, 3, 3, 4, 4, 5]


BREAKS: list[tuple[str, Callable[[Any], object], str]] = [
    ("members.json", lambda m: m[0].update(uscc="12330100XY0000012X"), "members.json, hz-library, uscc"),
    ("members.json", lambda m: m[0].update(region="330103"), "members.json, hz-library, region"),
    ("members.json", lambda m: m[0].update(kind="bank"), "members.json, hz-library, kind"),
    ("members.json", lambda m: m[0].update(phone="1"), "members.json, hz-library, phone"),
    ("members.json", lambda m: m.append(m[0]), "members.json, hz-library, slug"),
    (
        "members.json",
        lambda m: m[0]["stores"][0].update(region="330100"),
        "hz-library-hushu, region of a county",
    ),
    ("members.json", lambda m: m[0]["stores"][0].update(lat=91), "members.json, hz-library, stores.0.lat"),
    ("offers.json", lambda o: o[0].update(member="nobody"), "offers.json, hz-library-loans, member"),
    ("offers.json", lambda o: o[0].update(programme="xinyi"), "offers.json, hz-library-loans, programme"),
    (
        "offers.json",
        lambda o: o[0].update(stores=["x"]),
        "offers.json, hz-library-loans, stores of hz-library",
    ),
    ("offers.json", lambda o: o[0].update(min_tier_level=5), "offers.json, hz-library-loans, min_tier_level"),
    ("offers.json", lambda o: o[0].pop("min_tier_level"), "offers.json, hz-library-loans, min_tier_level"),
    ("offers.json", lambda o: o[0].pop("ordinary_path"), "offers.json, hz-library-loans, ordinary_path"),
    ("offers.json", lambda o: o[0]["discount"].update(cap_fen=1), "offers.json, hz-library-loans, discount"),
    ("offers.json", lambda o: o[0].update(discount={"kind": "pay_later"}), "hz-library-loans, discount"),
    ("offers.json", lambda o: o[0].update(validity={"days": 1, "until": "2030-01-01"}), "loans, validity"),
    (
        "offers.json",
        lambda o: o[0].update(blackout={"every_year": ["02-29"]}),
        "loans, blackout.every_year.0",
    ),
    ("offers.json", lambda o: o[0].update(uses_total=None), "offers.json, hz-library-loans, the entry"),
    (
        "staff.json",
        lambda s: s["staff"][0]["stores"].append("hz-tea-longjing"),
        "staff.json, demo-owner, stores",
    ),
    ("staff.json", lambda s: s.pop("admins"), "staff.json: admins must be a list"),
    ("tier_schemes.json", lambda t: t[0]["bands"].pop(2), "tier_schemes.json, zj-demo, the entry"),
]


@pytest.mark.parametrize(("file", "damage", "named"), BREAKS, ids=[named for _, _, named in BREAKS])
def test_a_wrong_entry_is_named_with_file_and_field(
    file: str, damage: Callable[[Any], object], named: str, tmp_path: Path
) -> None:
    for source in demo_data.FOLDER.glob("*.json"):
        shutil.copy(source, tmp_path)
    content = json.loads((tmp_path / file).read_text(encoding="utf-8"))
    damage(content)
    (tmp_path / file).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(DemoDataError) as refused:
        demo_data.read(tmp_path)
    assert named in str(refused.value)


def test_broken_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "members.json").write_text("[{", encoding="utf-8")
    with pytest.raises(DemoDataError, match=r"^members\.json: no valid JSON"):
        demo_data.read(tmp_path)
