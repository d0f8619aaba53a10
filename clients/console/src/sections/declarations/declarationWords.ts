import { words } from '@shared/words'

export const kinds = { volunteer_hours: ['志愿服务时长', 'Volunteer hours'], honour: ['荣誉表彰', 'An honour'] } as const
export const statuses = { draft: ['草稿', 'Draft'], submitted: ['待核实', 'Waits'], accepted: ['已通过', 'Accepted'], refused: ['未通过', 'Refused'] } as const
export const statusTones = { draft: 'info', submitted: 'warning', accepted: 'success', refused: 'danger' } as const

export const t = words({
  title: ['自主申报', 'Declarations'],
  empty: ['没有申报。市民在手机上提交后，会出现在这里。', 'No declarations. They appear here once citizens submit them on the phone.'],
  lead: ['市民自愿申报的志愿服务和荣誉，由审核员对照材料核实。申报人是谁不显示；市民同意的，可以转送信息提供单位。', 'What citizens declared of themselves, looked at by a reviewer against the evidence. Whose it is is not told.'],
  status: ['状态', 'Status'],
  region: ['地区', 'Region'],
  submitted: ['提交时间', 'Submitted'],
  kind: ['类型', 'Kind'],
  on: ['发生日期', 'Happened'],
  hours: ['时长', 'Hours'],
  hoursN: ['{n} 小时', '{n} hours'],
  until: ['有效期至', 'Valid until'],
  one: ['自主申报', 'Declaration'],
  text: ['申报内容', 'What is said'],
  erased: ['内容已按规定删除', 'Erased'],
  evidence: ['材料', 'Evidence'],
  mayForward: ['转送', 'Passing on'],
  consented: ['市民同意转送', 'The citizen agrees'],
  notConsented: ['市民未同意，不能转送', 'The citizen doesn’t agree'],
  forwardedAt: ['{at} 已转送', 'passed on {at}'],
  disputed: ['异议处理中', 'Disputed'],
  refusal: ['未通过的原因', 'Why it was refused'],
  decided: ['核实时间', 'Decided'],
  accept: ['核实通过', 'Accept'],
  acceptLead: ['确认材料与申报内容一致，并选择有效期（晚于今天，最长五年）。市民会收到通知。', 'The evidence bears it out. Choose its last day (after today, five years at most); the citizen is told.'],
  acceptDone: ['已核实通过。', 'Accepted.'],
  neededDay: ['请选择有效期。', 'Choose the last day.'],
  refuse: ['核实不通过', 'Refuse'],
  refuseLead: ['市民会看到您写的原因，并可以提出异议。请不要写入姓名、证件号。', 'The citizen reads your reason and may object. Write no names or numbers.'],
  refuseDone: ['已退回，市民会收到通知。', 'Refused; the citizen is told.'],
  forward: ['转送信息提供单位', 'Pass on to the source'],
  forwardSure: ['生成转送文件并记录转送？请把下载的文件发给信息提供单位。', 'Make the file and record that it is passed on? Send the downloaded file to the source.'],
  forwardDone: ['文件已下载，转送已记录。', 'The file is downloaded and the passing on recorded.'],
})
