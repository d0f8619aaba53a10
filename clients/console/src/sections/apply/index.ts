import type { Section } from '..'

/** Open to everybody; linked from the sign-in page, with no entry in the menu. */
export const section: Section = {
  routes: [
    {
      path: '/apply',
      name: 'apply',
      component: () => import('./ApplyPage.vue'),
      meta: { open: true, title: ['申请加入联盟', 'Apply for membership'] },
    },
  ],
  menu: [],
}
