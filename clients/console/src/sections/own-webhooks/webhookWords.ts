import { words } from '@shared/words'

export const events = { 'redemption.created': ['核销', 'Redemption'], 'redemption.reversed': ['撤销', 'Reversal'], ping: ['测试', 'Test'] } as const
export const statuses = { pending: ['待送达', 'Pending'], delivered: ['已送达', 'Delivered'], failed: ['未送达', 'Given up'] } as const
export const statusTones = { pending: 'warning', delivered: 'success', failed: 'danger' } as const

const RESULTS = words({
  timeout: ['十秒内没有答复', 'No answer within ten seconds'],
  not_reached: ['连接不上', 'Not reached'],
  address_not_allowed: ['地址不在公网，不能推送', 'Not a public address'],
})
/** What came of the last try: a status of HTTP, or a word why there was none. */
export const resultWord = (result: string): string =>
  (RESULTS as Readonly<Record<string, string>>)[result] ?? (/^\d{3}$/.test(result) ? `HTTP ${result}` : result)

export const t = words({
  title: ['收银系统推送', 'Webhooks'],
  lead: [
    '把每笔核销和撤销在一两秒内推送到本单位自己的收银系统，最多三个网址。推送内容不含市民、券和店员的信息。',
    'Every redemption and reversal is told to your own till system a second or two later: three addresses at most, and nothing about citizens, coupons or clerks.',
  ],
  none: ['还没有推送地址。收银系统由软件商接入后，在这里添加它的网址；没有自己的收银系统的不需要。', 'None yet. Add the address of your till system; without one of your own you need none.'],
  make: ['添加推送地址', 'Add an address'],
  edit: ['修改', 'Change'],
  url: ['网址', 'Address'],
  urlHint: ['以 https:// 开头的公网地址，不含账号密码', 'Public, https://, without a login in it'],
  isOn: ['推送中', 'On'],
  isOff: ['已停止', 'Off'],
  enabled: ['推送核销和撤销', 'Tell this address'],
  offHint: ['停止期间的核销和撤销以后不再补推；停止前未送达的，恢复后继续推送。', 'What is redeemed while it is off is never told; what waited before goes on when it is on again.'],
  since: ['添加于 {at}', 'Added {at}'],
  add: ['添加并生成密钥', 'Add and show the secret'],
  save: ['保存', 'Save'],
  saved: ['已保存。', 'Saved.'],
  needed: ['请填写以 https:// 开头的网址。', 'Enter an address that begins with https://.'],
  ping: ['发送测试', 'Send a test'],
  rotate: ['更换密钥', 'Fresh secret'],
  rotateSure: [
    '更换 {url} 的签名密钥？新密钥立即生效；收银系统换上新密钥之前会拒收，拒收的稍后重新推送。',
    'Make a fresh secret for {url}? It signs at once; what your till refuses until it has the new one is sent again.',
  ],
  secretTitle: ['签名密钥', 'The secret'],
  secretLead: ['请填到收银系统（{url}）的配置里，用来核对每次推送的签名；填好后点“发送测试”，看是否送达。', 'Put it into the settings of your till system ({url}), which checks every signature with it; then send a test and see whether it arrives.'],
  secretOnce: ['只显示这一次，关闭后无法再看到；丢失了就更换一个。不要发在群里。', 'Shown only once: if it is lost, make a fresh one. Never send it to a group.'],
  secretDone: ['已填好，关闭', 'It is in place, close'],
  deliveries: ['推送记录', 'Deliveries'],
  noDeliveries: ['还没有推送。点“发送测试”试一次。', 'None yet. Send a test.'],
  noSuch: ['没有这个推送地址，可能已被修改。请返回列表查看。', 'There is no such address. Look at the list.'],
  kept: ['新的在前，已结束的保留三个月。没有送达的会自动重试，一天内最多推送十一次；之后可以在这里重新推送。', 'Newest first, kept for three months. What isn’t taken is tried eleven times within a day, and can then be sent again here.'],
  status: ['状态', 'Status'],
  all: ['全部', 'All'],
  refresh: ['刷新', 'Read again'],
  tries: ['已试 {n} 次', 'tries: {n}'],
  nextTry: ['下次 {at}', 'next at {at}'],
  result: ['答复：{result}', 'answer: {result}'],
  event: ['编号', 'Event'],
  retry: ['重新推送', 'Send again'],
  retried: ['已重新推送，会再试一天。', 'Being sent again, for another day.'],
})
