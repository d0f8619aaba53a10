/**
 * A USB scanner is a keyboard: it types the code within a moment, then Enter. Listens to the whole page, so that no
 * field needs to be in focus; what a person types slowly into the keypad is passed on key by key. Browser only.
 */
// #ifdef H5
const PAUSE_MS = 250
const SHORTEST = 8

interface Heard {
  code(text: string): void
  /** A single key of the amount: a digit, `.`, `Backspace` or `Enter`; true if it was wanted. */
  key(key: string): boolean
}

/** @returns what ends the listening. */
export function listenToScanner(heard: Heard): () => void {
  let typed = ''
  let last = 0
  function hear(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
    // Whoever types into a field means the field.
    if (event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement) return
    const now = Date.now()
    if (now - last > PAUSE_MS) typed = ''
    last = now
    const isCode = /^[a-z]/i.test(typed)
    if (event.key === 'Enter' && isCode && typed.length >= SHORTEST) {
      const text = typed
      typed = ''
      // The focused button must not take the scanner's Enter for a press.
      event.preventDefault()
      event.stopPropagation()
      heard.code(text)
      return
    }
    if (event.key.length === 1) typed += event.key
    const isLetter = /^[a-z]/i.test(typed)
    const onButton = event.key === 'Enter' && event.target instanceof HTMLButtonElement
    if (!isLetter && !onButton && /^([0-9.]|Backspace|Enter)$/.test(event.key) && heard.key(event.key)) event.preventDefault()
  }
  window.addEventListener('keydown', hear, true)
  return () => window.removeEventListener('keydown', hear, true)
}
// #endif
export {}
