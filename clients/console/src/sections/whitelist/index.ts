import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/white-list',
      name: 'white-list',
      component: () => import('./WhiteListPage.vue'),
      meta: { title: ['白名单', 'White list'], may: 'white_list.read' },
    },
  ],
  menu: [{ group: 'members', order: 30, to: 'white-list', label: ['白名单', 'White list'], may: 'white_list.read' }],
}
