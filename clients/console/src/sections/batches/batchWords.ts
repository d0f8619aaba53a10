import { words } from '@shared/words'

export const statuses = words({
  loading: ['正在装载', 'Loading'],
  in_force: ['生效中', 'In force'],
  superseded: ['已被替换', 'Superseded'],
  refused: ['已拒收', 'Refused'],
})
export type Status = keyof typeof statuses
export const statusTone = { loading: 'warning', in_force: 'success', superseded: 'info', refused: 'danger' } as const satisfies Record<Status, string>

export const kinds = words({
  tiers: ['个人信用等级', 'Tiers of people'],
  organisation_grades: ['单位信用等级', 'Grades of organisations'],
  dishonest_list: ['失信名单', 'List of the dishonest'],
  repairs: ['信用修复', 'Repairs'],
})
export type Kind = keyof typeof kinds

export const errorStates = words({
  open: ['待处理', 'Open'],
  mended: ['已由后续批次更正', 'Mended by a later batch'],
  closed: ['已关闭', 'Closed'],
})
export type ErrorState = keyof typeof errorStates
export const errorTone = { open: 'danger', mended: 'success', closed: 'info' } as const satisfies Record<ErrorState, string>

export const t = words({
  title: ['信用数据批次', 'Credit batches'],
  lead: ['信用数据来源每天送来的批次：是否生效、哪些行有问题。问题数据请退回来源更正。', 'What the sources deliver each day: whether it counts, and which rows are bad. Send bad rows back to the source.'],
  none: ['还没有收到批次。数据来源送来后会出现在这里。', 'No batches yet. They appear here when a source delivers.'],
  batch: ['批次', 'Batch'],
  source: ['来源', 'Source'],
  dataDate: ['数据日期', 'Day of data'],
  state: ['状态', 'State'],
  delivered: ['送达时间', 'Delivered'],
  due: ['应送达时间', 'Due'],
  late: ['晚于应送达时间', 'Late'],
  made: ['生成时间', 'Made'],
  inForce: ['生效时间', 'In force since'],
  ended: ['结束时间', 'Ended'],
  problem: ['问题数据', 'Bad rows'],
  yes: ['有', 'Some'],
  no: ['无', 'None'],
  why: ['拒收原因', 'Why refused'],
  whichFile: ['所在文件', 'In the file'],
  files: ['文件', 'Files'],
  fileName: ['文件名', 'Name'],
  kind: ['内容', 'Content'],
  promised: ['应有行数', 'Promised'],
  read: ['已读', 'Read'],
  bad: ['退回', 'Bad'],
  loaded: ['装载', 'Loaded'],
  loadedYes: ['完成', 'Done'],
  loadedNo: ['未完成', 'Not yet'],
  errors: ['问题数据', 'Bad rows'],
  noErrors: ['这个批次没有问题数据。', 'No bad rows in this batch.'],
  download: ['下载问题数据清单', 'Download the bad rows'],
  row: ['第 {n} 行', 'Row {n}'],
  wholeFile: ['整个文件', 'The whole file'],
  record: ['记录编号', 'Record'],
  field: ['字段', 'Field'],
  fault: ['问题', 'What is wrong'],
  found: ['发现时间', 'Found'],
  action: ['处理', 'Action'],
  close: ['关闭', 'Close'],
  closeTitle: ['关闭问题数据', 'Close a bad row'],
  closeLead: ['{file} {row}，记录 {record}。关闭后不再等来源更正；来源以后送来正确的数据时会自动更正，一般不用关闭。', '{file} {row}, record {record}. It is no longer waited for. What a later batch delivers rightly is closed by itself.'],
  closed: ['已关闭。', 'Closed.'],
  previous: ['上一页', 'Previous'],
  next: ['下一页', 'Next'],
  pager: ['问题数据翻页', 'Pages of bad rows'],
})
