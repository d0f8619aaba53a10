"""What a message says: the fields of a channel's template, filled from a notice and cut to what their forms take.

A channel's template is made in its console, and its fields are called `thing1` or `time2` there: the letters are the form,
which limits what fits. So which field holds which fact is configured, and judged when the process starts. No name, tier
or code is among the facts.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from json import loads

from common.clock import SHANGHAI
from models.citizen_enums import MessageTemplate

# Which facts a template can hold, and in which forms each.
_TEXT, _TIME = frozenset({"thing"}), frozenset({"time", "date"})
FORMS: Mapping[str, frozenset[str]] = {
    "offer": _TEXT,
    "store": _TEXT,
    "hint": _TEXT,
    "matter": _TEXT,
    "result": frozenset({"thing", "phrase"}),
    "until": _TIME,
    "at": _TIME,
    "saved": frozenset({"amount"}),
}
FACTS: Mapping[MessageTemplate, frozenset[str]] = {
    MessageTemplate.COUPON_CLAIMED: frozenset({"offer", "until", "hint"}),
    MessageTemplate.COUPON_REDEEMED: frozenset({"offer", "store", "at", "saved", "hint"}),
    MessageTemplate.COUPON_REVERSED: frozenset({"offer", "store", "at", "hint"}),
    MessageTemplate.COUPON_EXPIRING: frozenset({"offer", "until", "hint"}),
    MessageTemplate.ANSWERED: frozenset({"matter", "result", "at", "hint"}),
}
HINTS: Mapping[MessageTemplate, str] = {
    MessageTemplate.COUPON_CLAIMED: "到店出示“我的券”里的券码",
    MessageTemplate.COUPON_REDEEMED: "不是您本人用的，请点开投诉",
    MessageTemplate.COUPON_REVERSED: "次数已退回，有疑问请点开查看",
    MessageTemplate.COUPON_EXPIRING: "想用请在到期前到店；不用不影响信用",
    MessageTemplate.ANSWERED: "请点开查看详情和下一步",
}
# By the notice's kind: the matter and how it stands.
ANSWERS: Mapping[str, tuple[str, str]] = {
    "complaint_answered": ("投诉", "商家已答复"),
    "complaint_dismissed": ("投诉", "不成立"),
    "complaint_upheld": ("投诉", "成立"),
    "objection_upheld": ("异议", "成立"),
    "objection_corrected": ("异议", "已更正"),
    "objection_dismissed": ("异议", "不成立"),
    "repair_upheld": ("信用修复", "已修复"),
    "repair_corrected": ("信用修复", "已更正"),
    "repair_dismissed": ("信用修复", "未通过"),
}
MOST = {"thing": 20, "phrase": 5}
_ID = re.compile(r"[!-~]{1,128}")
_FIELD = re.compile(r"(thing|phrase|time|date|amount)[0-9]{1,3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wording:
    """A channel's template for one of ours: its id there, and which of our facts each of its fields holds."""

    template_id: str
    fields: Mapping[str, str]


def read(text: str) -> tuple[dict[MessageTemplate, Wording], list[str]]:
    """The templates of a channel as JSON says them, and what is wrong with it.

    `{"coupon_expiring": {"id": "…", "fields": {"thing1": "offer", "time2": "until"}}}`: the channel's id of each of our
    templates (`MessageTemplate`), and which fact (`FACTS`) each of its fields holds.
    """
    try:
        given = loads(text)
    except ValueError:
        return {}, ["is no JSON"]
    if not isinstance(given, dict):
        return {}, ["must be an object"]
    found, faults = {}, []
    for name, each in given.items():
        if name not in set(MessageTemplate):
            faults.append(f"{name} is none of {', '.join(MessageTemplate)}")
        elif not _is_wording(each):
            faults.append(f'{name}: must look like {{"id": "…", "fields": {{"thing1": "offer"}}}}')
        else:
            template = MessageTemplate(name)
            faults += [f"{name}: {fault}" for fault in faults_of(template, each["fields"])]
            found[template] = Wording(each["id"], each["fields"])
    return ({}, faults) if faults else (found, [])


def _is_wording(given: object) -> bool:
    match given:
        case {"id": str(id_), "fields": dict(fields), **rest}:
            return (
                not rest
                and bool(_ID.fullmatch(id_))
                and all(isinstance(fact, str) for fact in fields.values())
            )
    return False


def faults_of(template: MessageTemplate, fields: Mapping[str, str]) -> list[str]:
    """What speaks against filling a template's fields like that, for whoever configures it."""
    faults = []
    for field, fact in fields.items():
        form = _FIELD.fullmatch(field)
        if fact not in FACTS[template]:
            faults.append(f"{field}: {fact} is none of {', '.join(sorted(FACTS[template]))}")
        elif form is None or form[1] not in FORMS[fact]:
            faults.append(
                f"{field}: {fact} fits fields named {' or '.join(sorted(FORMS[fact]))} and a number"
            )
    return faults or ([] if fields else ["has no fields"])


def worded(
    template: MessageTemplate, wording: Wording, kind: str, facts: Mapping[str, object], noticed_at: datetime
) -> dict[str, str]:
    """The fields of one message.

    Args:
        kind: of the notice; `facts` and `noticed_at` are its too.
    """
    values = _values(template, kind, facts, noticed_at)
    return {field: _formed(_form_of(field), values[fact]) for field, fact in wording.fields.items()}


def _form_of(field: str) -> str:
    return field.rstrip("0123456789")


def _values(
    template: MessageTemplate, kind: str, facts: Mapping[str, object], noticed_at: datetime
) -> dict[str, str | datetime | date]:
    matter, result = ANSWERS.get(kind, ("", ""))
    values: dict[str, str | datetime | date] = {
        "offer": str(facts.get("offer", "")),
        "store": str(facts.get("store", "")),
        "hint": HINTS[template],
        "matter": matter,
        "result": result,
        "saved": f"{facts.get('saved_yuan', '0.00')}元",
        "at": noticed_at.astimezone(SHANGHAI),
    }
    if "at" in facts:
        values["at"] = datetime.strptime(str(facts["at"]), "%Y-%m-%d %H:%M").replace(tzinfo=SHANGHAI)
    if "last_day" in facts:
        values["until"] = date.fromisoformat(str(facts["last_day"]))
    return values


def _formed(form: str, value: str | datetime | date) -> str:
    if not isinstance(value, str):
        day = f"{value.year}年{value.month}月{value.day}日"
        is_moment = form == "time" and isinstance(value, datetime)
        return f"{day} {value:%H:%M}" if is_moment else day
    return cut(value, MOST[form]) if form in MOST else value


def cut(text: str, most: int) -> str:
    """A text in at most so many UTF-16 units, as channels count; no sign that people see as one is cut in two.

    A text that does not fit ends with an ellipsis.
    """
    line = " ".join("".join(" " if unicodedata.category(sign) == "Cc" else sign for sign in text).split())
    if _units(line) <= most:
        return line
    kept = ""
    for cluster in _clusters(line):
        if _units(kept + cluster) > most - 1:
            break
        kept += cluster
    return kept + "…"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _clusters(text: str) -> Iterator[str]:
    """What people see as one sign: with its marks, joined emoji, flags."""
    cluster = ""
    for sign in text:
        if cluster and not _goes_on(cluster, sign):
            yield cluster
            cluster = ""
        cluster += sign
    if cluster:
        yield cluster


def _goes_on(cluster: str, sign: str) -> bool:
    is_flag = _is_regional(sign) and _is_regional(cluster[-1]) and len(cluster) % 2 == 1
    is_tone = 0x1F3FB <= ord(sign) <= 0x1F3FF
    is_mark = unicodedata.category(sign) in ("Mn", "Mc", "Me") or sign == "\u200d"
    return is_mark or is_tone or is_flag or cluster[-1] == "\u200d"


def _is_regional(sign: str) -> bool:
    return 0x1F1E6 <= ord(sign) <= 0x1F1FF
