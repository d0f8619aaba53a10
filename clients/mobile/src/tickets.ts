/** What opens a page and must not stay in its address: 浙里办's ticket (good once, the one proof of who comes), secrets. */

// Found by the first page, used by the one that signs in.
let held = ''

/**
 * Takes the ticket out of a page's address; empty if there is none.
 *
 * @param query what the page was opened with.
 * @param page its path, such as `pages/sign-in/index`.
 */
export function ticketOf(query: Record<string, string | undefined>, page: string): string {
  let ticket = query['ticketId'] ?? query['ticket'] ?? ''
  // #ifdef H5
  const asked = new URLSearchParams(location.search)
  ticket ||= asked.get('ticketId') ?? asked.get('ticket') ?? ''
  if (ticket) cleanAddress(`/${page}`)
  // #endif
  ticket ||= held
  held = ''
  return ticket
}

/** Hands the ticket of this page's address on to the page that signs in; false if there is none. */
export function holdTicket(page: string): boolean {
  held = ticketOf({}, page)
  return held !== ''
}

// #ifdef H5
/** Gives this entry of the history an address without what it was opened with: the router would write it back. */
export function cleanAddress(hash: string): void {
  history.replaceState({ ...(history.state as object | null), current: hash }, '', `${location.pathname}#${hash}`)
}
// #endif
