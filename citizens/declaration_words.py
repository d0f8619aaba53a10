"""What a declaration may not tell (rule 11): income, deposits, religion, genes, fingerprints, blood type, illness.

Words are looked for, not meanings: rather a harmless sentence is refused and worded anew than a person's illness kept.
"""

import re
import unicodedata

from common.errors import Invalid

_CHINESE = (
    *("收入", "工资", "薪资", "薪水", "存款", "储蓄", "银行卡", "房产", "资产"),
    *("宗教", "信教", "信仰", "佛教", "道教", "基督", "天主教", "伊斯兰", "教徒", "受洗"),
    *("基因", "染色体", "指纹", "虹膜", "人脸", "声纹"),
    *("血型", "献血", "捐血", "供血", "骨髓", "造血干细胞", "器官捐"),
    *(
        "疾病",
        "患病",
        "病史",
        "病历",
        "病情",
        "病人",
        "患者",
        "残疾",
        "癌",
        "肿瘤",
        "艾滋",
        "肝炎",
        "抑郁",
        "糖尿病",
    ),
    *("住院", "手术", "确诊", "体检", "怀孕"),
)
_ENGLISH = (
    *("income", "salary", "wages?", "deposits?", "savings", "bank account"),
    *("religions?", "religious", "church", "buddhis[mt]", "christian", "muslim", "islam"),
    *("genes?", "genetic", "genome", "dna", "fingerprints?", "iris scan"),
    *("blood", "bone marrow", "organ donor", "illness", "diseases?", "diagnos(?:is|ed)", "patients?"),
    *("disabled", "disability", "cancer", "hiv", "hepatitis", "surgery", "hospitali[sz]ed"),
)
_FORBIDDEN = re.compile("|".join(map(re.escape, _CHINESE)))
_FORBIDDEN_ENGLISH = re.compile(rf"\b(?:{'|'.join(_ENGLISH)})\b")


class DeclaresTooMuch(Invalid):
    """The words tell of what is never stored."""

    code = "declares_too_much"
    zh = "申报里不能写收入存款、宗教信仰、基因指纹、血型献血、疾病健康等内容，这些信息我们依法不收集。请删去后重新提交。"
    en = "Income, deposits, religion, genes, fingerprints, blood and illness may not be declared: the law lets nobody collect them here. Leave that out and send it again."
    pointer = "/text"


def must_be_fit(text: str) -> None:
    """Let a text pass that tells of none of it, however it is spaced or in which width it is typed.

    Raises:
        DeclaresTooMuch: it does.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    if _FORBIDDEN_ENGLISH.search(plain):
        raise DeclaresTooMuch
    # Signs, spaces and what can't be seen, put in between.
    if _FORBIDDEN.search("".join(sign for sign in plain if sign.isalnum())):
        raise DeclaresTooMuch
