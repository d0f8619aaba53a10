/** Links with which somebody of a member sets a password, on the phone's pages. */

/** The secret stands behind `#`, where no server and no log sees it (`clients/mobile/src/pages/staff/link.vue`). */
export const staffLink = (purpose: 'invitation' | 'reset', secret: string): string =>
  `${location.origin}/m/#/pages/staff/link?for=${purpose}&secret=${encodeURIComponent(secret)}`
