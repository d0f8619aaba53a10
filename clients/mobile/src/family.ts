/** What the screens of acting for somebody share. */
import type { Answer } from '@shared/api'
import { useAction, type Action } from './actions'
import { beginActing } from './acting'

export type Helper = Answer<'get', '/me/helpers'>['items'][number]
export type Children = Answer<'get', '/me/children'>

/** Begins to act for somebody, from a button. */
export const useActing = (): Action<[id: string, maskedName: string], void> =>
  useAction((_key, id: string, maskedName: string) => beginActing({ for: id, maskedName }))
