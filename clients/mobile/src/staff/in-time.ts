import { Offline } from '@shared/api'

// A cut line often answers nothing at all: a clerk with a queue is told after this long.
const PATIENCE_MS = 8000

/** The answer, or `Offline` after some seconds; the question itself goes on and may still be answered. */
export function inTime<T>(answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Offline('no answer')), PATIENCE_MS)
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
