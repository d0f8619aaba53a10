import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/jobs',
      name: 'jobs',
      component: () => import('./JobsPage.vue'),
      meta: { title: ['失败的后台任务', 'Failed jobs'], may: 'job.read', isProvinces: true },
    },
  ],
  menu: [{ group: 'system', order: 50, to: 'jobs', label: ['失败的后台任务', 'Failed jobs'], may: 'job.read' }],
}
