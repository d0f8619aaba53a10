import { words } from '@shared/words'

export const kinds = words({
  members: ['成员', 'Members'],
  stores: ['门店', 'Stores'],
  staff: ['人员', 'Staff'],
  offers: ['优惠', 'Offers'],
})
export type Kind = keyof typeof kinds

export const statuses = words({
  uploaded: ['等待检查', 'Waits for its check'],
  checking: ['正在检查', 'Being checked'],
  checked: ['已检查', 'Checked'],
  applying: ['正在导入', 'Being applied'],
  applied: ['已导入', 'Applied'],
  failed: ['未成功', 'Failed'],
  discarded: ['已放弃', 'Discarded'],
})
export type Status = keyof typeof statuses
export const statusTone = { uploaded: 'info', checking: 'warning', checked: 'primary', applying: 'warning', applied: 'success', failed: 'danger', discarded: 'info' } as const satisfies Record<Status, string>
/** In these the server works on the file. */
export const isUnderWay = (status: Status): boolean => status === 'uploaded' || status === 'checking' || status === 'applying'

export const t = words({
  title: ['批量导入', 'Imports'],
  lead: ['用表格一次导入成员、门店、人员或优惠。上传后先检查，不改动任何数据；没有错误时，由另一位管理员确认导入。', 'Members, stores, staff or offers from a table. It is checked first and changes nothing; without errors another admin applies it.'],
  none: ['还没有导入过。点“上传文件”，先下载模板填写。', 'Nothing imported yet. Send a file; take the template first.'],
  send: ['上传文件', 'Send a file'],
  import: ['导入', 'Import'],
  kind: ['内容', 'Content'],
  state: ['状态', 'State'],
  region: ['地区', 'Region'],
  rows: ['行数', 'Rows'],
  bad: ['有误', 'Bad'],
  uploadedAt: ['上传时间', 'Sent'],
  uploadedBy: ['上传人', 'Sent by'],
  checkedAt: ['检查时间', 'Checked'],
  appliedBy: ['确认人', 'Applied by'],
  endedAt: ['结束时间', 'Ended'],
  me: ['您', 'you'],
  other: ['另一位管理员（{id}）', 'another admin ({id})'],
  open: ['{kind}导入 · {at}', '{kind} · {at}'],

  stepKind: ['第一步：选择内容并下载模板', 'First: what it is, and the template'],
  template: ['下载{kind}模板', 'Template for {kind}'],
  stepFile: ['第二步：选择填好的文件', 'Second: the file'],
  fileHint: ['CSV（UTF-8 或 GB18030）或 XLSX，最大 20 MB、50,000 行。', 'CSV (UTF-8 or GB18030) or XLSX, at most 20 MB and 50,000 rows.'],
  file: ['文件', 'File'],
  fileMissing: ['请选择文件。', 'Choose a file.'],
  fileType: ['只能上传 CSV 或 XLSX 文件。', 'CSV or XLSX only.'],
  fileLarge: ['文件超过 20 MB，请分成几个文件上传。', 'Larger than 20 MB; split the file.'],
  check: ['上传并检查', 'Send and check'],
  sending: ['正在上传 {n}%', 'Sending, {n}%'],
  sent: ['已上传，正在检查。', 'Sent; it is being checked.'],

  good: ['检查通过，共 {n} 行，没有错误。', 'Checked: {n} rows, no errors.'],
  goodMine: ['这个文件是您上传的，请另一位管理员打开这条记录确认导入。', 'You sent this file; another admin has to open it and apply it.'],
  hasBad: ['共 {n} 行，其中 {bad} 行有误，一行也不会导入。请下载错误清单，改好后重新上传。', '{n} rows, {bad} with errors; none is imported. Download the errors, correct the file and send it again.'],
  doneAll: ['已导入 {n} 行。', '{n} rows were imported.'],
  wasDiscarded: ['已放弃，没有改动任何数据。', 'Discarded; nothing was changed.'],
  errors: ['下载错误清单', 'Download the errors'],
  apply: ['确认导入', 'Apply'],
  applySure: ['导入这 {n} 行{kind}？确认后立即生效，不再经过逐条审核。', 'Import these {n} rows of {kind}? They count at once, without the usual review.'],
  applying: ['已确认，正在导入。', 'Agreed; it is being applied.'],
  discard: ['放弃导入', 'Discard'],
  discardSure: ['放弃这次导入？没有改动任何数据；以后要导入须重新上传。', 'Discard this import? Nothing was changed; to import later, send the file again.'],
  discarded: ['已放弃。', 'Discarded.'],
  invite: ['生成邀请链接', 'Make invitations'],
  inviteLead: ['为还没有设密码的人员各生成一个链接，7 天内有效，只在这次下载的文件里出现一次。', 'One link for each who has no password yet, good for 7 days, and shown in this one file only.'],
  inviteSure: ['生成新的邀请链接？之前发出的链接随即失效。文件里的链接等同于密码，请只交给本人。', 'Make new invitations? Those before are good no more. A link is as good as a password: hand it to its person only.'],
  invited: ['邀请文件已下载，请妥善转交。', 'Downloaded; hand the links over with care.'],
})
