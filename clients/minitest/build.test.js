// What WeChat would refuse or a phone would miss, found without WeChat: its own compilers over every file of the
// build, and what its package must and must not hold.
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const BUILDS = path.join(__dirname, '../mobile/dist/build')
const WEIXIN = path.join(BUILDS, 'mp-weixin')
const ALIPAY = path.join(BUILDS, 'mp-alipay')
const PACKAGE_LIMIT = 2 * 1024 * 1024 // of a main package, by WeChat's rules

const filesOf = (folder) =>
  fs.readdirSync(folder, { recursive: true }).filter((name) => fs.statSync(path.join(folder, name)).isFile())
const json = (file) => JSON.parse(fs.readFileSync(file, 'utf8'))

/** WeChat's compiler, copied to where it may be run: npm keeps no permission bits of scripts that it was told not to run. */
function compiler(name) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'wechat-'))
  const copy = path.join(folder, name)
  fs.copyFileSync(path.join(path.dirname(require.resolve('miniprogram-compiler/package.json')), 'bin/linux', name), copy)
  fs.chmodSync(copy, 0o755)
  return { run: (args) => execFileSync(copy, args, { cwd: WEIXIN, encoding: 'utf8', maxBuffer: 1 << 28 }), folder }
}

const declared = json(path.join(__dirname, '../mobile/src/pages.json')).pages.map((page) => page.path)

describe.each([
  ['WeChat', WEIXIN, ['js', 'json', 'wxml']],
  ['Alipay', ALIPAY, ['js', 'json', 'axml']],
])('the %s build', (_, folder, kinds) => {
  test('has every page that the source declares, whole', () => {
    expect(json(path.join(folder, 'app.json')).pages).toEqual(declared)
    const missing = declared.flatMap((page) => kinds.map((kind) => `${page}.${kind}`)).filter((name) => !fs.existsSync(path.join(folder, name)))
    expect(missing).toEqual([])
  })

  test('names only components that exist', () => {
    const missing = []
    for (const name of filesOf(folder).filter((one) => one.endsWith('.json'))) {
      for (const used of Object.values(json(path.join(folder, name)).usingComponents ?? {})) {
        const at = used.startsWith('/') ? path.join(folder, used) : path.join(folder, path.dirname(name), used)
        if (!fs.existsSync(`${at}.js`)) missing.push(`${name}: ${used}`)
      }
    }
    expect(missing).toEqual([])
  })

  test('is small enough, and holds no wasm, no source map, and nothing of the browser alone', () => {
    const files = filesOf(folder)
    const size = files.reduce((sum, name) => sum + fs.statSync(path.join(folder, name)).size, 0)
    expect(size).toBeLessThan(PACKAGE_LIMIT)
    expect(files.filter((name) => /\.(wasm|map|html)$/.test(name))).toEqual([])
    const scripts = files.filter((name) => name.endsWith('.js'))
    const browserOnly = scripts.filter((name) => /barcode-detector|zxing|serviceWorker|getUserMedia/.test(fs.readFileSync(path.join(folder, name), 'utf8')))
    expect(browserOnly).toEqual([])
  })

  test('asks no host but the one that it was built for', () => {
    const hosts = new Set()
    for (const name of filesOf(folder).filter((one) => one.endsWith('.js')))
      for (const [, host] of fs.readFileSync(path.join(folder, name), 'utf8').matchAll(/https?:\/\/([a-z0-9.-]+)/gi)) hosts.add(host)
    // These stand in sentences of uni-app and of Vue for developers; nobody is asked there.
    hosts.delete('uniapp.dcloud.net.cn')
    hosts.delete('vuejs.org')
    // The name of SVG's vocabulary, from the library that draws the codes.
    hosts.delete('www.w3.org')
    expect([...hosts]).toEqual([])
  })
})

test('WeChat compiles every template', () => {
  const { run, folder } = compiler('wcc')
  const templates = filesOf(WEIXIN).filter((name) => name.endsWith('.wxml'))
  expect(templates.length).toBeGreaterThan(declared.length)
  run(['-o', path.join(folder, 'out.js'), ...templates.map((name) => `./${name}`)])
  expect(fs.statSync(path.join(folder, 'out.js')).size).toBeGreaterThan(1000)
})

test('WeChat compiles every style sheet', () => {
  const { run, folder } = compiler('wcsc')
  const sheets = filesOf(WEIXIN).filter((name) => name.endsWith('.wxss'))
  expect(sheets.length).toBeGreaterThan(1)
  run(['-lc', '-o', path.join(folder, 'out.js'), ...sheets.map((name) => `./${name}`)])
  expect(fs.statSync(path.join(folder, 'out.js')).size).toBeGreaterThan(1000)
})
