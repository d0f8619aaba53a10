import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/',
      name: 'work',
      component: () => import('./WorkPage.vue'),
      meta: { title: ['工作台', 'Work'] },
    },
  ],
  menu: [
    { group: 'work', order: 1, to: 'work', label: ['待办事项', 'To do'] },
    { group: 'own', order: 1, to: 'work', label: ['待办事项', 'To do'], audience: 'member' },
  ],
}
