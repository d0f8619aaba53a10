/** Which row of a page's list is open in a drawer: its id is in the address (`/name/:id?`), the list's filters stay beside it. */
import { computed, reactive } from 'vue'
import { useRoute, useRouter } from 'vue-router'

export interface Opened {
  /** Empty while none is open. */
  id: string
  open(id: string): void
  close(): void
}

export function useOpened(): Opened {
  const route = useRoute()
  const router = useRouter()
  const own = route.name
  const open = (id: string) => void router.push({ name: own, params: { id }, query: route.query })
  return reactive({
    // The address of another page names no row of this one.
    id: computed(() => (route.name === own && typeof route.params['id'] === 'string' ? route.params['id'] : '')),
    open,
    close: () => open(''),
  })
}
