import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/audit/:id?',
      name: 'audit',
      component: () => import('./AuditPage.vue'),
      meta: { title: ['审计记录', 'Audit'], may: 'audit.read' },
    },
    {
      // Published for everybody, so whoever is signed in may check: an admin, or a member his own redemptions.
      path: '/seals',
      name: 'seals',
      component: () => import('./SealsPage.vue'),
      meta: { title: ['封存核对', 'Check the seals'] },
    },
  ],
  menu: [
    { group: 'audit', order: 10, to: 'audit', label: ['审计记录', 'Audit'], may: 'audit.read' },
    { group: 'audit', order: 20, to: 'seals', label: ['封存核对', 'Check the seals'] },
    { group: 'own', order: 90, to: 'seals', label: ['核对核销凭证', 'Check a proof'], audience: 'member' },
  ],
}
