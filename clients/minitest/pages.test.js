// The mini-program's own pages in WeChat's component runtime: a list that is read, an offer that is tapped, a code
// that is scanned. The phone around them (`wx`) answers as WeChat's does; the server's answers have its real shapes.
const path = require('node:path')
const simulate = require('miniprogram-simulate')

const ROOT = path.join(__dirname, '../mobile/dist/build/mp-weixin')
const CODE = 'R1CEAQAACLCK2WJEQMA4RMSLOLMWAZ2PIFU6ZSOTQFJOH5AAY7'

const offer = {
  id: '6a1f', title: '咖啡第二杯半价', category: 'shopping', region: '330100', member: { id: '77', name: '烟雨书屋', kind: 'merchant' },
  discount: { kind: 'percent_off', percent_off: 50, text: '5 折' }, valid_from: '2026-01-01T00:00:00+08:00',
  valid_until: '2026-12-31T23:59:59+08:00', stock_left: null, needs_tier: false, distance_m: null, published_at: '2026-01-01T00:00:00+08:00',
}
const preview = {
  offer: { id: offer.id, title: offer.title }, store_id: 's1', order_amount_fen: null, discount_fen: null, payable_fen: null,
  discount: offer.discount, uses: 1, uses_left: 0,
}

/** What each path answers; a function sees the request. */
let answers
const asked = []
const went = []

beforeAll(() => {
  let app
  global.App = (one) => { app = one }
  global.getApp = () => app
  global.Page = () => {}
  global.getCurrentPages = () => []
  wx.request = (request) => {
    asked.push(request)
    const at = request.url.replace(/^.*\/api\/v1/, '').replace(/\?.*$/, '')
    const answer = answers[`${request.method ?? 'GET'} ${at}`]
    setTimeout(() =>
      answer
        ? request.success({ statusCode: answer.status ?? 200, header: { 'Content-Type': 'application/json' }, data: JSON.stringify(answer.body) })
        : request.success({ statusCode: 404, header: {}, data: JSON.stringify({ code: 'not_found', detail: `${request.method} ${at}` }) }),
    )
    return { abort() {} }
  }
  wx.navigateTo = (to) => { went.push(to.url); to.success?.({}) }
  wx.setNavigationBarTitle = () => {}
  wx.getAppBaseInfo = () => ({ language: 'zh_CN', fontSizeScaleFactor: 1 })
  wx.vibrateShort = wx.vibrateLong = () => {}
  const kept = new Map()
  wx.getStorageSync = (key) => kept.get(key) ?? ''
  wx.setStorageSync = (key, value) => kept.set(key, value)
  wx.removeStorageSync = (key) => kept.delete(key)
  wx.getStorageInfoSync = () => ({ keys: [...kept.keys()] })
  // A clerk who has signed in before.
  wx.setStorageSync('xinyi.staff', { access_token: 'clerk', refresh_token: 'again' })
  wx.setStorageSync('xinyi.staff.me', { id: 'c1', role: 'cashier', member_id: 'm1', stores: [{ id: 's1', name: '武林店' }] })
  require(path.join(ROOT, 'app.js'))
})

async function open(page, query = {}) {
  const rendered = simulate.render(simulate.load(path.join(ROOT, page), { compiler: 'official', rootPath: ROOT }))
  rendered.attach(document.body.appendChild(document.createElement('div')))
  // WeChat calls these of a page; here it is rendered as a component.
  for (const moment of ['onLoad', 'onShow', 'onReady']) rendered.instance[moment]?.(query)
  await simulate.sleep(100)
  return rendered
}

/** Every element of a class, through the components of ours in between. */
const inside = (rendered, name) => [...rendered.dom.querySelectorAll('*')].filter((one) => [...one.classList].some((own) => own === name || own.endsWith(`--${name}`)))

/** The same, as soon as there is one: a busy machine draws later. */
async function appeared(rendered, name) {
  for (let turns = 100; turns && !inside(rendered, name).length; turns--) await simulate.sleep(50)
  return inside(rendered, name)
}

async function tap(element) {
  const at = { identifier: 1, clientX: 1, clientY: 1, pageX: 1, pageY: 1 }
  for (const kind of ['touchstart', 'touchend']) {
    const event = new Event(kind, { bubbles: true })
    event.touches = kind === 'touchstart' ? [at] : []
    event.changedTouches = [at]
    element.dispatchEvent(event)
  }
  await simulate.sleep(100)
}

// First, as a component is loaded for the first page that uses it alone: the buttons have to be real ones here.
test('a citizen signs in with what WeChat gives, and the code of his coupon is drawn', async () => {
  const coupon = { id: 'k1', offer: { id: offer.id, title: offer.title }, status: 'claimed', discount: offer.discount, valid_from: offer.valid_from,
    valid_until: offer.valid_until, claimed_at: offer.valid_from, uses_left: 1, hours: '每天', ended_reason: null, history: [] }
  const at = new Date().toISOString()
  answers = {
    'GET /auth/channels': { body: { items: [{ channel: 'wechat' }] } },
    'POST /auth/citizen': { body: { access_token: 'citizen', refresh_token: 'again', citizen: { id: 'p1' } } },
    'GET /me/consents': { body: { items: [] } },
    'GET /coupons/k1': { body: coupon },
    'GET /coupons/k1/code': { body: { code: CODE, expires_at: new Date(Date.now() + 30000).toISOString(), refresh_after_s: 15, server_time: at } },
  }
  wx.login = (wish) => wish.success({ code: 'once' })
  wx.reLaunch = () => {}
  wx.setKeepScreenOn = wx.setScreenBrightness = () => {}
  wx.getScreenBrightness = (wish) => wish?.success?.({ value: 0.5 })
  const signIn = await open('pages/sign-in/index')
  expect(signIn.dom.textContent).toContain('微信登录')
  const button = signIn.dom.querySelector('wx-button')
  await tap(button)
  const sent = asked.find((request) => request.url.endsWith('/auth/citizen'))
  expect(JSON.parse(sent.data)).toEqual({ channel: 'wechat', code: 'once' })
  const shown = await open('pages/coupons/code', { id: 'k1' })
  expect(asked.find((request) => request.url.includes('/coupons/k1/code')).header.Authorization).toBe('Bearer citizen')
  expect(inside(shown, 'xy-qr-code').length).toBe(1)
  // As text, for where the camera fails, only once somebody asks for it.
  expect(shown.dom.textContent.replace(/\s/g, '')).not.toContain(CODE)
  shown.querySelector('.xy-card >>> .xy-code-fold').instance.triggerEvent('press')
  await simulate.sleep(100)
  expect(shown.dom.textContent.replace(/\s/g, '')).toContain(CODE)
  for (const moment of ['onHide', 'onUnload']) shown.instance[moment]?.()
})

test('benefits are listed, and a tap opens one', async () => {
  answers = {
    'GET /offers': { body: { items: [offer], next_cursor: null } },
    'GET /programmes': { body: { items: [], next_cursor: null } },
    'GET /regions': { body: { items: [], next_cursor: null } },
  }
  const home = await open('pages/home/index')
  const [card] = await appeared(home, 'xy-offer')
  expect(card.textContent).toContain('咖啡第二杯半价')
  expect(card.textContent).toContain('烟雨书屋')
  await tap(card)
  expect(went).toEqual([`/pages/offers/one?id=${offer.id}`])
})

test('a scanned code is looked up with the clerk’s store, in his session', async () => {
  answers = { 'POST /redemptions/preview': { body: preview } }
  wx.scanCode = (wish) => wish.success({ result: CODE })
  const scan = await open('pages/staff/scan')
  scan.querySelector('.xy-scan').instance.triggerEvent('press')
  await simulate.sleep(200)
  const sent = asked.find((request) => request.url.endsWith('/redemptions/preview'))
  expect(JSON.parse(sent.data)).toMatchObject({ code: CODE, store_id: 's1' })
  expect(sent.header.Authorization).toBe('Bearer clerk')
  expect(scan.dom.textContent).toContain(offer.title)
  expect(asked.some((request) => /\/redemptions$/.test(request.url))).toBe(false) // nothing is booked by looking
})
