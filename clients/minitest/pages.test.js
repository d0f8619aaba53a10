const path = require('node:path')
const simulate = require('miniprogram-simulate')
const ROOT = path.join(__dirname, '../mobile/dist/build/mp-weixin')
test('list', async () => {
  let app
  global.Page = () => {}
  global.App = (o) => { app = o }
  global.getApp = () => app
  global.getCurrentPages = () => []
  const asked = []
  wx.request = (o) => { asked.push(o.url); setTimeout(() => o.success({ statusCode: 200, header: {}, data: JSON.stringify({ items: [{ id: 'a', title: '咖啡半价', member: { name: '书屋' } }], next_cursor: null }) })) ; return {} }
  require(path.join(ROOT, 'app.js'))
  const id = simulate.load(path.join(ROOT, 'pages/home/index'), { compiler: 'official', rootPath: ROOT })
  const c = simulate.render(id)
  c.attach(document.createElement('div'))
  await simulate.sleep(300)
  console.log(asked, c.dom.innerHTML)
})
