/**
 * Which role may do what, so that nobody is shown a button that would be refused. This table decides nothing: the server
 * does, at every request (`alliance/permissions.py`, of which this is a copy; `tests/clients/test_rights.py` compares the two).
 */
import type { components } from '@shared/schema'

export type AdminRole = components['schemas']['AdminRole']
export type StaffRole = components['schemas']['StaffRole']

const ANY_ADMIN: readonly AdminRole[] = ['reviewer', 'operator', 'auditor', 'head', 'supervisor']

export const ADMIN_MAY = {
  'account.own': ANY_ADMIN,
  'admin.confirm': ['head'],
  'admin.invite': ['head'],
  'admin.read': ['auditor', 'head'],
  'admin.reset': ['head'],
  'admin.revoke': ['head'],
  'admin.set_roles': ['head'],
  'application.ask_override': ['reviewer', 'operator'],
  'application.read': ANY_ADMIN,
  'application.review': ['reviewer'],
  'approval.decide': ['head'],
  'approval.read': ANY_ADMIN,
  'approval.withdraw': ['reviewer', 'operator', 'auditor', 'head'],
  'audit.export': ['auditor'],
  'audit.read': ['auditor'],
  'complaint.decide': ['operator', 'head'],
  'complaint.read': ['reviewer', 'operator', 'head'],
  'complaint.reopen': ['head'],
  'coupon.revoke': ['head', 'supervisor'],
  'credit_batch.close_error': ['operator', 'head'],
  'credit_batch.read': ['operator', 'auditor', 'head'],
  'declaration.forward': ['operator', 'head'],
  'declaration.read': ['reviewer', 'operator', 'head'],
  'declaration.review': ['reviewer'],
  'export.ask': ['operator', 'auditor', 'head'],
  'export.read': ['operator', 'auditor', 'head'],
  'guardianship.end': ['reviewer', 'head'],
  'guardianship.read': ['reviewer', 'head'],
  'guardianship.review': ['reviewer'],
  'import.apply': ['operator', 'head'],
  'import.discard': ['operator', 'head'],
  'import.invite': ['operator', 'head'],
  'import.read': ['operator', 'auditor', 'head'],
  'import.upload': ['operator', 'head'],
  'job.read': ['operator', 'auditor', 'head'],
  'job.retry': ['operator', 'head'],
  'member.lift': ['operator', 'head'],
  'member.read': ANY_ADMIN,
  'member.recheck': ['reviewer', 'operator'],
  'member.suspend': ['operator', 'head'],
  'numbers.read': ['reviewer', 'operator', 'auditor', 'head'],
  'objection.answer': ['operator', 'head'],
  'objection.extend': ['operator', 'head'],
  'objection.forward': ['operator', 'head'],
  'objection.read': ['reviewer', 'operator', 'head'],
  'offer.publish': ['operator'],
  'offer.read': ANY_ADMIN,
  'offer.review': ['reviewer'],
  'offer.revoke_coupons': ['head', 'supervisor'],
  'offer.set_budget': ['operator'],
  'offer.set_status': ['operator'],
  'offer.set_stock': ['operator'],
  'policy.read': ANY_ADMIN,
  'policy.set': ['head'],
  'promise.record': ['reviewer', 'operator'],
  'session.own': ANY_ADMIN,
  'staff.reset_password': ['operator'],
  'staff.revoke': ['operator'],
  'statement.read': ['operator', 'auditor', 'head'],
  'statement.resolve': ['operator', 'head'],
  'statement.settle': ['operator', 'head'],
  'tier_mapping.ask': ['operator', 'head'],
  'tier_mapping.read': ANY_ADMIN,
  'tier_scheme.ask': ['operator', 'head'],
  'tier_scheme.read': ANY_ADMIN,
  'white_list.ask': ['reviewer', 'operator'],
  'white_list.end': ['head'],
  'white_list.read': ANY_ADMIN,
} as const satisfies Record<string, readonly AdminRole[]>

export const MEMBER_MAY = {
  'complaint.answer': ['owner', 'manager'],
  'complaint.read': ['owner', 'manager'],
  'day_close.read': ['owner', 'manager'],
  'device.create': ['owner', 'manager'],
  'device.read': ['owner', 'manager'],
  'device.revoke': ['owner', 'manager'],
  'membership.leave': ['owner'],
  'membership.read': ['owner', 'manager'],
  'notice.read': ['owner', 'manager'],
  'numbers.read': ['owner', 'manager'],
  'objection.file': ['owner'],
  'objection.read': ['owner', 'manager'],
  'offer.read': ['owner', 'manager'],
  'offer.stop': ['owner', 'manager'],
  'offer.write': ['owner', 'manager'],
  'redemption.reverse_late': ['owner', 'manager'],
  'share_consent.decide': ['owner', 'manager'],
  'share_consent.read': ['owner', 'manager'],
  'staff.change': ['owner', 'manager'],
  'staff.invite': ['owner', 'manager'],
  'staff.read': ['owner', 'manager'],
  'staff.reset_password': ['owner', 'manager'],
  'staff.revoke': ['owner', 'manager'],
  'statement.answer': ['owner', 'manager'],
  'statement.export': ['owner', 'manager'],
  'statement.owed': ['owner', 'manager'],
  'statement.read': ['owner', 'manager'],
  'store.change': ['owner'],
  'store.close': ['owner'],
  'store.create': ['owner'],
  'store.read': ['owner', 'manager'],
  'store.set_closures': ['owner', 'manager'],
  'webhook.manage': ['owner'],
  'webhook.read': ['owner'],
} as const satisfies Record<string, readonly StaffRole[]>

export type AdminRight = keyof typeof ADMIN_MAY
export type MemberRight = keyof typeof MEMBER_MAY
export type Right = AdminRight | MemberRight

/** Whether one of the roles has the right; an unknown right is nobody's. */
export function rolesHave(audience: 'admin' | 'member', roles: readonly string[], right: string): boolean {
  const table: Readonly<Record<string, readonly string[]>> = audience === 'admin' ? ADMIN_MAY : MEMBER_MAY
  return (table[right] ?? []).some((role) => roles.includes(role))
}
