/** One list of the API: filters kept in the address bar, pages by the server's cursor. */
import { computed, onScopeDispose, reactive, ref, shallowRef, watch, type Ref } from 'vue'
import { useRoute, useRouter, type LocationQuery } from 'vue-router'
import type { Answer, Path } from '@shared/api'
import { api } from '@/api'

type Item<P extends Path<'get'>> = Answer<'get', P> extends { items: (infer T)[] } ? T : never
type Filters<F extends string> = Record<F, string>

export interface ListOptions<F extends string> {
  /** Names of the query's filters; each is a string in the address bar, and empty where it doesn't filter. */
  filters?: readonly F[]
  /** Parameters of the path; the list is read anew when they change. */
  path?: () => Record<string, string>
  /** What is asked for as well; a filter of the same name that is set comes before it. */
  query?: () => Record<string, string | number | boolean | undefined>
  limit?: number
  /** `false` inside a drawer: then the address bar belongs to the page below. */
  inAddress?: boolean
  /** `false` for as long as nothing shall be read, for instance behind a tab that nobody opened. */
  isOn?: () => boolean
}

export interface List<T, F extends string = string> {
  items: readonly T[]
  filters: Filters<F>
  isLoading: boolean
  /** What went wrong, for `ErrorNote`. */
  problem: unknown
  hasNext: boolean
  hasPrevious: boolean
  /** From 1 on; 0 where a bookmark leads into the middle. */
  pageNumber: number
  isFiltered: boolean
  next(): void
  previous(): void
  /** Filters as typed become the ones asked for, from the first page on. */
  search(): void
  clear(): void
  /** The same page again, for instance after an action. */
  reload(): Promise<void>
}

export function useList<P extends Path<'get'>, F extends string = never>(
  path: P,
  options: ListOptions<F> = {},
): List<Item<P>, F> {
  const route = useRoute()
  const router = useRouter()
  const names = options.filters ?? []
  const own = route.name
  const items = shallowRef<Item<P>[]>([])
  const nextCursor = ref<string | null>(null)
  const isLoading = ref(false)
  const problem: Ref<unknown> = shallowRef(null)
  const filters = reactive(Object.fromEntries(names.map((name) => [name, '']))) as Filters<F>
  const before = ref<string[]>([])
  const local = ref<LocationQuery>({})
  const asked = computed(() => (options.inAddress === false ? local.value : route.query))
  const text = (name: string) => {
    const value = asked.value[name]
    return typeof value === 'string' ? value : ''
  }
  const fixed = () => JSON.stringify([options.path?.(), options.query?.()])
  let shown = fixed()
  let turn = 0

  async function load(): Promise<void> {
    const mine = ++turn
    if (options.isOn?.() === false) return
    isLoading.value = true
    problem.value = null
    const query: Record<string, unknown> = { limit: options.limit ?? 20, ...options.query?.() }
    for (const name of names) if (text(name)) query[name] = text(name)
    query['cursor'] = text('cursor') || undefined
    try {
      const answer = (await api.get(path, { query, path: options.path?.() } as never)) as {
        items: Item<P>[]
        next_cursor: string | null
      }
      if (mine !== turn) return // an older question: somebody asked another one meanwhile
      items.value = answer.items
      nextCursor.value = answer.next_cursor
    } catch (error) {
      if (mine !== turn) return
      items.value = []
      nextCursor.value = null
      problem.value = error
    } finally {
      if (mine === turn) isLoading.value = false
    }
  }

  function go(cursor: string, fromFirst: boolean): void {
    const query: LocationQuery = {}
    if (options.inAddress !== false)
      for (const [name, value] of Object.entries(route.query))
        if (name !== 'cursor' && !(names as readonly string[]).includes(name)) query[name] = value
    for (const name of names) {
      // A field that was cleared holds null or undefined: Element Plus knows no empty text.
      const value = fromFirst ? (filters[name] as string | null | undefined)?.trim() : text(name)
      if (value) query[name] = value
    }
    if (cursor) query['cursor'] = cursor
    if (JSON.stringify(query) === JSON.stringify(asked.value)) void load()
    else if (options.inAddress === false) local.value = query
    else void router.push({ query, params: route.params })
  }

  const stop = watch(
    () => [options.isOn?.() ?? true, ...names.map(text), text('cursor'), fixed()].join('\n'),
    () => {
      if (fixed() !== shown) {
        // Another thing's list: nothing of the one before it is shown, and its cursors mean nothing.
        shown = fixed()
        items.value = []
        if (options.inAddress === false) local.value = {}
      }
      // The address of another page is no filter of this one.
      if (options.inAddress !== false && route.name !== own) return
      for (const name of names) filters[name] = text(name) as Filters<F>[F]
      if (!text('cursor')) before.value = []
      void load()
    },
    { immediate: true },
  )
  onScopeDispose(() => {
    turn++
    stop()
  })

  return reactive({
    items,
    filters,
    isLoading,
    problem,
    hasNext: computed(() => nextCursor.value !== null),
    hasPrevious: computed(() => text('cursor') !== ''),
    pageNumber: computed(() => (!text('cursor') ? 1 : before.value.length ? before.value.length + 1 : 0)),
    isFiltered: computed(() => names.some((name) => text(name))),
    next() {
      if (!nextCursor.value || isLoading.value) return
      before.value.push(text('cursor'))
      go(nextCursor.value, false)
    },
    previous() {
      go(before.value.pop() ?? '', false)
    },
    search() {
      before.value = []
      go('', true)
    },
    clear() {
      for (const name of names) filters[name] = '' as Filters<F>[F]
      before.value = []
      go('', true)
    },
    reload: load,
  }) as unknown as List<Item<P>, F>
}
