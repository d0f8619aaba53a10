/** How somebody checks the books who trusts neither this console nor its server; the long form is docs/ledger.md. */
import { language } from '@shared/words'

const zh = (at: string) => `信惠联 封存核验说明

一、取得封存（先做这一步，从公开地址取，不经运维）
   核销账本  ${at}/api/v1/ledger/roots
   审计记录  ${at}/api/v1/audit/roots
   也可以在本页下载：roots.jsonl、audit-roots.jsonl。

二、请运维导出账本
   python -m server export-ledger 目录      得到 ledger.txt 和 audit.txt

三、核验（需要 Python 3.11、cryptography，以及随源码发布的 docs/verify_ledger.py）
   python verify_ledger.py roots.jsonl ledger.txt
   python verify_ledger.py --book audit audit-roots.jsonl audit.txt
   退出码 0：与封存一致；1：不一致，逐条列出；2：文件读不懂。

四、核验程序会显示签名公钥，请与您另行得到的公钥比较。

五、想防止历史被整体改写：定期自行保存封存，核验时加 --witness 您保存的文件。
`
const en = (at: string) => `Xinyi Alliance: checking the sealed books

1. Take the seals first, from the public address and not from the operator
   ledger  ${at}/api/v1/ledger/roots
   audit   ${at}/api/v1/audit/roots
   or download them on this page: roots.jsonl, audit-roots.jsonl.

2. Have the operator export the books
   python -m server export-ledger folder    makes ledger.txt and audit.txt

3. Check (Python 3.11, cryptography, and docs/verify_ledger.py of the source)
   python verify_ledger.py roots.jsonl ledger.txt
   python verify_ledger.py --book audit audit-roots.jsonl audit.txt
   Exit code 0: as it was sealed; 1: not, and each fault is named; 2: the files can't be read.

4. The program shows the public keys: compare them with those you know from elsewhere.

5. Against history being rewritten as a whole: keep seals yourself from time to time, and add --witness with your file.
`

export const instructions = (): string => (language.value === 'en' ? en : zh)(location.origin)
