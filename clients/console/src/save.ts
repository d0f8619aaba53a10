/** Files that are made on this page or were fetched for it, handed to the browser. */

export function saveBlob(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 60_000)
}

/** A table as CSV, with the mark that makes spreadsheet programs read it as UTF-8. */
export function saveCsv(name: string, heads: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const text = [heads, ...rows].map((row) => row.map(cell).join(',')).join('\r\n')
  saveBlob(new Blob([`\uFEFF${text}\r\n`], { type: 'text/csv;charset=utf-8' }), name)
}

function cell(value: string | number): string {
  if (typeof value === 'number') return String(value)
  // Names come from members: a spreadsheet program would take these signs for the beginning of a formula (as `common/table_exports.py`).
  const safe = /^[=+\-@\t\r\n＝＋－＠]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
