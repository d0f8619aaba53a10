/** What the access log says, in plain words. */
import type { Answer } from '@shared/api'
import { words } from '@shared/words'
import { refusedWords } from './refused-scans'

export type Access = Answer<'get', '/me/access-log'>['items'][number]

const who = words({
  citizen: ['您本人', 'You'],
  staff: ['店员', 'A clerk'],
  admin: ['联盟办公室', 'An alliance office'],
  system: ['系统自动', 'The system'],
  credit_source: ['信用信息来源', 'The credit source'],
})
const what = words({
  'credit.look_up': ['查询信用等级', 'Looked up your tier'],
  'coupon.redeem': ['核销您的券', 'Redeemed a coupon of yours'],
  'coupon.reverse': ['撤销了一次核销', 'Undid a redemption'],
  'coupon.scan': ['扫您的券，没有通过', 'Scanned a coupon of yours; it was refused'],
  'coupon.revoke': ['作废您的券', 'Revoked a coupon of yours'],
  'data.copy': ['取走数据副本', 'Took a copy of the data'],
  'complaint.make': ['提交投诉', 'Made a complaint'],
  'complaint.read': ['查看投诉', 'Read a complaint'],
  'complaint.answer': ['答复投诉', 'Answered a complaint'],
  'complaint.decide': ['处理投诉', 'Decided a complaint'],
  'complaint.reopen': ['重新处理投诉', 'Took up a complaint again'],
  'complaint.withdraw': ['撤回投诉', 'Withdrew a complaint'],
  'complaint.erase_text': ['删除投诉内容', 'Erased the words of a complaint'],
  'complaint.become_overdue': ['投诉超过答复期限', 'A complaint was not answered in time'],
  'objection.file': ['提出异议', 'Filed an objection'],
  'objection.read': ['查看异议', 'Read an objection'],
  'objection.add_evidence': ['补充异议材料', 'Added evidence to an objection'],
  'objection.erase_words': ['删除异议内容', 'Erased the words of an objection'],
  'objection.withdraw': ['撤回异议', 'Withdrew an objection'],
  'declaration.begin': ['开始自主申报', 'Began a declaration'],
  'declaration.add_evidence': ['上传申报材料', 'Added evidence to a declaration'],
  'declaration.submit': ['提交自主申报', 'Sent a declaration'],
  'declaration.delete': ['删除自主申报', 'Deleted a declaration'],
  'account.join': ['合并账号', 'Joined two accounts'],
  'channel.add': ['添加登录渠道', 'Added a way to sign in'],
  'channel.remove': ['解除登录渠道', 'Took off a way to sign in'],
  other: ['其他操作', 'Something else'],
})

export const whoWord = (each: Access): string => (each.who in who ? who[each.who as keyof typeof who] : each.who)

export function whatWord(each: Access): string {
  const said = each.action in what ? what[each.action as keyof typeof what] : `${what.other} (${each.action})`
  return each.action === 'coupon.scan' ? `${said} · ${refusedWords(each.outcome)}` : said
}
