/** A table on its way to the server, and a file that is made by a POST; both with the Bearer header. */
import { Offline, problemOf, type Answer, type WireAnswer } from '@shared/api'
import { language } from '@shared/words'
import { api } from '@/api'
import { staffLink } from '@/staffLinks'
import type { Kind } from './importWords'

type Import = Answer<'get', '/admin/imports/{import_id}'>

export const XLSX = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'

/** By the name: browsers call a CSV file by many types, and the server takes two. */
export function typeOf(file: File): 'text/csv' | typeof XLSX | null {
  if (/\.csv$/i.test(file.name)) return 'text/csv'
  return /\.xlsx$/i.test(file.name) ? XLSX : null
}

/**
 * Sends the file as the body itself. By XMLHttpRequest, as fetch tells nothing while a file is on its way.
 *
 * @throws Problem the server said no; Offline no answer came.
 */
export async function sendTable(kind: Kind, file: File, type: string, tell: (percent: number) => void): Promise<Import> {
  const once = () =>
    new Promise<WireAnswer>((resolve, reject) => {
      const request = new XMLHttpRequest()
      request.open('POST', `/api/v1/admin/imports?kind=${encodeURIComponent(kind)}`)
      for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value)
      request.setRequestHeader('Content-Type', type)
      request.upload.onprogress = ({ loaded, total }) => tell(total ? Math.floor((loaded / total) * 100) : 0)
      request.onload = () => resolve({ status: request.status, header: (name) => request.getResponseHeader(name), text: request.responseText })
      request.onerror = request.onabort = request.ontimeout = () => reject(new Offline('offline'))
      request.send(file)
    })
  let answer = await once()
  if (answer.status === 401 && (await api.renew())) answer = await once()
  if (answer.status >= 400) throw problemOf(answer)
  return JSON.parse(answer.text) as Import
}

/**
 * Makes invitations; the file with their links: the server's table with a column more, as only a browser knows the address.
 *
 * @throws Problem the server said no; Offline no answer came.
 */
export async function makeInvitations(importId: string): Promise<Blob> {
  const once = () =>
    fetch(`/api/v1/admin/imports/${encodeURIComponent(importId)}/invitations`, { method: 'POST', headers: headers(), cache: 'no-store', credentials: 'omit' }).catch(() => {
      throw new Offline('offline')
    })
  let answer = await once()
  if (answer.status === 401 && (await api.renew())) answer = await once()
  if (!answer.ok) throw problemOf({ status: answer.status, header: (name) => answer.headers.get(name), text: await answer.text() })
  return new Blob(['\uFEFF', withLinks(await answer.text())], { type: 'text/csv;charset=utf-8' })
}

/** The secret is the last cell and has no comma; before one that looks like a formula the server puts an apostrophe. */
const withLinks = (table: string): string =>
  table.replace(/^.*,'?([^,\r\n]+)(?=\r?$)/gm, (line, secret: string, at: number) => `${line},${at === 0 ? 'link' : staffLink('invitation', secret)}`)

const headers = (): Record<string, string> => ({ ...api.authorization(), 'Accept-Language': language.value })
