/** The ticket with which 浙里办 opens a page: good once, and the one proof of who comes. */

/**
 * Takes the ticket out of a page's address, where it must not stay; empty if there is none.
 *
 * @param query what the page was opened with.
 * @param page its path, such as `pages/sign-in/index`.
 */
export function ticketOf(query: Record<string, string | undefined>, page: string): string {
  let ticket = query['ticketId'] ?? query['ticket'] ?? ''
  // #ifdef H5
  const asked = new URLSearchParams(location.search)
  ticket ||= asked.get('ticketId') ?? asked.get('ticket') ?? ''
  if (ticket) history.replaceState(history.state, '', `${location.pathname}#/${page}`)
  // #endif
  return ticket
}
