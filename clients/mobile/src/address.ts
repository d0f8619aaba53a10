/**
 * An address typed, chosen from the bookmarks or scanned into a tab where the page stands open already: uni-app shows
 * the page as it was opened before, with another `id`. Then it is loaded anew. Browser only.
 */

/** Begins to look after the address. */
export function followAddress(): void {
  // Ways inside the app change the address without this event; those back and forward through it lead to pages that
  // were opened with the very address. The turn lets the router put the page in place first.
  window.addEventListener('hashchange', () => setTimeout(loadIfAnother))
}

function loadIfAnother(): void {
  const pages = getCurrentPages()
  const opened = (pages[pages.length - 1] as { $page?: { fullPath: string } } | undefined)?.$page?.fullPath
  if (opened === undefined) return
  const asked = location.hash.slice(1)
  if (pathOf(opened) === pathOf(asked) && plain(opened) !== plain(asked)) location.reload()
}

const pathOf = (address: string): string => address.split('?')[0] ?? ''

// The router writes some signs of an address otherwise than people do.
function plain(address: string): string {
  try {
    return decodeURIComponent(address)
  } catch {
    return address
  }
}
