/** Names of the public units that fund discounts: statements know them by id alone. */
import { shallowRef, watch } from 'vue'
import { api } from '@/api'

const names = shallowRef<ReadonlyMap<string, string>>(new Map())
const asked = new Set<string>()

/** The name, or the beginning of the id as long as there is none. */
export const unitName = (id: string): string => names.value.get(id) ?? id.slice(0, 8)

/** Reads the names of these units, each once; one that can't be read keeps its id. */
export function useUnitNames(ids: () => (string | null)[]): void {
  watch(
    ids,
    (now) => {
      for (const id of now)
        if (id && !asked.has(id)) {
          asked.add(id)
          void api
            .get('/admin/members/{member_id}', { path: { member_id: id } })
            .then((member) => (names.value = new Map(names.value).set(id, member.name)))
            .catch(() => asked.delete(id))
        }
    },
    { immediate: true },
  )
}

/** Public units whose name holds the words. */
export async function findUnits(q: string): Promise<{ value: string; label: string }[]> {
  const found = await api.get('/admin/members', { query: { q: q || undefined, limit: 100 } })
  return found.items.filter((member) => member.kind === 'public_unit').map((member) => ({ value: member.id, label: member.name }))
}
