/** The ways between screens: where a person wanted to go is kept through signing in and agreeing. */

const HOME = '/pages/home/index'

/** The list of benefits, of those only that the reader can claim; a guest sees all. */
export const CLAIMABLE = `${HOME}?mine=1`

/** Opens a screen above this one. */
export function open(url: string): void {
  void uni.navigateTo({ url })
}

/** Signs in first, then goes on to `then`. */
export function openSignIn(then: string): void {
  open(`/pages/sign-in/index?then=${encodeURIComponent(then)}`)
}

/** The consent's text, with both answers, and from there on to `then`. `offer` says who would receive the data. */
export function consentUrl(purpose: string, then = '', offer = ''): string {
  const query = [`purpose=${purpose}`]
  if (offer) query.push(`offer=${offer}`)
  if (then) query.push(`then=${encodeURIComponent(then)}`)
  return `/pages/consents/one?${query.join('&')}`
}

/** Goes on to `then`: back where it lies below this screen, so that "back" from there leads where it led before. */
export function goOn(then: string): void {
  const target = ours(then)
  const pages = getCurrentPages()
  const below = pages[pages.length - 2]
  if (below && target.split('?')[0] === `/${below.route}`) void uni.navigateBack()
  else void uni.reLaunch({ url: target })
}

/** Only screens of our own: an address made by somebody else leads nowhere else. */
function ours(then: string): string {
  const text = safeDecode(then)
  return /^\/pages\/[a-z-]+\/[a-z-]+(\?[\w=&%.-]*)?$/.test(text) ? text : HOME
}

// The platforms differ in how often they decode an address's values before a page gets them, and a way through two
// screens is encoded twice.
function safeDecode(text: string): string {
  let plain = text
  try {
    for (let turn = 0; turn < 4 && plain.startsWith('%'); turn++) plain = decodeURIComponent(plain)
  } catch {
    return ''
  }
  return plain
}
