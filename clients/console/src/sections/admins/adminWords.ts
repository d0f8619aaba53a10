import { words } from '@shared/words'

export const statuses = { invited: ['待接受邀请', 'Invited'], active: ['正常', 'Active'], revoked: ['已停用', 'Revoked'] } as const
export const statusTones = { invited: 'warning', active: 'success', revoked: 'info' } as const
/** What a head can give; an auditor has no other role. */
export const GRANTABLE = ['reviewer', 'operator', 'auditor', 'head'] as const
export type Grantable = (typeof GRANTABLE)[number]

export const roleHints = {
  reviewer: ['审核入盟申请、优惠、申报和监护', 'Reviews applications, offers, declarations, guardians'],
  operator: ['日常运营：成员、优惠、导入、投诉、异议、对账', 'Runs what is there: members, offers, imports, complaints, statements'],
  auditor: ['查看和导出审计；不能兼任其他角色', 'Reads and exports the audit; has no other role'],
  head: ['任命管理员、设置规则、审批他人提请的事项', 'Appoints admins, sets policies, agrees to what others ask'],
} as const

export const t = words({
  title: ['管理员', 'Admins'],
  lead: ['本地区及下级地区联盟办公室的账号。负责人邀请、调整角色、重设和停用，不能对自己操作。', 'Accounts of the offices of your region and below. A head invites, changes roles, resets and revokes, never himself.'],
  invite: ['邀请管理员', 'Invite an admin'],
  login: ['登录名', 'Login'],
  loginHint: ['3–64 个字母、数字或 . _ @ -，如 zhang.san', '3 to 64 letters, digits or . _ @ -, such as zhang.san'],
  region: ['管辖区域', 'Region'],
  roles: ['角色', 'Roles'],
  status: ['状态', 'Status'],
  created: ['创建日期', 'Created'],
  confirmed: ['本人确认', 'Person'],
  isConfirmed: ['已确认', 'confirmed'],
  isMade: ['命令行创建，无需确认', 'made at the command line'],
  notConfirmed: ['待另一位负责人确认', 'waits for another head'],
  needed: ['请填写登录名、管辖区域和至少一个角色。', 'Enter a login, a region and at least one role.'],
  auditorAlone: ['审计员不能兼任其他角色，请只选审计员，或去掉审计员。', 'An auditor has no other role: choose auditor alone, or leave it out.'],
  send: ['生成邀请链接', 'Make the link'],
  cancel: ['取消', 'Cancel'],
  linkTitle: ['邀请链接', 'The link'],
  inviteLink: ['请把链接交给 {login} 本人。打开后设置密码和动态口令，即可登录。', 'Hand this link to {login}, who opens it and sets a password and one-time codes.'],
  resetLink: ['请把链接交给 {login} 本人。旧密码和动态口令已失效，打开链接重新设置。', 'Hand this link to {login}. The earlier password and codes are good no more.'],
  setRoles: ['调整角色', 'Change roles'],
  rolesLead: ['从下一次操作起按新角色判断，不影响已登录的会话。', 'They count from the next request on; sessions go on.'],
  save: ['保存', 'Save'],
  rolesDone: ['角色已调整。', 'The roles are changed.'],
  confirm: ['确认本人', 'Confirm the person'],
  confirmSure: ['请先当面或打电话核实：“{login}”的账号确由本人掌握。确认后，其审批才能作为“另一位管理员”的审批。', 'Make sure in person or by phone that “{login}” is held by its person. From then on that person counts as a second one.'],
  confirmDone: ['已确认本人。', 'The person is confirmed.'],
  reset: ['重设密码和动态口令', 'Reset password and codes'],
  resetSure: ['重设“{login}”？其密码、动态口令和所有登录立即失效，本人须用新链接重新设置（24 小时内有效）。', 'Reset “{login}”? Password, one-time codes and all sessions end at once; a new link is good for 24 hours.'],
  revoke: ['停用账号', 'Revoke'],
  revokeSure: ['停用“{login}”？立即生效，不能恢复。', 'Revoke “{login}”? At once, and for good.'],
  revokeDone: ['账号已停用。', 'The account is revoked.'],
  sessions: ['登录会话', 'Sessions'],
  noSessions: ['当前没有登录。', 'Not signed in anywhere.'],
  facts: ['基本情况', 'Account'],
  me: ['这是您自己的账号，请到“我的账号”修改密码；角色由另一位负责人调整。', 'This is your own account: change the password under “My account”; another head changes roles.'],
  revokedAt: ['停用时间', 'Revoked'],
})
