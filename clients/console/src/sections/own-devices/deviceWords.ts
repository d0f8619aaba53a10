import { words } from '@shared/words'

export const statuses = { waiting: ['待配对', 'To be paired'], used: ['使用中', 'In use'], revoked: ['已停用', 'Revoked'] } as const
export const statusTones = { waiting: 'warning', used: 'success', revoked: 'info' } as const
export type Status = keyof typeof statuses

export const t = words({
  title: ['扫码终端', 'Scanning devices'],
  lead: [
    '固定在一家门店收银台的扫码设备，不用店员登录就能核销；它只能核销，不能撤销。',
    'A scanner that stands in one store and redeems without anybody signed in; it undoes nothing.',
  ],
  none: ['还没有扫码终端。用收银设备扫码的，请点右上角“添加终端”；只用手机扫码的不需要。', 'None yet. Add one if a machine scans at your counter; phones need none.'],
  make: ['添加终端', 'Add a device'],
  name: ['终端名称', 'Name'],
  nameHint: ['写明放在哪里，如“一号收银台”', 'Say where it stands, such as “Counter 1”'],
  store: ['门店', 'Store'],
  status: ['状态', 'Status'],
  made: ['添加日期', 'Added'],
  paired: ['配对时间', 'Paired'],
  seen: ['最近在线（约晚几分钟）', 'Last seen (some minutes behind)'],
  actions: ['操作', 'Actions'],
  notYet: ['还没有', 'Not yet'],
  add: ['添加并生成配对码', 'Add and show the code'],
  needed: ['请填写终端名称并选择门店。', 'Enter a name and choose a store.'],
  code: ['生成配对码', 'Pairing code'],
  again: ['重新配对', 'Pair again'],
  againSure: [
    '给“{name}”生成新的配对码？之前的配对码立即作废；新码在设备上输入后，原来配对的设备随即退出。',
    'Make a new code for “{name}”? Earlier codes end at once; when it is typed, whatever was paired before is signed out.',
  ],
  revoke: ['停用', 'Revoke'],
  revokeSure: [
    '停用“{name}”？设备丢失或不再使用时请立即停用：马上不能核销，不能恢复，要再用须重新添加。',
    'Revoke “{name}”? Do so at once when it is lost: it can redeem nothing from then on, and not be brought back.',
  ],
  revoked: ['已停用，这台终端不能再核销。', 'Revoked; it redeems nothing any more.'],
  codeTitle: ['配对码', 'Pairing code'],
  codeLead: [
    '请在“{name}”上打开配对页面，输入下面的配对码（大小写不限，中间的短横可以不输）。',
    'Open the pairing page on “{name}” and type this code; upper or lower case, with or without the dash.',
  ],
  codeOnce: ['十分钟内有效，只能用一次，关闭后无法再看到；没来得及输入的，可以再生成一个。', 'Good for ten minutes, once, and not shown again; if time runs out, make another.'],
  codeDone: ['已在设备上输入，关闭', 'Typed on the device, close'],
  how: ['怎样启用一台终端', 'How to set one up'],
  step1: ['在这里添加终端，选定它所在的门店，得到配对码。', 'Add it here with its store; you are shown a pairing code.'],
  step2: ['十分钟内在设备的配对页面输入配对码，设备随即登录。', 'Type the code on the device’s pairing page within ten minutes; it is signed in.'],
  step3: ['回到本页刷新，状态变为“使用中”，就可以扫码核销了。', 'Read this page again: once it is “in use”, it can scan.'],
  step4: ['设备丢失、更换或停用时，点“停用”；要撤销核销，请店员或店长登录手机工作台办理。', 'Revoke it when it is lost or replaced. To undo a redemption, a person signs in.'],
  makers: ['设备软件由您的软件商接入，接口见文档中的“扫码终端配对”。', 'Its software comes from your supplier, who finds the call under “Pair a device” in the documents of the API.'],
  refresh: ['刷新', 'Read again'],
})
