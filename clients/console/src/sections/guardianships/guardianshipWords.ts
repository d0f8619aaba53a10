import { words } from '@shared/words'

export const states = { requested: ['待审核', 'Waits'], confirmed: ['已确认', 'Confirmed'], refused: ['已退回', 'Refused'], withdrawn: ['已撤回', 'Withdrawn'] } as const
export const stateTones = { requested: 'warning', confirmed: 'success', refused: 'danger', withdrawn: 'info' } as const

export const t = words({
  title: ['监护关系', 'Guardianships'],
  empty: ['没有监护申请。监护人在手机上为孩子提交后，会出现在这里。', 'No requests. They appear here once a guardian submits one on the phone.'],
  lead: ['监护人为未满十四周岁的孩子办理。审核员核对证明后确认；姓名和证件号只显示一部分。', 'A guardian acts for a child under fourteen, once a reviewer has confirmed it by the proof. Names and numbers are masked.'],
  state: ['状态', 'State'],
  region: ['地区', 'Region'],
  requested: ['申请时间', 'Asked'],
  guardian: ['监护人', 'Guardian'],
  child: ['孩子', 'Child'],
  childId: ['孩子证件号', 'Child’s number'],
  gone: ['办结后已删除', 'Deleted after the decision'],
  decided: ['办理时间', 'Decided'],
  reason: ['原因', 'Reason'],
  ended: ['结束时间', 'Ended'],
  isEnded: ['已结束', 'Ended'],
  one: ['监护申请', 'Request'],
  evidence: ['证明材料', 'Proofs'],
  reviewersOnly: ['证明材料只有审核员可以下载。', 'Only reviewers download the proofs.'],
  confirm: ['确认监护关系', 'Confirm'],
  confirmSure: ['已核对证明，确认“{guardian}”是孩子的监护人？确认后立即可以代孩子办理，直到孩子满十四周岁。', 'The proof bears out that “{guardian}” is the child’s guardian? From now on that person acts for the child, until the 14th birthday.'],
  confirmDone: ['已确认监护关系。', 'Confirmed.'],
  refuse: ['退回申请', 'Refuse'],
  refuseLead: ['退回后，孩子的信息和证明立即删除。监护人会看到您写的原因，请不要写入姓名、证件号。', 'The child’s data and the proofs are deleted. The guardian reads your reason: write no names or numbers.'],
  refuseDone: ['已退回。', 'Refused.'],
  end: ['结束监护关系', 'End it'],
  endLead: ['立即生效，监护人不能再代孩子办理；孩子已领的券保留。监护人会看到您写的原因。', 'At once; the child keeps what was claimed. The guardian reads your reason.'],
  endDone: ['监护关系已结束。', 'The guardianship is ended.'],
})
