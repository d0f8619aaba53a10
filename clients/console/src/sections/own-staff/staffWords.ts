import { words } from '@shared/words'

export const statuses = { invited: ['待设置密码', 'Invited'], active: ['正常', 'Active'], revoked: ['已停用', 'Revoked'] } as const
export const statusTones = { invited: 'warning', active: 'success', revoked: 'info' } as const
export const roleHints = {
  owner: ['管理本单位的一切，包括门店和人员', 'Everything, stores and people included'],
  manager: ['管理自己门店的优惠、人员、投诉和对账', 'Offers, people, complaints and statements of the stores'],
  cashier: ['在店里扫码核销', 'Scans and redeems in the store'],
} as const
export const ROLES = ['owner', 'manager', 'cashier'] as const
export type Role = (typeof ROLES)[number]

export const t = words({
  title: ['人员', 'People'],
  lead: ['邀请店员、店长，分配门店；离职时立即停用。', 'Invite cashiers and managers, give them stores, and revoke whoever leaves at once.'],
  invite: ['邀请人员', 'Invite somebody'],
  login: ['登录名', 'Login'],
  loginHint: ['4–64 个小写字母、数字或 . _ -，以字母或数字开头', '4 to 64 lower-case letters, digits or . _ -'],
  role: ['角色', 'Role'],
  stores: ['门店', 'Stores'],
  allStores: ['全部门店', 'all stores'],
  status: ['状态', 'Status'],
  created: ['添加日期', 'Added'],
  revokedAt: ['停用时间', 'Revoked'],
  facts: ['基本情况', 'Account'],
  sessions: ['登录设备', 'Sessions'],
  send: ['生成邀请链接', 'Make the link'],
  save: ['保存', 'Save'],
  loginNeeded: ['请填写登录名。', 'Enter a login.'],
  loginInvalid: ['登录名须为 4–64 个小写字母、数字或 . _ -，以字母或数字开头。', 'A login is 4 to 64 lower-case letters, digits or . _ -, the first a letter or a digit.'],
  storeNeeded: ['店员至少要选一家门店。', 'A cashier needs at least one store.'],
  change: ['改角色和门店', 'Change role and stores'],
  changed: ['已修改，立即生效。', 'Changed; it counts at once.'],
  again: ['重新邀请', 'Invite again'],
  againSure: ['给“{login}”生成新的邀请链接？原来的链接失效。', 'Make a new link for “{login}”? The earlier one ends.'],
  reset: ['重设密码', 'Reset the password'],
  resetSure: ['重设“{login}”的密码？本人须用新的链接重新设置。', 'Reset the password of “{login}”, who sets a new one with a fresh link?'],
  revoke: ['停用', 'Revoke'],
  revokeSure: ['停用“{login}”？立即生效，不能恢复。', 'Revoke “{login}”? At once, and for good.'],
  revoked: ['已停用。', 'Revoked.'],
  secretTitle: ['设置密码的链接', 'The link'],
  secretLead: ['请把链接交给 {login} 本人，或请本人用手机扫码。打开后设置密码，即可登录。', 'Hand this link to {login}, or have it scanned with a phone; it leads to a page to set a password.'],
})
