/** What a field that the server names is called on the pages; one that is not here is not named. */
import { words } from '@shared/words'
import { names as ofOffers } from './content/fields'

const names = words({
  login: ['登录名', 'Login'],
  password: ['密码', 'Password'],
  old_password: ['原密码', 'Old password'],
  secret: ['链接或密钥', 'Link or key'],
  totp: ['动态口令', 'One-time code'],
  recovery_code: ['恢复码', 'Recovery code'],
  role: ['角色', 'Role'],
  roles: ['角色', 'Roles'],
  name: ['名称', 'Name'],
  address: ['地址', 'Address'],
  region: ['地区', 'Region'],
  lat: ['纬度', 'Latitude'],
  lng: ['经度', 'Longitude'],
  hours: ['营业时间', 'Hours'],
  store_id: ['门店', 'Store'],
  url: ['网址', 'Address'],
  uscc: ['统一社会信用代码', 'Credit code'],
  contact_name: ['联系人姓名', 'Contact'],
  contact_phone: ['联系电话', 'Phone'],
  signer: ['签署人姓名', 'Signed by'],
  reason: ['理由', 'Reason'],
  explanation: ['说明', 'Explanation'],
  text: ['内容', 'Text'],
  note: ['备注', 'Note'],
  first_day: ['第一天', 'First day'],
  last_day: ['最后一天', 'Last day'],
  from: ['开始日期', 'From'],
  to: ['结束日期', 'Until'],
  period: ['月份', 'Month'],
  q: ['查找的文字', 'What is looked for'],
  stock_total: ['总份数', 'Pieces'],
  daily_limit: ['每日份数', 'Pieces a day'],
  budget_fen: ['预算', 'Budget'],
  validity_days: ['有效天数', 'Days it is valid'],
  effective_from: ['生效日期', 'In force from'],
  effective_until: ['失效日期', 'In force until'],
})

/** The name of the field that a JSON pointer leads to, or the nearest one above it that has a name; else empty. */
export function fieldName(pointer: string): string {
  const known: Readonly<Record<string, string>> = names
  const offers: Readonly<Record<string, string>> = ofOffers
  const steps = pointer.split('/').slice(1).reverse()
  return steps.map((step) => known[step] ?? offers[step]).find(Boolean) ?? ''
}
