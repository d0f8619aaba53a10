/**
 * Real HTML elements in the browser. uni-app turns `<button>` and `<input>` of a template into elements of its own
 * without role, label or key; a render function is left alone, so that screen readers and keyboards get the real ones.
 */
import { defineComponent, h } from 'vue'

const real = (tag: string, fixed: Record<string, string> = {}) =>
  defineComponent({
    inheritAttrs: false,
    setup: (_, { attrs, slots }) => () => h(tag, { ...fixed, ...attrs }, slots['default']?.()),
  })

export const HtmlButton = real('button', { type: 'button' })
export const HtmlInput = real('input')
export const HtmlTextarea = real('textarea')
export const HtmlSelect = real('select')
export const HtmlH1 = real('h1')
export const HtmlH2 = real('h2')
export const HtmlH3 = real('h3')
export const HtmlNav = real('nav')
export const HtmlMain = real('main')
export const HtmlHeader = real('header')
export const HtmlUl = real('ul')
export const HtmlLi = real('li')
