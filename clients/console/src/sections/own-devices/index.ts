import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/own/devices',
      name: 'own-devices',
      component: () => import('./DevicesPage.vue'),
      meta: { title: ['扫码终端', 'Scanning devices'], audience: 'member', may: 'device.read' },
    },
  ],
  menu: [{ group: 'own', order: 45, to: 'own-devices', label: ['扫码终端', 'Scanning devices'], audience: 'member', may: 'device.read' }],
}
