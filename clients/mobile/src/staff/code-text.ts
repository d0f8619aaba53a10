/** A code as somebody typed or scanned it, brought into the form that the server knows. */

/** Blanks and dashes between groups go; base32 has no 0, 1, 8, so these are slips for O, I, B. */
export function codeOf(typed: string): string {
  const letters = typed.replace(/[\s\-–—·]/g, '').toUpperCase()
  if (!letters.startsWith('R1')) return letters
  return 'R1' + letters.slice(2).replace(/0/g, 'O').replace(/1/g, 'I').replace(/8/g, 'B')
}
