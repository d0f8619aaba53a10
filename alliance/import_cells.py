"""A row of an imported file, cell by cell: each is read as what it should be, or named with what is wrong with it."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from stdnum.cn import uscc

UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
USCC = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}")
# Between the names of several stores in one cell.
BETWEEN = re.compile(r"[;；]")

# By code: what is wrong and what to do, Chinese and English. The cell's own text is never repeated: it may be anything.
SENTENCES: Mapping[str, tuple[str, str]] = {
    "column_missing": ("缺少这一列，请照模板补上。", "This column is missing; add it as in the template."),
    "column_unknown": (
        "模板里没有这一列，请删去。联盟不收集模板以外的信息。",
        "The template has no such column; remove it. Nothing beyond the template is collected.",
    ),
    "column_twice": ("这一列出现了两次，请删去一列。", "This column is there twice; remove one."),
    "too_many_cells": (
        "这一行的格数比表头多，请检查。",
        "This row has more cells than the header; check it.",
    ),
    "value_missing": ("必填，请填写。", "Needed; fill it in."),
    "value_too_long": ("太长，请缩短。", "Too long; shorten it."),
    "value_not_allowed": (
        "不在可选值之内，请照模板填写。",
        "Not one of the values that are possible; see the template.",
    ),
    "value_unprintable": ("含有不可见的控制字符，请删去。", "Holds control characters; remove them."),
    "number_invalid": ("不是范围内的整数，请改正。", "Not a whole number in its range; correct it."),
    "place_invalid": (
        "不是正确的经纬度（度），请改正。",
        "Not a latitude or longitude in degrees; correct it.",
    ),
    "place_outside": (
        "这个位置不在浙江省内，请看看经度和纬度是不是填反了。",
        "This is not in Zhejiang; check that latitude and longitude are not the wrong way round.",
    ),
    "day_invalid": ("不是日期，请写成 2026-03-04。", "Not a date; write it like 2026-03-04."),
    "time_invalid": ("不是时间，请写成 09:00。", "Not a time; write it like 09:00."),
    "uscc_invalid": (
        "统一社会信用代码的位数或校验码不对，请核对；在表格里请设为文本格式。",
        "Not a valid unified social credit code: check its characters and the last one; keep the cell as text.",
    ),
    "row_twice": ("与前面某一行重复，请删去一行。", "The same as a row above; remove one of them."),
    "region_unknown": (
        "没有这个行政区划代码（GB/T 2260），请改正。",
        "No such region code (GB/T 2260); correct it.",
    ),
    "region_not_yours": (
        "不在您的辖区内，请由该地的管理员导入。",
        "Outside of your region; its own admin has to import it.",
    ),
    "member_exists": (
        "这个成员已经在联盟中，请删去这一行。",
        "This member is in the alliance already; remove the row.",
    ),
    "member_unknown": (
        "您的辖区内没有这个在册成员，请先导入成员或改正代码。",
        "No active member with this code in your region; import the member first or correct the code.",
    ),
    "store_exists": (
        "该成员已有同名门店，请删去这一行或改名。",
        "The member has a store of this name; remove the row or rename it.",
    ),
    "store_unknown": (
        "该成员没有这个名称的在营门店，请核对。",
        "The member has no open store of this name; check it.",
    ),
    "store_ambiguous": (
        "该成员有多家同名门店，请先改名。",
        "Several stores of the member have this name; rename them first.",
    ),
    "login_invalid": (
        "登录名为 3 到 64 位字母、数字或 . _ @ -，请改正。",
        "A login is 3 to 64 letters, digits or . _ @ -; correct it.",
    ),
    "login_taken": ("这个登录名已被使用，请换一个。", "This login is taken; choose another."),
    "programme_unknown": (
        "没有这个信易+产品代码，请照模板填写。",
        "No such 信易+ programme; see the template.",
    ),
    "offer_exists": (
        "该成员已有同名优惠，请删去这一行或改名。",
        "The member has an offer of this title; remove the row or rename it.",
    ),
    "ordinary_path_missing": (
        "公共企事业单位的优惠必须写明普通通道，请填写。",
        "An offer of a public unit names its ordinary path; fill it in.",
    ),
    "tier_not_allowed": (
        "最低等级只能是 1 到 4 或留空：不能只给最高一档。",
        "The lowest tier is 1 to 4 or empty: the best tier alone can't be asked for.",
    ),
    "title_spells_tier": (
        "有信用等级要求的优惠，标题里请不要出现等级名称，换个说法即可，例如“诚信专享”。",
        "An offer that asks for a tier must not spell one in its title; another wording will do.",
    ),
    "tier_admits_one_band": (
        "按现行的一个等级方案，这个要求只容纳一档。请降低一级或留空。",
        "Under one of the tier schemes one band alone could claim this; ask for a lower tier, or for none.",
    ),
    "discount_needs": ("这种优惠方式需要填写这一项。", "This kind of discount needs this column."),
    "discount_has_no": (
        "这种优惠方式没有这一项，请留空。",
        "This kind of discount does not have this; leave it empty.",
    ),
    "threshold_below_amount": (
        "门槛不能低于减免金额。",
        "The threshold can't be below the amount that is taken off.",
    ),
    "uses_unlimited": ("不限次数时必须填写每日次数上限。", "Unlimited uses need a daily cap."),
    "validity_unclear": (
        "请填写有效天数，或同时填写起止日期，不能都填。",
        "Give either the days of validity, or both dates, not all of them.",
    ),
    "ends_before_it_begins": ("结束早于开始，请改正。", "It ends before it begins; correct it."),
    "stores_outside": ("所含门店超出了您的辖区。", "Some of its stores are outside of your region."),
    "store_missing": (
        "该成员还没有在营门店，请先导入门店。",
        "The member has no open store yet; import stores first.",
    ),
}


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong in which row and column of a file."""

    number: int
    column: str
    code: str


@dataclass(slots=True)
class Row:
    """A good row: its number in the file and its values, plain as JSON has them."""

    number: int
    content: dict[str, object]


@dataclass(slots=True)
class Cells:
    """The cells of one row by column; what can't be read is noted in `errors` and given as nothing."""

    number: int
    values: Mapping[str, str]
    errors: list[RowError] = field(default_factory=list)

    def wrong(self, column: str, code: str) -> None:
        """Note an error."""
        self.errors.append(RowError(self.number, column, code))

    def text(self, column: str, most: int, *, is_needed: bool = True) -> str | None:
        """A text of at most so many characters."""
        value = self.values.get(column, "")
        if not value:
            if is_needed:
                self.wrong(column, "value_missing")
            return None
        if len(value) > most or UNPRINTABLE.search(value):
            self.wrong(column, "value_too_long" if len(value) > most else "value_unprintable")
            return None
        return value

    def choice(self, column: str, among: type[StrEnum], *, default: StrEnum | None = None) -> str | None:
        """One of an enum's values."""
        value = self.text(column, 64, is_needed=default is None)
        if value is None:
            return default
        if value not in [*among]:
            self.wrong(column, "value_not_allowed")
            return None
        return value

    def whole(
        self, column: str, low: int, high: int, *, is_needed: bool = False, code: str = "number_invalid"
    ) -> int | None:
        """A whole number, both ends included."""
        value = self.text(column, 32, is_needed=is_needed)
        if value is None:
            return None
        if not re.fullmatch(r"-?[0-9]{1,18}", value, re.ASCII) or not low <= int(value) <= high:
            self.wrong(column, code)
            return None
        return int(value)

    def degrees(self, column: str, most: int) -> float | None:
        """A latitude or longitude."""
        value = self.text(column, 32)
        if value is None:
            return None
        if not re.fullmatch(r"-?[0-9]{1,3}(\.[0-9]{1,20})?", value, re.ASCII) or abs(float(value)) > most:
            self.wrong(column, "place_invalid")
            return None
        return float(value)

    def day(self, column: str, *, is_needed: bool = False) -> date | None:
        """A calendar day, `2026-03-04`."""
        value = self.text(column, 32, is_needed=is_needed)
        try:
            day = None if value is None else date.fromisoformat(value.replace("/", "-"))
        except ValueError:
            day = date.min
        if day is not None and not 2000 <= day.year <= 2200:
            self.wrong(column, "day_invalid")
            return None
        return day

    def minute(self, column: str, default: int) -> int | None:
        """A time of day as minutes after midnight; `24:00` is the end of the day."""
        value = self.text(column, 8, is_needed=False)
        if value is None:
            return default
        if not re.fullmatch(r"([01]?[0-9]|2[0-3]):[0-5][0-9](:00)?|24:00", value, re.ASCII):
            self.wrong(column, "time_invalid")
            return None
        hours, minutes, *_ = value.split(":")
        return int(hours) * 60 + int(minutes)

    def code_of_member(self, column: str) -> str | None:
        """A 统一社会信用代码 whose check digit is right (GB 32100)."""
        value = self.text(column, 64)
        if value is not None and not (USCC.fullmatch(value.upper()) and uscc.is_valid(value.upper())):
            self.wrong(column, "uscc_invalid")
            return None
        return value and value.upper()

    def names(self, column: str) -> Sequence[str]:
        """Several names in one cell, with semicolons between them; none where it is empty."""
        value = self.text(column, 2_000, is_needed=False)
        return [name.strip() for name in BETWEEN.split(value or "") if name.strip()]


def header_errors(header: Sequence[str], columns: Collection[str], needed: Collection[str]) -> list[RowError]:
    """What is wrong with the first row of a file."""
    unknown = [RowError(1, name[:64], "column_unknown") for name in header if name not in columns]
    missing = [RowError(1, name, "column_missing") for name in needed if name not in header]
    twice = [RowError(1, name, "column_twice") for name in columns if list(header).count(name) > 1]
    return unknown + missing + twice
