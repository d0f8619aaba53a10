import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/imports/:id?',
      name: 'imports',
      component: () => import('./ImportsPage.vue'),
      meta: { title: ['批量导入', 'Imports'], may: 'import.read' },
    },
  ],
  menu: [{ group: 'members', order: 50, to: 'imports', label: ['批量导入', 'Imports'], may: 'import.read' }],
}
