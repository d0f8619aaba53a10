"""Why a batch was refused as a whole, and what is wrong with rows: permanent codes, Chinese and English."""

from collections.abc import Mapping

# By code: what it means and what to do.
FAILURES: Mapping[str, tuple[str, str]] = {
    "busy": (
        "另一个进程正在导入，请等它结束后再看。",
        "Another process is importing; look again when it is done.",
    ),
    "manifest_missing": (
        "找不到 manifest.json 或 manifest.sig。请确认整个批次已送达。",
        "manifest.json or manifest.sig is not there. Check that the whole batch has arrived.",
    ),
    "signature": (
        "清单签名验不过，无法确认是谁送的。请来源方用约定的密钥重新签名；怀疑被篡改时请联系来源方。",
        "The manifest's signature is not good, so nobody knows who made it. Have the source sign it with the agreed"
        " key; call the source if it may have been tampered with.",
    ),
    "manifest": (
        "清单内容不合格式。请来源方按文档核对 manifest.json。",
        "The manifest is not in the format. Have the source check manifest.json against the document.",
    ),
    "source": (
        "清单里的来源名称不是本系统约定的来源。请核对 source 和 CREDIT_BATCH_SOURCE。",
        "The manifest names another source. Compare source with CREDIT_BATCH_SOURCE.",
    ),
    "date": (
        "清单的日期在未来，或数据日期晚于生成时间。请来源方核对时钟和日期。",
        "The manifest's dates are ahead, or its data is younger than itself. Have the source check clock and dates.",
    ),
    "older_batch": (
        "已有同一天或更新的批次生效，旧批次不能再导入。需要更正时，请来源方出一个更晚生成的新批次。",
        "A batch that is as new or newer is in force. To correct it, have the source make a later one.",
    ),
    "file_missing": (
        "清单里的文件没有送达，或是一个链接。请补齐后重试。",
        "A file of the manifest is not there, or is a link. Deliver it and try again.",
    ),
    "hash": (
        "文件的 SHA-256 与清单不符，可能没有传完或被改过。请重新传送后再试。",
        "A file's SHA-256 is another one than promised: cut off or changed. Deliver it anew and try again.",
    ),
    "rows": (
        "文件行数与清单不符。请来源方核对后重新出批次。",
        "A file has another number of rows than promised. Have the source make the batch anew.",
    ),
    "columns": (
        "文件的列与格式不一致（多列、少列或顺序不对）。请来源方按文档修改。",
        "A file's columns are not those of the format (more, fewer, or in another order). Have the source correct it.",
    ),
    "forbidden_column": (
        "文件里有法规禁止归集的信息（收入、存款、宗教、基因、指纹、血型、疾病等），整批拒收。请来源方删去后重新出批次。",
        "A file carries what may never be collected (income, deposits, religion, genes, fingerprints, blood type,"
        " illness). The whole batch is refused; have the source make one without it.",
    ),
    "encoding": (
        "文件不是 UTF-8 编码。请来源方按 UTF-8（无 BOM）重新导出。",
        "A file is not UTF-8. Have the source export it as UTF-8 without a byte order mark.",
    ),
    "line_too_long": (
        "文件里有超长的行，可能换行符丢失。请来源方检查后重新导出。",
        "A line is too long; line breaks may be missing. Have the source export it anew.",
    ),
    "too_many_bad_rows": (
        "坏行超过百分之一，整批拒收。请把错误清单发给来源方，改好后重新出批次。",
        "More than one row in a hundred is bad, so the batch is refused. Send the errors to the source.",
    ),
}
# By code of a bad row, which is sent back while the others count.
ROW_FAULTS: Mapping[str, tuple[str, str]] = {
    "malformed": (
        "字段个数不对，或含有不允许的字符。",
        "Another number of fields, or characters that are not allowed.",
    ),
    "subject": ("身份证号校验位或出生日期不对。", "The ID number's check digit or birthday is wrong."),
    "uscc": ("统一社会信用代码校验位不对。", "The 统一社会信用代码's check digit is wrong."),
    "score_off_scale": ("分数不在该方案的范围内。", "The score is outside its scheme's scale."),
    "scheme_unknown": ("没有这个等级方案在施行。", "No such tier scheme is in force."),
    "grade": ("等级不是 1 到 5。", "The grade is not from 1 to 5."),
    "date": ("日期不存在，或晚于批次的数据日期。", "No such date, or later than the batch's own."),
    "record_id": (
        "记录编号格式不对，或看起来是身份证号。",
        "The record id is not in the format, or looks like an ID number.",
    ),
    "duplicate_row": (
        "与前面的一行完全相同；只留第一行。",
        "The same as an earlier row; the first one stays.",
    ),
    "conflicting_row": (
        "同一主体的几行互相矛盾；都不采用。",
        "Rows of one subject contradict each other; none counts.",
    ),
    "objection_upheld": ("异议成立：这条记录有误。", "An objection was upheld: the record is wrong."),
}
