/** Where the keyboard goes on after what had the focus went away. */
import { nextTick } from 'vue'

/** Focuses the first control inside the part marked `data-testid`; in mini-programs the platform looks after it. */
export function focusIn(part: string): void {
  // #ifdef H5
  void nextTick(() => {
    const control = document.querySelector<HTMLElement>(`[data-testid="${part}"] button:not([disabled])`)
    control?.focus({ preventScroll: true })
  })
  // #endif
}
