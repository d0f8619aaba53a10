/** What a clerk hears and feels who does not look at the screen: two high tones for yes, one low and long for no. */
import { desk } from './me'

type Signal = 'good' | 'bad'

// #ifdef H5
let context: AudioContext | null = null
const TONES: Record<Signal, readonly (readonly [hertz: number, from: number, until: number])[]> = {
  good: [[880, 0, 0.12], [1320, 0.14, 0.32]],
  bad: [[220, 0, 0.5]],
}
// #endif

/** Browsers give sound only to a page that was touched: called where the clerk presses. */
export function allowSound(): void {
  // #ifdef H5
  if (!desk.value.sound) return
  context ??= new AudioContext()
  void context.resume()
  // #endif
}

export function signal(kind: Signal): void {
  // #ifdef H5
  if ('vibrate' in navigator) navigator.vibrate(kind === 'good' ? [90] : [250, 120, 250])
  if (!desk.value.sound || !context) return
  for (const [hertz, from, until] of TONES[kind]) {
    const tone = context.createOscillator()
    const loudness = context.createGain()
    tone.type = kind === 'good' ? 'sine' : 'square'
    tone.frequency.value = hertz
    loudness.gain.value = kind === 'good' ? 0.4 : 0.15
    tone.connect(loudness).connect(context.destination)
    tone.start(context.currentTime + from)
    tone.stop(context.currentTime + until)
  }
  // #endif
  // #ifndef H5
  if (kind === 'good') uni.vibrateShort({})
  else uni.vibrateLong({})
  // #endif
}
