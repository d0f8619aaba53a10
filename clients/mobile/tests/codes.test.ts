import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endOf, inFours, makeCode, ServerClock, stepAt, stepOf, stepToShow, stepToType } from '../src/codes'

// Made by benefits/codes.py: an ordinary one, every bit set, step zero, a step of 31 bits.
const FROM_SERVER = [
  {
    key: 'Arj2PVKpYb6AMHREDqgABDGAs9wX2abI0nFGcctY2eE',
    first: 'R1CEAQAAFBWLB5JZPWA4RMQNYOMYIEEIVO52O6FYBTSGK72MTD',
    step: 119720000,
    code: 'R1CEAQAAFBWLB5JZPWA4RMQQCL3PHCH5DRDHRMW4NA7X4LV2BP',
  },
  {
    key: 'Y960COXgO63Jf8pde5bRzNoEJALwzGOJk6cPhc_Fbtk',
    first: 'R1CH77777777777777777775XLANYLKGOSVLCCQRHT3HKCCAHW',
    step: 4294967295,
    code: 'R1CH77777777777777777777ZFNONPOXT7VEC6FUZPC7OINIHA',
  },
  {
    key: 'bmwO35aEFmGnptULlQztCG6MGavOoPpaHuilkpYCBXY',
    first: 'R1CEAAAAAAAAAAAAABAAAAAAET7INU2WXZB5WVQ7VPKGPSSY2C',
    step: 0,
    code: 'R1CEAAAAAAAAAAAAABAAAAAAET7INU2WXZB5WVQ7VPKGPSSY2C',
  },
  {
    key: 'YXXY-uKTQybyOrkBnLm1k9zy5YC7uE39FQAufgoaaD8',
    first: 'R1CEDQAAMA757QBKSVP77775RLI7T2IV6ZHWZBHPA6SNUHADCN',
    step: 2147483647,
    code: 'R1CEDQAAMA757QBKSVP7777774TWRJCILKXWD3FTHPTGALSZXR',
  },
]

for (const { key, first, step, code } of FROM_SERVER)
  test(`the phone makes the server's code of step ${step}`, () => {
    assert.equal(makeCode(first, key, step), code)
    assert.equal(stepOf(code), step)
  })

test('a step lasts fifteen seconds', () => {
  assert.equal(stepAt(1_795_800_000_000), 119_720_000)
  assert.equal(stepAt(1_795_800_014_999), 119_720_000)
  assert.equal(stepAt(1_795_800_015_000), 119_720_001)
})

test('a step that was redeemed with is not shown again', () => {
  assert.equal(stepToShow(10, new Set()), 10)
  assert.equal(stepToShow(10, new Set([10])), 11)
  assert.equal(stepToShow(10, new Set([10, 11])), 9)
  assert.equal(stepToShow(10, new Set([9, 10, 11])), 12)
})

test('what is typed by hand is taken for half a minute at least', () => {
  const now = 1_795_800_014_999
  assert.equal(stepToType(stepAt(now), new Set()), stepAt(now) + 1)
  assert.equal(endOf(stepAt(now) + 1) - now, 30_001)
  assert.equal(stepToType(10, new Set([11])), 10)
  assert.equal(stepToType(10, new Set([10, 11])), 9)
})

test('a code is read out in fours', () => {
  assert.equal(inFours(FROM_SERVER[0]!.code).join(''), FROM_SERVER[0]!.code)
  assert.deepEqual(inFours('R1CEAQAAFB'), ['R1CE', 'AQAA', 'FB'])
})

const SERVER_MS = 1_795_800_000_000

/** A phone whose clocks the test turns by hand; its own is an hour behind. */
function phone() {
  const time = { wall: SERVER_MS - 3_600_000, passed: 500 }
  const clock = new ServerClock(
    () => time.wall,
    () => time.passed,
  )
  clock.set(SERVER_MS)
  return { time, clock }
}

test("a wrong clock of the phone, and one that is set meanwhile, don't matter", () => {
  const { time, clock } = phone()
  assert.equal(clock.now(), SERVER_MS)
  assert.equal(clock.skew, 3_600_000)
  time.passed += 20_000
  time.wall -= 7_200_000
  assert.equal(clock.now(), SERVER_MS + 20_000)
})

test('the skew lets a page that was opened anew go on', () => {
  const { time, clock } = phone()
  const { skew } = clock
  time.wall += 60_000
  time.passed = 0
  clock.restore(skew)
  assert.equal(clock.now(), SERVER_MS + 60_000)
})

test('a phone that slept goes on by its own clock, one that did not by the other', () => {
  const asleep = phone()
  asleep.time.wall += 600_000
  asleep.time.passed += 1_000
  asleep.clock.wake()
  assert.equal(asleep.clock.now(), SERVER_MS + 600_000)

  const setBack = phone()
  setBack.time.wall -= 600_000
  setBack.time.passed += 1_000
  setBack.clock.wake()
  assert.equal(setBack.clock.now(), SERVER_MS + 1_000)
})
