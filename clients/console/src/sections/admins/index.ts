import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/admins/:id?',
      name: 'admins',
      component: () => import('./AdminsPage.vue'),
      meta: { title: ['管理员', 'Admins'], may: 'admin.read' },
    },
  ],
  menu: [{ group: 'system', order: 10, to: 'admins', label: ['管理员', 'Admins'], may: 'admin.read' }],
}
